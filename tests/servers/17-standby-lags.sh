# 17. Lagging standby: db2 stops applying for 5 s under load while it goes on receiving, and then the writer is killed.
# What db2 has acknowledged is in its relay log: that is applied before db2 becomes writer, and nothing is lost (A1).
# shellcheck shell=bash disable=SC2034 # run and lib.sh read these

# How long the server needs to apply five seconds of writes is its own affair, and the machine's.
all_but_applying_is_below() { # milliseconds
    local longest lost applying
    longest=$(load_value longest_outage_ms)
    lost=$(awk '/ event=writer_lost / { lost = $1 } END { print lost }' "$(lab_folder)/mon/monitor.log")
    applying=$(promoted_after_ms "$(date -d "$lost" +%s%3N)")
    note "outage ${longest%.*} ms, $applying ms of it for applying"
    [[ $((${longest%.*} - applying)) -lt $(($1 * SLOW)) ]]
}

scenario() {
    given_a_cluster_under_load 300ms
    replication db2 STOP SQL_THREAD
    let_pass 5
    expect "writes are still protected" is_protected db1
    expect "no write has waited for long" outage_is_below 1000
    lab server db1 kill
    expect "db2 is writer" within 10 writer_is db2
    expect "writes flow again" within 5 writes_flow
    expect "mmm says that writes are not protected" is_unprotected db2
    expect "db1 was lost once" writer_moves_are 1
    lab server db1 start
    expect "db1 is back and held" within 10 state_is db1 AWAITING_RECOVERY
    expect "the outage is the applying and less than 500 ms" all_but_applying_is_below 500
}

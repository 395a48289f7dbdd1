# 17. Lagging standby: db2 stops applying for 5 s under load while it goes on receiving, and then the writer is killed.
# What db2 has acknowledged is in its relay log: that is applied before db2 becomes writer, and nothing is lost (A1).
# shellcheck shell=bash disable=SC2034 # run and lib.sh read these

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
    expect "the outage is below 3 s" outage_is_below 3000
}

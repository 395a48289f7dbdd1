# 18. Reader too late: a replica is delayed beyond lag_max (here 2 s) and then catches up.  Its reader role leaves and
# returns, once.  The delay is a lock on the replica that its SQL thread has to wait for.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

UP=(--mmm-set health.lag_max=2s --mmm-set health.lag_back=1s --mmm-set health.settle=2s)

hold_replication() { # host seconds
    MMM_LAB_SQL_SECONDS=30 lab sql "$1" "FLUSH TABLES WITH READ LOCK; SELECT SLEEP($2); UNLOCK TABLES" >/dev/null 2>&1 &
}

states_of_db3() {
    events_since_mark | jq -r 'select(.event == "host_state" and .host == "db3") | .why' | sed 's/:.*//' | paste -sd,
}

scenario() {
    given_a_cluster_under_load 2s
    hold_replication db3 8
    expect "db3 is too late" within 8 state_is db3 REPLICATION_DELAY
    expect "db3 loses its reader role" within 2 not has_reader db3
    expect "db3 is ONLINE again" within 15 state_is db3 ONLINE
    expect "db3 has a reader role again" within 10 has_reader db3
    let_pass 5
    expect "it left once and returned once" test "$(states_of_db3)" = 'ONLINE -> REPLICATION_DELAY,REPLICATION_DELAY -> ONLINE'
    expect "the writer role did not move" writer_moves_are 0
    expect "no write has failed" no_write_has_failed
}

# 7, between the writer and its replicas: nothing passes from the writer's host to the other databases, while monitor and
# application reach all of them.  Writes are semi-synchronous and nobody can acknowledge any, so the heartbeat row is not
# committed either: as 5, the role goes to db2; but as the old writer hears the monitor, it confirms its end at once, and
# nobody waits for a lease.  What was never acknowledged to anybody stays on db1, listed, and holds it.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

# The directions that are dropped.
cut_replicas() {
    lab cut --one-way db1 db2
    lab cut --one-way db1 db3
}

was_stuck() {
    [[ -n $(events_since_mark | jq -r 'select(.event == "writer_lost" and .rule == "W21" and .host == "db1").rule') ]]
}

scenario() {
    given_a_cluster_under_load 1s
    cut_replicas
    expect "db2 is writer" within 10 writer_is db2
    expect "writes flow again" within 5 writes_flow
    expect "the role was taken because nothing is committed" was_stuck
    expect "the outage is below 9 s" outage_is_below 9000
    expect "db1 is read-only, cut off as it is" within 5 is_read_only db1
    expect "db3 follows db2" within 10 shown 'any(.hosts[]; .name == "db3" and .replication.source == "db2" and .replication.applying)'
    let_pass 3
    lab heal
    note "$(own_transactions db1 db2) own transactions"
    expect "db1 is held" within 20 state_is db1 AWAITING_RECOVERY
    expect "the reason is told" is_held db1
    let_pass 3
    expect "db1 is read-only" is_read_only db1
    expect "db2 is still writer" writer_is db2
    expect "the role moved once" writer_moves_are 1
}

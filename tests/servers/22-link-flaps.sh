# 22. Everything flaps: the cable of the writer's host is out for 5 s, in for 4 s, four times.  5 s is one lease, so that
# each time the monitor and the agent are at the very edge of it.  At most one failover; whoever was writer and was lost
# stays out, whatever its cable does.  Four times instead of ten: flap_count is 3, and the rest is
# the same again.
# shellcheck shell=bash disable=SC2016 # jq knows «$it»

readonly TIMES=4

# What the administrator is told of db1: it was lost as the writer, or it left too often.
is_held_for_it() {
    shown '$it.hold.reasons | index("lost-writer") or index("flapping")' db1
}

# A writer that was promoted somewhere else in between is a failover, and one is enough.
failovers_are_at_most_one() {
    local moves
    moves=$(events_since_mark | jq -rs '(["db1"] + [.[] | select(.event == "writer_serving") | .host]) as $all |
        [range(1; $all | length) | select($all[.] != $all[. - 1])] | length')
    note "$moves failovers"
    [[ $moves -le 1 ]]
}

# The last resort may have killed the server; then its service manager starts it.
server_is_started_again() { # host
    server_runs "$1" || { note "the server of $1 was killed"; lab server "$1" start; }
}

scenario() {
    local i
    given_a_cluster_under_load
    for ((i = 1; i <= TIMES; i++)); do
        lab cut db1
        let_pass 5
        lab heal db1
        server_is_started_again db1
        let_pass 4
    done
    expect "at most one failover" failovers_are_at_most_one
    expect "db1 is held" within 20 state_is db1 AWAITING_RECOVERY
    expect "because it was lost, or flaps" is_held_for_it
    expect "db1 is read-only" within 5 is_read_only db1
    expect "db2 is writer" within 5 writer_is db2
    expect "writes flow" within 5 writes_flow
    expect "still at most one failover" failovers_are_at_most_one
}

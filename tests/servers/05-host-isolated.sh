# 5. Host isolated: the writer's cable is pulled, an application is left on its side.  Its writes end by the lease; the
# writer is elsewhere after it; never two; when the cable is back the host is held.  The cut is 15 s instead of 43 s: that
# is three leases, and nothing in the cluster takes longer than one.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

scenario() {
    local cut
    given_a_cluster_under_load
    lab load start --as inside --on db1
    lab prober start --as inside --on db1
    need "writes flow inside" within 5 is_told_ok inside
    cut=$(uptime_ms)
    lab cut db1
    expect "db2 is writer after the lease" within 10 writer_is db2
    expect "writes flow again outside" within 5 writes_flow
    expect "the outage is below 8 s" outage_is_below 8000
    let_pass $((15 - ($(uptime_ms) - cut) / 1000))
    expect "the writes inside ended with the lease" inside_ended_with_the_lease "$cut"
    lab heal db1
    server_is_started_again db1
    expect "db1 is held when it is back" within 20 state_is db1 AWAITING_RECOVERY
    expect "the reason is told" is_held db1
    let_pass 6
    expect "db1 is read-only" is_read_only db1
    expect "db2 is still writer" writer_is db2
    expect "the role moved once" writer_moves_are 1
}

# 10. Monitor killed, then the writer: SIGKILL of the monitor, and 2 s later the writer's host is cut off with an
# application on its side; the monitor is back 10 s after that.  No peer promises anything, so the lease ends the old
# writer; nobody else becomes writer while nobody decides; and the monitor that starts waits as if it had just granted a
# lease, for it cannot know better, and then promotes.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

readonly MARGIN_MS=500 # the default

# No other host is open to writes, and none has the address.
nobody_else_is_writer() {
    is_read_only db2 && is_read_only db3 && not writer_address_is_on db2
}

scenario() {
    local cut begun waited
    given_a_cluster_under_load
    lab load start --as inside --on db1
    lab prober start --as inside --on db1
    need "writes flow inside" within 5 is_told_ok inside
    lab monitor kill
    let_pass 2
    expect "writes flow without a monitor" writes_flow
    cut=$(uptime_ms)
    lab cut db1
    let_pass 10
    expect "the writes inside ended with the lease" inside_ended_with_the_lease "$cut"
    expect "nobody else is writer while nobody decides" nobody_else_is_writer
    begun=$(now_ms) # its log begins when its files are open: some 20 ms after its clock
    lab monitor start
    remember_daemon monitor
    expect "db2 is writer" within 12 writer_is db2
    waited=$(promoted_after_ms "$begun")
    note "promoted $waited ms after the monitor's return"
    expect "the monitor waited for a lease first" test "$waited" -ge $((LEASE_MS + MARGIN_MS))
    expect "and not for longer than it must" test "$waited" -lt $(((LEASE_MS + MARGIN_MS + 1500) * SLOW))
    expect "writes flow again" within 5 writes_flow
    lab heal db1
    server_is_started_again db1
    expect "db1 is held when it is back" within 20 state_is db1 AWAITING_RECOVERY
    expect "the reason is told" is_held db1
    expect "db1 is read-only" is_read_only db1
    expect "db2 is still writer" writer_is db2
    expect "the role moved once" writer_moves_are 1
}

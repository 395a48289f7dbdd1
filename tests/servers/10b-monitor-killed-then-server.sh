# 10, with the agent alive: SIGKILL of the monitor, 2 s later of the writer's server.  Nobody takes over while nobody
# decides, whatever the agents tell each other.  The old writer's agent knows that the process is dead, and that is proof:
# the monitor that starts needs no lease to end.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

nobody_is_writer() {
    is_read_only db2 && is_read_only db3 && not writer_address_is_on db2
}

scenario() {
    local begun waited
    given_a_cluster_under_load
    lab monitor kill
    let_pass 2
    expect "writes flow without a monitor" writes_flow
    lab server db1 kill
    let_pass 8
    expect "nobody is writer while nobody decides" nobody_is_writer
    begun=$(now_ms)
    lab monitor start
    remember_daemon monitor
    expect "db2 is writer" within 10 writer_is db2
    waited=$(promoted_after_ms "$begun")
    note "promoted $waited ms after the monitor's return"
    expect "within 2 s of the monitor's return" test "$waited" -lt $((2000 * SLOW))
    expect "writes flow again" within 5 writes_flow
    lab server db1 start
    expect "db1 comes back held, or following" within 20 each_is_online_or_held
    expect "db1 is read-only" is_read_only db1
    expect "db2 is still writer" writer_is db2
    expect "the role moved once" writer_moves_are 1
}

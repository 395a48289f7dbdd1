# 14. Host frozen: SIGSTOP of the writer's server and agent together, SIGCONT of both after 10 s (instead of 30: two
# leases).  Nobody is left to fence it: the kernel takes its addresses away at the lease's end, and the role is elsewhere
# within a lease and a second.  After SIGCONT it acknowledges nothing to those who came through the writer address.
# Without a guard nobody can keep a client of the host's own address out for the milliseconds until its agent has fenced
# (README.md); so the prober, which is such a client, pauses while both go on.  14b has the guard, and no pause.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

# Whoever is stopped first, the other must not get to do anything: so both by one call, as a frozen host would be.
signal_host() { # signal
    kill "-$1" "$(lab server db1 pid)" "$(lab agent db1 pid)"
}

begin_direct_clients() {
    :
}

go_on() {
    lab prober stop >/dev/null
    signal_host CONT
    expect "the server of db1 is fenced" within 5 is_fenced_or_dead db1
    lab prober start --as after
}

is_fenced_or_dead() { # host
    ! server_runs "$1" || is_read_only "$1"
}

scenario() {
    local frozen thawed
    given_a_cluster_under_load
    begin_direct_clients
    frozen=$(uptime_ms)
    signal_host STOP
    expect "db2 is writer" within 10 writer_is db2
    expect "writes flow again" within 5 writes_flow
    expect "the outage is below the lease and a second" outage_is_below $((LEASE_MS + 1000))
    expect "the kernel has taken the addresses of db1 away" test -z "$(host_addresses db1)"
    let_pass $((10 - ($(uptime_ms) - frozen) / 1000))
    thawed=$(uptime_ms)
    go_on
    expect "the agent of db1 is heard again" within 10 agent_is_reachable db1
    server_is_started_again db1
    expect "db1 is held when it is back" within 20 state_is db1 AWAITING_RECOVERY
    expect "the reason is told" is_held db1
    let_pass 2
    expect "db1 is read-only" is_read_only db1
    expect "the prober and the clients of db1 were told OK by nobody but the writer" no_direct_write_since "$thawed"
    expect "db2 is still writer" writer_is db2
    expect "the role moved once" writer_moves_are 1
}

no_direct_write_since() { # time on the clock of uptime_ms
    [[ ! -e $(lab_folder)/clients/load.direct.log || $(acknowledged_since direct "$1") -eq 0 ]]
}

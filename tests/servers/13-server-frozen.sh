# 13. Server frozen: SIGSTOP of the writer's server, SIGCONT after 15 s (instead of 60: three leases).  It is fenced, as a
# last resort killed, and replaced; it acknowledges nothing after SIGCONT (A1, A2).
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

thaw_or_start() { # host
    if server_runs "$1" || [[ $(lab server "$1" state) == frozen ]]; then
        lab server "$1" thaw
    else
        note "the server of $1 was killed"
        lab server "$1" start
    fi
}

scenario() {
    local begun
    given_a_cluster_under_load
    begun=$(uptime_ms)
    lab server db1 freeze
    expect "db2 is writer" within 10 writer_is db2
    expect "writes flow again" within 5 writes_flow
    expect "the outage is below 5 s" outage_is_below 5000
    let_pass $((15 - ($(uptime_ms) - begun) / 1000))
    thaw_or_start db1
    expect "db1 is held when it is back" within 20 state_is db1 AWAITING_RECOVERY
    expect "the reason is told" is_held db1
    let_pass 3
    expect "db1 is read-only" is_read_only db1
    expect "db2 is still writer" writer_is db2
    expect "the role moved once" writer_moves_are 1
}

# 11. Agent killed: SIGKILL of the writer's agent, not restarted, with guard = on.  Its server lives on and stays writable,
# and nobody is left to fence it: the kernel takes the address away at the lease's end, ends the connections through it,
# and lets nobody in by the host's own address.  The writer is elsewhere within the lease and a second.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

UP=(--mmm-set 'host default.guard=on')
GUARD=on

guard_of() { # host
    lab exec "$1" nft list table inet mmm 2>/dev/null
}

every_host_has_its_guard() {
    local host
    for host in "${DATABASES[@]}"; do
        [[ $(guard_of "$host") == *'tcp dport 3306 jump to_server'* ]] || return 1
    done
}

is_let_through() { # host address
    guard_of "$1" | grep -qE "$2 timeout [0-9ms]+ expires"
}

# A client from outside that would be told OK: does the port of an address answer it at all?
is_answered() { # address
    lab exec app timeout 1 bash -c "exec 3<>/dev/tcp/$1/3306 && read -r -t 0.8 -N 1 <&3" 2>/dev/null
}

own_addresses_are_shut() {
    local host
    for host in "${DATABASES[@]}"; do
        ! is_answered "10.77.0.1${host#db}" || return 1
    done
}

# By the load's own log: the longest pause in its acknowledgements lies between the old writer and the new one.
find_the_pause() { # when the agent was killed, on the clock of uptime_ms; sets LAST and FIRST, in ms after that
    read -r LAST FIRST < <(awk -v killed="$1" '$4 == "ok" {
            if ($3 - before > gap && $3 > killed) { gap = $3 - before; last = before; first = $3 }
            before = $3
        } END { printf "%d %d\n", last - killed, first - killed }' "$(lab_folder)/clients/load.main.log")
    note "the last write on db1 $LAST ms and the first on db2 $FIRST ms after the kill"
}

harm_agent() {
    lab agent db1 kill
    unset 'DAEMON_PID[db1-agent]'
}

bring_agent_back() {
    lab agent db1 start
    remember_daemon db1-agent
}

scenario() {
    local killed
    given_a_cluster_under_load
    # The agent renews the elements twice a second; a listing that meets that is made anew by nft, or comes back empty.
    expect "every host has its guard" within 2 every_host_has_its_guard
    expect "the writer is reached through its address" within 2 is_let_through db1 "$WRITER_ADDRESS"
    expect "the writer's address answers" is_answered "$WRITER_ADDRESS"
    expect "no host is reached through its own address" own_addresses_are_shut
    killed=$(uptime_ms)
    harm_agent
    expect "db2 is writer" within 10 writer_is db2
    need "writes flow again" within 5 writes_flow
    find_the_pause "$killed"
    expect "the writer is elsewhere within the lease and a second" test "$FIRST" -lt $(((LEASE_MS + 1000) * SLOW))
    expect "the outage is below 3.5 s" outage_is_below 3500
    expect "the writes on db1 ended with its lease" test "$LAST" -lt $((LEASE_MS + 100))
    let_pass 3
    expect "the server of db1 lives" server_runs db1
    expect "the server of db1 is still writable" not is_read_only db1
    expect "nothing is let through to db1" test -z "$(guard_of db1 | grep expires)"
    expect "nobody reaches db1 by its own address" not is_answered 10.77.0.11
    expect "no prober was told OK by an own address" nobody_is_told_ok_by_own_addresses
    expect "the others follow db2" within 10 shown 'any(.hosts[]; .name == "db3" and .replication.source == "db2" and .replication.applying)'
    bring_agent_back
    expect "db1 is read-only once its agent is back" within 10 is_read_only db1
    expect "db2 is still writer" writer_is db2
    expect "the role moved once" writer_moves_are 1
}

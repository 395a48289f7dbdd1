# 32. Power lost: monitor, agents and servers of the masters are killed at once, and the standby is back long before the
# writer.  In lossless mode what it acknowledged last may not have reached its disk, and nobody was there to see: it is held
# and not promoted.  When the old writer is back it serves again, and the standby, once compared, comes back by itself.
# shellcheck shell=bash

lose_power() {
    local pids=() daemon
    for daemon in monitor db1-agent db2-agent; do
        pids+=("$(daemon_pid "$daemon")")
    done
    kill -KILL "${pids[@]}" "$(lab server db1 pid)" "$(lab server db2 pid)"
}

give_power() { # host
    lab server "$1" start
    lab agent "$1" start
    remember_daemon "$1-agent"
}

it_was_not_promoted() {
    not writer_is db2 && is_read_only db2 && not writer_address_is_on db2
}

it_is_told_why() {
    lab mmm explain | tee "$EVIDENCE/explain.txt" | grep -q 'db2.*started again while nobody looked'
}

scenario() {
    given_a_cluster_under_load
    lose_power
    let_pass 7 # longer than a lease
    give_power db2
    lab monitor start
    remember_daemon monitor
    expect "the standby is held, and why" within 10 told_of host_held db2 'started again while nobody looked'
    let_pass 12
    expect "it was not promoted" it_was_not_promoted
    expect "explain says why" it_is_told_why
    give_power db1
    expect "db1 is writer again" within 20 writer_is db1
    expect "writes flow again" within 5 writes_flow
    expect "db2 is compared and comes back" within 20 told_of host_verified db2 'is on db1 too'
    expect "db2 is ONLINE" within 20 state_is db2 ONLINE
}

# 27. Both masters gone: SIGKILL of both servers, and both are started again.  Nobody is writer while none is safe, and no
# server comes back writable; then the more complete one is writer by itself, and nothing acknowledged is lost.
# shellcheck shell=bash disable=SC2016 # jq knows «$it»

nobody_is_writer() {
    shown '.writer == null and all(.hosts[]; .writable != true)'
}

# With one call: were the standby the later one by some milliseconds, it would serve in between.
kill_both() {
    local pids
    pids="$(lab server db1 pid) $(lab server db2 pid)"
    # shellcheck disable=SC2086 # two numbers
    kill -KILL $pids
}

# db1, if it was promoted last, lacks nothing that db2 has; whoever is writer, the other one follows or is held.
scenario() {
    given_a_cluster_under_load
    kill_both
    expect "nobody is writer" within 5 nobody_is_writer
    let_pass 6 # longer than a lease
    expect "nobody is writer, and the replica is not promoted" nobody_is_writer
    start_both
    expect "a master is writer by itself" within 20 a_master_is_writer
    note "writer $(writer_name)"
    expect "writes flow again" within 10 writes_flow
    expect "one of them served, once" test "$(count_events writer_serving)" -eq 1
}

start_both() {
    lab server db2 start &
    lab server db1 start
    wait $!
}

a_master_is_writer() {
    writer_is db1 || writer_is db2
}

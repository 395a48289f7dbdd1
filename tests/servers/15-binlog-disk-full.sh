# 15. Binary log disk full: the file system under the writer's binary log has no room left.  The server goes on answering
# and reading, and each commit waits for room, the heartbeat row's too: it hangs, and that counts as failing.  The writer is
# fenced, or its server as a last resort killed, and replaced; it counts transactions that its log does not hold, which
# nobody may wait for; and room that comes back acknowledges nothing.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

UP=(--binlog-mb 24)

was_stuck() {
    [[ -n $(events_since_mark | jq -r 'select(.event == "writer_lost" and .rule == "W21" and .host == "db1").rule') ]]
}

scenario() {
    local freed
    given_a_cluster_under_load
    lab load start --as direct --on app --host 10.77.0.11 --timeout 60s
    need "writes flow to the host's own address" within 5 is_told_ok direct
    lab disk db1 fill
    expect "db2 is writer" within 15 writer_is db2
    expect "writes flow again" within 5 writes_flow
    expect "the role was taken because nothing is committed" was_stuck
    expect "the outage is below 9 s" outage_is_below 9000
    let_pass 2
    freed=$(uptime_ms)
    lab disk db1 free
    let_pass 2
    expect "room that comes back acknowledges nothing" test "$(acknowledged_since direct "$freed")" -eq 0
    server_is_started_again db1
    expect "db1 is held" within 20 state_is db1 AWAITING_RECOVERY
    expect "the reason is told" is_held db1
    expect "db1 is read-only" is_read_only db1
    expect "db1 told nobody OK after the disk was full" test "$(acknowledged_since direct "$freed")" -eq 0
    expect "db2 is still writer" writer_is db2
    expect "the role moved once" writer_moves_are 1
}

# 21. Two candidates, each with something the other lacks: of three masters db2 stops receiving and gets a row of its own,
# and then the writer is killed.  db3 has what was acknowledged, db2 has what nobody else has: mmm chooses neither, holds
# both and names what each has.  The old writer lacks nothing: it becomes writer again when it is back.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

# db2 stays a candidate: MySQL's commits wait for both all the while, and that db2 receives nothing is not judged yet.
UP=(--masters 3 --mmm-set failover.acknowledge_timeout=20s --mmm-set health.settle=60s)

both_sets_are_named() {
    local db2='0-12-' db3='0-11-'
    if [[ $FAMILY == mysql ]]; then db2=$(sql db2 'SELECT @@server_uuid') db3='[0-9a-f-]{36}:'; fi
    shown "\$it.hold.why | test(\"transactions? that db3 does not have: $db2\")" db2 &&
        shown "\$it.hold.why | test(\"transactions? that db2 does not have: $db3\")" db3
}

scenario() {
    given_a_cluster_under_load 300ms
    replication db2 STOP IO_THREAD
    let_pass 0.2
    sql_all_the_same db2 'INSERT INTO app.probe VALUES (21, 1)'
    let_pass 1
    lab server db1 kill
    expect "db2 is held" within 10 is_held db2
    expect "db3 is held" within 2 is_held db3
    expect "what each has is named" both_sets_are_named
    let_pass 6
    expect "nobody was chosen" writer_moves_are 0
    expect "every server is read-only" is_read_only db2
    expect "every server is read-only" is_read_only db3
    lab server db1 start
    expect "db1 is writer again" within 20 writer_is db1
    lab mmm set-online db3
    expect "db3 follows db1" within 20 state_is db3 ONLINE
    expect "db2 is still held" is_held db2
    expect "writes are protected by db3" within 10 is_protected db1
}

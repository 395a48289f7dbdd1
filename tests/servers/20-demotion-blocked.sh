# 20. Demotion blocked, in switchovers: LOCK TABLES, a long transaction, and commits that wait for an acknowledgement stand
# in the way.  A move is refused or rolled back, soon and with the reason, or ends them when it was told to; never a false OK.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

# A session that was ended tells its client so, at once.
session_is_over() {
    ! kill -0 "$HOLDER" 2>/dev/null
}

# The command ends within 8 s, and its answer is in ANSWER.
move_is_refused() { # part of the reason, options…
    local reason=$1 begun
    shift
    begun=$(now_ms)
    if ANSWER=$(timeout 30 "$ROOT/scripts/lab" --name "$LAB_NAME" mmm move-role "$@" writer db2 2>&1); then return 1; fi
    say "refused: $ANSWER"
    [[ $ANSWER == *"$reason"* && $(($(now_ms) - begun)) -lt $((8000 * SLOW)) ]]
}

all_follow_again() {
    within 20 all_are_online_and_follow
}

locked_tables() {
    hold_a_session db1 "LOCK TABLES app.held WRITE"
    expect "LOCK TABLES stops the move, and is named" move_is_refused "runs for"
    expect "db1 has kept the role" within 5 writer_is db1
    expect "the session has not been ended" session_sleeps db1
    expect "no write has failed meanwhile" no_write_has_failed
    need "all follow" all_follow_again
    expect "--kill moves the role" lab mmm move-role --kill writer db2
    expect "the session has been ended" within 5 session_is_over
    need "all follow db2" all_follow_again
    need "the role goes back" lab mmm move-role writer db1
    need "all follow db1" all_follow_again
}

transaction_is_seen() {
    [[ $(sql db1 "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_rows_modified > 0 AND trx_started < NOW() - INTERVAL 2 SECOND") == 1 ]]
}

long_transaction() {
    hold_a_session db1 "BEGIN; INSERT INTO app.held VALUES (1)"
    need "the transaction is long" within 10 transaction_is_seen
    sleep 0.6 # a report later
    expect "a long transaction stops the move, and is named" move_is_refused "in a transaction for" --grace 1s
    expect "nothing has changed" writer_is db1
    expect "the transaction has not been ended" session_sleeps db1
    expect "--kill moves the role" lab mmm move-role --grace 1s --kill writer db2
    expect "the transaction has been ended" within 5 session_is_over
    need "all follow db2" all_follow_again
    expect "and rolled back" test "$(sql db2 'SELECT COUNT(*) FROM app.held')" = 0
    need "the role goes back" lab mmm move-role writer db1
    need "all follow db1" all_follow_again
}

# What db2 acknowledges is lost, so each commit waits; for a moment db2 still looks well.
commits_that_wait() {
    lab cut --one-way db2 db1
    expect "commits that wait stop the move" move_is_refused ""
    note "${ANSWER##*: }"
    lab heal db2 db1
    expect "db1 is writer" within 20 writer_is db1
    expect "writes flow again" within 20 writes_flow
    need "all follow" all_follow_again
    need "writes are semi-synchronous again" within 20 is_protected db1
}

# It comes through, for db2 receives all there is, or it is rolled back; whoever was told OK has his row (A1).
commits_that_wait_are_ended() {
    lab cut --one-way db2 db1
    ANSWER=$(timeout 30 "$ROOT/scripts/lab" --name "$LAB_NAME" mmm move-role --kill writer db2 2>&1) || true
    say "$ANSWER"
    lab heal db2 db1
    expect "somebody is writer" within 20 each_is_online_or_held
    expect "writes flow again" within 20 writes_flow
    need "all follow" all_follow_again
    need "writes are semi-synchronous again" within 20 is_protected "$(writer_name)"
}

scenario() {
    given_a_cluster_under_load 2s
    need "a table to hold" lab sql db1 "CREATE TABLE app.held (id INT PRIMARY KEY)"
    locked_tables
    long_transaction
    commits_that_wait
    commits_that_wait_are_ended
    expect "nobody is held" not is_held db1
}

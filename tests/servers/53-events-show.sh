# 53. Own transactions: rows are written on a replica.  The event that holds it has a number; `mmm events show` of that
# number shows these rows, which its agent takes from the binary log with the family's own tool; when that was purged it
# says so.
# shellcheck shell=bash disable=SC2016 # jq knows «$it»

number_of_the_hold() {
    lab mmm events --most 200 --json | jq -s '[.[] | select(.event == "host_held" and .host == "db3")] | last.number'
}

told() { # line
    grep -qE -- "$1" "$EVIDENCE/event.txt"
}

# The same for programs: one transaction, with its rows in their order.
told_as_json() {
    lab mmm events show "$NUMBER" --json >"$EVIDENCE/event.json"
    jq -e '.rows.end == "all" and (.rows.transactions | length) == 1 and
           [.rows.transactions[0].items[].do] == ["insert", "insert", "update", "delete"]' "$EVIDENCE/event.json"
}

# The rows are for who asks: not for the event log, nor for anybody's log.
rows_are_kept_nowhere() {
    ! { lab mmm events --most 200 --json; lab log mon; lab log db3; } | grep -E '@1=|4711'
}

asked_is_logged() {
    lab log db3 | grep -q 'event=rows_asked by=[a-z]'
}

# A server keeps a file that it still needs for a crash: so it is tried again.
purged_and_said() {
    local newest
    sql db3 'FLUSH BINARY LOGS'
    newest=$(sql db3 'SHOW BINARY LOGS' | tail -n 1 | cut -f 1)
    sql db3 "PURGE BINARY LOGS TO '$newest'"
    lab mmm events show "$NUMBER" >"$EVIDENCE/purged.txt"
    grep -q '^  they are gone: the binary logs of db3 that had them are purged$' "$EVIDENCE/purged.txt"
}

scenario() {
    local gtid='0-13-[0-9]+'
    [[ $FAMILY == mariadb ]] || gtid='[0-9a-f-]{36}:[0-9]+'
    given_a_cluster_under_load
    replication db3 STOP
    sql_all_the_same db3 'START TRANSACTION;
        INSERT INTO app.ledger (id, client, sent) VALUES (-7, 0, 0), (-8, 0, 4711);
        UPDATE app.ledger SET sent = 4712 WHERE id = -8; DELETE FROM app.ledger WHERE id = -8; COMMIT'
    expect "db3 is held for its own transactions" within 15 shown '$it.hold.reasons | index("own-transactions")' db3
    NUMBER=$(number_of_the_hold)
    lab mmm events show "$NUMBER" | tee "$EVIDENCE/event.txt"
    expect "the event is shown with its rule" told '^  rule  H90$'
    expect "the transaction is named" told "has 1 transaction that db1 does not have: $gtid\$"
    expect "the transaction is shown with its time" told "^    $gtid  20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:]{8} UTC\$"
    expect "the row that it inserts is shown" told '^      INSERT `app`.`ledger` @1=-7( |$)'
    expect "the row that it changes is shown before and after" told '^      UPDATE `app`.`ledger` @1=-8 .*4711.* → .*4712'
    expect "the row that it deletes is shown" told '^      DELETE `app`.`ledger` @1=-8 '
    expect "nothing is left to be done by hand" not told 'by hand'
    expect "a program is told the same" told_as_json
    expect "the rows stand in no log" rows_are_kept_nowhere
    expect "who asked stands in the agent's log" asked_is_logged
    expect "an event that is not there is refused" not lab mmm events show 99999
    expect "rejoin is refused" not lab mmm rejoin db3
    expect "what was purged is said to be gone" within 20 purged_and_said
}

# 53. Own transactions: a row is written on a replica.  The event that holds it has a number; `mmm events show` of that
# number lists the transactions and the command that shows the rows they touch.
# shellcheck shell=bash disable=SC2016 # jq knows «$it»

number_of_the_hold() {
    lab mmm events --most 200 --json | jq -s '[.[] | select(.event == "host_held" and .host == "db3")] | last.number'
}

# The command that is told, with the lab's own way to the binary log; the row stands behind the transaction's GTID.
rows_shown() {
    local gtid
    gtid=$(sed -nE 's/.*behind each «GTID» of (0-13-[0-9]+):$/\1/p' "$EVIDENCE/event.txt")
    [[ -n $gtid ]] || return 1
    mariadb-binlog --no-defaults --base64-output=decode-rows --verbose "$(lab_folder)"/db3/binlog/bin.[0-9]* |
        sed -n "/GTID $gtid\\b/,\$p" >"$EVIDENCE/rows.txt"
    grep -q 'INSERT INTO `app`.`ledger`' "$EVIDENCE/rows.txt" && grep -qE '@1=-7( |$)' "$EVIDENCE/rows.txt"
}

scenario() {
    given_a_cluster_under_load
    sql db3 'STOP SLAVE; INSERT INTO app.ledger (id, client, sent) VALUES (-7, 0, 0)' # root may, read_only or not
    expect "db3 is held for its own transactions" within 15 shown '$it.hold.reasons | index("own-transactions")' db3
    lab mmm events show "$(number_of_the_hold)" | tee "$EVIDENCE/event.txt"
    expect "the event is shown with its rule" grep -q '^  rule  H90$' "$EVIDENCE/event.txt"
    expect "the transaction is named" grep -qE 'has 1 transaction that db1 does not have: 0-13-[0-9]+$' "$EVIDENCE/event.txt"
    expect "the rows that it touches can be seen" rows_shown
    expect "an event that is not there is refused" not lab mmm events show 99999
    expect "rejoin is refused" not lab mmm rejoin db3
}

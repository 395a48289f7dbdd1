# 25. Rejoin: the old writer of 2 comes back.  Clean, it is brought back by `mmm rejoin` as it is and has the same data.
# (Nothing is being written when it is killed: what is under way then may be on it alone.)
# Dirty, with a transaction that nobody else has, it is refused, the transaction is listed, and it stays held.
# shellcheck shell=bash disable=SC2016 # jq knows «$it»

kill_and_start() { # host new-writer
    lab server "$1" kill
    need "$2 is writer" within 5 writer_is "$2"
    lab server "$1" start
    need "$1 is held when it is back" within 20 state_is "$1" AWAITING_RECOVERY
}

rejoin() { # host
    MMM_LAB_COMMAND_SECONDS=60 lab mmm rejoin "$1" >"$EVIDENCE/rejoin.$1" 2>&1
}

scenario() {
    local listed='0-12-[0-9]+\.\.[0-9]+'
    given_a_cluster_under_load
    lab load stop --as main >"$EVIDENCE/main.json"
    lab prober stop --as main >"$EVIDENCE/prober.json"
    kill_and_start db1 db2
    expect "the clean one is let back" rejoin db1
    expect "the evidence is shown" grep -q 'was the writer and was lost' "$EVIDENCE/rejoin.db1"
    expect "the comparison is told" grep -q 'everything that it has is on db2 too' "$EVIDENCE/rejoin.db1"
    expect "rejoin has waited until it is ONLINE" state_is db1 ONLINE
    need "all follow" within 20 all_are_online_and_follow
    need "writes are semi-synchronous again" within 10 is_protected db2
    start_clients 300ms
    need "writes flow again" within 10 writes_flow
    kill_and_start db2 db1
    sql_all_the_same db2 'CREATE DATABASE own; CREATE TABLE own.kept (id INT PRIMARY KEY)'
    expect "what it has of its own is found" within 10 shown '$it.hold.reasons | index("own-transactions")' db2
    expect "the dirty one is refused" not rejoin db2
    [[ $FAMILY == mariadb ]] || listed='[0-9a-f-]{36}:[0-9]+-[0-9]+'
    # Two, and what was under way when it was killed.
    expect "its transactions are listed" grep -qE "db2 has [2-9] transactions that db1 does not have \\($listed\\)" "$EVIDENCE/rejoin.db2"
    expect "it is told what to do" grep -q 'fill it anew from db1' "$EVIDENCE/rejoin.db2"
    expect "it stays held" is_held db2
}

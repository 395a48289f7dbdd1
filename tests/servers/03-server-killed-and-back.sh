# 3. Server killed and back: as 2, and the server starts again by itself 3 s later.  No second move: the old writer is
# read-only and held, and what it has of its own is listed.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

own_transactions_are_told() {
    local own
    own=$(own_transactions db1 db2)
    note "db1 has $own transactions of its own"
    if [[ $own -eq 0 ]]; then
        not shown '$it.hold.reasons | index("own-transactions")' db1
    else
        within 10 shown "(\$it.hold.reasons | index(\"own-transactions\")) and (\$it.hold.why | contains(\"has $own transaction\"))" db1
    fi
}

scenario() {
    given_a_cluster_under_load
    lab server db1 kill
    need "db2 is writer" within 5 writer_is db2
    let_pass 3
    lab server db1 start
    expect "db1 is back and held" within 10 state_is db1 AWAITING_RECOVERY
    expect "the reason is told" is_held db1
    let_pass 6 # longer than a lease
    expect "db1 is read-only" is_read_only db1
    expect "db1 is still held" state_is db1 AWAITING_RECOVERY
    expect "what db1 has of its own is told" own_transactions_are_told
    expect "db2 is still writer" writer_is db2
    expect "the role moved once" writer_moves_are 1
    expect "the outage is below 1 s" outage_is_below 1000
}

# 28. Disk of the monitor full.  It decides nothing that it cannot write down, and says so; the writer lives on its peers'
# promises without a failed write.  Then the writer's server is killed: nobody is promoted.  Then there is room again, and
# the monitor goes on by itself: what was refused is not done, what was to be decided is.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

UP=(--store-mb 1)

says_that_it_decides_nothing() {
    shown '.monitor.store_trouble != null and any(.warnings[]; contains("decides nothing, because it can not write it down"))'
}

log_has() { # text
    grep -qF "$1" "$(lab_folder)/mon/monitor.log"
}

term() {
    show | jq .term
}

nobody_else_is_writer() {
    is_read_only db2 && is_read_only db3 && not writer_address_is_on db2
}

scenario() {
    local before
    given_a_cluster_under_load 2s
    before=$(term)
    lab disk mon fill
    expect "mmm show says so before any decision needs it" within 8 says_that_it_decides_nothing
    expect "the log says so" log_has event=store_failed
    expect "a command is refused" not lab mmm set-offline db3
    let_pass 7
    expect "the table says so too" table_says_so
    expect "the term is the old one" test "$(term)" -eq "$before"
    expect "db1 is writer" writer_is db1
    expect "no write has failed" no_write_has_failed
    lab server db1 kill
    let_pass 7
    expect "nobody is promoted" nobody_else_is_writer
    expect "the term is still the old one" test "$(term)" -eq "$before"
    lab disk mon free
    expect "db2 is writer" within 5 writer_is db2
    expect "writes flow again" within 5 writes_flow
    expect "the log says that the store works again" log_has event=store_works_again
    expect "what was refused is not done" within 10 state_is db3 ONLINE
    expect "nothing is said any more" not says_that_it_decides_nothing
    expect "the role moved once" writer_moves_are 1
    lab server db1 start
    expect "db1 is held when it is back" within 20 state_is db1 AWAITING_RECOVERY
}

table_says_so() {
    lab mmm show | grep -q 'decides nothing'
}

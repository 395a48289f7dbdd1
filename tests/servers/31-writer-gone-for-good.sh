# 31. A writer that was alone is gone for good: db1 was lost and is held, and then the machine of db2 is.  Nobody may replace
# db2 by itself, for it needs nobody's promise to go on.  mmm says so and what to type; the administrator's two words make
# db1 writer: db2 is stopped, and what it alone has is given up.  What the replica has of it db1 fetches first, so here
# nothing is lost.  When db2 comes back it writes nothing, and is held.
# shellcheck shell=bash disable=SC2016 # jq knows «$it»

it_is_told_what_to_type() { # words
    lab mmm show | tee "$EVIDENCE/unheard.txt" | grep -q -- "$1"
}

nobody_is_writer() {
    [[ -z $(writer_name) ]]
}

lose_the_machine() { # host
    lab cut "$1"
    lab server "$1" kill
    lab agent "$1" kill
}

bring_the_machine_back() { # host
    lab heal "$1"
    lab server "$1" start
    lab agent "$1" start
    remember_daemon "$1-agent"
}

scenario() {
    given_a_cluster_under_load
    lab server db1 kill
    need "db2 is writer" within 5 writer_is db2
    need "writes flow without db1" within 10 writes_flow
    lab server db1 start
    need "db1 is held when it is back" within 20 state_is db1 AWAITING_RECOVERY
    lose_the_machine db2
    let_pass 3
    expect "as long as its lease may run the word is refused" not lab mmm set-offline --force db2
    expect "it is told what to type" within 10 it_is_told_what_to_type 'mmm set-offline --force db2'
    expect "the role stays" shown '.writer == "db2"'
    expect "an event tells it" test "$(count_events writer_unheard db2)" -eq 1
    expect "the word is taken" lab mmm set-offline --force db2
    let_pass 3
    expect "nobody is writer: db1 lacks what db2 alone has" nobody_is_writer
    expect "without --force db1 is refused" not lab mmm set-online db1
    expect "with it db1 is let" lab mmm set-online --force db1
    expect "db1 is writer" within 10 writer_is db1
    expect "writes flow again" within 10 writes_flow
    bring_the_machine_back db2
    expect "db2 is read-only when it is back" within 20 is_read_only db2
    expect "db2 is held" is_held db2
    expect "the one writer is db1" writer_is db1
    expect "db1 had fetched what the replica had" test "$(count_events writer_fetches db1)" -eq 1
}

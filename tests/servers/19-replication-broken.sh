# 19. Replication broken: db3 has a row that it should not have, and the writer writes one with the same key.  db3 loses its
# reader role within seconds, the server's own error is shown, and nothing else moves.  When the row is taken away and
# replication started again, db3 comes back by itself.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

the_reason_is_shown() {
    lab mmm checks db3 2>/dev/null | grep -q 'Duplicate entry' &&
        events_since_mark | jq -se 'any(.[]; .event == "host_state" and .host == "db3" and (.why | contains("1062")))' >/dev/null
}

scenario() {
    given_a_cluster_under_load 2s
    sql_all_the_same db3 'SET sql_log_bin = 0; INSERT INTO app.probe VALUES (19, 1)'
    app_client -e 'INSERT INTO app.probe VALUES (19, 2)'
    expect "db3 loses its reader role" within 5 not has_reader db3
    expect "db3 is REPLICATION_FAIL" state_is db3 REPLICATION_FAIL
    expect "the server's reason is shown" the_reason_is_shown
    let_pass 6
    expect "it is not started again and again" state_is db3 REPLICATION_FAIL
    sql_all_the_same db3 'SET sql_log_bin = 0; DELETE FROM app.probe WHERE id = 19'
    replication db3 START
    expect "db3 is ONLINE again" within 20 state_is db3 ONLINE
    expect "db3 has a reader role again" within 10 has_reader db3
    expect "the writer role did not move" writer_moves_are 0
    expect "writes were protected all the time" is_protected db1
    expect "no write has failed" no_write_has_failed
    expect "all follow" within 20 all_are_online_and_follow
}

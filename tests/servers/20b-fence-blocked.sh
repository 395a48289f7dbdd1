# 20b. Demotion blocked, in a failover: the writer's cable is pulled while one session has locked a table, another has a
# transaction open, and commits wait for an acknowledgement.  It is fenced, or killed, before its lease has ended, and never
# answers a false OK (A1).
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

# The last OK inside came before the lease had ended.
inside_ended_with_the_lease() { # when the cable was pulled, on the clock of uptime_ms
    local last
    last=$(last_acknowledged_ms inside)
    note "the last write inside $((last - $1)) ms after the cut"
    [[ $((last - $1)) -lt 5100 ]]
}

was_fenced() {
    grep -qE 'server_fenced|server_kill' "$(lab_folder)/db1/agent.log"
}

sessions_sleep() {
    [[ $(sql db1 "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'") == 2 ]]
}

scenario() {
    local cut i
    given_a_cluster_under_load
    need "a table to hold" lab sql db1 "CREATE TABLE app.held (id INT PRIMARY KEY); CREATE TABLE app.other LIKE app.held"
    for i in 1 2 3 4; do lab load start --as "inside$i" --on db1; done
    lab load start --as inside --on db1
    lab prober start --as inside --on db1
    MMM_LAB_SQL_SECONDS=60 lab sql db1 "LOCK TABLES app.held WRITE; DO SLEEP(50)" >/dev/null 2>&1 &
    MMM_LAB_SQL_SECONDS=60 lab sql db1 "BEGIN; INSERT INTO app.other VALUES (1); DO SLEEP(50); COMMIT" >/dev/null 2>&1 &
    need "the sessions have begun" within 5 sessions_sleep
    cut=$(uptime_ms)
    lab cut db1
    expect "db2 is writer after the lease" within 10 writer_is db2
    expect "writes flow again outside" within 5 writes_flow
    let_pass $((9 - ($(uptime_ms) - cut) / 1000))
    expect "the writes inside ended with the lease" inside_ended_with_the_lease "$cut"
    expect "db1 was fenced" was_fenced
    for i in 1 2 3 4; do lab load stop --as "inside$i" >"$EVIDENCE/inside$i.json"; done
    lab heal db1
    server_runs db1 || { note "the server of db1 was killed"; lab server db1 start; }
    expect "db1 is held when it is back" within 20 state_is db1 AWAITING_RECOVERY
    expect "db1 is read-only" within 5 is_read_only db1
    expect "the open transaction was not committed" test "$(sql db2 'SELECT COUNT(*) FROM app.other')" = 0
    expect "the role moved once" writer_moves_are 1
}

# 13b. Server frozen in a moment in which its commits wait for the standby's acknowledgement: what it told before it froze is
# no word against the standby, which replaces it as in 13.  (A standby that is thrown out of the electable set leaves a
# frozen writer that nobody may replace.)
# shellcheck shell=bash disable=SC2034 # run reads UP

UP=(--mmm-set failover.acknowledge_timeout=2s)

was_never_thrown_out() {
    [[ $(count_events electable_changed db1) -eq 0 ]]
}

scenario() {
    given_a_cluster_under_load
    lab cut db1 db2
    sleep 1.2 # two looks, and less than acknowledge_timeout
    lab server db1 freeze
    lab heal db1 db2
    expect "db2 is writer" within 10 writer_is db2
    expect "db2 stayed electable until then" was_never_thrown_out
    expect "writes flow again" within 5 writes_flow
    let_pass 8
    lab server db1 thaw 2>/dev/null || true
    server_is_started_again db1
    expect "db1 is held when it is back" within 20 is_held db1
    expect "the role moved once" writer_moves_are 1
}

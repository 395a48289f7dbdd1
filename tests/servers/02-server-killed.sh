# 2. Server killed: SIGKILL of the writer's server.  The writer is elsewhere in well under a second; the old one is held.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

scenario() {
    given_a_cluster_under_load
    lab server db1 kill
    expect "db2 is writer" within 5 writer_is db2
    expect "writes flow again" within 5 writes_flow
    expect "the outage is below 1 s" outage_is_below 1000
    expect "db1 is held with the reason" within 10 is_held db1
    expect "db3 follows db2" within 10 shown '$it.replication.source == "db2" and $it.replication.applying' db3
    expect "the role moved once" writer_moves_are 1
}

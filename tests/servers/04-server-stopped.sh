# 4. Server stopped by its administrator: an orderly stop of the writer's server.  As 2, and no client is told OK for
# what nobody else has (A1).  A server that ends in order first refuses its clients and ends later; the failover begins
# when its process is dead, so the outage is that time and a failover's.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

scenario() {
    local begun
    given_a_cluster_under_load
    begun=$(now_ms)
    lab server db1 stop
    note "the server took $(($(now_ms) - begun)) ms to end"
    expect "db2 is writer" within 5 writer_is db2
    expect "writes flow again" within 5 writes_flow
    expect "the outage is below 3 s" outage_is_below 3000
    expect "db1 is held with the reason" within 10 is_held db1
    expect "the role moved once" writer_moves_are 1
}

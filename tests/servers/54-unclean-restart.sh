# 54. Unclean restart: a standby's server is killed and started anew.  It is held until its positions have been compared with
# the writer's, and then comes back by itself; after an orderly stop nothing is held.  With recovery = verified (set here)
# an old writer that has nothing of its own comes back by itself too.
# shellcheck shell=bash disable=SC2034 # run reads UP

UP=(--mmm-set health.recovery=verified)

scenario() {
    given_a_cluster_under_load
    lab server db3 stop
    need "the orderly stop is seen" within 10 state_is db3 HARD_OFFLINE
    lab server db3 start
    need "it is back" within 20 state_is db3 ONLINE
    expect "an orderly stop holds nobody" not told_of host_held db3 ''
    lab server db3 kill
    lab server db3 start
    expect "the killed one is held, and why" within 10 told_of host_held db3 'did not stop in order'
    expect "it is compared and comes back" within 20 told_of host_verified db3 'is on db1 too'
    expect "it is ONLINE" within 20 state_is db3 ONLINE
    lab load stop --as main >"$EVIDENCE/main.json"
    lab prober stop --as main >"$EVIDENCE/prober.json"
    lab server db1 kill
    need "db2 is writer" within 5 writer_is db2
    lab server db1 start
    expect "the old writer is verified" within 30 told_of host_verified db1 'was the writer and was lost'
    expect "the old writer is ONLINE again" within 20 state_is db1 ONLINE
    expect "db2 is still writer" writer_is db2
    start_clients 300ms
    expect "writes flow" within 5 writes_flow
}

# 6. Monitor cut from the writer only: nothing passes between the monitor and the writer's host for three leases.  Its
# peers' promises keep the writer: nothing moves, no write fails.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

scenario() {
    given_a_cluster_under_load 2s
    lab cut mon db1
    let_pass 15
    expect "the monitor still names db1" shown '.writer == "db1"'
    lab heal mon db1
    expect "the monitor hears db1's agent again" within 10 agent_is_reachable db1
    expect "all follow" within 10 all_are_online_and_follow
    expect "db1 is writer" writer_is db1
    expect "nothing has moved" nothing_has_moved
    expect "no write has failed" no_write_has_failed
    expect "no kernel gave an address up" not an_address_has_left "${DATABASES[@]}"
}

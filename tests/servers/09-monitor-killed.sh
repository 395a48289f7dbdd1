# 9. Monitor killed: SIGKILL, and a start 20 s later (four leases, instead of a minute).  No write fails meanwhile and no
# address goes; the monitor takes up where it was, and can move a role.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

scenario() {
    given_a_cluster_under_load 2s
    lab monitor kill
    let_pass 20
    expect "no kernel gave an address up" not an_address_has_left "${DATABASES[@]}"
    lab monitor start
    remember_daemon monitor
    expect "db1 is still writer" within 10 writer_is db1
    expect "all follow" within 10 all_are_online_and_follow
    let_pass 6
    expect "nothing has moved" nothing_has_moved
    expect "no write has failed" no_write_has_failed
    expect "the new monitor moves the role" lab mmm move-role writer db2
    expect "db2 is writer" within 5 writer_is db2
    expect "all follow db2" within 20 all_are_online_and_follow
}

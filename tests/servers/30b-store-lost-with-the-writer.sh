# 30, with the writer's server dead too.  The empty store does not know who was writer: nobody is chosen past a master that
# cannot be looked at, for it may be the only one that has what was acknowledged; mmm says whom it waits for.  When that
# server is back, one that has everything is chosen.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

# shellcheck source=tests/servers/30-store-lost.sh
. "$HERE/30-store-lost.sh"

nobody_is_writer() {
    [[ -z $(writer_name) ]]
}

it_is_told_who_is_waited_for() {
    lab mmm show | tee "$EVIDENCE/waiting.txt" | grep -q 'mmm explain says what each host' &&
        lab mmm explain | tee "$EVIDENCE/explain.txt" | grep -q 'bring that host back; .*mmm set-offline --force HOST'
}

somebody_is_writer() {
    [[ $(writer_name) == db[12] ]]
}

scenario() {
    given_a_cluster_under_load
    lose_the_store
    lab server db1 kill
    let_pass 1
    start_monitor
    let_pass 12
    expect "nobody is chosen past db1" nobody_is_writer
    expect "it is told who is waited for" it_is_told_who_is_waited_for
    lab server db1 start
    expect "somebody is writer" within 20 somebody_is_writer
    expect "writes flow again" within 5 writes_flow
    expect "every host is ONLINE or held" within 20 each_is_online_or_held
    expect "the monitor is active" shown '.mode == "active"' db1
}

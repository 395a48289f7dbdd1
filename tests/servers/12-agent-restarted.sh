# 12. Agent restarted: SIGKILL and a start within a second, of every agent in turn.  Nothing moves, no write fails.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

scenario() {
    local host begun
    given_a_cluster_under_load 2s
    for host in db1 db2 db3; do
        begun=$(now_ms)
        restart_agent "$host"
        say "$host's agent was away for $(($(now_ms) - begun)) ms at the most"
        expect "the monitor hears $host's agent" within 5 agent_is_reachable "$host"
        let_pass 6 # longer than the lease that the old process had
    done
    expect "db1 is writer" writer_is db1
    expect "nothing has moved" nothing_has_moved
    expect "no write has failed" no_write_has_failed
    expect "no kernel gave an address up" not an_address_has_left "${DATABASES[@]}"
    expect "all follow" within 10 all_are_online_and_follow
}

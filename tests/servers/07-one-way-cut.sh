# 7. One-way cut between the monitor and the writer's host, one direction after the other: nothing passes from the monitor
# to the writer, then nothing from the writer to the monitor, each for a lease and three seconds.  Either way no report is
# answered, and either way the outcome must be that of 6: the peers' promises keep the writer, nothing moves, no write fails.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

# Neither direction may end by chance before the lease that it must outlive.
cut_one_way() { # from to
    lab cut --one-way "$1" "$2"
    expect "the monitor misses the agent of db1 while nothing passes from $1 to $2" within 8 not agent_is_reachable db1
    let_pass 2
    expect "the monitor still names db1" shown '.writer == "db1"'
    lab heal mon db1
    expect "the monitor hears the agent of db1 again" within 10 agent_is_reachable db1
    expect "all follow" within 10 all_are_online_and_follow
}

scenario() {
    given_a_cluster_under_load 2s
    cut_one_way mon db1
    cut_one_way db1 mon
    expect "db1 is writer" writer_is db1
    expect "nothing has moved" nothing_has_moved
    expect "no write has failed" no_write_has_failed
    expect "no kernel gave an address up" not an_address_has_left "${DATABASES[@]}"
}

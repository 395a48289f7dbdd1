# 8. Replica cut: nothing passes between the writer and one replica.  The replica loses its reader role and gets it back
# when the cut is mended; nothing else moves.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

only_db3_has_changed() {
    local others
    others=$(events_since_mark | jq -r 'select((.event == "host_state" or .event == "host_held") and .host != "db3") |
        "\(.rule) \(.host) \(.why)"')
    [[ -z $others ]] || say "changed: $others"
    [[ -z $others && $(count_events host_held) -eq 0 ]]
}

db3_left_once() {
    [[ $(events_since_mark | jq -s '[.[] | select(.event == "host_state" and (.why | startswith("ONLINE ->")))] | length') -eq 1 ]]
}

scenario() {
    given_a_cluster_under_load 2s
    lab cut db1 db3
    expect "db3 loses its reader role" within 15 not has_reader db3
    expect "its kernel does not serve it either" within 2 test -z "$(host_addresses db3)"
    let_pass 3
    expect "db1 is still writer" writer_is db1
    lab heal db1 db3
    expect "db3 is ONLINE again" within 20 state_is db3 ONLINE
    expect "db3 has a reader role again" within 10 has_reader db3
    expect "it left once" db3_left_once
    expect "no other host has changed" only_db3_has_changed
    expect "the writer role did not move" writer_moves_are 0
    expect "no write has failed" no_write_has_failed
    expect "all follow" within 20 all_are_online_and_follow
}

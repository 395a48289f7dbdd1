# 1. Planned switchover: the writer role goes to and fro 20 times under load.  No write is lost, the median outage is short.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

switch_to() { # host
    local answer
    need "all follow before the role goes to $1" within 20 all_are_online_and_follow
    answer=$(lab mmm move-role writer "$1" 2>&1) || { broken "move-role writer $1: $answer"; return; }
    say "$answer"
    gather_events
}

# A switchover that no write noticed counts as 0.
median_outage_ms() {
    load_value 'outages | map(.ms) | (. + [range(20) | 0])[0:20] | sort | ((.[9] + .[10]) / 2 | floor)'
}

median_is_below() { # milliseconds
    local median
    median=$(median_outage_ms)
    note "median outage $median ms"
    [[ $median -lt $(($1 * SLOW)) ]]
}

scenario() {
    local i
    given_a_cluster_under_load
    for ((i = 1; i <= 10; i++)); do
        switch_to db2
        switch_to db1
    done
    expect "db1 is writer after an even number of moves" within 5 writer_is db1
    expect "each move was one move" writer_moves_are 20
    expect "the median outage is below 100 ms" median_is_below 100
    expect "no outage is longer than 1.5 s" outage_is_below 1500
    expect "nobody has left ONLINE" test "$(count_events host_state)" -eq 0
    expect "all follow at the end" within 20 all_are_online_and_follow
}

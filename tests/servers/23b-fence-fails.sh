# 23, with a program that fails at once: no promotion before the lease has surely ended, and an alarm in events and «show».
# shellcheck shell=bash disable=SC2034 # run reads UP

# shellcheck source=23-fence-succeeds.sh
. "$HERE/23-fence-succeeds.sh"

# From the cut on, by the monitor's own events: the lease, less one report that may have been answered just before.
promotion_waited_for_the_lease() { # wall time of the cut in ms
    local chosen
    chosen=$(events_since_mark | jq -rs '[.[] | select(.event == "writer_chosen" and .host == "db2") | .time] | first')
    chosen=$(date -d "$chosen" +%s%3N)
    note "db2 was chosen $((chosen - $1)) ms after the cut"
    [[ $((chosen - $1)) -ge 4800 ]]
}

alarm_is_shown() { # words
    show | jq -e --arg words "$1" \
        'any(.warnings[]; startswith("the fence program of host db1 failed: ") and contains($words))' >/dev/null
}

fence_does_not_help() { # words of the alarm
    local cut
    given_a_cluster_under_load
    cut=$(now_ms)
    lab cut db1
    expect "db2 is writer after the lease" within 15 writer_is db2
    expect "the lease was waited for" promotion_waited_for_the_lease "$cut"
    expect "writes flow again" within 5 writes_flow
    expect "the outage is below 8 s" outage_is_below 8000
    expect "the alarm is shown" within 10 alarm_is_shown "$1"
    expect "the failure is in the events" within 5 fence_has_failed
    expect "no success is in the events" test "$(count_events fence_succeeded)" -eq 0
    lab heal db1
    server_runs db1 || { note "the server of db1 was killed"; lab server db1 start; }
    expect "db1 is held when it is back" within 20 state_is db1 AWAITING_RECOVERY
    let_pass 6
    expect "db2 is still writer" writer_is db2
    expect "the role moved once" writer_moves_are 1
}

fence_has_failed() {
    [[ $(count_events fence_failed db1) -ge 1 ]]
}

scenario() {
    write_program 'echo "no route to the board" >&2; exit 3'
    fence_does_not_help "exit status 3: no route to the board"
}

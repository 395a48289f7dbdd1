# 28, with a store that became read-only while the monitor was away: it refuses to start, says why, and harms nothing; when
# the store can be written it starts.  What happens to a monitor that runs is told by 28.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

UP=(--store-mb 1)

monitor_has_ended() {
    [[ $(lab monitor state) == stopped ]]
}

scenario() {
    given_a_cluster_under_load 2s
    lab monitor stop
    lab disk mon lock
    lab monitor start
    expect "the monitor refuses to start" within 5 monitor_has_ended
    expect "its log says why" grep -qE 'event=start_failed why=.*(Read-only file system|readonly database)' \
        "$(lab_folder)/mon/monitor.log"
    let_pass 6
    lab disk mon unlock
    lab monitor start
    remember_daemon monitor
    expect "db1 is still writer" within 10 writer_is db1
    expect "all follow" within 10 all_are_online_and_follow
    expect "nothing has moved" nothing_has_moved
    expect "no write has failed" no_write_has_failed
    expect "no kernel gave an address up" not an_address_has_left "${DATABASES[@]}"
}

# 30. The monitor's store is lost with its machine: it starts with an empty one.  It takes over the writer that it finds, in
# the term that the agents have obeyed, and no write fails meanwhile.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

lose_the_store() {
    lab monitor kill
    rm -r "$(lab_folder)"/mon/store/*
}

start_monitor() {
    lab monitor start
    remember_daemon monitor
}

# What the events of the lost store said is gone with it: the term goes on from what the agents know.
writer_in_term() { # host term
    show | jq -e --arg host "$1" --argjson term "$2" '.writer == $host and .term >= $term and .mode == "active"' >/dev/null
}

scenario() {
    local term
    given_a_cluster_under_load 2s
    term=$(show | jq .term)
    lose_the_store
    let_pass 3
    start_monitor
    expect "db1 is writer in a term that is not older" within 15 writer_in_term db1 "$term"
    expect "all follow" within 10 all_are_online_and_follow
    expect "writes are semi-synchronous" within 10 is_protected db1
    expect "no write has failed" no_write_has_failed
    expect "the role moves as before" lab mmm move-role writer db2
    expect "all follow db2" within 20 all_are_online_and_follow
}

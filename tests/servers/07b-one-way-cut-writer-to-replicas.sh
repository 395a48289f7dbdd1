# 7, between the writer and its replicas: nothing passes from the writer's host to the other databases, while monitor and
# application reach all of them.  Nobody can acknowledge a commit, and no other host could do better: the writer keeps its
# role.  db2 is taken out of the electable set in the store, then writes go on, and mmm says that they are not protected.
# When the cut is mended db2 catches up, and writes are protected again without a pause of note.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

# The directions that are dropped.
cut_replicas() {
    lab cut --one-way db1 db2
    lab cut --one-way db1 db3
}

# The store says first that db2 is not counted on any more, and why.
was_taken_out() {
    events_since_mark | jq -se 'any(.[]; .event == "electable_changed" and (.why | contains("does not acknowledge")))' >/dev/null
}

scenario() {
    given_a_cluster_under_load 300ms
    cut_replicas
    expect "writes go on without db2" within 5 is_unprotected db1
    expect "writes flow again" within 3 writes_flow
    expect "db2 was taken out because it does not acknowledge" was_taken_out
    expect "the outage is below 3 s" outage_is_below 3000
    let_pass 6
    expect "db1 is still writer" writer_is db1
    expect "writes are still unprotected" is_unprotected db1
    lab heal
    expect "writes are protected again" within 30 is_protected db1
    expect "all follow" within 20 all_are_online_and_follow
    expect "the outage is still below 3 s" outage_is_below 3000
    expect "the writer role did not move" writer_moves_are 0
    expect "no host was held" test "$(count_events host_held)" -eq 0
}

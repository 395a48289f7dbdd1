# 22, for a reader: the cable of a replica's host is out for longer than a lease and in again, until it has left ONLINE more
# often than flap_count.  Then it is held as flapping and its reader role stays where it is; nothing else moves.
# shellcheck shell=bash disable=SC2016 # jq knows «$it»

readonly TIMES=4

scenario() {
    local i
    given_a_cluster_under_load 2s
    for ((i = 1; i <= TIMES; i++)); do
        lab cut db3
        expect "db3 is out, the $i. time" within 15 state_is db3 HARD_OFFLINE
        lab heal db3
        [[ $i -eq $TIMES ]] || expect "db3 is back, the $i. time" within 15 state_is db3 ONLINE
    done
    expect "db3 is held" within 20 state_is db3 AWAITING_RECOVERY
    expect "as flapping" shown '$it.hold.reasons | index("flapping")' db3
    let_pass 6 # longer than a lease
    expect "db3 is still held" state_is db3 AWAITING_RECOVERY
    expect "db3 has no reader role" not has_reader db3
    expect "the writer has not moved" writer_moves_are 0
    expect "no write failed" no_write_has_failed
}

# 65. Unsafe settings: db2 is told to write its binary log without syncing it.  What it acknowledges a crash could take back,
# so it is not counted on, and that is said with the setting; writes go on, unprotected and told so.  When the setting is
# safe again it is counted on again.
# shellcheck shell=bash disable=SC2016 # jq knows «$it»

is_told() {
    shown 'any(.warnings[]; contains("the settings of host db2 can lose acknowledged transactions, so it is not counted on: sync_binlog=0"))' &&
        shown 'any(.checks[]; .host == "db2" and .check == "settings" and .ok == false)'
}

is_electable() { # host
    shown '.electable | index($host)' "$1"
}

explained() {
    lab mmm explain --json | jq -e 'any(.stories[0].hosts[]; .name == "db2" and .rule == "E26" and (.why | contains("sync_binlog=0")))' >/dev/null
}

scenario() {
    given_a_cluster_under_load
    sql db2 'SET GLOBAL sync_binlog = 0'
    if [[ $FAMILY == mariadb ]]; then # on MySQL nobody is counted on in lossless mode
        expect "it is told, with the setting" within 10 is_told
        expect "explain names it" explained
        expect "the writes are not protected" within 5 is_unprotected db1
    else
        expect "it is told" within 10 shown 'any(.warnings[]; contains("settings of host db2"))'
    fi
    expect "db2 stays ONLINE" state_is db2 ONLINE
    expect "writes flow" within 5 writes_flow
    sql db2 'SET GLOBAL sync_binlog = 1'
    expect "db2 is electable again" within 20 is_electable db2
    expect "nothing is told any more" within 5 not is_told
    expect "the writes are protected" within 20 is_protected_or_not_wanted
    expect "both was told" test "$(count_events settings_unsafe db2)/$(count_events settings_safe db2)" = 1/1
    expect "the role did not move" writer_moves_are 0
}

# 61. Masters whose replication filters differ: db2 gets a filter that db1 has not, and is out of every election from then
# on, with both filters told; `move-role` refuses as well.  When the writer's server dies nobody takes over: it comes back
# and is writer again.  With the same filters on both the other master is electable again.
# shellcheck shell=bash disable=SC2016 # jq knows «$it»

# The applier must stand still for it on both families.
set_filter() { # host pattern, or nothing
    case $FAMILY in
    mariadb) sql "$1" "STOP SLAVE SQL_THREAD; SET GLOBAL replicate_wild_ignore_table = '${2:-}'; START SLAVE SQL_THREAD" ;;
    mysql) sql "$1" "STOP REPLICA SQL_THREAD; CHANGE REPLICATION FILTER REPLICATE_WILD_IGNORE_TABLE = (${2:+'$2'}); START REPLICA SQL_THREAD" ;;
    esac
}

# What a person is told, and what a program reads.
both_are_told() {
    shown 'any(.warnings[]; test("host db2 is not elected.*db2 has replicate_wild_ignore_table=other.%, db1 has none"))' &&
        shown 'any(.checks[]; .host == "db2" and .check == "filters" and .ok == false and (.message | contains("db1 has none")))'
}

is_electable() { # host
    shown '.electable | index($host)' "$1"
}

explained() {
    lab mmm explain --json |
        jq -e 'all(.stories[]; .chosen == null and any(.hosts[]; .name == "db2" and .rule == "E16" and (.why | contains("other.%"))))' >/dev/null
}

scenario() {
    given_a_cluster_under_load
    set_filter db2 'other.%'
    expect "the filters of both are told" within 10 both_are_told
    expect "db2 is not electable" within 5 not is_electable db2
    expect "db2 is ONLINE all the same" state_is db2 ONLINE
    expect "explain says why nobody would take over" explained
    expect "the role does not move there by command" not lab mmm move-role writer db2
    expect "writes flow" within 5 writes_flow
    lab server db1 kill
    let_pass 12 # two leases
    expect "nobody took over" test "$(count_events writer_chosen)" -eq 0
    lab server db1 start
    expect "db1 is writer again" within 15 writer_is db1
    expect "writes flow again" within 5 writes_flow
    set_filter db2
    expect "db2 is electable again" within 15 is_electable db2
    expect "that is told" test "$(count_events filters_agree db2)" -eq 1
    expect "all follow" within 20 all_are_online_and_follow
}

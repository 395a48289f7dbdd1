# 62. A delayed replica: db3 applies 20 s late on purpose.  It serves no reader, it is shown as delayed and neither late
# nor broken, nobody waits for it when the writer's server dies, and it follows the new writer with its delay.
# shellcheck shell=bash disable=SC2016 # jq knows «$it»

set_delay() { # host seconds
    case $FAMILY in
    mariadb) sql "$1" "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY = $2; START SLAVE" ;;
    mysql) sql "$1" "STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_DELAY = $2; START REPLICA" ;;
    esac
}

is_delayed() {
    shown '$it.replication.delay_s == 20 and $it.state == "ONLINE" and ($it.roles | length) == 0' db3 &&
        lab mmm show | grep -q '^db3 .* delayed 20 s '
}

follows_delayed() {
    shown '$it.replication.source == "db2" and $it.replication.delay_s == 20 and $it.replication.receiving and
        $it.replication.applying and $it.state == "ONLINE"' db3
}

never_left_service() { # host
    [[ $(events_since_mark | jq -s --arg host "$1" '[.[] | select(.event == "host_state" and .host == $host)] | length') -eq 0 ]]
}

scenario() {
    given_a_cluster_under_load
    set_delay db3 20
    expect "db3 is shown as delayed, and serves nobody" within 10 is_delayed
    let_pass 15 # more than lag_max
    expect "it is still in order" is_delayed
    lab server db1 kill
    expect "db2 is writer" within 5 writer_is db2
    expect "writes flow again" within 5 writes_flow
    expect "nobody waited for db3" outage_is_below 1000
    expect "db3 follows db2, delayed" within 20 follows_delayed
    let_pass 12 # db3 is judged by the new writer
    expect "db3 was never taken for broken or late" never_left_service db3
    expect "the role moved once" writer_moves_are 1
    lab load stop --as main >"$EVIDENCE/main.json" # there is enough to apply
    set_delay db3 0
    expect "db3 serves readers again" within 20 has_reader db3
}

# 63. A chained replica: db4 replicates from the replica db3.  It is left alone and serves readers, through a switchover
# and through a short absence of db3.  When db3 is away for longer than health.down_short it is sent to the writer.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

UP=(--hosts 4 --mmm-set health.down_short=15s)

chain() { # host source
    local address
    address=$(show | jq -r --arg host "$2" '.hosts[] | select(.name == $host).address')
    case $FAMILY in
    mariadb) sql "$1" "STOP SLAVE; CHANGE MASTER TO MASTER_HOST = '$address'; START SLAVE" ;;
    mysql) sql "$1" "STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_HOST = '$address'; START REPLICA" ;;
    esac
}

follows_well() { # host source
    shown ".hosts | any(.name == \"$1\" and .replication.source == \"$2\" and .replication.receiving and
        .replication.applying and .replication.lag_ms == 0 and .state == \"ONLINE\")"
}

scenario() {
    given_a_cluster_under_load
    chain db4 db3
    expect "db4 follows db3" within 10 follows_well db4 db3
    let_pass 5
    expect "it is left there" follows_well db4 db3
    expect "it serves readers" has_reader db4
    expect "the role moves" lab mmm move-role writer db2
    expect "db3 follows the new writer" within 10 follows_well db3 db2
    expect "db4 still follows db3" within 10 follows_well db4 db3
    let_pass 12 # replication is judged again
    expect "db4 was well all the time" test "$(count_events host_state db4)" -eq 0
    lab server db3 kill
    let_pass 5
    expect "a short absence changes nothing" shown '$it.replication.source == "db3"' db4
    lab server db3 start
    expect "db4 has caught up over db3" within 30 follows_well db4 db3
    expect "no source was changed" test "$(count_events source_changed)" -eq 0
    lab server db3 kill
    expect "after a long absence db4 follows the writer" within 35 follows_well db4 db2
    expect "that is told" test "$(count_events source_changed db4)" -eq 1
    expect "db4 serves readers" within 10 has_reader db4
}

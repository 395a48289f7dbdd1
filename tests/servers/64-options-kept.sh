# 64. Every option of replication survives when a replica is sent to another source: all fields of its status (and on MySQL
# of the server's own table) before and after a switchover are the same, but for the source, the positions and what goes
# with them; and a second replication connection of the administrator's is not touched.  Then once more with a delay.
# shellcheck shell=bash disable=SC2016 # jq knows «$it»

# Fields that a change of the source changes: who, where in its log, how far, what it does at this moment.
readonly CHANGES_MARIADB='^(Slave_IO_State|Slave_SQL_State|Slave_SQL_Running_State|Master_Host|Master_Log_File|Read_Master_Log_Pos|Relay_Log_File|Relay_Log_Pos|Relay_Master_Log_File|Exec_Master_Log_Pos|Relay_Log_Space|Seconds_Behind_Master|Master_Server_Id|Gtid_IO_Pos|Gtid_Slave_Pos|Retried_transactions|Executed_log_entries|Slave_received_heartbeats|Slave_(DDL|Non_Transactional|Transactional)_Groups|SQL_Remaining_Delay|Master_last_event_time|Slave_last_event_time|Master_Slave_time_diff)$'
readonly CHANGES_MYSQL='^(Replica_IO_State|Replica_SQL_Running_State|Source_Host|Source_Log_File|Read_Source_Log_Pos|Relay_Log_File|Relay_Log_Pos|Relay_Source_Log_File|Exec_Source_Log_Pos|Relay_Log_Space|Seconds_Behind_Source|Source_Server_Id|Source_UUID|Retrieved_Gtid_Set|Executed_Gtid_Set|SQL_Remaining_Delay|Host|Master_log_name|Master_log_pos|Uuid)$'

status_statement() {
    case $FAMILY in
    mariadb) echo 'SHOW ALL SLAVES STATUS' ;;
    mysql) echo 'SHOW REPLICA STATUS; SELECT * FROM mysql.slave_master_info ORDER BY Channel_name' ;;
    esac
}

# «field: value» of the main connection, and all of the other's.
options_of() { # host
    local changes=$CHANGES_MARIADB
    [[ $FAMILY == mariadb ]] || changes=$CHANGES_MYSQL
    MMM_LAB_SQL_SECONDS=10 lab sql "$1" --column-names --vertical "$(status_statement)" | sed 's/^ *//' |
        awk -F: -v changes="$changes" '{ field = $1 } field ~ /^[A-Za-z_]+$/ && field != "User_password" && field !~ changes' | sort
}

give_options() {
    case $FAMILY in
    mariadb) sql db3 "STOP SLAVE; CHANGE MASTER TO MASTER_CONNECT_RETRY = 7, MASTER_HEARTBEAT_PERIOD = 2.5, MASTER_SSL = 0,
        MASTER_SSL_CA = '/x/ca.pem', MASTER_SSL_CERT = '/x/cert.pem', MASTER_SSL_KEY = '/x/key.pem', MASTER_SSL_CIPHER = 'AES',
        MASTER_SSL_CRL = '/x/crl.pem', IGNORE_SERVER_IDS = (99), IGNORE_DOMAIN_IDS = (9);
        SET GLOBAL replicate_wild_ignore_table = 'other.%'; SET GLOBAL replicate_do_db = '';
        CHANGE MASTER 'other' TO MASTER_HOST = '10.77.0.99', MASTER_USER = 'x', MASTER_CONNECT_RETRY = 33;
        START SLAVE" ;;
    mysql) sql db3 "STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_CONNECT_RETRY = 7, SOURCE_RETRY_COUNT = 11,
        SOURCE_HEARTBEAT_PERIOD = 2.5, SOURCE_SSL = 0, SOURCE_SSL_CA = '/x/ca.pem', SOURCE_SSL_CAPATH = '/x', SOURCE_SSL_CERT = '/x/cert.pem',
        SOURCE_SSL_KEY = '/x/key.pem', SOURCE_SSL_CIPHER = 'AES', SOURCE_SSL_CRL = '/x/crl.pem', SOURCE_TLS_VERSION = 'TLSv1.3',
        IGNORE_SERVER_IDS = (), SOURCE_COMPRESSION_ALGORITHMS = 'zlib,uncompressed', SOURCE_ZSTD_COMPRESSION_LEVEL = 5,
        REQUIRE_ROW_FORMAT = 1, REQUIRE_TABLE_PRIMARY_KEY_CHECK = ON FOR CHANNEL '';
        CHANGE REPLICATION FILTER REPLICATE_WILD_IGNORE_TABLE = ('other.%') FOR CHANNEL '';
        CHANGE REPLICATION SOURCE TO SOURCE_HOST = '10.77.0.99', SOURCE_USER = 'x', SOURCE_CONNECT_RETRY = 33 FOR CHANNEL 'other';
        START REPLICA FOR CHANNEL ''" ;;
    esac
}

give_delay() {
    case $FAMILY in
    mariadb) sql db3 "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY = $1; START SLAVE" ;;
    mysql) sql db3 "STOP REPLICA FOR CHANNEL ''; CHANGE REPLICATION SOURCE TO SOURCE_DELAY = $1 FOR CHANNEL ''; START REPLICA FOR CHANNEL ''" ;;
    esac
}

db3_follows() { # host
    shown ".hosts | any(.name == \"db3\" and .replication.source == \"$1\" and .replication.receiving and .replication.applying)"
}

options_are_kept() { # which time
    options_of db3 >"$EVIDENCE/after.$1"
    diff -u "$EVIDENCE/before.$1" "$EVIDENCE/after.$1" >"$EVIDENCE/changed.$1"
}

# What was given must be among what is compared.
options_are_seen() { # which time values…
    local file=$EVIDENCE/before.$1 value
    shift
    for value in "$@"; do
        grep -qF -- "$value" "$file" || return 1
    done
}

scenario() {
    given_a_cluster_under_load
    need "db3 gets its options" give_options
    need "db3 follows db1 with them" within 20 db3_follows db1
    options_of db3 >"$EVIDENCE/before.first"
    expect "what was given is compared" options_are_seen first /x/ca.pem /x/key.pem ': 33' ': 7' '2.5' 'other.%'
    expect "the role moves" lab mmm move-role writer db2
    expect "db3 follows db2" within 20 db3_follows db2
    expect "every option is kept" options_are_kept first
    give_delay 2
    need "db3 follows db2 with a delay" within 20 db3_follows db2
    options_of db3 >"$EVIDENCE/before.second"
    expect "the delay is compared" options_are_seen second 'SQL_Delay: 2'
    expect "db1 has caught up" within 20 shown '$it.replication.lag_ms == 0' db1
    expect "the role moves back" lab mmm move-role writer db1
    expect "db3 follows db1 again" within 20 db3_follows db1
    expect "every option is kept with the delay" options_are_kept second
    give_delay 0
    expect "all follow" within 20 all_are_online_and_follow
}

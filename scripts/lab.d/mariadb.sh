# MariaDB in the lab: Debian 12's own server, or that of a later release, which comes from a folder of its own and runs by
# chroot (server-root).
# shellcheck shell=bash

# The users and the schema stand in the template, so that all servers start alike and with empty binary logs.
template_sql_mariadb() {
    local user
    echo "FLUSH PRIVILEGES;" # a bootstrap server starts without any, and then makes no users
    for user in mmm_replication mmm_check; do
        echo "CREATE USER '$user'@'%' IDENTIFIED BY '$(password_of "$user")';"
    done
    echo "GRANT REPLICATION SLAVE ON *.* TO 'mmm_replication'@'%';"
    application_sql
}

template_make_mariadb() {
    local log=$LAB/template.log common
    common=(--no-defaults --user=root --innodb-log-file-size=16M --tmpdir="$LAB/tmp")
    if [[ -n $RELEASE ]]; then
        cp -a "$(server_root)/empty" "$LAB/template"
    else
        timeout 60 mariadb-install-db "${common[@]}" --datadir="$LAB/template" --auth-root-authentication-method=socket \
            --auth-root-socket-user=root --skip-test-db --skip-name-resolve --force >"$log" 2>&1 ||
            fail "mariadb-install-db failed; see $log"
    fi
    [[ $FRESH -eq 0 ]] || return 0
    server_command mariadbd "${common[@]}" --datadir="$LAB/template" --bootstrap
    template_sql_mariadb | timeout 60 "${COMMAND[@]}" >>"$log" 2>&1 ||
        fail "the template's users could not be made; see $log"
}

# As Debian's package leaves a server, but for the places of its files.
fresh_settings_mariadb() { # host
    mkdir -p "$LAB/$1/conf.d"
    cat <<EOF
[mariadbd]
user = root
datadir = $LAB/$1/data
socket = $(server_socket "$1")
tmpdir = $LAB/$1/tmp
pid_file = $LAB/$1/server.pid
log_error = $LAB/$1/server.log
port = 3306
bind_address = 127.0.0.1
innodb_buffer_pool_size = 32M
innodb_log_file_size = 16M
$(printf '%s\n' "${SERVER_SETTINGS[@]}")
!includedir $LAB/$1/conf.d
EOF
}

server_settings_mariadb() { # host
    cat <<EOF
[mariadbd]
user = root
datadir = $LAB/$1/data
socket = $(server_socket "$1")
tmpdir = $LAB/$1/tmp
pid_file = $LAB/$1/server.pid
log_error = $LAB/$1/server.log
port = 3306
bind_address = *
skip_name_resolve = ON
server_id = $(host_number "$1")
report_host = $1
log_bin = $LAB/$1/binlog/bin
binlog_format = ROW
log_slave_updates = ON
gtid_strict_mode = ON
read_only = ON
skip_slave_start = ON
sync_binlog = 1
innodb_flush_log_at_trx_commit = 1
sync_relay_log = 1
slave_net_timeout = 4
slave_parallel_threads = 4
loose_slave_connections_needed_for_purge = 0
max_connections = 100
innodb_buffer_pool_size = 32M
innodb_log_file_size = 16M
performance_schema = OFF
EOF
    printf '%s\n' "${SERVER_SETTINGS[@]}" # what «up --set» asked for: the last word
}

server_launch_mariadb() { # host
    server_command mariadbd --defaults-file="$LAB/$1/my.cnf"
    process_start "$1-server" "$1" "$LAB/$1/server.log" "${COMMAND[@]}"
}

replicate_mariadb() { # host
    sql_on "$1" 20 <<EOF
CHANGE MASTER TO MASTER_HOST='10.77.0.11', MASTER_PORT=3306, MASTER_USER='mmm_replication',
    MASTER_PASSWORD='$(password_of mmm_replication)', MASTER_USE_GTID=slave_pos,
    MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=1;
START SLAVE;
EOF
}

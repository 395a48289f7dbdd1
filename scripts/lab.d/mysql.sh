# MySQL in the lab: Debian 12 has none, so its server comes from a folder of its own and runs by chroot (server-root).
# shellcheck shell=bash

template_sql_mysql() {
    local user
    for user in mmm_replication mmm_check app; do
        echo "CREATE USER '$user'@'%' IDENTIFIED WITH caching_sha2_password BY '$(password_of "$user")';"
    done
    echo "GRANT REPLICATION SLAVE ON *.* TO 'mmm_replication'@'%';"
    make_password lab_clone # for lab reclone
    echo "CREATE USER 'lab_clone'@'%' IDENTIFIED BY '$(password_of lab_clone)';"
    echo "GRANT BACKUP_ADMIN ON *.* TO 'lab_clone'@'%';"
    schema_sql
    echo "ALTER USER 'root'@'localhost' IDENTIFIED WITH auth_socket;"
    echo "SHUTDOWN;"
}

template_make_mysql() {
    local log=$LAB/template.log
    cp -a "$(server_root)/empty" "$LAB/template"
    [[ $FRESH -eq 0 ]] || return 0
    (umask 077 && template_sql_mysql >"$LAB/secret/template.sql")
    server_command mysqld --no-defaults --user=root --datadir="$LAB/template" --tmpdir="$LAB/tmp" --socket="$LAB/secret/s" \
        --pid-file="$LAB/secret/pid" --disable-log-bin --skip-networking --mysqlx=OFF --secure-file-priv=NULL \
        --innodb-redo-log-capacity=32M --plugin-load-add=auth_socket.so --init-file="$LAB/secret/template.sql"
    timeout 60 "${COMMAND[@]}" >"$log" 2>&1 || fail "the template's users could not be made; see $log"
    # What an init file says is not an error that ends the server; each copy makes up a UUID of its own.
    ! grep -q '\[ERROR\]' "$log" || fail "the template's users could not be made; see $log"
    rm -f "$LAB/secret/template.sql" "$LAB/template/auto.cnf"
}

# As a fresh installation starts, but for the places of its files: root has no password, anybody on the machine is root.
fresh_settings_mysql() { # host
    mkdir -p "$LAB/$1/conf.d"
    cat <<EOF
[mysqld]
user = root
datadir = $LAB/$1/data
socket = $(server_socket "$1")
tmpdir = $LAB/$1/tmp
pid_file = $LAB/$1/server.pid
secure_file_priv = NULL
mysqlx = OFF
port = 3306
bind_address = 127.0.0.1
innodb_buffer_pool_size = 32M
innodb_redo_log_capacity = 32M
$(printf '%s\n' "${SERVER_SETTINGS[@]}")
!includedir $LAB/$1/conf.d
EOF
}

server_settings_mysql() { # host
    cat <<EOF
[mysqld]
user = root
datadir = $LAB/$1/data
socket = $(server_socket "$1")
tmpdir = $LAB/$1/tmp
pid_file = $LAB/$1/server.pid
secure_file_priv = NULL
mysqlx = OFF
port = 3306
bind_address = *
skip_name_resolve = ON
server_id = $(host_number "$1")
report_host = $1
plugin_load_add = auth_socket.so
plugin_load_add = semisync_source.so
plugin_load_add = semisync_replica.so
plugin_load_add = mysql_clone.so
log_bin = $LAB/$1/binlog/bin
relay_log = $LAB/$1/data/relay
gtid_mode = ON
enforce_gtid_consistency = ON
super_read_only = ON
skip_replica_start = ON
sync_binlog = 1
innodb_flush_log_at_trx_commit = 1
sync_relay_log = 1
relay_log_recovery = OFF
replica_net_timeout = 4
replica_parallel_workers = 4
replica_preserve_commit_order = ON
max_connections = 100
innodb_buffer_pool_size = 32M
innodb_redo_log_capacity = 32M
EOF
    # What «up --set» asked for: the last word.  Semi-sync has other words here.
    printf '%s\n' "${SERVER_SETTINGS[@]}" |
        sed 's/^rpl_semi_sync_master_/rpl_semi_sync_source_/; s/^rpl_semi_sync_slave_/rpl_semi_sync_replica_/'
}

# Agents run outside of the root that has MySQL's programs, and may not enter it: its loader runs the tool from there.
binlog_tool_mysql() {
    local root loader
    root=$(server_root)
    for loader in "$root"/lib64/ld-linux-*.so.* "$root"/lib/ld-linux-*.so.*; do
        [[ ! -e $loader ]] || break
    done
    printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' "$loader" \
        "$(printf '%s:' "$root"/usr/lib/*-linux-gnu)" "$root/usr/bin/mysqlbinlog" >"$LAB/mysqlbinlog"
    chmod 0755 "$LAB/mysqlbinlog"
}

server_launch_mysql() { # host
    # MySQL does not start beside a lock that names a process, and takes a dead one that nobody has waited for yet as one;
    # in some containers that lasts seconds.  The lab knows that its server is gone.
    rm -f "$(server_socket "$1").lock"
    server_command mysqld --defaults-file="$LAB/$1/my.cnf"
    process_start "$1-server" "$1" "$LAB/$1/server.log" "${COMMAND[@]}"
}

replicate_mysql() { # host
    sql_on "$1" 20 <<EOF
CHANGE REPLICATION SOURCE TO SOURCE_HOST='10.77.0.11', SOURCE_PORT=3306, SOURCE_USER='mmm_replication',
    SOURCE_PASSWORD='$(password_of mmm_replication)', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1,
    SOURCE_CONNECT_RETRY=1, SOURCE_HEARTBEAT_PERIOD=1;
START REPLICA;
EOF
}

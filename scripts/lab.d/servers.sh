# The lab's MariaDB servers: copies of one template, with the settings that SERVERS.md asks of a managed server.
# shellcheck shell=bash

server_socket() { # host
    printf '%s/%s/s' "$LAB" "$1"
}

make_password() { # name
    (umask 077 && head -c 18 /dev/urandom | base64 | tr '+/' 'ab' >"$LAB/secret/$1.password")
}

password_of() { # name
    cat "$LAB/secret/$1.password"
}

# The users and the schema stand in the template, so that all servers start alike and with empty binary logs.
template_sql() {
    local user
    echo "FLUSH PRIVILEGES;" # a bootstrap server starts without any, and then makes no users
    for user in mmm_replication mmm_check app; do
        echo "CREATE USER '$user'@'%' IDENTIFIED BY '$(password_of "$user")';"
    done
    cat <<'EOF'
GRANT REPLICATION SLAVE ON *.* TO 'mmm_replication'@'%';
CREATE DATABASE app;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.* TO 'app'@'%';
CREATE TABLE app.ledger (id BIGINT NOT NULL PRIMARY KEY, client INT NOT NULL, sent BIGINT NOT NULL) ENGINE=InnoDB;
CREATE TABLE app.probe (id BIGINT NOT NULL PRIMARY KEY, sent BIGINT NOT NULL) ENGINE=InnoDB;
EOF
}

template_make() {
    local user log=$LAB/template.log common
    # A server that starts removes what looks like its temporary tables, other servers' in a shared folder among them.
    mkdir -p "$LAB/tmp"
    common=(--no-defaults --user=root --innodb-log-file-size=16M --tmpdir="$LAB/tmp")
    for user in mmm_replication mmm_check app; do
        make_password "$user"
    done
    timeout 60 mariadb-install-db "${common[@]}" --datadir="$LAB/template" --auth-root-authentication-method=socket \
        --auth-root-socket-user=root --skip-test-db --skip-name-resolve --force >"$log" 2>&1 ||
        fail "mariadb-install-db failed; see $log"
    template_sql | timeout 60 mariadbd "${common[@]}" --datadir="$LAB/template" --bootstrap >>"$log" 2>&1 ||
        fail "the template's users could not be made; see $log"
}

server_settings() { # host
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
max_connections = 100
innodb_buffer_pool_size = 32M
innodb_log_file_size = 16M
performance_schema = OFF
EOF
    printf '%s\n' "${SERVER_SETTINGS[@]}" # what «up --set» asked for: the last word
}

server_make() { # host
    mkdir -p "$LAB/$1/binlog" "$LAB/$1/tmp"
    if [[ -n $BINLOG_MB ]]; then
        mount -t tmpfs -o "size=${BINLOG_MB}m,mode=0700" "mmm-lab-$NAME" "$LAB/$1/binlog"
    fi
    cp -a "$LAB/template" "$LAB/$1/data"
    server_settings "$1" >"$LAB/$1/my.cnf"
    # What mmm.ini names as server_start: a command without arguments.
    cat >"$LAB/$1/start-server" <<EOF
#!/bin/sh
MMM_LAB_DIR='$LAB' exec '$SCRIPTS/lab' --name '$NAME' server $1 start
EOF
    cat >"$LAB/$1/stop-server" <<EOF
#!/bin/sh
MMM_LAB_DIR='$LAB' exec '$SCRIPTS/lab' --name '$NAME' server $1 stop
EOF
    chmod 0700 "$LAB/$1/start-server" "$LAB/$1/stop-server"
}

server_launch() { # host
    process_start "$1-server" "$1" "$LAB/$1/server.log" mariadbd --defaults-file="$LAB/$1/my.cnf"
}

server_answers() { # host
    sql_on "$1" 2 -e 'SELECT 1' >/dev/null 2>&1
}

server_await() { # host
    local end=$((SECONDS + 60))
    until server_answers "$1"; do
        process_runs "$1-server" || fail "the server of $1 ended at once; see $LAB/$1/server.log"
        [[ $SECONDS -lt $end ]] || fail "the server of $1 does not answer within 60 s; see $LAB/$1/server.log"
        sleep 0.05
    done
}

server_start() { # host
    server_launch "$1"
    server_await "$1"
}

servers_up() {
    local host
    template_make
    for host in $(lab_hosts); do
        server_make "$host"
        server_launch "$host"
    done
    rm -rf "$LAB/template"
    for host in $(lab_hosts); do
        server_await "$host"
    done
}

# Runs the client as root over the server's own socket.
sql_on() { # host seconds client-arguments...
    local host=$1 seconds=$2
    shift 2
    timeout "$seconds" mariadb --no-defaults --socket="$(server_socket "$host")" --user=root \
        --connect-timeout="$seconds" "$@"
}

# Replication without mmm: db1 writes, every other host follows it.
replicate() {
    local host
    for host in $(lab_hosts); do
        [[ $host != db1 ]] || continue
        sql_on "$host" 20 <<EOF
CHANGE MASTER TO MASTER_HOST='10.77.0.11', MASTER_PORT=3306, MASTER_USER='mmm_replication',
    MASTER_PASSWORD='$(password_of mmm_replication)', MASTER_USE_GTID=slave_pos,
    MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=1;
START SLAVE;
EOF
    done
    sql_on db1 20 -e 'SET GLOBAL read_only = OFF'
    # A role address would be given by mmm; here it stands still.
    ip -n "$(network_namespace db1)" address add 10.77.0.50/24 dev eth0
}

# sql HOST [client options] STATEMENT, or the statements on standard input.
command_sql() {
    local host=${1:-} seconds=${MMM_LAB_SQL_SECONDS:-20}
    need_host "$host"
    shift
    if [[ $# -eq 0 ]]; then
        sql_on "$host" "$seconds" --batch --skip-column-names
    else
        sql_on "$host" "$seconds" --batch --skip-column-names "${@:1:$#-1}" <<<"${!#}"
    fi
}

command_server() { # host verb
    need_host "${1:-}"
    process_command "$1-server" "${2:-}" server_start "$1"
}

# Takes all the room that a file system has, or gives it back.
disk_room() { # folder fill|free
    case $2 in
    fill) dd if=/dev/zero of="$1/filler" bs=4k 2>/dev/null || true ;; # it ends with «no space left», as it should
    free) rm -f "$1/filler" ;;
    *) wrong "disk HOST fill|free, disk mon fill|free|lock|unlock" ;;
    esac
}

# disk HOST fill|free: the file system under the binary log, when «up --binlog-mb N» gave it one of its own.
# disk mon fill|free|lock|unlock: the one under the monitor's store, with «up --store-mb N».
command_disk() {
    local host=${1:-} folder
    if [[ $host == mon ]]; then
        folder=$LAB/mon/store
        mountpoint -q "$folder" || fail "the monitor's store has no file system of its own; lab up --store-mb N"
    else
        need_host "$host"
        folder=$LAB/$host/binlog
        mountpoint -q "$folder" || fail "$host's binary log has no file system of its own; lab up --binlog-mb N"
    fi
    case $host:${2:-} in
    mon:lock) mount -o remount,ro "$folder" ;;
    mon:unlock) mount -o remount,rw "$folder" ;;
    *) disk_room "$folder" "${2:-}" ;;
    esac
}

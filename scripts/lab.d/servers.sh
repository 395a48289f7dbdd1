# The lab's servers: copies of one template, with the settings that a managed server needs.  What differs between the
# families is in mariadb.sh and mysql.sh: template_make_F, server_settings_F, fresh_settings_F, server_launch_F, replicate_F.
# shellcheck shell=bash

server_socket() { # host
    printf '%s/%s/s' "$LAB" "$1"
}

# The folder with a server that is not this machine's own; nothing for one that is.
server_root() {
    [[ $FAMILY == mysql || -n $RELEASE ]] || return 0
    "$SCRIPTS/lab.d/server-root" "$(family_word)" || fail "there is no server for --family $(family_word); see above"
}

# COMMAND is the server in its root, and its process from the first moment on: exec all the way.
server_command() { # program arguments...
    local root
    root=$(server_root) || exit 1
    COMMAND=("$@")
    [[ -z $root ]] || COMMAND=(unshare --mount --propagation private "$SCRIPTS/lab.d/in-root" "$root" "$LAB" "$@")
}

make_password() { # name
    (umask 077 && head -c 18 /dev/urandom | base64 | tr '+/' 'ab' >"$LAB/secret/$1.password")
}

password_of() { # name
    cat "$LAB/secret/$1.password"
}

# What an application brings: with «up --fresh» it comes later, through the writer (lab application).
application_sql() {
    echo "CREATE USER 'app'@'%' IDENTIFIED BY '$(password_of app)';"
    schema_sql
}

# The schema of the clients in bench/.
schema_sql() {
    cat <<'EOF'
CREATE DATABASE app;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.* TO 'app'@'%';
CREATE TABLE app.ledger (id BIGINT NOT NULL PRIMARY KEY, client INT NOT NULL, sent BIGINT NOT NULL) ENGINE=InnoDB;
CREATE TABLE app.probe (id BIGINT NOT NULL PRIMARY KEY, sent BIGINT NOT NULL) ENGINE=InnoDB;
EOF
}

server_make() { # host
    mkdir -p "$LAB/$1/binlog" "$LAB/$1/tmp"
    if [[ -n $BINLOG_MB ]]; then
        mount -t tmpfs -o "size=${BINLOG_MB}m,mode=0700" "mmm-lab-$NAME" "$LAB/$1/binlog"
    fi
    cp -a "$LAB/template" "$LAB/$1/data"
    if [[ $FRESH -eq 1 ]]; then
        "fresh_settings_$FAMILY" "$1" >"$LAB/$1/my.cnf"
    else
        "server_settings_$FAMILY" "$1" >"$LAB/$1/my.cnf"
    fi
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
    "server_launch_$FAMILY" "$1"
    server_await "$1"
}

servers_up() {
    local host user
    # A server that starts removes what looks like its temporary tables, other servers' in a shared folder among them.
    mkdir -p "$LAB/tmp"
    make_password app
    for user in mmm_replication mmm_check; do
        [[ $FRESH -eq 1 ]] || make_password "$user"
    done
    "template_make_$FAMILY"
    for host in $(lab_hosts); do
        server_make "$host"
        "server_launch_$FAMILY" "$host"
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
        [[ $host == db1 ]] || "replicate_$FAMILY" "$host"
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

# The application's user and tables, on a writer that mmm init made.
command_application() {
    local writer
    [[ $FRESH -eq 1 ]] || wrong "application is for up --fresh: without it the servers have it from the start"
    writer=$(writer_now)
    [[ -n $writer ]] || fail "there is no writer; lab mmm show"
    application_sql | sql_on "$writer" 20
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

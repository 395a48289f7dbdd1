# mmm itself in the lab: its configuration, certificates, monitor and agents.
# shellcheck shell=bash

readonly WRITER_ADDRESS=10.77.0.50
# The monitor's user, by number: no machine needs to have it.
readonly MONITOR_USER=19988

# All hosts, or the masters only, as «db1, db2».
hosts_listed() { # all|masters
    local host list=''
    for host in $(lab_hosts); do
        if [[ $1 == all ]] || is_master "$host"; then
            list+="${list:+, }$host"
        fi
    done
    printf '%s' "$list"
}

host_section() { # host
    local mode=replica
    if is_master "$1"; then mode=master; fi
    cat <<EOF

[host $1]
address = 10.77.0.$(host_number "$1")
mode = $mode
server_socket = $(server_socket "$1")
server_start = $LAB/$1/start-server
server_stop = $LAB/$1/stop-server
agent_state = $LAB/$1/agent
server_settings = $LAB/$1/conf.d/zz-mmm.cnf
EOF
    [[ $FAMILY == mariadb ]] || echo "binlog_tool = $LAB/mysqlbinlog"
}

# What «up --mmm-set section.key=value» asked for, into that section: none may stand twice.
add_settings() { # file
    local setting section
    for setting in "${MMM_SETTINGS[@]}"; do
        section=${setting%%.*}
        grep -qxF "[$section]" "$1" || printf '\n[%s]\n' "$section" >>"$1"
        sed -i "/^\[$section\]\$/a ${setting#*.}" "$1"
    done
}

reader_addresses() {
    local host list=''
    for host in $(lab_hosts); do
        list+="${list:+, }10.77.0.5${host#db}/24"
    done
    printf '%s' "$list"
}

# Lossless, unless «up --mmm-set cluster.durability=…» says it.
durability_setting() {
    [[ " ${MMM_SETTINGS[*]} " == *' cluster.durability'* ]] || printf 'durability = lossless'
}

mmm_settings() {
    local host
    cat <<EOF
[cluster]
name = $NAME
$(durability_setting)

[monitor]
address = 10.77.0.9
socket = $LAB/mon/mmm.sock
store = $LAB/mon/store/monitor.db

[host default]
interface = eth0
EOF
    for host in $(lab_hosts); do
        host_section "$host"
    done
    cat <<EOF

[role writer]
mode = exclusive
hosts = $(hosts_listed masters)
addresses = $WRITER_ADDRESS/24, fd77::50/64

[role reader]
mode = balanced
hosts = $(hosts_listed all)
addresses = $(reader_addresses)

[replication]
user = mmm_replication
password_file = $LAB/secret/mmm_replication.password

[check]
user = mmm_check
password_file = $LAB/secret/mmm_check.password

[tls]
ca = $LAB/tls/ca.pem
certificate = $LAB/tls/%h.pem
key = $LAB/tls/%h.key
EOF
}

mmm_program() {
    printf '%s/mmm' "$BUILD"
}

certificates_make() {
    local name
    mkdir -p "$LAB/tls"
    timeout 20 "$(mmm_program)" cert init --dir "$LAB/tls" --config "$LAB/mmm.ini" >/dev/null
    for name in monitor operator $(lab_hosts); do
        timeout 20 "$(mmm_program)" cert issue --dir "$LAB/tls" "$name" >/dev/null
    done
}

# Files as packaging/README.md wants them: the monitor, a user without a name and without rights, reads its key and the
# password of its check, and owns its folder.
rights_give() {
    chmod 0711 "$LAB"
    chown "$MONITOR_USER:$MONITOR_USER" "$LAB/mon" "$LAB/mon/store"
    [[ $FRESH -eq 1 ]] || chown "$MONITOR_USER:$MONITOR_USER" "$LAB/secret/mmm_check.password"
    chgrp "$MONITOR_USER" "$LAB/tls/monitor.key"
    chmod 0640 "$LAB/tls/monitor.key"
    # A copy: the folder of the build may be closed to others.
    install -m 0755 "$(mmm_program)" "$LAB/mon/mmm"
}

# As in packaging/mmm-monitor.service.
monitor_start() {
    process_start monitor mon "$LAB/mon/monitor.log" setpriv --reuid "$MONITOR_USER" --regid "$MONITOR_USER" \
        --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$LAB/mon/mmm" --config "$LAB/mmm.ini" monitor
}

# As in packaging/mmm-agent.service: what an agent does in the lab it can do with these rights.
agent_start() { # host
    process_start "$1-agent" "$1" "$LAB/$1/agent.log" setpriv --no-new-privs --inh-caps=-all \
        --bounding-set=-all,+net_admin,+net_raw,+kill,+sys_ptrace,+dac_read_search "$(mmm_program)" --config "$(agent_config "$1")" --host "$1" agent
}

# The folder of the monitor's store, with «up --store-mb N» on a file system of its own.
store_make() {
    mkdir "$LAB/mon/store"
    [[ -n $STORE_MB ]] || return 0
    mount -t tmpfs -o "size=${STORE_MB}m,mode=0700" "mmm-lab-$NAME" "$LAB/mon/store"
}

mmm_up() {
    local host
    [[ -x $(mmm_program) ]] || fail "there is no $(mmm_program); run scripts/setup, or use lab up --no-mmm"
    [[ $FAMILY == mariadb ]] || binlog_tool_mysql
    mmm_settings >"$LAB/mmm.ini"
    add_settings "$LAB/mmm.ini"
    certificates_make
    store_make
    rights_give
    [[ $FRESH -eq 1 ]] || monitor_start
    for host in $(lab_hosts); do
        mkdir -p "$LAB/$host/agent"
        [[ $FRESH -eq 0 ]] || fresh_config "$host"
        agent_start "$host"
    done
    [[ $FRESH -eq 1 ]] || await_writer '' 30
}

# The machines share a file system, and what is a file of each machine is here one with its name in it.  So with «up
# --fresh», where `mmm init` brings the password to each host, an agent has a configuration of its own.
agent_config() { # host
    if [[ $FRESH -eq 1 ]]; then printf '%s/%s/mmm.ini' "$LAB" "$1"; else printf '%s/mmm.ini' "$LAB"; fi
}

fresh_config() { # host
    sed "s|^password_file = .*/mmm_replication.password|password_file = $LAB/$1/replication.password|" "$LAB/mmm.ini" \
        >"$(agent_config "$1")"
}

# The command line, as on the monitor's machine.
mmm_run() {
    in_host mon timeout "${MMM_LAB_COMMAND_SECONDS:-60}" "$(mmm_program)" --config "$LAB/mmm.ini" "$@"
}

# The monitor's status with a line for each host: `show --json` is stable, the table is for people.
status_lines() {
    MMM_LAB_COMMAND_SECONDS=5 mmm_run show --json 2>&1 | sed 's|{"name":|\n&|g' || true
}

# Prints the writer, once it is ONLINE and writable, or nothing.
writer_now() {
    local lines writer
    lines=$(status_lines)
    writer=$(sed -nE 's/.*"writer":"([^"]+)".*/\1/p' <<<"$lines" | head -n 1)
    [[ -n $writer ]] || return 0
    if grep -q "^{\"name\":\"$writer\".*\"state\":\"ONLINE\".*\"writable\":true" <<<"$lines"; then printf '%s' "$writer"; fi
}

# Prints the hosts that are ONLINE.
online_hosts() {
    status_lines | sed -nE 's/^\{"name":"(db[1-9])".*"state":"ONLINE".*/\1/p'
}

await_writer() { # host-or-empty seconds
    local end=$((SECONDS + $2)) writer
    while true; do
        writer=$(writer_now)
        if [[ -n $writer && (-z $1 || $writer == "$1") ]]; then return; fi
        [[ $SECONDS -lt $end ]] || fail "no writer ${1:+on $1 }is ONLINE after $2 s; see lab mmm show, lab log mon"
        sleep 0.1
    done
}

# await-writer [HOST] [SECONDS]
command_await_writer() {
    local host='' seconds=30
    if [[ ${1:-} == db* ]]; then
        need_host "$1"
        host=$1
        shift
    fi
    seconds=${1:-$seconds}
    await_writer "$host" "$seconds"
    writer_now
    echo
}

command_monitor() { # verb
    process_command monitor "${1:-}" monitor_start ''
}

command_agent() { # host verb
    need_host "${1:-}"
    process_command "$1-agent" "${2:-}" agent_start "$1"
}

# log HOST [agent|server], log mon
command_log() {
    local file
    case ${1:-} in
    mon) file=$LAB/mon/monitor.log ;;
    *) need_host "${1:-}"; file=$LAB/$1/${2:-agent}.log ;;
    esac
    cat "$file" 2>/dev/null || fail "there is no $file"
}

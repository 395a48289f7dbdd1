# The faults of a chaos run: how each begins and ends.  None of these waits: what can take long goes on in the background,
# and its end is waited for when the round's faults are over.
# shellcheck shell=bash

JOBS=()
declare -A PART

# Names the cluster's parts as they stand now; the targets of a round mean these until it ends.
resolve_parts() {
    PART[monitor]=mon PART[app]=app PART[replica]=db3
    PART[writer]=$(writer_name)
    case ${PART[writer]} in db1) PART[standby]=db2 ;; *) PART[standby]=db1 ;; esac
}

in_background() { # command…
    "$@" &
    JOBS+=($!)
}

wait_for_jobs() {
    local job
    for job in "${JOBS[@]}"; do wait "$job" || true; done
    JOBS=()
}

# ---- who cannot be told that another host serves the writer's address ----

# Each «deaf» has its «hears» (lib.sh counts them), a moment later: by then it has been told, or waits no longer.
host_is_deaf() { # host
    date "+%FT%T.%6N $1 Deaf" >>"$EVIDENCE/deaf"
}

host_hears() { # host [seconds from now]
    date -d "+${2:-1} second" "+%FT%T.%6N $1 Hears" >>"$EVIDENCE/deaf"
}

# ---- processes ----

# Whatever stopped it: another fault may have come in between, or an agent's last resort.
server_back() { # host
    case $(lab server "$1" state) in
    frozen) lab server "$1" thaw ;;
    stopped) lab server "$1" start ;;
    running) ;;
    esac
}

agent_back() { # host
    case $(lab agent "$1" state) in
    frozen) lab agent "$1" thaw ;;
    stopped) lab agent "$1" start; remember_daemon "$1-agent" ;;
    running) ;;
    esac
}

monitor_back() {
    case $(lab monitor state) in
    frozen) lab monitor thaw ;;
    stopped) lab monitor start; remember_daemon monitor ;;
    running) ;;
    esac
}

agent_killed() { # host
    unset "DAEMON_PID[$1-agent]"
    host_is_deaf "$1"
    lab agent "$1" kill
}

monitor_killed() {
    unset 'DAEMON_PID[monitor]'
    lab monitor kill
}

agent_frozen() { # host
    host_is_deaf "$1"
    lab agent "$1" freeze
}

host_frozen() { # host
    host_is_deaf "$1"
    lab agent "$1" freeze
    lab server "$1" freeze
}

# Both at one instant, as a machine that goes on.
host_back() { # host
    local pids=()
    mapfile -t pids < <(lab server "$1" pid; lab agent "$1" pid)
    [[ ${#pids[@]} -eq 0 ]] || kill -CONT "${pids[@]}"
    server_back "$1"
    agent_back "$1"
}

# ---- network ----

host_address() { # host
    printf '10.77.0.1%s' "${1#db}"
}

# Applications are left on its side, and go on by the host's own address.
isolated() { # host
    lab load start --as "in$1" --on "$1" --host "$(host_address "$1")"
    lab prober start --as "in$1" --on "$1"
    sleep 0.3
    host_is_deaf "$1"
    host_hears "$1" 2 # two reports without an answer, whenever the cable is back
    lab cut "$1"
}

# ---- servers ----

answers() { # host
    sql "$1" 'SELECT 1' >/dev/null 2>&1
}

# mmm leaves a thread alone that was stopped by hand; another fault may still hold the server.
applier_back() { # host
    within 60 answers "$1" || { say "the applier of $1 is not started: its server does not answer"; return; }
    # A host that has become writer meanwhile follows nobody.
    if is_read_only "$1"; then replication "$1" START SQL_THREAD || true; fi
}

# Refused with a reason, or done: an administrator always gets an answer.
command_given() { # verb host
    local answer status=0 words=("$1" "$2")
    [[ $1 != move-role ]] || words=(move-role writer "$2")
    answer=$(MMM_LAB_COMMAND_SECONDS=40 lab mmm "${words[@]}" 2>&1) || status=$?
    tell "  mmm ${words[*]}: $answer"
    # 124: the command line itself did not end in time.
    [[ $status -ne 124 && -n $answer ]] || broken "«mmm ${words[*]}» got no answer (status $status)"
}

# ---- by name ----

fault_begins() { # fault target milliseconds
    local one=${PART[${2%>*}]:-} other=${PART[${2#*>}]:-}
    case $1 in
    server-killed) lab server "$one" kill ;;
    server-stopped) in_background lab server "$one" stop ;;
    server-frozen) lab server "$one" freeze ;;
    agent-killed) agent_killed "$one" ;;
    agent-frozen) agent_frozen "$one" ;;
    host-frozen) host_frozen "$one" ;;
    monitor-killed) monitor_killed ;;
    monitor-frozen) lab monitor freeze ;;
    isolated) isolated "$one" ;;
    cut-off-monitor) lab cut mon "$one" ;;
    one-way-cut) lab cut --one-way "$one" "$other" ;;
    link-cut) lab cut "$one" "$other" ;;
    connections-used) in_background take_all_connections_and_wait $((($3 + 999) / 1000)) ;;
    disk-full | store-full) lab disk "$one" fill ;;
    applier-stopped) in_background replication "$one" STOP SQL_THREAD ;;
    command) in_background command_given "${2%:*}" "${PART[${2#*:}]}" ;;
    esac || say "$1 $2: had no effect, as another fault came before it"
}

# MariaDB looks once a minute whether there is room again («Expect up to 60 secs delay»).
disk_free() { # host
    CATCH_UP=75s
    lab disk "$1" free
}

fault_ends() { # fault target
    local one=${PART[${2%>*}]:-} other=${PART[${2#*>}]:-}
    case $1 in
    server-*) in_background server_back "$one" ;;
    agent-*) host_hears "$one"; agent_back "$one" ;;
    host-frozen) host_hears "$one"; host_back "$one" ;;
    monitor-*) monitor_back ;;
    isolated) lab heal "$one" ;;
    cut-off-monitor) lab heal mon "$one" ;;
    one-way-cut | link-cut) lab heal "$one" "$other" ;;
    disk-full) disk_free "$one" ;;
    store-full) lab disk "$one" free ;;
    applier-stopped) in_background applier_back "$one" ;;
    connections-used | command) ;;
    esac || say "$1 $2: was over already"
}

take_all_connections_and_wait() { # seconds
    take_all_connections "$1"
    wait
}

# «db1 (writer)», «mon to db1 (monitor>writer)», …
target_text() { # target
    local from=${1%>*} to=${1#*>}
    case $1 in
    *\>*) printf '%s, %s (%s)' "${PART[$from]}" "${PART[$to]}" "$1" ;;
    *:*) printf '%s %s' "${1%:*}" "${PART[${1#*:}]}" ;;
    *) printf '%s (%s)' "${PART[$1]}" "$1" ;;
    esac
}

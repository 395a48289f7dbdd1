# Processes of the lab: each is recorded as «pid start-time» in a file, and is only touched while both still agree, so a
# number that the kernel gave to somebody else is never signalled.
# shellcheck shell=bash

# Prints a process' start time in ticks since boot, and nothing when it is gone or only a zombie.  A zombie with threads
# is neither: as long as one of them is not through, files and locks of the process are held.
process_started_at() { # pid
    local stat fields
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    read -ra fields <<<"${stat##*) }" # what follows the name, which may hold blanks
    case ${fields[0]} in Z | X) [[ $(compgen -G "/proc/$1/task/*" | wc -l) -gt 1 ]] || return 0 ;; esac
    printf '%s' "${fields[19]}"
}

process_file() { # name
    printf '%s/run/%s.pid' "$LAB" "$1"
}

process_record() { # name pid
    printf '%s %s\n' "$2" "$(process_started_at "$2")" >"$(process_file "$1")"
}

# Prints the pid when the recorded process still runs; fails when it does not.
process_pid() { # name
    local pid started
    read -r pid started 2>/dev/null <"$(process_file "$1")" || return 1
    [[ -n $started && $(process_started_at "$pid") == "$started" ]] || return 1
    printf '%s' "$pid"
}

process_runs() { # name
    process_pid "$1" >/dev/null
}

# Starts a command in a host's network namespace, on its own session, and records it.
process_start() { # name host log command...
    local name=$1 host=$2 log=$3
    shift 3
    # Descriptor 9 is the lock of process_lock, which must not live on in a daemon.
    # In the background of a script setsid does not fork, and nsenter and it exec: the pid is the command's own.
    setsid nsenter --net="$(network_path "$host")" -- "$@" </dev/null >>"$log" 2>&1 9>&- &
    process_record "$name" $!
    disown $!
}

process_signal() { # name signal
    local pid
    pid=$(process_pid "$1") || return 1
    kill "-$2" "$pid" 2>/dev/null
}

process_await_gone() { # name seconds
    local end=$((SECONDS + $2))
    while process_runs "$1"; do
        [[ $SECONDS -lt $end ]] || return 1
        sleep 0.01
    done
    rm -f "$(process_file "$1")"
}

process_end() { # name signal seconds
    process_signal "$1" "$2" || return 0
    process_await_gone "$1" "$3" || fail "$1 did not end within $3 s after SIG$2"
}

# running, frozen or stopped
process_state() { # name
    local pid state
    pid=$(process_pid "$1") || { printf 'stopped'; return; }
    state=$(sed 's/.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null || true)
    case $state in
    T) printf 'frozen' ;;
    '') printf 'stopped' ;;
    *) printf 'running' ;;
    esac
}

# One starter at a time for a process: a test and an agent's server_start may come together.
process_lock() { # name
    exec 9>"$LAB/run/$1.lock"
    flock -w 30 9 || fail "somebody else is starting $1 and does not finish"
}

process_unlock() {
    exec 9>&-
}

# What all of servers, agents and the monitor can be told.  START and STOP are functions of the caller.
process_command() { # name verb start-function argument
    local name=$1 verb=$2 start=$3 argument=$4
    case $verb in
    start)
        process_lock "$name"
        if process_runs "$name"; then echo "$name runs already"; else "$start" "$argument"; fi
        process_unlock
        ;;
    stop) process_end "$name" TERM 60 ;;
    kill) process_end "$name" KILL 30 ;;
    freeze) process_signal "$name" STOP || fail "$name does not run" ;;
    thaw) process_signal "$name" CONT || fail "$name does not run" ;;
    pid) process_pid "$name" || fail "$name does not run"; echo ;;
    state) process_state "$name"; echo ;;
    *) wrong "$name cannot be told to «$verb» (start, stop, kill, freeze, thaw, pid, state)" ;;
    esac
}

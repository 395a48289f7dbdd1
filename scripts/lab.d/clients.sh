# The application's side: load, prober, and the check of what they were told (bench/).
# shellcheck shell=bash

bench_program() { # load|prober|check
    local program=$BUILD/bench/mmm-$1
    [[ -x $program ]] || fail "there is no $program; run scripts/setup"
    printf '%s' "$program"
}

# Numbers rows and probe rows of each client apart from those of all others of this lab.
next_client() {
    local last=0
    exec 9>>"$LAB/clients/count"
    flock -w 10 9
    read -r last <"$LAB/clients/count" || true
    echo $((last + 1)) >"$LAB/clients/count"
    exec 9>&-
    printf '%s' $((last + 1))
}

client_log() { # load|prober name
    printf '%s/clients/%s.%s.log' "$LAB" "$1" "$2"
}

# load|prober start|stop|report [--as NAME] [--on HOST] [options of the program]
command_client() { # load|prober verb...
    local kind=$1 verb=${2:-} as=main on=app
    shift
    [[ $# -eq 0 ]] || shift
    while [[ ${1:-} == --as || ${1:-} == --on ]]; do
        [[ $# -ge 2 ]] || wrong "$1 takes a name"
        if [[ $1 == --as ]]; then as=$2; else need_machine "$2"; on=$2; fi
        shift 2
    done
    [[ $as =~ ^[a-z0-9]+$ ]] || wrong "--as takes small letters and digits, not «$as»"
    case $verb in
    start) client_start "$kind" "$as" "$on" "$@" ;;
    stop) client_stop "$kind" "$as" ;;
    report) client_report "$kind" "$as" ;;
    *) wrong "$kind start|stop|report [--as NAME] [--on HOST] [options]" ;;
    esac
}

client_start() { # kind name host options...
    local kind=$1 as=$2 on=$3 program number host common options=()
    shift 3
    program=$(bench_program "$kind")
    ! process_runs "$kind-$as" || fail "$kind $as runs already"
    number=$(next_client)
    # A log once written is evidence for verify: a name that is used again keeps the earlier one beside it.
    [[ ! -e $(client_log "$kind" "$as") ]] || mv "$(client_log "$kind" "$as")" "$(client_log "$kind" "$as-before$number")"
    common=(--password-file "$LAB/secret/app.password" --log "$(client_log "$kind" "$as")")
    if [[ $kind == load ]]; then
        options=(--host "$WRITER_ADDRESS" --client "$number")
    else
        options=(--prober "$number")
        for host in $(lab_hosts); do
            options+=(--host "$host=10.77.0.$(host_number "$host")")
        done
    fi
    process_start "$kind-$as" "$on" "$LAB/clients/$kind.$as.out" "$program" "${common[@]}" "${options[@]}" "$@"
}

client_stop() { # kind name
    process_end "$1-$2" TERM 10
    client_report "$1" "$2"
}

client_report() { # kind name
    local log program
    log=$(client_log "$1" "$2")
    [[ -e $log ]] || fail "no $1 $2 was ever started"
    program=$(bench_program "$1")
    "$program" --report "$log"
}

# All probers of the lab together: those on both sides of a cut, too.
command_two_writable() {
    local logs=("$LAB"/clients/prober.*.log) program
    [[ -e ${logs[0]} ]] || fail "no prober was ever started"
    program=$(bench_program prober)
    "$program" --report "${logs[@]}"
}

writable_host() {
    local host
    for host in $(lab_hosts); do
        if [[ $(sql_on "$host" 5 -BNe 'SELECT @@read_only' 2>/dev/null) == 0 ]]; then
            printf '%s' "$host"
            return
        fi
    done
    fail "no host is writable; name the writer: lab verify --writer HOST"
}

# verify [--writer HOST] [--wait 10s] [HOST…]: what every load was told, against the rows of the writer and the hosts.
command_verify() {
    local writer='' wait=10s hosts=() host log program arguments=()
    while [[ $# -gt 0 ]]; do
        case $1 in
        --writer) need_host "${2:-}"; writer=$2; shift 2 ;;
        --wait) wait=${2:-}; shift 2 ;;
        *) need_host "$1"; hosts+=("$1"); shift ;;
        esac
    done
    [[ -n $writer ]] || writer=$(writable_host)
    [[ ${#hosts[@]} -gt 0 ]] || mapfile -t hosts < <(hosts_to_verify)
    [[ " ${hosts[*]} " == *" $writer "* ]] || hosts+=("$writer")
    for log in "$LAB"/clients/load.*.log; do
        [[ ! -e $log ]] || arguments+=(--log "$log")
    done
    for host in "${hosts[@]}"; do
        arguments+=(--host "$host=$(server_socket "$host")")
    done
    program=$(bench_program check)
    "$program" "${arguments[@]}" --writer "$writer" --wait "$wait"
}

hosts_to_verify() {
    local host
    if process_runs monitor; then
        online_hosts
        return
    fi
    for host in $(lab_hosts); do
        if [[ $(process_state "$host-server") == running ]]; then echo "$host"; fi
    done
}

# What a scenario says and what is checked after each: the words of a test on real servers (scripts/lab gives the faults).
#
# A scenario is a file NN-name.sh with one function, scenario, and, if the cluster is not the usual one, the array UP with
# options for «lab up».  It runs on a fresh lab under load, and the invariants A1 to A6 are checked at its end:
#   A1 every acknowledged row is on the final writer, once      A4 hosts hold the same data, or are held with the reason
#   A2 two hosts never acknowledge writes at one time           A5 the event log explains every step
#   A3 the writer address is on one host at the most            A6 no daemon died, hung, leaked or left anything behind
# shellcheck shell=bash disable=SC2016 # «$host» and «$it» in conditions are jq's

readonly WRITER_ADDRESS=10.77.0.50
readonly DATABASES=(db1 db2 db3)
# In the time of a take-over the address may be on the old host, which no longer writes, and on the new one.
readonly ADDRESS_OVERLAP_MS=100
readonly AGENT_RSS_KB=10240
readonly LEASE_MS=5000 # the default, which the lab keeps
# Where the old host cannot be told that the new one has it: a lease, and what the kernel may be late.
readonly ADDRESS_LEFT_MS=$((LEASE_MS + 400))
# Times that mmm must keep are stretched by this: a sanitized build is slower.
SLOW=${SLOW:-1}
# What may be missing at the end: none; «predicted» in asynchronous mode, where the old writer may have acknowledged what
# nobody else has; «foretold» where `mmm explain` has told the number before; «explained» where each missing row was
# acknowledged while mmm said that writes were not protected (chaos).
LOSS=none
# How long hosts that are ONLINE may need at the end to have all that the writer has.
CATCH_UP=20s
# The servers of the lab; run says which.
FAMILY=${FAMILY:-mariadb}
# Scenarios with guard = on say so here: what outlives an agent is then taken back at the end.
GUARD=off

declare -A DAEMON_PID
WATCHERS=()
FAILURES=0

lab() {
    "$ROOT/scripts/lab" --name "$LAB_NAME" "$@"
}

# ---- saying ----

say() {
    printf '%(%H:%M:%S)T.%03d %s\n' "${EPOCHREALTIME%.*}" "$(((10#${EPOCHREALTIME#*.}) / 1000))" "$*"
}

# A measurement for the line that is printed of the scenario.
note() {
    say "note: $*"
    printf '%s\n' "$*" >>"$EVIDENCE/notes"
}

broken() {
    say "FAIL: $*"
    printf '%s\n' "$*" >>"$EVIDENCE/failures"
    FAILURES=$((FAILURES + 1))
}

# expect «sentence» condition…: a condition that must hold; what follows is tried all the same.
expect() {
    local sentence=$1
    shift
    if "$@"; then say "as it should be: $sentence"; else broken "$sentence"; fi
}

# need «sentence» condition…: without it the rest of the scenario says nothing.
need() {
    local sentence=$1
    shift
    "$@" && return
    broken "$sentence"
    exit 1
}

# ---- waiting ----

now_ms() {
    printf '%s' $((${EPOCHREALTIME/./} / 1000))
}

# Waits until a condition holds, SECONDS at the most.  A look costs 30 ms of a processor, which other labs need too.
within() { # seconds condition…
    local end=$(($(now_ms) + $1 * SLOW * 1000))
    shift
    until "$@"; do
        [[ $(now_ms) -lt $end ]] || return 1
        sleep 0.2
    done
}

# Lets a time pass that belongs to the fault itself; on a slow machine it may have passed already.
let_pass() { # seconds
    [[ ! $1 =~ ^(-.*|0)$ ]] || return 0
    say "$1 s pass"
    sleep "$1"
}

not() {
    ! "$@"
}

# ---- what mmm says ----

# Waits are made of looks: by way of scripts/lab each would cost twice the processor time, which other labs need.
show() {
    nsenter --net="/run/netns/$LAB_NAME-mon" -- \
        timeout 5 "$MMM_BUILD/mmm" --config "$(lab_folder)/mmm.ini" show --json 2>/dev/null
}

# Is a jq condition true of «mmm show --json»?  HOST's own object is $it.
shown() { # condition [host]
    show | jq -e --arg host "${2:-}" "([.hosts[] | select(.name == \$host)] | first) as \$it | $1" >/dev/null 2>&1
}

writer_is() { # host
    shown '.writer == $host and $it.state == "ONLINE" and $it.writable' "$1"
}

state_is() { # host state
    shown "\$it.state == \"$2\"" "$1"
}

is_held() { # host
    shown '$it.hold != null and ($it.hold.why | length) > 0' "$1"
}

has_reader() { # host
    shown '[$it.roles[].role] | index("reader") != null' "$1"
}

agent_is_reachable() { # host
    shown '$it.agent == "reachable"' "$1"
}

all_are_online_and_follow() {
    show | jq -e '.writer as $w | all(.hosts[]; .state == "ONLINE" and .server.up and (.name == $w or
        (.replication.source == $w and .replication.receiving and .replication.applying and .replication.lag_ms == 0)))' \
        >/dev/null 2>&1
}

each_is_online_or_held() {
    show | jq -e '.transfer == null and .writer != null and
        all(.hosts[]; .state == "ONLINE" or (.hold != null and (.hold.why | length) > 0))' >/dev/null 2>&1
}

writer_name() {
    show | jq -r '.writer // empty'
}

# ---- what the servers say ----

sql() { # host statement
    MMM_LAB_SQL_SECONDS=5 lab sql "$@" 2>>"$EVIDENCE/sql.errors"
}

is_read_only() { # host
    [[ $(sql "$1" 'SELECT @@read_only') == 1 ]]
}

# What the writer acknowledges is on the other master: mmm says so, and the server does it.
is_protected() { # writer
    local status
    status=$(sql "$1" "SHOW GLOBAL STATUS WHERE Variable_name IN ('Rpl_semi_sync_master_status', 'Rpl_semi_sync_master_clients',
        'Rpl_semi_sync_source_status', 'Rpl_semi_sync_source_clients')")
    [[ $status == *clients$'\t'[1-9]* && $status == *status$'\t'ON* ]] || return 1
    shown '.protected and .writer == $host' "$1"
}

# mmm says that nothing would be left of what is written now, should the writer be lost; and the server waits for nobody.
is_unprotected() { # writer
    [[ $(sql "$1" "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('rpl_semi_sync_master_enabled', 'rpl_semi_sync_source_enabled')") == *OFF ]] && shown '.protected == false and .writer == $host' "$1"
}

# A host's replication, or one of its threads, by hand.
replication() { # host STOP|START [IO_THREAD|SQL_THREAD]
    local word=SLAVE
    [[ $FAMILY == mariadb ]] || word=REPLICA
    sql "$1" "$2 $word ${3:-}"
}

# What an administrator does to a server that is read-only, by rights that nobody should use.
sql_all_the_same() { # host statement
    local status=0
    if [[ $FAMILY == mariadb ]]; then
        sql "$@"
        return
    fi
    # The agent would shut the server again between two statements.
    lab agent "$1" freeze
    sql "$1" "SET GLOBAL super_read_only = OFF; $2; SET GLOBAL super_read_only = ON" || status=$?
    lab agent "$1" thaw
    return "$status"
}

server_runs() { # host
    [[ $(lab server "$1" state) == running ]]
}

fence_is_over() { # host
    not server_runs "$1" || is_read_only "$1"
}

# The last resort may have killed the server, or be about to; then its service manager starts it.
server_is_started_again() { # host
    within 5 fence_is_over "$1" || true
    server_runs "$1" || { note "the server of $1 was killed"; lab server "$1" start; }
}

# How many transactions of its own making a host has that another one lacks.
own_transactions() { # host other
    "own_transactions_$FAMILY" "$@"
}

own_transactions_mysql() { # host other
    local theirs left
    theirs=$(sql "$2" 'SELECT @@gtid_executed' | sed 's/\\n//g')
    left=$(sql "$1" "SELECT GTID_SUBTRACT(@@gtid_executed, '$theirs')" | sed 's/\\n//g')
    tr ',:' '\n\n' <<<"$left" | awk -F- '/^[0-9]+$/ { n++ } /^[0-9]+-[0-9]+$/ { n += $2 - $1 + 1 } END { printf "%d", n }'
}

own_transactions_mariadb() { # host other
    local id mine theirs
    id=1${1#db}
    mine=$(sql "$1" 'SELECT @@gtid_binlog_state' | grep -oE "0-$id-[0-9]+" | sed 's/.*-//')
    theirs=$(sql "$2" 'SELECT @@gtid_binlog_state' | grep -oE "0-$id-[0-9]+" | sed 's/.*-//')
    printf '%s' $((${mine:-0} - ${theirs:-0}))
}

# ---- events ----

# `mmm events` shows the last 200: what has been seen is kept.
gather_events() {
    MMM_LAB_COMMAND_SECONDS=5 lab mmm events --most 200 --json >"$EVIDENCE/events.last" 2>/dev/null || true # the monitor may be away
    touch "$EVIDENCE/events.json"
    awk '!seen[$0]++' "$EVIDENCE/events.json" "$EVIDENCE/events.last" >"$EVIDENCE/events.new"
    mv "$EVIDENCE/events.new" "$EVIDENCE/events.json"
}

# From here on events belong to the fault.
mark_events() {
    gather_events
    EVENTS_BEFORE=$(wc -l <"$EVIDENCE/events.json")
}

events_since_mark() {
    gather_events
    tail -n +$((EVENTS_BEFORE + 1)) "$EVIDENCE/events.json"
}

count_events() { # name [host]
    events_since_mark | jq -s --arg name "$1" --arg host "${2:-}" \
        '[.[] | select(.event == $name and ($host == "" or .host == $host))] | length'
}

# From then to the last promotion, by the monitor's own log.
promoted_after_ms() { # now_ms of then
    local chosen
    chosen=$(awk '/ event=writer_chosen / { chosen = $1 } END { print chosen }' "$(lab_folder)/mon/monitor.log")
    printf '%s' $(($(date -d "$chosen" +%s%3N) - $1))
}

# Roles, addresses, states and holds are as they were at the mark.
nothing_has_moved() {
    local moved
    moved=$(events_since_mark | jq -r 'select(.event != "electable_changed" and .event != "term_raised") |
        "\(.time) \(.rule) \(.event) \(.host): \(.why)"')
    [[ -z $moved ]] || say "moved: $moved"
    [[ -z $moved ]]
}

# The writer role has moved so many times since the mark.
writer_moves_are() { # number
    [[ $(count_events writer_chosen) -eq $1 ]]
}

# ---- load ----

start_clients() { # timeout of a write [options of mmm-load]
    lab load start --timeout "$@"
    lab prober start
}

load_value() { # key [name]
    lab load report --as "${2:-main}" | jq -r ".$1"
}

writes_flow() {
    local before
    before=$(load_value acknowledged)
    sleep 0.2
    [[ $(load_value acknowledged) -gt $((before + 5)) ]]
}

# A commit wakes some eight threads of two servers one after the other, so beside two other labs on two processors (27 that
# wait for one were seen) it may take 400 ms: whoever asks this gives the writes 2 s, not the 300 ms that outages are
# measured with.
no_write_has_failed() {
    local failed longest
    failed=$(load_value failed)
    longest=$(load_value longest_outage_ms)
    note "longest pause ${longest%.*} ms"
    [[ $failed -eq 0 ]]
}

told_of() { # event host text
    [[ $(events_since_mark | jq -rs --arg event "$1" --arg host "$2" --arg text "$3" \
        '[.[] | select(.event == $event and .host == $host and (.why | contains($text)))] | length') -gt 0 ]]
}

# The time from the last acknowledgement before the fault to the first one after it.
outage_is_below() { # milliseconds
    local longest
    longest=$(load_value longest_outage_ms)
    note "outage ${longest%.*} ms"
    [[ ${longest%.*} -lt $(($1 * SLOW)) ]]
}

# With guard = on: the prober outside tries every host's own address all the while.
nobody_is_told_ok_by_own_addresses() {
    ! awk '$4 == "ok" { found = 1 } END { exit !found }' "$(lab_folder)"/clients/prober.main*.log
}

app_client() { # arguments…
    MYSQL_PWD=$(<"$(lab_folder)/secret/app.password") \
        lab exec app timeout 60 mariadb --no-defaults --host="$WRITER_ADDRESS" --user=app --connect-timeout=5 "$@"
}

# More than a server with max_connections = 60 takes: some of these are refused.  One that hears nothing more is ended: an
# agent that is dead cannot tell its clients that the address has gone.  One that is refused tries again: who else had the
# last connection, the prober for example, gives it back at once.
readonly TAKE_ALL='
    take_one() { # seconds address
        local end=$((SECONDS + $1))
        until [[ $SECONDS -ge $end ]]; do
            timeout $(($1 + 5)) mariadb --no-defaults --host="$2" --user=app --connect-timeout=5 -e "SELECT SLEEP($1)" && return
            sleep 0.2
        done
    }
    for ((i = 0; i < 65; i++)); do take_one "$@" & done
    wait'

take_all_connections() { # seconds
    MYSQL_PWD=$(<"$(lab_folder)/secret/app.password") \
        lab exec app bash -c "$TAKE_ALL" take "$1" "$WRITER_ADDRESS" >/dev/null 2>&1 &
}

uptime_ms() {
    local up
    read -r up _ </proc/uptime
    printf '%s0' "${up/./}"
}

# A load of its own name has begun to write.
is_told_ok() { # name
    [[ $(load_value acknowledged "$1") -gt 20 ]]
}

# How many writes a load was told OK since a time on the clock of uptime_ms.
acknowledged_since() { # name time
    awk -v since="$2" '$4 == "ok" && $3 > since { count++ } END { print count + 0 }' "$(lab_folder)/clients/load.$1.log"
}

# The application «inside», on a host that was cut off, was told OK until the lease ended at the latest (a lease after the
# last report that was answered).
inside_ended_with_the_lease() { # when the cable was pulled, on the clock of uptime_ms
    local last
    last=$(last_acknowledged_ms inside)
    note "the last write inside $((last - $1)) ms after the cut"
    [[ $((last - $1)) -lt $((LEASE_MS + 100)) ]]
}

# When a load was told OK for the last time, on the clock of uptime_ms.
last_acknowledged_ms() { # name
    awk '$4 == "ok" { last = $3 } END { printf "%d", last }' "$(lab_folder)/clients/load.$1.log"
}

lab_folder() {
    printf '%s' "${MMM_LAB_DIR:-/tmp/mmm-lab-$LAB_NAME}"
}

# ---- sessions ----

# A session on a host that does something, and then nothing for longer than anything here waits.
hold_a_session() { # host statements
    MMM_LAB_SQL_SECONDS=60 lab sql "$1" "$2; DO SLEEP(50); COMMIT" >/dev/null 2>&1 &
    HOLDER=$!
    need "the session has begun" within 5 session_sleeps "$1"
}

session_sleeps() { # host
    [[ $(sql "$1" "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'") == 1 ]]
}

end_the_session() { # host
    sql "$1" "KILL $(sql "$1" "SELECT ID FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'")"
}

# ---- addresses ----

# All but the host's own.
host_addresses() { # host
    ip -n "$LAB_NAME-$1" -o address show dev eth0 scope global |
        awk -v own="1${1#db}" '{ sub("/.*", "", $4) } $4 != "10.77.0." own && $4 != "fd77::" own { print $4 }' | sort
}

shown_addresses() { # host
    show | jq -r --arg host "$1" '.hosts[] | select(.name == $host) | .roles[].address' | sort
}

# The kernels serve what mmm shows, and nothing else: so no address is stale and the writer's is on one host.
addresses_are_as_shown() {
    local host
    for host in "${DATABASES[@]}"; do
        [[ $(host_addresses "$host") == "$(shown_addresses "$host")" ]] || return 1
    done
}

writer_address_is_on() { # host
    local host holders=''
    for host in "${DATABASES[@]}"; do
        if host_addresses "$host" | grep -qxF "$WRITER_ADDRESS"; then holders+=" $host"; fi
    done
    [[ $holders == " $1" ]]
}

# The kernels' own record of every address that comes, is renewed or goes.
watch_addresses() {
    local host
    mkdir -p "$EVIDENCE/addresses"
    for host in "${DATABASES[@]}"; do
        ip -n "$LAB_NAME-$host" -o -ts monitor address >"$EVIDENCE/addresses/$host" 2>&1 &
        WATCHERS+=($!)
    done
}

watched_writer_address() {
    grep -qF "$WRITER_ADDRESS" "$EVIDENCE"/addresses/*
}

# A command that failed where nothing was expected of it has ended the scenario.
end_scenario() {
    local status=$? command=$BASH_COMMAND
    [[ $status -eq 0 || $FAILURES -gt 0 ]] ||
        broken "status $status of «$command» in ${FUNCNAME[*]:1}; $(tail -n 1 "$EVIDENCE/sql.errors" 2>/dev/null)"
    end_watch
}

end_watch() {
    [[ ${#WATCHERS[@]} -eq 0 ]] || kill "${WATCHERS[@]}" 2>/dev/null || true
    WATCHERS=()
}

# The longest time for which two hosts had the writer address, in milliseconds; «hear»: less those that could not be told.
address_overlap_ms() { # hear|all
    local host
    {
        for host in "${DATABASES[@]}"; do
            sed "s/^\[\([^]]*\)\]/\1 $host/" "$EVIDENCE/addresses/$host"
        done
        [[ $1 == all || ! -e $EVIDENCE/deaf ]] || cat "$EVIDENCE/deaf"
    } | sort | awk -v address=" $WRITER_ADDRESS/" '
        $3 != "Deaf" && $3 != "Hears" && index($0, address) == 0 { next }
        {
            split(substr($1, 12), clock, ":")
            now = clock[1] * 3600 + clock[2] * 60 + clock[3]
            now += substr($1, 1, 10) > day && day != "" ? 86400 : 0
            if (day == "") day = substr($1, 1, 10)
            if ($3 == "Deaf") deaf[$2]++
            else if ($3 == "Hears") deaf[$2]--
            else if ($3 == "Deleted") delete holders[$2]
            else holders[$2] = 1
            count = 0
            for (host in holders) count += deaf[host] <= 0
            if (count > 1 && !since) since = now
            if (count > 1 && now - since > longest) longest = now - since
            if (count < 2) { if (since && now - since > longest) longest = now - since; since = 0 }
        }
        END { printf "%d", longest * 1000 }'
}

# Some address was given up since the watch began.
an_address_has_left() { # host…
    local host
    for host in "$@"; do
        if grep -q 'Deleted' "$EVIDENCE/addresses/$host"; then return 0; fi
    done
    return 1
}

# ---- daemons ----

daemon_pid() { # monitor|HOST-agent
    case $1 in
    monitor) lab monitor pid ;;
    *) lab agent "${1%-agent}" pid ;;
    esac 2>/dev/null
}

remember_daemon() { # name
    DAEMON_PID[$1]=$(daemon_pid "$1")
}

remember_daemons() {
    local host
    remember_daemon monitor
    for host in "${DATABASES[@]}"; do remember_daemon "$host-agent"; done
}

# Kills a daemon and starts it again; from now on the new process is the one that must live.
restart_agent() { # host
    lab agent "$1" kill
    lab agent "$1" start
    remember_daemon "$1-agent"
}

daemons_are_the_same() {
    local name
    for name in "${!DAEMON_PID[@]}"; do
        [[ $(daemon_pid "$name") == "${DAEMON_PID[$name]}" ]] || { say "$name is not process ${DAEMON_PID[$name]} any more"; return 1; }
    done
}

agents_are_small() {
    local name kb most=0
    for name in "${!DAEMON_PID[@]}"; do
        [[ $name != monitor ]] || continue
        kb=$(awk '/^VmRSS/ { print $2 }' "/proc/${DAEMON_PID[$name]}/status")
        [[ $kb -le $most ]] || most=$kb
    done
    say "the largest agent has $most kB"
    [[ $most -gt 0 && $most -lt $AGENT_RSS_KB ]]
}

no_rule_is_left() {
    local host
    for host in "${DATABASES[@]}"; do
        [[ -z $(lab exec "$host" nft list ruleset) ]] || return 1
    done
}

# `mmm agent --release` on every host.
agents_are_released() {
    local host
    for host in "${DATABASES[@]}"; do
        lab exec "$host" "$MMM_BUILD/mmm" --config "$(lab_folder)/mmm.ini" --host "$host" agent --release || return 1
        [[ -z $(host_addresses "$host") ]] || return 1
    done
}

# SIGTERM ends each in good time; a sanitized one then tells of leaks.
daemons_end_when_told() {
    local host
    for host in "${DATABASES[@]}"; do
        timeout 10 "$ROOT/scripts/lab" --name "$LAB_NAME" agent "$host" stop || return 1
    done
    timeout 10 "$ROOT/scripts/lab" --name "$LAB_NAME" monitor stop
}

no_daemon_complains() {
    ! grep -nE 'Sanitizer|runtime error:|Assertion|core dumped' "$(lab_folder)"/db?/agent.log "$(lab_folder)"/mon/monitor.log
}

# What the monitor recorded leads to the same decisions once more, wherever it is looked at.
recording_replays_the_same() {
    "$MMM_BUILD/mmm" replay "$(lab_folder)/mon/store/monitor.db.recording" >"$EVIDENCE/replay.log" 2>&1 &&
        grep -qE '^[1-9][0-9]* inputs replayed, [1-9][0-9]* decisions: the same result$' "$EVIDENCE/replay.log"
}

# ---- the frame of every scenario ----

# All hosts are ONLINE under load, the addresses are watched, and what comes from now on belongs to the fault.
given_a_cluster_under_load() { # [timeout of a write [options of mmm-load]]
    need "db1 is writer at the start" writer_is db1
    need "all follow at the start" within 20 all_are_online_and_follow
    need "writes are semi-synchronous at the start" within 10 is_protected_or_not_wanted
    need "every host serves readers at the start" within 20 every_host_has_a_reader
    remember_daemons
    watch_addresses
    start_clients "${@:-300ms}"
    need "writes flow at the start" within 10 writes_flow
    need "the kernels' address records have begun" within 5 watched_writer_address
    mark_events
    say "now the fault"
}

is_protected_or_not_wanted() {
    [[ $LOSS == predicted || $LOSS == foretold ]] || is_protected db1
}

every_host_has_a_reader() {
    show | jq -e 'all(.hosts[]; [.roles[].role] | index("reader"))' >/dev/null 2>&1
}

stop_clients() { # [how their names begin]
    local file name
    for file in "$(lab_folder)"/run/{load,prober}-"${1:-}"*.pid; do
        [[ -e $file ]] || continue
        name=$(basename "$file" .pid)
        lab "${name%%-*}" stop --as "${name#*-}" >"$EVIDENCE/$name.json" || broken "$name did not end"
    done
}

two_hosts_never_wrote() {
    lab two-writable >"$EVIDENCE/two-writable.json"
    [[ $(jq .two_writable_ms "$EVIDENCE/two-writable.json") == 0 ]]
}

verify() {
    lab verify --writer "$1" --wait "$CATCH_UP" >"$EVIDENCE/verify.json" || true
}

verified() { # jq condition
    jq -e "$1" "$EVIDENCE/verify.json" >/dev/null
}

# What is missing was listed as some held host's own transactions.
loss_was_reported() {
    local lost told
    lost=$(jq .lost "$EVIDENCE/verify.json")
    gather_events
    told=$(jq -s '[.[] | select(.event == "host_held").why | capture("has (?<n>[0-9]+) transaction").n | tonumber] | add // 0' \
        "$EVIDENCE/events.json")
    note "$lost lost, $told reported"
    [[ $lost -le $told ]]
}

every_event_has_a_rule_and_a_reason() {
    gather_events
    [[ -s $EVIDENCE/events.json ]] &&
        jq -se 'all(.[]; (.rule | length) > 0 and (.why | length) > 0)' "$EVIDENCE/events.json" >/dev/null
}

# Whoever reads the events only, knows the states, the writer and the term that «show» tells.
events_lead_to_what_is_shown() {
    local told
    told=$(jq -s '{ states: (reduce (.[] | select(.event == "host_state")) as $e ({}; .[$e.host] = ($e.why | capture("-> (?<to>[A-Z_]+)").to))),
        writer: ([.[] | select(.event == "writer_serving" or .event == "switchover_rolled_back")] | last.host) }' "$EVIDENCE/events.json")
    show | jq -e --argjson told "$told" '.writer == $told.writer and all(.hosts[]; .state == $told.states[.name])' >/dev/null
}

# All clients have ended.  The writer is the one that mmm shows.
check_data() { # writer
    expect "A2: two hosts never acknowledged writes at one time" two_hosts_never_wrote
    [[ $GUARD == off ]] || expect "A2: no client from outside was told OK by a host's own address" nobody_is_told_ok_by_own_addresses
    verify "$1"
    case $LOSS in
    none) expect "A1: every acknowledged row is on the final writer" verified '.acknowledged > 0 and .lost == 0' ;;
    predicted) expect "A1: what is missing was reported" loss_was_reported ;;
    foretold) expect "A1: what is missing is what explain had foretold" loss_was_foretold ;;
    explained) expect "A1: what is missing was reported and not protected" loss_is_explained ;;
    esac
    expect "A1: every row is there once and as it was sent" verified '.duplicates == 0 and .altered == 0 and .unexplained == 0'
    expect "A4: all hosts that are ONLINE hold the same data" verified '.same_data'
}

check_addresses() { # writer
    local overlap longest
    expect "A3, A6: the kernels serve the addresses that mmm shows and no others" within 15 addresses_are_as_shown
    expect "A3: the writer address is on $1 only" writer_address_is_on "$1"
    overlap=$(address_overlap_ms hear) longest=$(address_overlap_ms all)
    note "address on two hosts $overlap ms$([[ $longest -eq $overlap ]] || printf ', where one could not be told %s ms' "$longest")"
    expect "A3: the writer address was on two hosts for less than $ADDRESS_OVERLAP_MS ms" \
        test "$overlap" -lt $((ADDRESS_OVERLAP_MS * SLOW))
    expect "A3: where one could not be told that the other has it, for no longer than its lease" \
        test "$longest" -lt "$ADDRESS_LEFT_MS"
}

check_events() {
    expect "A5: every event has a rule and a reason" every_event_has_a_rule_and_a_reason
    expect "A5: the events lead to what is shown" events_lead_to_what_is_shown
}

check_daemons() {
    expect "A6: no daemon died" daemons_are_the_same
    [[ $SANITIZED -eq 1 ]] || expect "A6: an agent needs less than $AGENT_RSS_KB kB" agents_are_small
    expect "A6: no daemon complains of itself" no_daemon_complains
}

# The lab is of no use after this.
check_end() {
    show >"$EVIDENCE/show.json"
    [[ $GUARD == off ]] || expect "A6: an agent that runs keeps its guard" not agents_are_released
    expect "A6: every daemon ends when it is told" daemons_end_when_told
    expect "A5: the recording leads to the same decisions" recording_replays_the_same
    [[ $GUARD == off ]] || expect "A6: what outlives an agent is taken back" agents_are_released
    expect "A6: no packet filter rule is left" no_rule_is_left
    expect "A6: no daemon complains of itself" no_daemon_complains
}

check_invariants() {
    local writer
    say "the invariants"
    stop_clients
    expect "every host is ONLINE, or held with the reason" within 20 each_is_online_or_held
    writer=$(writer_name)
    need "there is a writer at the end" writer_is "${writer:-nobody}"
    check_data "$writer"
    check_addresses "$writer"
    end_watch
    check_events
    check_daemons
    check_end
}

# After the faults of a round: what mmm must reach by itself, and what an administrator does then.  --force is never used.
# shellcheck shell=bash disable=SC2016 # «$host» and «$it» in conditions are jq's

# mmm decides within two leases; a server's start and the checks that settle take the rest.
readonly QUIET_SECONDS=60
readonly WELL_SECONDS=90
# So long mmm may take before an administrator looks at hosts that are held while there is no writer.
readonly PATIENCE_MS=15000
# mmm compares what a host has with what the writer has every few seconds.
readonly COMPARED_SECONDS=5

hosts_where() { # jq condition on a host
    show | jq -r ".hosts[] | select($1) | .name"
}

set_online() { # host
    local answer
    answer=$(MMM_LAB_COMMAND_SECONDS=10 lab mmm set-online "$1" 2>&1) && { tell "  mmm set-online $1: $answer"; return; }
    say "set-online $1: $answer"
    [[ $answer == *'transaction'*'does not have'* ]] || return 1
    tell "  mmm set-online $1: refused: $answer"
    tell "  $(lab reclone "$1")" || return 1
    sleep "$COMPARED_SECONDS"
}

# A server that an agent's last resort has killed, or that ended late, is started by its service manager.
look_after_servers() {
    local host
    for host in "${DATABASES[@]}"; do
        if [[ $(lab server "$host" state) == stopped ]]; then
            tell "  the server of $host is down: started"
            lab server "$host" start || broken "the server of $host does not start"
        fi
    done
}

set_those_online() { # jq condition on a host
    local host
    for host in $(hosts_where "$1"); do set_online "$host" || true; done
}

looked_after_and_quiet() {
    look_after_servers
    gather_events
    # What a command of this round has set offline.
    set_those_online '.state == "ADMIN_OFFLINE"'
    if [[ $(now_ms) -gt $((RECOVERY_BEGUN + PATIENCE_MS)) ]] && shown '.writer == null'; then
        set_those_online '.hold != null and .mode == "master"'
    fi
    each_is_online_or_held
}

both_masters_are_electable() {
    shown '.electable | index("db1") and index("db2")'
}

# MariaDB, when the disk of its binary log is full, may leave half an event in it and write on behind: no replica ever gets
# past that (1595, 1743: what comes is damaged).  They are filled anew, from the writer's data.
refill_those_that_cannot_read_on() {
    local host
    for host in $(hosts_where '(.replication.error // "") | test("^(1595|1743):")'); do
        tell "  $host cannot read on in the writer's binary log: $(lab reclone "$host")"
    done
}

# A writer whose disk was full may stand still for another minute (faults.sh), and all looks well until mmm has noticed: so
# writes must flow.
looked_after_and_well() {
    look_after_servers
    gather_events
    refill_those_that_cannot_read_on
    set_those_online '.hold != null or .state == "ADMIN_OFFLINE"'
    all_are_online_and_follow && both_masters_are_electable && is_protected "$(writer_name)" && writes_flow
}

recover() {
    RECOVERY_BEGUN=$(now_ms)
    lab heal
    # They have shown what is answered on a host that is cut off.  Beside the others they would write to the new writer more
    # than replicas on two processors apply.
    stop_clients in
    within "$QUIET_SECONDS" looked_after_and_quiet || {
        broken "$QUIET_SECONDS s after the faults not every host is ONLINE, or held with its reason: $(state_line)"
        return
    }
    say "quiet after $(($(now_ms) - RECOVERY_BEGUN)) ms: $(state_line)"
    within "$WELL_SECONDS" looked_after_and_well ||
        broken "the cluster does not come back in $WELL_SECONDS s by what an administrator may do without --force: $(state_line)"
    note "well $(($(now_ms) - RECOVERY_BEGUN)) ms after the last fault"
}

state_line() {
    show | jq -r '"writer \(.writer), \(.transfer.phase? // "no transfer"); " +
        ([.hosts[] | "\(.name) \(.state)\(if .hold then " (" + .hold.why + ")" else "" end)\(if .replication.error then " error: " + (.replication.error | tostring) else "" end)"] | join("; "))' ||
        echo 'the monitor does not answer'
}

# ---- loss that may be ----

# Before a writer goes on without an acknowledgement mmm says so: «writes are not protected».  A missing row is explained
# when that stood at the moment of its OK, and mmm has listed as many transactions of a held host.
loss_is_explained() {
    local id
    verified '.lost == 0' && return
    for id in $(jq -r '.lost_ids[]' "$EVIDENCE/verify.json"); do
        row_was_unprotected "$id" || return 1
    done
    loss_was_reported || return 1
    # shellcheck disable=SC2034 # chaos reads it
    PREDICTED=$(jq .lost "$EVIDENCE/verify.json")
}

row_was_unprotected() { # id
    local line answered
    line=$(cat "$(lab_folder)"/clients/load.*.log | awk -v id="$1" '$1 == id')
    answered=$(awk -v up="$(uptime_ms)" -v now="$(now_ms)" '{ printf "%d", now - up + $3 }' <<<"$line")
    say "lost: $line, answered at $(date -d "@$((answered / 1000))" +%T).$(printf '%03d' $((answered % 1000))), told then: $(protection_at "$answered")"
    [[ $(protection_at "$answered") == writes_unprotected ]]
}

# What mmm had said last of the protection of writes.
protection_at() { # milliseconds since 1970
    gather_events
    jq -rs --argjson at "$1" '[.[] | select(.event == "writes_protected" or .event == "writes_unprotected") |
        { event, at: ((.time | sub("\\.[0-9]+"; "") | fromdate) * 1000 + (.time | capture("\\.(?<ms>[0-9]+)").ms | tonumber)) } |
        select(.at <= $at)] | last | .event // "nothing"' "$EVIDENCE/events.json"
}

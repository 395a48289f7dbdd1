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

looked_after_and_well() {
    gather_events
    set_those_online '.hold != null or .state == "ADMIN_OFFLINE"'
    all_are_online_and_follow && both_masters_are_electable && is_protected "$(writer_name)"
}

recover() {
    RECOVERY_BEGUN=$(now_ms)
    lab heal
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

# The lab's masters do without an acknowledgement when nobody has given one for 10 s, and log it.  A missing row is
# explained when whoever was writer at its time had switched so, and mmm has listed as many transactions of a held host.
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

# Every host that was writer within a lease of the row's answer had switched semi-sync off.
row_was_unprotected() { # id
    local line answered host found=0
    line=$(cat "$(lab_folder)"/clients/load.*.log | awk -v id="$1" '$1 == id')
    answered=$(awk -v up="$(uptime_ms)" -v now="$(now_ms)" '{ printf "%d", (now - up + $3) / 1000 }' <<<"$line")
    for host in $(writers_about "$answered"); do
        found=1
        say "lost: $line, answered at $(date -d "@$answered" +%T), $host may have; semi-sync there: $(semi_sync_at "$host" "$answered")"
        [[ $(semi_sync_at "$host" "$answered") == OFF ]] || return 1
    done
    [[ $found -eq 1 ]]
}

writers_about() { # seconds since 1970
    gather_events
    jq -rs --argjson at "$1" '[.[] | select(.event == "writer_serving") | { host, at: (.time | sub("\\.[0-9]+"; "") | fromdate) }] as $all |
        ([$all[] | select(.at <= $at - 8)] | last), ($all[] | select(.at > $at - 8 and .at <= $at + 1)) | .host // empty' \
        "$EVIDENCE/events.json" | sort -u
}

semi_sync_at() { # host seconds since 1970
    local at
    at=$(date -d "@$2" '+%F %T')
    awk -v at="$at" 'BEGIN { state = "ON" } substr($0, 1, 19) > at { exit }
        /emi-sync.*switched OFF/ { state = "OFF" } /emi-sync.*switched ON/ { state = "ON" } /mariadbd: ready/ { state = "ON" }
        END { print state }' "$(lab_folder)/$1/server.log"
}

# 40. Bad requests: too large, malformed, of an unknown version, from a certificate without the right, without one at all,
# by an old TLS; and daemons started twice.  Each gets a clear error, and nothing changes.
# shellcheck shell=bash

# A request as HOST's machine and with NAME's certificate («none»: without one); prints the status and the body.
request() { # name url [curl options…]
    local name=$1 url=$2 tls
    shift 2
    tls=$(lab_folder)/tls
    local certificate=()
    [[ $name == none ]] || certificate=(--cert "$tls/$name.pem" --key "$tls/$name.key")
    lab exec db2 curl --silent --show-error --max-time 5 --cacert "$tls/ca.pem" "${certificate[@]}" \
        --resolve monitor:9988:10.77.0.9 --resolve db1:9989:10.77.0.11 --write-out '\nstatus %{http_code}\n' "$@" \
        "https://$url" 2>&1
}

answers() { # status words name url [curl options…]
    local status=$1 words=$2 said
    shift 2
    said=$(request "$@") || true
    say "answer: $(tr '\n' ' ' <<<"$said" | cut -c1-200)"
    [[ $said == *"status $status"* && $said == *"$words"* ]]
}

report_of() { # host version
    printf '{"v":%s,"message":"report","cluster":"%s","host":"%s"}' "$2" "$LAB_NAME" "$1"
}

# A second daemon beside a running one ends at once and names the one that is there.
second_is_refused() { # pid host arguments of mmm…
    local pid=$1 host=$2 said
    shift 2
    said=$(timeout 10 "$ROOT/scripts/lab" --name "$LAB_NAME" exec "$host" "$MMM_BUILD/mmm" \
        --config "$(lab_folder)/mmm.ini" "$@" 2>&1) && return 1
    say "answer: $(tail -n 1 <<<"$said" | cut -c1-300)"
    [[ $said == *"$pid"* ]]
}

# As the monitor's own user: another one cannot even look at what is there.
second_monitor_is_refused() { # pid
    local folder said
    folder=$(lab_folder)
    said=$(timeout 10 "$ROOT/scripts/lab" --name "$LAB_NAME" exec mon setpriv --reuid "$(stat -c %u "$folder/mon")" \
        --clear-groups "$folder/mon/mmm" --config "$folder/mmm.ini" monitor 2>&1) && return 1
    say "answer: $(tail -n 1 <<<"$said" | cut -c1-300)"
    [[ $said == *"$1"* ]]
}

scenario() {
    local large term_before
    given_a_cluster_under_load 2s
    term_before=$(show | jq .term)
    large=$(lab_folder)/clients/large
    head -c 400000 /dev/zero | tr '\0' 'x' >"$large"

    expect "a body that is too large is refused" answers 413 error db2 monitor:9988/v1/report --data-binary "@$large"
    expect "what is no JSON is refused" answers 400 error db2 monitor:9988/v1/report --data '{"v":1,'
    expect "an unknown version is refused and both are named" answers 400 version db2 monitor:9988/v1/report --data "$(report_of db2 99)"
    expect "a report without its fields is refused" answers 400 error db2 monitor:9988/v1/report --data "$(report_of db2 1)"
    expect "an operator cannot report" answers 403 'no host' operator monitor:9988/v1/report --data "$(report_of db2 1)"
    expect "a host cannot nudge a host" answers 403 'only the monitor' db2 db1:9989/v1/nudge --data ''
    expect "a host cannot ask in another's name" answers 403 'another host' db2 db1:9989/v1/ask \
        --data "{\"v\":1,\"message\":\"ask\",\"cluster\":\"$LAB_NAME\",\"from\":\"db3\",\"round\":1,\"term\":1,\"for_writer\":true,\"lease_ms\":5000}"
    expect "without a certificate nothing is told" answers 403 certificate none monitor:9988/v1/status
    expect "without a certificate nothing is done" answers 403 certificate none monitor:9988/v1/command --data '{}'
    expect "without a certificate an agent tells no doctor anything" answers 403 certificate none db1:9989/v1/doctor
    expect "an older TLS is refused" answers 000 curl db2 monitor:9988/v1/status --tls-max 1.2
    expect "an unknown path says what there is" answers 404 /v1/report db2 monitor:9988/v1/nothing
    expect "another method is refused" answers 405 error db2 monitor:9988/v1/status --request DELETE

    expect "a second monitor is told whose the store is" second_monitor_is_refused "$(daemon_pid monitor)"
    expect "a second agent is told who is there" second_is_refused "$(daemon_pid db1-agent)" db1 --host db1 agent

    expect "the term has not changed" test "$(show | jq .term)" = "$term_before"
    expect "nothing has moved" nothing_has_moved
    expect "no write has failed" no_write_has_failed
}

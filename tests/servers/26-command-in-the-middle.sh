# 26. A command in the middle: move-role, set-offline and set-online at random moments of a killed server (2), an isolated host
# (5) and a killed monitor (9).  Each is refused with a reason or done, and never half.  The moments come from a seed, which
# is told: MMM_SEED=N tries the same ones again.  This is the killed server; 26b and 26c are the others.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

FAULT=${FAULT:-server_is_killed}
readonly COMMANDS=("move-role writer db1" "move-role writer db2" "set-offline db1" "set-offline db2" "set-online db1" "set-online db2"
    "move-role reader db3" "set-offline db3" "set-online db3")

server_is_killed() {
    lab server db1 kill
}

host_is_isolated() {
    lab cut db1
}

monitor_is_killed() {
    lab monitor kill
}

fault_ends() {
    case $FAULT in
    server_is_killed) lab server db1 start ;;
    host_is_isolated) lab heal db1; server_runs db1 || lab server db1 start ;;
    monitor_is_killed) lab monitor start; remember_daemon monitor ;;
    esac
}

# Exit status 0 is done, 1 is refused with one line or more; anything else is neither.
give_command() { # words…
    local answer status=0
    answer=$(timeout 40 "$ROOT/scripts/lab" --name "$LAB_NAME" mmm "$@" 2>&1) || status=$?
    say "mmm $*: $status: $answer"
    [[ $status -eq 0 || ($status -eq 1 && -n $answer) ]] || broken "mmm $* was neither done nor refused: $status, «$answer»"
}

# The moments and the commands are drawn first: a subshell would draw others.
draw() { # how many
    local i
    DELAYS=() DRAWN=()
    for ((i = 0; i < $1; i++)); do
        DELAYS+=("0.$(printf '%03d' $((RANDOM % 900)))")
        DRAWN+=("${COMMANDS[RANDOM % ${#COMMANDS[@]}]}")
    done
}

give_commands() { # from until
    local i
    for ((i = $1; i < $2; i++)); do
        sleep "${DELAYS[i]}"
        # shellcheck disable=SC2086 # a command is several words
        give_command ${DRAWN[i]}
    done
}

nothing_is_on_its_way() {
    shown '.transfer == null and .writer != null'
}

# An administrator brings back whoever was set offline by one of the commands; evidence against a host may forbid it.
bring_back() {
    local host
    for host in "${DATABASES[@]}"; do
        if state_is "$host" ADMIN_OFFLINE && ! is_held "$host"; then give_command set-online "$host"; fi
    done
    every_host_is_settled
}

every_host_is_settled() {
    show | jq -e '.transfer == null and .writer != null and
        all(.hosts[]; .state == "ONLINE" or (.hold != null and (.hold.why | length) > 0))' >/dev/null 2>&1
}

scenario() {
    local early seed=${MMM_SEED:-$((SRANDOM % 32768))}
    RANDOM=$seed
    note "seed $seed"
    draw 14
    given_a_cluster_under_load 2s
    give_commands 0 4 &
    early=$!
    sleep "${DELAYS[13]}"
    "$FAULT"
    wait "$early"
    give_commands 4 10
    fault_ends
    give_commands 10 13
    expect "there is a writer, and nothing is on its way" within 30 nothing_is_on_its_way
    expect "every host is ONLINE, or held with the reason" within 40 bring_back
    expect "there is a writer at the end, too" within 20 nothing_is_on_its_way
    expect "writes flow" within 10 writes_flow
    expect "each command was refused with a reason or done" test ! -s "$EVIDENCE/failures"
}

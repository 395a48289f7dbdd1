# The schedule of a chaos run: a pure function of the seed and the minutes.  A line of PLAN is
#   ROUND GUARD AT FAULT TARGET LENGTH        AT and LENGTH in milliseconds, AT from the beginning of the round
# Targets are parts of the cluster as it stands when the round begins: writer, standby (the other master), replica.
# shellcheck shell=bash disable=SC2034 # chaos reads PLAN

PLAN=()
CHANCE=0

# What healing and checking take after a round, at a guess: so that the plan is about as long as the run.
readonly RECOVERY_MS=8000
# Without the guard a server whose agent is dead or stopped stays open by the host's own address (documentation of
# «guard»): there an agent is away for less than a lease.
readonly AGENT_AWAY_MS=2000
readonly FAULTS=(
    # fault           weight  what it can befall
    'server-killed    4       host'
    'server-stopped   2       host'
    'server-frozen    3       host'
    'agent-killed     3       host'
    'agent-frozen     3       host'
    'host-frozen      2       host'
    'monitor-killed   2       monitor'
    'monitor-frozen   1       monitor'
    'store-full       1       monitor'
    'isolated         4       host'
    'cut-off-monitor  3       host'
    'one-way-cut      4       way'
    'link-cut         2       link'
    'connections-used 1       address'
    'disk-full        2       master'
    'applier-stopped  2       follower'
)
readonly COMMANDS=(move-role:standby move-role:standby move-role:writer set-offline:writer set-offline:standby
    set-offline:replica set-online:writer set-online:standby)

targets_of() { # what a fault can befall
    case $1 in
    host) echo writer writer writer standby standby replica ;;
    monitor) echo monitor ;;
    way) echo 'monitor>writer writer>monitor writer>standby standby>writer writer>replica replica>writer' \
        'monitor>standby standby>monitor app>writer writer>app' ;;
    link) echo 'writer>standby writer>replica standby>replica' ;;
    address) echo writer ;;
    master) echo writer writer standby ;;
    follower) echo standby replica ;;
    esac
}

# A number below N into CHANCE_IS: a linear congruential generator of our own, since bash's RANDOM differs between versions.
chance() { # n
    CHANCE=$(((CHANCE * 1103515245 + 12345) & 0x7fffffff))
    CHANCE_IS=$(((CHANCE >> 8) % $1))
}

chance_begin() { # seed
    local i
    CHANCE=$((($1 * 2654435761 + 97) & 0x7fffffff))
    for i in 1 2 3; do chance 2; done
}

# A third each is over before anybody can have noticed, ends within a lease or two, and lasts for several.
choose_length() {
    chance 3
    case $CHANCE_IS in
    0) chance 2200; LENGTH=$((300 + CHANCE_IS)) ;;
    1) chance 5500; LENGTH=$((2500 + CHANCE_IS)) ;;
    2) chance 7000; LENGTH=$((8000 + CHANCE_IS)) ;;
    esac
}

choose_fault() { # guard
    local row name weight what sum=0 targets
    for row in "${FAULTS[@]}"; do
        read -r name weight what <<<"$row"
        sum=$((sum + weight))
    done
    chance "$sum"
    for row in "${FAULTS[@]}"; do
        read -r name weight what <<<"$row"
        CHANCE_IS=$((CHANCE_IS - weight))
        [[ $CHANCE_IS -ge 0 ]] || break
    done
    read -ra targets <<<"$(targets_of "$what")"
    chance "${#targets[@]}"
    FAULT=$name TARGET=${targets[CHANCE_IS]}
    choose_length
    case $1:$FAULT in
    off:agent-* | off:host-frozen) LENGTH=$((LENGTH % AGENT_AWAY_MS + 300)) ;;
    *:connections-used) LENGTH=$((LENGTH % 8000 + 1000)) ;;
    esac
}

# A client on an isolated host itself is let through by the guard always: such a host keeps its agent.  A monitor does not
# start on a store that it cannot write.
is_compatible() { # fault target of the first, fault target of the second
    [[ $1 != "$3" || $2 != "$4" ]] || return 1
    [[ $2 == "$4" ]] || return 0
    case $1+$3 in
    isolated+agent-* | isolated+host-frozen | agent-*+isolated | host-frozen+isolated) return 1 ;;
    monitor-killed+store-full | store-full+monitor-killed) return 1 ;;
    esac
}

plan_round() { # round guard
    local round=$1 guard=$2 kind first_fault first_target first_length at
    chance 100
    kind=$CHANCE_IS
    choose_fault "$guard"
    first_fault=$FAULT first_target=$TARGET first_length=$LENGTH
    PLAN+=("$round $guard 0 $FAULT $TARGET $LENGTH")
    ROUND_LENGTH=$LENGTH
    if [[ $kind -ge 35 ]]; then
        choose_fault "$guard"
        until is_compatible "$first_fault" "$first_target" "$FAULT" "$TARGET"; do choose_fault "$guard"; done
        chance "$first_length"
        at=$CHANCE_IS
        PLAN+=("$round $guard $at $FAULT $TARGET $LENGTH")
        [[ $((at + LENGTH)) -le $ROUND_LENGTH ]] || ROUND_LENGTH=$((at + LENGTH))
    fi
    if [[ $kind -ge 60 ]]; then
        chance "$ROUND_LENGTH"
        at=$CHANCE_IS
        chance "${#COMMANDS[@]}"
        PLAN+=("$round $guard $at command ${COMMANDS[CHANCE_IS]} 0")
    fi
}

# Half of the time is spent without the guard and half with it.
plan_make() { # seed minutes
    local round=0 at=0 whole=$(($2 * 60000)) guards=(off on)
    chance_begin "$1"
    chance 2
    [[ $CHANCE_IS -eq 0 ]] || guards=(on off)
    while [[ $at -lt $whole ]]; do
        round=$((round + 1))
        plan_round "$round" "${guards[at * 2 / whole]}"
        at=$((at + ROUND_LENGTH + RECOVERY_MS))
    done
    ROUNDS=$round
}

seconds_of() { # milliseconds
    printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100))
}

plan_print() {
    local row round guard at fault target length
    for row in "${PLAN[@]}"; do
        read -r round guard at fault target length <<<"$row"
        printf 'round %2d, guard %-3s +%4s s  %s %s' "$round" "$guard" "$(seconds_of "$at")" "$fault" "$target"
        [[ $length -eq 0 ]] && echo || printf ' for %s s\n' "$(seconds_of "$length")"
    done
}

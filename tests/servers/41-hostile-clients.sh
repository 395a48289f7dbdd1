# 41. Hostile clients: floods of the monitor's and an agent's port by strangers, by somebody on a cluster's own machine and
# on the monitor's unix socket; connections that never speak, handshakes that never end, requests of one byte a second,
# endless bodies, a stranger's certificate, connections that a cut left half open.  Meanwhile nothing moves, no write
# fails, «mmm show» answers, memory and descriptors stay bounded; and daemons that start in the flood find their way in.
# shellcheck shell=bash

readonly MONITOR=10.77.0.9 AGENT=10.77.0.11
# 256 connections of each server at the most, and what a daemon holds for itself.
readonly DESCRIPTORS_MOST=320
# Strangers' 256 TLS connections cost some 40 kB each.
readonly MONITOR_RSS_KB=40960 AGENT_FLOODED_KB=32768
FLOODS=()

# Floods in the background for SECONDS, from MACHINE, as the user nobody, or one who may use the unix socket.  With the last
# priority: a flood comes over the network, and here is not to take the daemons' processor by itself.
flood() { # machine seconds how address port [certificate key]
    local machine=$1 seconds=$2
    shift 2
    lab exec "$machine" nice -n 19 setpriv --reuid "${FLOOD_USER:-65534}" --clear-groups --bounding-set=-all \
        "$MMM_BUILD/tests/servers/mmm-hostile" \
        "$1" "$2" "$3" "$seconds" "${@:4}" >>"$EVIDENCE/floods" 2>&1 &
    FLOODS+=($!)
}

await_floods() {
    [[ ${#FLOODS[@]} -eq 0 ]] || wait "${FLOODS[@]}" || broken "a flood did not run: $(tail -n 1 "$EVIDENCE/floods")"
    FLOODS=()
    # A flood that reached nobody shows nothing.
    jq -se 'all(.[]; .opened > 0)' "$EVIDENCE/floods" >/dev/null || broken "a flood reached nobody: $(tail -n 1 "$EVIDENCE/floods")"
}

floods_go_on() {
    kill -0 "${FLOODS[@]}" 2>/dev/null
}

# The most that a daemon has needed, and how much of a processor.
rss_is_below() { # name kB
    local kb
    kb=$(awk '/^VmHWM/ { print $2 }' "/proc/${DAEMON_PID[$1]}/status")
    note "$1 $kb kB"
    [[ $SANITIZED -eq 1 || $kb -lt $2 ]]
}

descriptors_are_bounded() { # name
    local count
    count=$(find "/proc/${DAEMON_PID[$1]}/fd" -mindepth 1 2>/dev/null | wc -l)
    say "$1 has $count descriptors"
    [[ $count -gt 0 && $count -le $DESCRIPTORS_MOST ]]
}

# For as long as the floods go on every «mmm show» answers within its five seconds, and tells of reachable agents.
show_answers_all_the_time() {
    local start took longest=0 count=0
    while floods_go_on; do
        start=$(now_ms)
        shown 'all(.hosts[]; .agent == "reachable" and .state == "ONLINE")' || { say "the show after $count others failed"; return 1; }
        took=$(($(now_ms) - start))
        [[ $took -le $longest ]] || longest=$took
        count=$((count + 1))
        descriptors_are_bounded monitor || return 1
        descriptors_are_bounded db1-agent || return 1
        sleep 0.2
    done
    say "$count answers, the slowest after $longest ms"
    [[ $count -gt 0 ]]
}

# One kind of flood on the monitor and on the writer's agent, for five seconds.
withstands() { # sentence how [certificate key]
    local how=$2
    flood app 5 "$how" $MONITOR 9988 "${@:3}"
    flood app 5 "$how" $AGENT 9989 "${@:3}"
    expect "$1: mmm show answers and no agent is missed" show_answers_all_the_time
    await_floods
}

all_agents_are_reachable() {
    shown 'all(.hosts[]; .agent == "reachable")'
}

# A stranger's authority, and a certificate of it in a host's name.
make_stranger() {
    "$MMM_BUILD/mmm" cert init --dir "$EVIDENCE/stranger" --config "$(lab_folder)/mmm.ini" >/dev/null
    "$MMM_BUILD/mmm" cert issue --dir "$EVIDENCE/stranger" db1 >/dev/null
    chmod -R a+rX "$EVIDENCE/stranger"
    chmod a+r "$EVIDENCE/stranger/db1.key"
}

scenario() {
    given_a_cluster_under_load 2s
    make_stranger

    withstands "connections that never speak" open
    withstands "handshakes that are begun and left" half
    withstands "connections that come and go" churn
    withstands "whole handshakes without a certificate" handshake
    withstands "whole handshakes with a stranger's certificate" handshake "$EVIDENCE/stranger/db1.pem" "$EVIDENCE/stranger/db1.key"
    withstands "requests of one byte a second" slow
    withstands "bodies without end" huge

    say "half of the strangers' connections are cut off and stay half open"
    flood app 3 open $MONITOR 9988
    sleep 1
    lab cut app mon
    await_floods
    expect "what a cut left half open is in nobody's way" within 5 all_agents_are_reachable
    lab heal

    FLOOD_USER=$(stat -c %u "$(lab_folder)/mon") flood mon 5 ask "$(lab_folder)/mon/mmm.sock" 0
    expect "a flood of the unix socket: mmm show answers" show_answers_all_the_time
    await_floods

    say "daemons that start in the flood"
    flood app 14 handshake $MONITOR 9988
    flood app 14 open $MONITOR 9988
    flood db3 14 open $MONITOR 9988 # on the very machine of an agent, by a user without rights
    flood app 14 open $AGENT 9989
    sleep 1
    restart_agent db3
    expect "an agent that starts in the flood reaches the monitor" within 4 all_agents_are_reachable
    expect "nothing has moved in the floods" nothing_has_moved
    rss_is_below monitor $MONITOR_RSS_KB || broken "the monitor needed more than $MONITOR_RSS_KB kB"
    lab monitor kill
    lab monitor start
    remember_daemon monitor
    expect "a monitor that starts in the flood hears all agents" within 10 all_agents_are_reachable
    await_floods

    rss_is_below monitor $MONITOR_RSS_KB || broken "the monitor needed more than $MONITOR_RSS_KB kB"
    rss_is_below db1-agent $AGENT_FLOODED_KB || broken "the agent needed more than $AGENT_FLOODED_KB kB"
    say "$(cat "$EVIDENCE/floods")"
    # The floods' memory is not an agent's usual one: the invariants judge agents that have not been flooded.
    unset 'DAEMON_PID[db1-agent]'
    lab agent db1 kill && lab agent db1 start && remember_daemon db1-agent
    expect "all agents are heard at the end" within 10 all_agents_are_reachable
    expect "no write has failed" no_write_has_failed
}

# What the measuring scripts share: a lab of their own that surely goes again, and questions to it.
# shellcheck shell=bash
# The script that reads this sets SELF, LAB_NAME and UP (the options of lab up).

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly ROOT
LAB=${MMM_LAB_DIR:-/tmp/mmm-lab-$LAB_NAME}
UP=()
DURABILITY=lossless # the lab's own
WARM_UP_ROWS=100

say() {
    printf '%s: %s\n' "$SELF" "$*" >&2
}

fail() {
    say "$*"
    exit 1
}

wrong() {
    say "$*; see $SELF --help"
    exit 2
}

lab() {
    "$ROOT/scripts/lab" --name "$LAB_NAME" "$@"
}

program() { # mmm-…
    local build=${MMM_BUILD:-build}
    [[ $build == /* ]] || build=$ROOT/$build
    printf '%s/bench/%s' "$build" "$1"
}

# Whatever happens, the lab does not outlive the script.
lab_until_exit() {
    [[ $EUID -eq 0 ]] || fail "needs root, for network namespaces: sudo $0"
    trap 'lab down >/dev/null 2>&1 || true' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    lab down >/dev/null # what an interrupted run left
}

fresh_lab() { # options of lab up…
    lab down >/dev/null
    if ! lab up "$@" >/dev/null; then
        say "the lab does not come up: a second try, rather than losing what was measured so far"
        lab up "$@" >/dev/null || fail "the lab does not come up"
    fi
}

# Repeats a command until it succeeds; fails when it did not within the seconds.
await() { # seconds what-for command...
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        if [[ $SECONDS -ge $end ]]; then
            say "gave up waiting: $what"
            return 1
        fi
        sleep 0.1
    done
}

# A number or a word of flat JSON, the first of that name.
field() { # name, JSON on stdin
    sed -nE "s/^.*[{,]\"$1\":\"?([^\",}]*).*/\1/; T; p; q" < <(grep -oE "[{,]\"$1\":\"?[^\",}]*")
}

# `show --json`, a line a host (the first holds the cluster's own fields); empty when the monitor does not answer.
status_lines() {
    MMM_LAB_COMMAND_SECONDS=5 lab mmm show --json 2>/dev/null | sed 's|{"name":|\n&|g' || true
}

is_writer() { # host
    grep -q "\"writer\":\"$1\",.*\"transfer\":null" < <(status_lines)
}

is_held() { # host
    grep -q "^{\"name\":\"$1\".*\"state\":\"AWAITING_RECOVERY\"" < <(status_lines)
}

replicates() { # host status
    grep -qE "^\{\"name\":\"$1\".*\"state\":\"ONLINE\".*\"receiving\":true,\"applying\":true,\"lag_ms\":[0-9]{1,2}," <<<"$2"
}

# All ONLINE, everybody replicates without lag, and either master may become writer: the state before each fault.  A
# writer that is lost while writes are not protected is replaced by nobody without a word of the administrator.
is_settled() { # writer
    local status host
    status=$(status_lines)
    [[ $DURABILITY == asynchronous ]] || grep -q '"protected":true' <<<"$status" || return 1
    grep -q "\"writer\":\"$1\".*\"electable\":\[\"db1\",\"db2\"\],\"transfer\":null" <<<"$status" || return 1
    for host in db1 db2 db3; do
        [[ $host == "$1" ]] || replicates "$host" "$status" || return 1
    done
}

acknowledged() { # load
    lab load report --as "$1" | field acknowledged
}

has_acknowledged() { # load count
    [[ $(acknowledged "$1") -ge $2 ]]
}

# The load writes, without an error, before anything is measured, and has written enough afterwards.
await_writes() { # load
    local count
    count=$(acknowledged "$1")
    await 30 "writes through the writer address" has_acknowledged "$1" $((count + WARM_UP_ROWS))
}

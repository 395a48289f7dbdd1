# 55. Clients that wait for an answer and have no time-out of their own: whatever takes the address away, each is told at
# once.  A switchover, a reader's address that its agent may not keep, one that is moved, and a frozen server, in which
# nothing can be killed.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

sleepers() { # host
    sql "$1" "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'app' AND STATE = 'User sleep'"
}

is_asleep() { # host
    [[ $(sleepers "$1") -ge 1 ]]
}

# A client through an address, in a SELECT that ends long after the scenario.
begin_silent_client() { # name address host
    {
        lab exec app timeout 120 mariadb --no-defaults --host="$2" --user=app --password="$(cat "$(lab_folder)/secret/app.password")" \
            --connect-timeout=5 -e 'SELECT SLEEP(100)' >"$EVIDENCE/silent.$1" 2>&1 || true
        now_ms >"$EVIDENCE/silent.$1.end"
    } &
    need "the client «$1» waits" within 10 is_asleep "$3"
}

is_told() { # name
    [[ -s $EVIDENCE/silent.$1.end ]] && grep -q '^ERROR' "$EVIDENCE/silent.$1"
}

# An error, and no end of its patience, within so long after a time on the clock of now_ms.
is_told_within() { # name since milliseconds
    within $((($3 + 999) / 1000)) is_told "$1" || return 1
    note "$1: told after $(($(cat "$EVIDENCE/silent.$1.end") - $2)) ms"
    [[ $(($(cat "$EVIDENCE/silent.$1.end") - $2)) -lt $(($3 * SLOW)) ]]
}

reader_address_of() { # host
    show | jq -r --arg host "$1" '[.hosts[] | select(.name == $host).roles[] | select(.role == "reader").address][0]'
}

has_no_reader() { # host
    shown '[$it.roles[].role] | index("reader") == null' "$1"
}

no_reader_address_is_on() { # host
    [[ -z $(host_addresses "$1") ]]
}

switchover() {
    local begun
    begin_silent_client switchover "$WRITER_ADDRESS" db1
    begun=$(now_ms)
    lab mmm move-role --kill writer db2 >/dev/null || broken "the role does not move"
    expect "switchover: the client is told" is_told_within switchover "$begun" 1000
    need "all follow" within 20 all_are_online_and_follow
    need "every host has a reader" within 20 every_host_has_a_reader
}

# The agent hears the monitor no more, and its peers do: the address ends with what it was given.
cut_off_reader() {
    local begun
    begin_silent_client cut "$(reader_address_of db3)" db3
    begun=$(now_ms)
    lab cut db3 mon
    expect "cut off: the client is told within the lease" is_told_within cut "$begun" $((LEASE_MS + 500))
    expect "its address has gone" within 2 no_reader_address_is_on db3
    lab heal db3 mon
    need "db3 is back" within 30 all_are_online_and_follow
    need "every host has a reader again" within 30 every_host_has_a_reader
}

moved_reader() {
    local begun
    begin_silent_client moved "$(reader_address_of db3)" db3
    begun=$(now_ms)
    lab mmm set-offline db3 >/dev/null
    expect "moved: the client is told" is_told_within moved "$begun" 1000
    lab mmm set-online db3 >/dev/null
    need "all follow once more" within 20 all_are_online_and_follow
}

frozen_server() {
    local begun
    begin_silent_client frozen "$WRITER_ADDRESS" db2
    begun=$(now_ms)
    lab server db2 freeze
    expect "frozen: the client is told within the lease and a second" is_told_within frozen "$begun" $((LEASE_MS + 1000))
    expect "db1 is writer" within 10 writer_is db1
    lab server db2 thaw 2>/dev/null || true
    server_is_started_again db2
    expect "db2 is held" within 20 is_held db2
}

scenario() {
    given_a_cluster_under_load
    switchover
    cut_off_reader
    moved_reader
    frozen_server
    expect "writes flow" within 5 writes_flow
}

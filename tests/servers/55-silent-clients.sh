# 55. Clients that wait for an answer and have no time-out of their own: whatever takes the address away, each is told at
# once.  A switchover, a reader's address that its agent may not keep, one that is moved, and a frozen server, in which
# nothing can be killed.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

is_asleep() { # host name
    [[ $(sql "$1" "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep' AND INFO LIKE '%AS $2'") -eq 1 ]]
}

is_served_on() { # address host
    host_addresses "$2" | grep -qFx "$1"
}

# A client through an address, in a SELECT that ends long after the scenario.
begin_silent_client() { # name address host
    need "$2 is on $3" within 10 is_served_on "$2" "$3"
    {
        lab exec app timeout 120 mariadb --no-defaults --host="$2" --user=app --password="$(cat "$(lab_folder)/secret/app.password")" \
            --connect-timeout=5 -e "SELECT SLEEP(100) AS $1" >"$EVIDENCE/silent.$1" 2>&1 || true
        now_ms >"$EVIDENCE/silent.$1.end"
    } &
    need "the client «$1» waits" within 10 is_asleep "$3" "$1"
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

# When the agent last took an address away, on the clock of now_ms.
taken_away_at() { # host address
    local line
    line=$(lab log "$1" agent | grep 'event=address_down' | grep -F "\"$2 " | tail -n 1)
    [[ -n $line ]] && date -d "${line%% *}" +%s%3N
}

# The time until a command takes the address away is told by other scenarios; here counts that nobody waits longer.
is_told_as_it_goes() { # name host address
    within 10 is_told "$1" && within 10 taken_away_at "$2" "$3" >/dev/null || return 1
    local late=$(($(cat "$EVIDENCE/silent.$1.end") - $(taken_away_at "$2" "$3")))
    note "$1: told $late ms after the address went"
    [[ $late -lt $((1000 * SLOW)) ]]
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
    begin_silent_client switchover "$WRITER_ADDRESS" db1
    lab mmm move-role --kill writer db2 >/dev/null || broken "the role does not move"
    expect "switchover: the client is told" is_told_as_it_goes switchover db1 "$WRITER_ADDRESS"
    need "all follow" within 20 all_are_online_and_follow
    need "every host has a reader" within 20 every_host_has_a_reader
}

# The agent hears the monitor no more, and its peers do: the address ends with what it was given.
cut_off_reader() {
    local begun
    begin_silent_client cut "$(reader_address_of db3)" db3
    lab cut db3 mon
    begun=$(now_ms)
    expect "cut off: the client is told within the lease" is_told_within cut "$begun" $((LEASE_MS + 500))
    expect "its address has gone" within 2 no_reader_address_is_on db3
    lab heal db3 mon
    need "db3 is back" within 30 all_are_online_and_follow
    need "every host has a reader again" within 30 every_host_has_a_reader
}

moved_reader() {
    local address
    address=$(reader_address_of db3)
    begin_silent_client moved "$address" db3
    lab mmm set-offline db3 >/dev/null
    expect "moved: the client is told" is_told_as_it_goes moved db3 "$address"
    lab mmm set-online db3 >/dev/null
    need "all follow once more" within 20 all_are_online_and_follow
}

frozen_server() {
    local begun
    begin_silent_client frozen "$WRITER_ADDRESS" db2
    lab server db2 freeze
    begun=$(now_ms)
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

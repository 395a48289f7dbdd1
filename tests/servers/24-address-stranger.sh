# 24. Address taken by a stranger: a machine that is no host of the cluster (here the one of the applications) has a role's
# address too and answers for it: detected, named with its hardware address in «show» and in the events, for IPv4 and for
# IPv6.  No host of the cluster begins to serve the address a second time, and the warning goes when the stranger does.
# shellcheck shell=bash

stranger_mac() {
    lab exec app ip -o link show dev eth0 | sed 's,.*link/ether \([^ ]*\).*,\1,'
}

# The addresses of all roles are on one host each.
no_address_is_served_twice() {
    local host
    [[ -z $(for host in "${DATABASES[@]}"; do host_addresses "$host"; done | sort | uniq -d) ]]
}

warning_names() { # address mac
    show | jq -e --arg ip "$1" --arg mac "$2" \
        'any(.warnings[]; startswith($ip + " ") and contains($mac) and contains("no host of this cluster"))' >/dev/null
}

event_names() { # address mac
    events_since_mark | jq -se --arg ip "$1" --arg mac "$2" \
        '[.[] | select(.event == "address_stranger" and (.why | startswith($ip + " ") and contains($mac)))] | length == 1' >/dev/null
}

no_stranger_is_shown() {
    show | jq -e 'all(.warnings[]; contains("also answered for") | not)' >/dev/null
}

# A reader's IPv4 address, whoever has it: the application itself writes through the writer's.
a_reader_address() {
    show | jq -r '[.hosts[].roles[] | select(.role == "reader") | .address | select(contains(":") | not)] | first'
}

stranger_is_told_of() { # address prefix
    local mac
    mac=$(stranger_mac)
    lab exec app ip address add "$1/$2" dev eth0 "${@:3}"
    expect "show names $mac for $1" within 45 warning_names "$1" "$mac"
    expect "one event names it" within 5 event_names "$1" "$mac"
    expect "no host serves $1 a second time" no_address_is_served_twice
    lab exec app ip address del "$1/$2" dev eth0
    expect "the warning of $1 goes" within 60 no_stranger_is_shown
}

scenario() {
    given_a_cluster_under_load 2s
    expect "no stranger is told of before" no_stranger_is_shown
    stranger_is_told_of "$(a_reader_address)" 24
    stranger_is_told_of fd77::50 64 nodad
    expect "db1 is still writer" writer_is db1
    expect "the writer has not moved" writer_moves_are 0
    expect "no write failed" no_write_has_failed
}

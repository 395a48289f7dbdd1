# 33. The writer's server is killed, and while its standby still applies what it has received, the old host is cut off from
# the monitor: nobody tells it any more that another host serves the address, which it keeps so that clients are refused
# and not left without a word.  It hears that on the link and gives the address up at once.
# shellcheck shell=bash disable=SC2034 # run reads UP

UP=(--mmm-set lease.length=10s --mmm-set lease.report=2s) # so that two reports take longer than the take-over

hold_applier() { # host seconds
    MMM_LAB_SQL_SECONDS=30 lab sql "$1" "FLUSH TABLES WITH READ LOCK; SELECT SLEEP($2); UNLOCK TABLES" >/dev/null 2>&1 &
    sleep 0.5
}

writer_addresses_of() { # host
    host_addresses "$1" | grep -E '(\.|:)50$'
}

has_writer_addresses() { # host
    [[ $(writer_addresses_of "$1" | wc -l) -eq 2 ]]
}

has_no_writer_address() { # host
    [[ -z $(writer_addresses_of "$1") ]]
}

has_resigned() { # host
    told_of host_state "$1" 'ONLINE -> HARD_OFFLINE'
}

kill_and_cut_off() { # seconds that db2 still applies
    given_a_cluster_under_load 2s
    hold_applier db2 "$1"
    lab server db1 kill
    need "the monitor knows that the server is dead" within 1 has_resigned db1
    expect "db1 keeps the address" has_writer_addresses db1
    lab cut mon db1
    need "nobody has taken it yet" has_no_writer_address db2
}

heard_it_on_the_link() { # address
    lab log db1 agent | grep 'rule=A23' | grep -qF "$1 is given up"
}

scenario() {
    kill_and_cut_off 2.5
    need "db2 is writer" within 4 writer_is db2
    expect "db1 heard on the link that db2 serves" within 1 heard_it_on_the_link 10.77.0.50
    expect "and so by IPv6" within 1 heard_it_on_the_link fd77::50
    expect "it has given the addresses up" has_no_writer_address db1
    lab heal mon db1
}

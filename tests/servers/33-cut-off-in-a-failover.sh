# 33. The writer's server is killed, and while its standby still applies what it has received, the old host is cut off from
# the monitor: nobody tells it any more that another host serves the address, which it keeps so that clients are refused
# and not left without a word.  It hears that on the link and gives the address up at once.
# shellcheck shell=bash disable=SC2034 # run reads UP

UP=(--mmm-set lease.length=10s --mmm-set lease.report=2s) # so that two reports take longer than the take-over

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

# From here on db2 applies nothing until the session is ended.
kill_and_cut_off() {
    given_a_cluster_under_load 2s
    hold_a_session db2 'FLUSH TABLES WITH READ LOCK'
    lab server db1 kill
    need "the monitor knows that the server is dead" within 5 has_resigned db1
    expect "db1 keeps the address" has_writer_addresses db1
    lab cut mon db1
    need "nobody has taken it yet" has_no_writer_address db2
}

heard_it_on_the_link() { # address
    lab log db1 agent | grep 'rule=A23' | grep -qF "$1 is given up"
}

scenario() {
    kill_and_cut_off
    end_the_session db2
    need "db2 is writer" within 4 writer_is db2
    expect "db1 heard on the link that db2 serves" within 1 heard_it_on_the_link 10.77.0.50
    expect "and so by IPv6" within 1 heard_it_on_the_link fd77::50
    expect "it has given the addresses up" has_no_writer_address db1
    lab heal mon db1
}

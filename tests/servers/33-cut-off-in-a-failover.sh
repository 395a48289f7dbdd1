# 33. The writer's server is killed, and while its standby still applies what it has received, the old host is cut off from
# the monitor: nobody tells it any more that another host serves the address, which it keeps so that clients are refused
# and not left without a word.  It hears that on the link and gives the address up at once.
# shellcheck shell=bash disable=SC2034 # run reads UP

UP=(--mmm-set lease.length=10s) # so reports are a second apart, and two of them longer than the take-over

hold_applier() { # host seconds
    MMM_LAB_SQL_SECONDS=30 lab sql "$1" "FLUSH TABLES WITH READ LOCK; SELECT SLEEP($2); UNLOCK TABLES" >/dev/null 2>&1 &
    sleep 0.5
}

has_writer_address() { # host
    host_addresses "$1" | grep -qxF "$WRITER_ADDRESS"
}

has_resigned() { # host
    told_of host_state "$1" 'ONLINE -> HARD_OFFLINE'
}

kill_and_cut_off() { # seconds that db2 still applies
    given_a_cluster_under_load 2s
    hold_applier db2 "$1"
    lab server db1 kill
    need "the monitor knows that the server is dead" within 1 has_resigned db1
    expect "db1 keeps the address" has_writer_address db1
    lab cut mon db1
}

heard_it_on_the_link() {
    lab log db1 agent | grep -q 'rule=A23'
}

scenario() {
    kill_and_cut_off 1.5
    need "db2 is writer" within 4 writer_is db2
    expect "db1 heard on the link that db2 serves" heard_it_on_the_link
    expect "it has given the address up" not has_writer_address db1
    lab heal mon db1
}

# 16. Too many connections: the application uses all of max_connections of the writer's server for three leases.  Nothing
# moves, and no write fails of those who are connected.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

readonly HELD_SECONDS=25 # of which 65 clients may take some to begin, on two processors that have more to do

UP=(--set 'max_connections = 60')

server_is_full() {
    [[ $(app_client -e 'SELECT 1' 2>&1) == *'ERROR 1040'* ]]
}

scenario() {
    local begun
    given_a_cluster_under_load 2s
    begun=$(now_ms) # the first of them ends first, and on a busy machine it begins a second before the last
    take_all_connections "$HELD_SECONDS"
    need "the server takes no more connections" within 10 server_is_full
    # Now and then a look is let in: by the connection that the prober has just given back, until one who waits has it.
    while [[ $(($(now_ms) - begun)) -lt $((HELD_SECONDS * 1000 - 4000)) ]]; do
        within 3 server_is_full || { broken "the server takes connections too early"; break; }
        sleep 0.5
    done
    expect "the server takes connections again" within 40 not server_is_full
    expect "db1 is writer" within 5 writer_is db1
    expect "nothing has moved" nothing_has_moved
    expect "no write has failed" no_write_has_failed
    expect "no kernel gave an address up" not an_address_has_left "${DATABASES[@]}"
}

# 33, and the standby takes so long that the old host gives the address up before anybody serves it: after two reports
# without an answer it waits no longer to be told.
# shellcheck shell=bash

# shellcheck source=tests/servers/33-cut-off-in-a-failover.sh
. "$HERE/33-cut-off-in-a-failover.sh"

told_in_the_log() {
    lab log db1 agent | grep -q 'rule=A24'
}

scenario() {
    kill_and_cut_off
    expect "db1 has given the address up" within 5 has_no_writer_address db1
    expect "before db2 had taken it" has_no_writer_address db2
    expect "it says why" within 1 told_in_the_log
    end_the_session db2
    need "db2 is writer" within 10 writer_is db2
    lab heal mon db1
}

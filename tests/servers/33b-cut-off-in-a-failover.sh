# 33, and the standby takes so long that the old host gives the address up before anybody serves it: after two reports
# without an answer nobody can be expected to tell it.
# shellcheck shell=bash

# shellcheck source=tests/servers/33-cut-off-in-a-failover.sh
. "$HERE/33-cut-off-in-a-failover.sh"

scenario() {
    kill_and_cut_off 6
    expect "db1 has given the address up" within 3 not has_writer_address db1
    expect "before db2 had taken it" not has_writer_address db2
    need "db2 is writer" within 10 writer_is db2
    lab heal mon db1
}

# 14, with guard = on and an application that connects to the host's own address, from a machine that the guard lets in:
# none.  So it reaches nobody, neither before nor after, and the prober goes on through all of it.
# shellcheck shell=bash disable=SC2034 # run and lib.sh read these

# shellcheck source=tests/servers/14-host-frozen.sh
. "$HERE/14-host-frozen.sh"

UP=(--mmm-set 'host default.guard=on')
GUARD=on

begin_direct_clients() {
    lab load start --as direct --on app --host 10.77.0.11 --timeout 2s
}

go_on() {
    signal_host CONT
}

# 11, with an agent that is stopped instead of dead: SIGSTOP, and SIGCONT when all is over.
# shellcheck shell=bash disable=SC2034 # run and lib.sh read these

# shellcheck source=tests/servers/11-agent-killed.sh
. "$HERE/11-agent-killed.sh"

harm_agent() {
    lab agent db1 freeze
}

bring_agent_back() {
    lab agent db1 thaw
}

# 26b. As 26, in the middle of an isolated host.
# shellcheck shell=bash disable=SC2034 # 26 reads FAULT
FAULT=host_is_isolated
# shellcheck source=26-command-in-the-middle.sh
. "$HERE/26-command-in-the-middle.sh"

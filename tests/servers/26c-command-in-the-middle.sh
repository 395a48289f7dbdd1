# 26c. As 26, in the middle of a killed monitor.
# shellcheck shell=bash disable=SC2034 # 26 reads FAULT
FAULT=monitor_is_killed
# shellcheck source=26-command-in-the-middle.sh
. "$HERE/26-command-in-the-middle.sh"

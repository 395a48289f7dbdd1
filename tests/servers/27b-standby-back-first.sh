# 27, with the standby back long before the old writer: it is promoted only if it has all that was acknowledged, and else
# nobody is writer until the old writer is back.
# shellcheck shell=bash

# shellcheck source=27-both-masters-gone.sh
. "$HERE/27-both-masters-gone.sh"

start_both() {
    lab server db2 start
    let_pass 8
    note "before db1 came back: $(writer_name)"
    lab server db1 start
}

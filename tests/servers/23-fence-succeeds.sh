# 23. Fence program, with one that works: the writer's host is cut off, and the monitor has its power switched off (here: both
# daemons are killed and all role addresses taken away, from outside).  The outage is shorter than the lease, since its end
# need not be waited for.  The program was run once, for that host.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP

# The monitor is an own user without rights, as a real one is: it can read and write here.
LAB_FENCE=${MMM_LAB_DIR:-/tmp/mmm-lab-$LAB_NAME}/fence
UP=(--mmm-set "host default.fence=$LAB_FENCE/power-off")

write_program() { # what it does in the end
    mkdir -p "$LAB_FENCE"
    chown "$(stat -c %u "$(lab_folder)/mon")" "$LAB_FENCE"
    cat >"$LAB_FENCE/power-off" <<END
#!/bin/bash
echo "\$MMM_CLUSTER \$MMM_HOST \$MMM_ADDRESS term \$MMM_TERM" >>"$LAB_FENCE/asked"
$1
END
    chmod 755 "$LAB_FENCE/power-off"
}

# The lab as the hardware, asked over a wire: what it is asked for is done from outside, whatever the network says.
hardware() {
    local address
    within 60 test -e "$LAB_FENCE/asked" || return
    kill -KILL "$(lab server db1 pid)" "$(lab agent db1 pid)"
    for address in $(host_addresses db1); do ip -n "$LAB_NAME-db1" address flush to "$address" dev eth0; done
    touch "$LAB_FENCE/is-off"
}

readonly POWER_OFF="until [[ -e $LAB_FENCE/is-off ]]; do sleep 0.02; done"

asked_times() {
    wc -l 2>/dev/null <"$LAB_FENCE/asked" || echo 0
}

says_db1() {
    grep -qx "$LAB_NAME db1 10.77.0.11 term [0-9]*" "$LAB_FENCE/asked"
}

scenario() {
    given_a_cluster_under_load
    write_program "$POWER_OFF"
    hardware &
    lab cut db1
    expect "db2 is writer" within 10 writer_is db2
    expect "writes flow again" within 5 writes_flow
    expect "the outage is shorter than the lease" outage_is_below 5000
    expect "the program was run once" test "$(asked_times)" -eq 1
    expect "for db1, with its address" says_db1
    expect "the success is in the events" test "$(count_events fence_succeeded db1)" -eq 1
    lab heal db1
    lab server db1 start
    lab agent db1 start
    remember_daemon db1-agent
    expect "db1 is held when it is back" within 20 state_is db1 AWAITING_RECOVERY
    expect "db1 is read-only" within 5 is_read_only db1
    let_pass 6
    expect "db2 is still writer" writer_is db2
    expect "the role moved once" writer_moves_are 1
    expect "nobody doubts the program" test "$(count_events fence_doubted)" -eq 0
}

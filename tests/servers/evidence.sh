# What is kept of a lab on which something went wrong: shared by run and chaos, which have a function lab.
# shellcheck shell=bash

# What a person needs to find the cause; passwords and data stay where they are.
keep_evidence() { # folder
    local lab=${MMM_LAB_DIR:-/tmp/mmm-lab-$LAB_NAME} host
    cp -r "$lab"/mmm.ini "$lab"/mon/monitor.log "$lab"/mon/store/monitor.db.recording "$1" 2>/dev/null || true
    for host in db1 db2 db3; do
        cp "$lab/$host/agent.log" "$1/$host-agent.log" 2>/dev/null || true
        cp "$lab/$host/server.log" "$1/$host-server.log" 2>/dev/null || true
    done
    cp "$lab"/clients/*.log "$1" 2>/dev/null || true
    { lab mmm show; lab mmm events --most 200; lab status; } >"$1/at-the-end.log" 2>&1 || true
}

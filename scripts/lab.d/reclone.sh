# A host's data made anew from the writer's, as an administrator fills a host that has transactions of its own.
# shellcheck shell=bash disable=SC2016 # the back quotes are SQL's

cloned_tables() { # host
    sql_on "$1" 20 -BNe "SELECT CONCAT('\`', table_schema, '\`.\`', table_name, '\`') FROM information_schema.tables
        WHERE table_type = 'BASE TABLE' AND engine = 'InnoDB'
        AND table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') ORDER BY 1"
}

# One transaction reads all tables, and the position in the binary log that belongs to what it reads.
dump_tables() { # host folder tables…
    local host=$1 folder=$2 table number=0
    shift 2
    {
        echo 'START TRANSACTION WITH CONSISTENT SNAPSHOT;'
        echo "SELECT VARIABLE_VALUE INTO @file FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'BINLOG_SNAPSHOT_FILE';"
        echo "SELECT VARIABLE_VALUE INTO @at FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'BINLOG_SNAPSHOT_POSITION';"
        echo 'SELECT BINLOG_GTID_POS(@file, @at); SELECT @@gtid_binlog_state;'
        for table in "$@"; do
            number=$((number + 1))
            echo "SELECT * FROM $table INTO OUTFILE '$folder/$number';"
        done
        echo 'COMMIT;'
    } | sql_on "$host" 60 -BN
}

# The binary log begins where the copy was made: a host that has as much can follow this one, and nothing is its own.
fill_tables() { # host folder position state tables…
    local host=$1 folder=$2 position=$3 state=$4 table number=0
    shift 4
    {
        echo 'SET GLOBAL read_only = ON; SET sql_log_bin = 0; STOP SLAVE; RESET SLAVE ALL; RESET MASTER;'
        for table in "$@"; do
            number=$((number + 1))
            echo "TRUNCATE TABLE $table; LOAD DATA INFILE '$folder/$number' INTO TABLE $table;"
        done
        echo "SET GLOBAL gtid_binlog_state = '$state'; SET GLOBAL gtid_slave_pos = '$position';"
    } | sql_on "$host" 60 -BN
}

# The state as it was at the position: only the server that wrote last has gone on since.
state_at() { # position state
    sed "s/\(^\|,\)${1%-*}-[0-9]*/\1$1/" <<<"$2"
}

reclone_mariadb() { # host writer
    local host=$1 writer=$2 folder=$LAB/reclone said tables
    rm -rf "$folder"
    mkdir "$folder"
    mapfile -t tables < <(cloned_tables "$writer")
    said=$(dump_tables "$writer" "$folder" "${tables[@]}") || fail "the data of $writer could not be read"
    mapfile -t said <<<"$said"
    fill_tables "$host" "$folder" "${said[0]}" "$(state_at "${said[0]}" "${said[1]}")" "${tables[@]}" ||
        fail "$host could not be filled"
    rm -rf "$folder"
    echo "$host has the data of $writer at ${said[0]}"
}

# MySQL's own way, the clone plugin.  It begins on a server only that is not super_read_only; the agent, which would end
# all clients of such a server, stands still meanwhile.  Nobody but the lab is there to start the server, which ends itself
# then; the old binary log goes, since what is in it would count as executed again; replication's settings came along.
reclone_mysql() { # host writer
    local host=$1 writer=$2 source said
    source=10.77.0.$(host_number "$writer")
    process_signal "$host-agent" STOP || true # it may be down
    said=$(sql_on "$host" 90 2>&1 >/dev/null <<EOF
STOP REPLICA;
SET GLOBAL clone_valid_donor_list = '$source:3306', GLOBAL super_read_only = OFF;
CLONE INSTANCE FROM 'lab_clone'@'$source':3306 IDENTIFIED BY '$(password_of lab_clone)';
EOF
    ) || true # 3707 at the best: the server cannot start itself
    process_await_gone "$host-server" 20 || said+=' (its server does not end)'
    process_signal "$host-agent" CONT || true
    [[ $said == *'ERROR 3707 '* ]] || fail "$host could not be filled: $(grep -o 'ERROR.*' <<<"$said")"
    rm -f "$LAB/$host"/binlog/bin.*
    process_command "$host-server" start server_start "$host" >&2
    sql_on "$host" 20 -e 'RESET REPLICA ALL' || fail "the replication that $host had from $writer is still there"
    echo "$host has the data of $writer at $(sql_on "$host" 20 -BNe "SELECT REPLACE(@@gtid_executed, '\n', '')")"
}

# reclone HOST: its tables and its position are from now on those of the writer; mmm decides when it serves again.
command_reclone() { # host
    local host=${1:-} writer
    need_host "$host"
    writer=$(writer_now)
    [[ -n $writer ]] || fail "there is no writer that $host could be filled from"
    [[ $writer != "$host" ]] || fail "$host is the writer"
    "reclone_$FAMILY" "$host" "$writer"
}

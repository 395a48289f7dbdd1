# 52. Explain before a kill, in asynchronous mode: what `mmm explain` says would be lost is what is missing afterwards.  The
# standbys are cut from the writer, one a moment after the other, and it goes on; then the load stops, so that
# nothing but mmm's own heartbeats is written between the question and the kill.  The writer's data is moved away: nothing
# of it comes back.  How many of the foretold transactions are rows of the load, its binary log tells.
# shellcheck shell=bash disable=SC2034 # run and lib.sh read these

UP=(--mmm-set cluster.durability=asynchronous)
if [[ $FAMILY == mariadb ]]; then UP+=(--set 'slave_net_timeout = 60'); else UP+=(--set 'replica_net_timeout = 60'); fi
LOSS=foretold

foretold() { # jq path in the story of a dying server
    jq -r ".stories[] | select(.[\"if\"] == \"server-dies\") | $1" "$EVIDENCE/explain.json"
}

all_reports_are_fresh() {
    jq -e .fresh "$EVIDENCE/explain.json" >/dev/null
}

# A transaction begins with «GTID 0-11-4801 …» on MariaDB, with «SET @@SESSION.GTID_NEXT= 'UUID:4801'…» on MySQL.
decoded_binary_log() {
    local tool=mariadb-binlog
    [[ $FAMILY == mariadb ]] || tool=$(lab_folder)/mysqlbinlog
    "$tool" --no-defaults --base64-output=decode-rows --verbose "$(lab_folder)"/db1/binlog/bin.??????
}

# How many transactions of the writer's binary log from one number of its own to another have a row of the load.
load_rows_between() { # what stands before the number, first last
    decoded_binary_log | awk -v before="$1" -v first="$2" -v last="$3" '
        /\tGTID [0-9]+-[0-9]+-[0-9]+/ || /^SET @@SESSION.GTID_NEXT/ {
            at = index($0, before)
            number = at ? substr($0, at + length(before)) + 0 : 0
        }
        /^### INSERT INTO `app`\.`ledger`/ && number >= first && number <= last { rows++ }
        END { print rows + 0 }'
}

# «0-11-4801..4812» or «UUID:4801-4812», or one number alone.
foretold_rows() {
    local before=0-11- separator=.. numbers
    [[ $FAMILY == mariadb ]] || before=${1%%:*}: separator=-
    numbers=${1#"$before"}
    load_rows_between "$before" "${numbers%"$separator"*}" "${numbers#*"$separator"}"
}

loss_was_foretold() {
    local lost rows
    lost=$(jq .lost "$EVIDENCE/verify.json")
    rows=$(<"$EVIDENCE/foretold-rows")
    note "$lost rows lost, $rows foretold"
    [[ $lost -gt 0 && $lost -eq $rows ]]
}

scenario() {
    local count which
    given_a_cluster_under_load
    lab cut db1 db2
    lab cut db1 db3
    let_pass 1
    lab load stop --as main >"$EVIDENCE/main.json"
    lab prober stop --as main >"$EVIDENCE/prober.json"
    lab mmm explain --json >"$EVIDENCE/explain.json"
    lab mmm explain | tee "$EVIDENCE/explain.txt"
    expect "every agent has looked anew" all_reports_are_fresh
    expect "db2 is foretold" test "$(foretold .chosen)" = db2
    expect "a loss is foretold" test "$(foretold .loss.transactions)" -gt 20
    lab server db1 kill
    mv "$(lab_folder)/db1/data" "$(lab_folder)/db1/data.lost"
    expect "db2 is writer" within 10 writer_is db2
    lab heal
    count=$(foretold .loss.transactions)
    which=$(foretold .loss.which)
    foretold_rows "$which" >"$EVIDENCE/foretold-rows"
    note "foretold: $count transactions ($which), about $(foretold .loss.heartbeats) of them heartbeats"
    expect "all but some heartbeats and probes are rows of the load" test "$(<"$EVIDENCE/foretold-rows")" -le "$count"
    expect "db1 is held" within 10 is_held db1
    expect "the rules are those that were foretold" test "$(rules_of_the_move)" = "$(foretold .rules)"
    start_clients 300ms
    expect "writes flow on db2" within 5 writes_flow
}

rules_of_the_move() {
    events_since_mark | jq -rs '[.[] | select(.event == "writer_lost" or .event == "writer_fetches" or .event == "writer_chosen").rule] | join(", ")'
}

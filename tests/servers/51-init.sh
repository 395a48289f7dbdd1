# 51. mmm init: fresh servers become a cluster.  It refuses before it changes anything, shows its plan, is killed in the
# middle and goes on, leaves alone what is set up; then the cluster serves, and the writer role moves.
# shellcheck shell=bash disable=SC2034,SC2119,SC2120 # run reads UP; expect passes init its arguments
UP=(--fresh)
# As MySQL 8 leaves them.
[[ $FAMILY == mariadb ]] || UP+=(--set 'gtid_mode = OFF' --set 'enforce_gtid_consistency = OFF')

init() { # arguments…
    lab mmm init "$@" >"$EVIDENCE/init.out" 2>"$EVIDENCE/init.err"
}

said() { # text
    grep -qF "$1" "$EVIDENCE/init.out" "$EVIDENCE/init.err"
}

# The table of users, and what the plan of each family says: of super_read_only or read_only, and the first setting.
users_table() {
    if [[ $FAMILY == mysql ]]; then echo mysql.user; else echo mysql.global_priv; fi
}

last_setting() {
    if [[ $FAMILY == mysql ]]; then echo 'S91  set super_read_only = ON'; else echo 'S41  set read_only = ON'; fi
}

first_setting() {
    if [[ $FAMILY == mysql ]]; then echo S70; else echo S21; fi
}

forget_transactions() { # host
    sql "$1" 'RESET MASTER' || sql "$1" 'RESET BINARY LOGS AND GTIDS'
}

# Everything that an init may touch: settings, users, databases, files.
state_of() { # host
    sql "$1" "SHOW GLOBAL VARIABLES; SELECT * FROM $(users_table) ORDER BY User, Host; SHOW DATABASES; SHOW PLUGINS"
    cat "$(lab_folder)/$1"/conf.d/* 2>/dev/null
    ls "$(lab_folder)/$1" "$(lab_folder)/$1/conf.d"
}

state_of_all() {
    local host
    for host in "${DATABASES[@]}"; do state_of "$host"; done
    ls "$(lab_folder)/secret"
}

nothing_was_changed() {
    diff <(echo "$STATE") <(state_of_all)
}

is_refused() { # rule; no host may be touched
    STATE=$(state_of_all)
    not init --yes && said ": $1 " && nothing_was_changed
}

# The lines that init wants in a server's configuration, as an administrator would copy them.
lines_for() { # host
    awk -v host="$1:" '!/^ / { mine = $1 == host } mine && /^    / { print substr($0, 5) }' "$EVIDENCE/init.err"
}

follow_its_advice() {
    local host
    for host in "${DATABASES[@]}"; do
        { echo '[mysqld]'; lines_for "$host"; } >"$(lab_folder)/$host/conf.d/own.cnf"
        lab server "$host" stop
        lab server "$host" start
    done
}

plan_is_shown_and_not_done() {
    STATE=$(state_of_all)
    init && said "db2      $(last_setting)" && said 'nothing was changed' && nothing_was_changed
}

host_certificate_is_refused() {
    STATE=$(state_of_all)
    not env MMM_NAME=db1 "$ROOT/scripts/lab" --name "$LAB_NAME" mmm init --yes 2>"$EVIDENCE/init.err" &&
        grep -q 'only the monitor and the operator' "$EVIDENCE/init.err" && nothing_was_changed
}

# Killed when it has come to db2: db1 is done but for its last step, and no agent may have begun its work.
is_killed_in_the_middle() {
    local line pid killed=0
    exec 3< <(exec nsenter --net="/run/netns/$LAB_NAME-mon" -- "$BUILD/mmm" --config "$(lab_folder)/mmm.ini" init --yes 2>&1)
    pid=$!
    while IFS= read -r line <&3; do
        if [[ $killed -eq 0 && $line == *"db2      $(first_setting)"* ]]; then
            kill -KILL "$pid"
            killed=1
        fi
    done
    exec 3<&-
    [[ $killed -eq 1 ]] && is_read_only db1 && not is_read_only db3 && not is_set_up db1 && not is_set_up db3
}

is_set_up() { # host
    [[ -s $(lab_folder)/$1/replication.password ]]
}

all_are_set_up() {
    is_set_up db1 && is_set_up db2 && is_set_up db3
}

nothing_secret_was_said() {
    local secret
    for secret in mmm_replication mmm_check; do
        not grep -rqFf "$(lab_folder)/secret/$secret.password" "$(lab_folder)"/*/agent.log "$EVIDENCE"/init.* || return 1
    done
}

starts_as_it_was_set() { # host
    lab server "$1" stop
    lab server "$1" start
    if [[ $FAMILY == mysql ]]; then
        [[ $(sql "$1" 'SELECT @@super_read_only, @@gtid_mode, @@sync_binlog, @@rpl_semi_sync_source_wait_point') == $'1\tON\t1\tAFTER_SYNC' ]]
    else
        [[ $(sql "$1" 'SELECT @@read_only, @@gtid_strict_mode, @@sync_binlog') == $'1\t1\t1' &&
            $(sql "$1" "SHOW VARIABLES LIKE 'slave_connections_needed_for_purge'") =~ ^(|.*[[:space:]]0)$ ]]
    fi
}

# Before, anybody on the machine was root.
agent_has_its_account_alone() { # host
    [[ $FAMILY == mariadb || $(sql "$1" "SELECT plugin FROM mysql.user WHERE User = 'root'") == auth_socket ]]
}

# The agents have begun their work: nobody finds them between two doors.
nothing_to_do_for() { # milliseconds
    local end=$(($(now_ms) + $1))
    while [[ $(now_ms) -lt $end ]]; do
        init --yes && said 'nothing to do' || return 1
    done
}

scenario() {
    expect "servers as a package leaves them are refused, with the lines that they lack" is_refused N41
    expect "a server_id that two hosts have is refused, too" said 'db2: N40'
    follow_its_advice
    lab sql db3 'SET sql_log_bin = 0; CREATE DATABASE precious'
    expect "a server with a database is refused, and nothing is changed on any host" is_refused N30
    lab sql db3 'DROP DATABASE precious' # this time into the binary log
    expect "a server with transactions of its own is refused" is_refused N31
    forget_transactions db3
    lab agent db2 freeze
    expect "nothing is changed on the others when one host is silent" is_refused N10
    lab agent db2 thaw
    expect "the certificate of a host sets nobody up" host_certificate_is_refused
    expect "the plan is shown, and nothing is changed" plan_is_shown_and_not_done
    expect "an init that is killed in the middle leaves no host half at work" is_killed_in_the_middle
    expect "run again it completes" init --yes
    expect "from then on there is nothing to do, and it says so" nothing_to_do_for 1000
    expect "every host is set up" all_are_set_up
    expect "no other user of a machine logs in as the agent" agent_has_its_account_alone db3
    expect "no password is in a log or in what it said" nothing_secret_was_said
    expect "a server that is started again is as it was set" starts_as_it_was_set db1
    lab monitor start
    need "the cluster has a writer" lab await-writer db1 20
    lab application
    given_a_cluster_under_load
    expect "the writer role moves" lab mmm move-role writer db2
    expect "db2 is writer" within 5 writer_is db2
    expect "writes flow" within 5 writes_flow
    expect "all follow" within 20 all_are_online_and_follow
}

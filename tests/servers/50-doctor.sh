# 50. The doctor: on a cluster that is well it finds no danger.  Then one thing after another is broken, and each is named
# with its host, its level and a fix that names the setting.  None of that disturbs the writer: nothing moves.
# shellcheck shell=bash disable=SC2034 # run reads UP

UP=(--binlog-mb 64)

# Everything that the doctor says, as «host rule level what | fix»; its status in DOCTOR_STATUS.
doctor_says() {
    DOCTOR_STATUS=0
    lab mmm doctor --json >"$EVIDENCE/doctor.json" || DOCTOR_STATUS=$?
    jq -r '.findings[] | "\(.host) \(.rule) \(.level) \(.what) | \(.fix)"' "$EVIDENCE/doctor.json"
}

finds() { # host rule level words-of-the-fix
    local said
    said=$(doctor_says)
    say "doctor: $(grep -E "^$1 $2" <<<"$said" | head -n 2)"
    grep -E "^$1 $2 $3 .*\|.*$4" <<<"$said" >/dev/null
}

finds_nothing_of() { # host rule
    ! doctor_says | grep -q "^$1 $2 "
}

finds_no_danger() {
    local said
    said=$(doctor_says)
    ! grep ' danger ' <<<"$said"
    [[ $said != *' danger '* ]] && lab mmm doctor >/dev/null
}

has_status() { # status
    local status=0
    lab mmm doctor >/dev/null || status=$?
    [[ $status -eq $1 ]]
}

# A running setting; then it is as before.
try_setting() { # host rule level setting value healthy
    sql "$1" "SET GLOBAL $4 = $5"
    expect "$4 = $5 on $1 is named" finds "$1" "$2" "$3" "$4"
    sql "$1" "SET GLOBAL $4 = $6"
    expect "$4 = $6 on $1 is not" finds_nothing_of "$1" "$2"
}

# A line of a server's option file, which a running server does not read.
try_option() { # host rule option
    local file
    file=$(lab_folder)/$1/my.cnf
    sed -i "s/^$3 = /# $3 = /" "$file"
    expect "$3 missing in $1's option file is named" finds "$1" "$2" danger "$3"
    sed -i "s/^# $3 = /$3 = /" "$file"
    expect "$3 in $1's option file is not" finds_nothing_of "$1" "$2"
}

# MariaDB's words, as the family has them.
word() { # word
    case $FAMILY:$1 in
    mysql:slave) echo replica ;;
    mysql:read_only) echo super_read_only ;;
    mysql:'READ_ONLY ADMIN') echo SYSTEM_VARIABLES_ADMIN ;;
    *) echo "$1" ;;
    esac
}

try_settings() {
    try_setting db2 X20 danger sync_binlog 0 1
    try_setting db1 X21 danger innodb_flush_log_at_trx_commit 2 1
    try_setting db3 X33 warning event_scheduler ON OFF
    if [[ $FAMILY == mariadb ]]; then
        try_setting db3 X26 danger gtid_strict_mode OFF ON
        try_setting db3 X42 danger gtid_domain_id 7 0
    fi
    # db2's, which does not write: with the writer's id db3 would drop the writer's transactions, as the finding says.
    try_setting db3 X40 danger server_id 12 13
    try_setting db2 X56 warning "$(word slave)_net_timeout" 60 4
    try_option db2 'X3[01]' "$(word read_only)"
    try_option db3 X32 "skip_$(word slave)_start"
}

try_rights() {
    sql db1 "CREATE USER clerk@'%' IDENTIFIED BY 'x'; GRANT $(word 'READ_ONLY ADMIN') ON *.* TO clerk@'%'"
    expect "an account that writes on a read-only server is named" within 5 finds db2 X87 '(danger|warning)' "REVOKE.*'clerk'@'%'"
    sql db1 "DROP USER clerk@'%'"
    expect "once it is gone it is not" within 5 finds_nothing_of db2 X87
    sql db1 "REVOKE REPLICATION SLAVE ON *.* FROM mmm_replication@'%'"
    expect "a right that replication lacks is named" within 5 finds db2 X86 danger 'GRANT REPLICATION SLAVE'
    sql db1 "GRANT REPLICATION SLAVE ON *.* TO mmm_replication@'%'"
    expect "once it has it, it is not" within 5 finds_nothing_of db2 X86
}

try_machines() {
    dd if=/dev/zero of="$(lab_folder)/db3/binlog/filler" bs=1M count=61 2>/dev/null || true
    expect "a disk that is nearly full is named" finds db3 'X9[45]' '(danger|warning)' 'df -h'
    rm -f "$(lab_folder)/db3/binlog/filler"
    expect "one with room is not" finds_nothing_of db3 'X9[45]'
    lab cut db2 db3
    expect "a peer that is not reached is named on one side" finds db2 X13 danger 'db2 and db3'
    expect "and on the other" finds db3 X13 danger 'db3 and db2'
    lab heal db2 db3
    lab agent db3 freeze
    expect "an agent that does not answer is named" finds db3 X10 danger 'systemctl status mmm-agent'
    expect "a danger is status 1" has_status 1
    lab agent db3 thaw
}

scenario() {
    given_a_cluster_under_load 2s
    expect "on a cluster that is well no danger is found" finds_no_danger
    try_settings
    try_rights
    try_machines
    expect "all follow again" within 20 all_are_online_and_follow
    expect "when all is mended no danger is found" within 20 finds_no_danger
    expect "the writer role did not move" writer_moves_are 0
    expect "no write has failed" no_write_has_failed
}

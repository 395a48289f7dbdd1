# 66. An agent on MySQL with no more rights than docs/setup.md lists: the role moves, and a failover ends the beginning of a
# transaction.  On MariaDB root's rights are what is tried.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; 29 reads COMPRESSION
. "$HERE/29-half-a-transaction.sh"
FAMILY=mysql RELEASE=''
COMPRESSION=OFF

# The agent's account keeps these; the last right is this test's, which looks and writes by the same account.
least_rights() {
    cat <<'END'
SET sql_log_bin = 0;
REVOKE ALL PRIVILEGES, GRANT OPTION FROM root@localhost;
GRANT SYSTEM_VARIABLES_ADMIN, CONNECTION_ADMIN, REPLICATION_SLAVE_ADMIN, REPLICATION CLIENT, PROCESS, RELOAD, SYSTEM_USER ON *.* TO root@localhost;
GRANT SELECT ON performance_schema.* TO root@localhost;
GRANT SELECT ON mysql.slave_master_info TO root@localhost;
GRANT CREATE, SELECT, INSERT, UPDATE ON mmm.* TO root@localhost;
GRANT SELECT, INSERT ON app.* TO root@localhost;
END
}

take_rights_away() { # host
    if writer_is "$1"; then sql "$1" "$(least_rights)"; else sql_all_the_same "$1" "$(least_rights)"; fi
}

has_few_rights() { # host
    [[ $(sql "$1" "SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = '\\'root\\'@\\'localhost\\''") == 7 ]]
}

nothing_was_refused_to_an_agent() {
    ! grep -hE 'error (1044|1045|1095|1142|1143|1227|1370|3879)' "$(lab_folder)"/db?/agent.log
}

given_few_rights() {
    local host
    sql db1 'CREATE TABLE app.large (id INT PRIMARY KEY, bytes BLOB) ENGINE=InnoDB'
    for host in "${DATABASES[@]}"; do
        take_rights_away "$host"
        expect "the account of $host has few rights" has_few_rights "$host"
        lab agent "$host" stop # what it is connected with keeps the rights that it had
        lab agent "$host" start
    done
    need "all are well with few rights" within 20 all_are_online_and_follow
    need "db1 is writer" within 20 writer_is db1
}

scenario() {
    given_few_rights
    given_a_cluster_under_load 30s
    expect "the role moves to db2" lab mmm move-role writer db2
    need "all follow db2" within 20 all_are_online_and_follow
    expect "and back" lab mmm move-role writer db1
    need "all follow db1" within 20 all_are_online_and_follow
    need "writes are protected" within 10 is_protected db1
    let_the_beginning_pass
    write_much &
    need "only the beginning is received" within 10 the_rest_is_held_back
    lab server db1 kill
    expect "db2 is writer" within 5 writer_is db2
    let_all_pass
    expect "db3 follows db2" within 10 shown '$it.replication.source == "db2" and $it.replication.receiving and $it.replication.applying' db3
    lab server db1 start
    expect "db1 comes back and follows" within 30 each_is_online_or_held
    expect "nothing was refused to an agent" nothing_was_refused_to_an_agent
}

# 29. Killed in the middle of a transaction: the writer's server dies while a large transaction is on its way, and of it the
# others have received nothing but the beginning.  They give it up at once: nobody waits for the rest.
# shellcheck shell=bash disable=SC2016,SC2034 # jq knows «$it»; run reads UP
UP=(--mmm-set failover.acknowledge_timeout=20s)
# Compressed on MySQL: the first event of a transaction is small, and all others are one, so that only the first arrives.
COMPRESSION=ON
BEGINNING_BYTES=1000000

switch_nft() { # arguments…
    nsenter --net="/run/netns/$LAB_NAME-switch" -- nft "$@"
}

# From now on so many bytes still get from db1's server to each of the others, and then nothing more.
let_the_beginning_pass() {
    local host
    switch_nft add chain bridge mmm_lab half '{ type filter hook forward priority 1; }'
    for host in db2 db3; do
        switch_nft add rule bridge mmm_lab half iifname db1 oifname "$host" tcp sport 3306 quota over $BEGINNING_BYTES bytes counter drop
    done
}

let_all_pass() {
    switch_nft delete chain bridge mmm_lab half
}

the_rest_is_held_back() {
    [[ $(switch_nft list chain bridge mmm_lab half | grep -c 'counter packets [1-9]') -eq 2 ]]
}

# Eight megabytes of what cannot be compressed.
write_much() {
    local session='max_recursive_iterations = 10000'
    [[ $FAMILY == mariadb ]] || session="cte_max_recursion_depth = 10000, binlog_transaction_compression = $COMPRESSION"
    MMM_LAB_SQL_SECONDS=30 lab sql db1 "SET SESSION $session; INSERT INTO app.large SELECT n, $(random_kilobyte) FROM
        (WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 8000) SELECT n FROM numbers) AS all_numbers" \
        >/dev/null 2>&1 || true
}

random_kilobyte() {
    if [[ $FAMILY == mysql ]]; then
        echo 'RANDOM_BYTES(1024)'
    else
        printf 'CONCAT(UNHEX(SHA2(RAND(), 512))%s)' "$(printf ', UNHEX(SHA2(RAND(), 512))%.0s' {1..15})"
    fi
}

given_the_beginning_of_a_transaction() {
    sql db1 'CREATE TABLE app.large (id INT PRIMARY KEY, bytes BLOB) ENGINE=InnoDB'
    given_a_cluster_under_load 30s
    let_the_beginning_pass
    write_much &
    need "only the beginning is received" within 10 the_rest_is_held_back
}

scenario() {
    local killed
    given_the_beginning_of_a_transaction
    killed=$(now_ms)
    lab server db1 kill
    expect "db2 is writer" within 5 writer_is db2
    note "writer $(($(now_ms) - killed)) ms after the kill"
    let_all_pass
    expect "writes flow again" within 5 writes_flow
    expect "db3 follows db2" within 10 shown '$it.replication.source == "db2" and $it.replication.receiving and $it.replication.applying' db3
    expect "nothing of the transaction is anywhere" test "$(sql db2 'SELECT COUNT(*) FROM app.large') $(sql db3 'SELECT COUNT(*) FROM app.large')" == "0 0"
    expect "db1 is held with the reason" within 10 is_held db1
    expect "the role moved once" writer_moves_are 1
}

# 61b. The same with a filter of the binary log, which stands in the option file of the standby: what it would write as
# writer nobody would get.  Nothing is tried but that the filter is seen.
# shellcheck shell=bash disable=SC2016 # jq knows «$it»

is_told() {
    shown 'any(.warnings[]; contains("db2 has binlog_ignore_db=other, db1 has none"))'
}

scenario() {
    given_a_cluster_under_load
    lab load stop --as main >"$EVIDENCE/main.json" # db2 would have to catch up
    lab server db2 stop
    echo 'binlog_ignore_db = other' >>"$(lab_folder)/db2/my.cnf"
    lab server db2 start
    expect "both filters are told" within 20 is_told
    lab server db2 stop
    sed -i '/^binlog_ignore_db = other$/d' "$(lab_folder)/db2/my.cnf"
    lab server db2 start
    expect "nothing is told any more" within 20 not is_told
    expect "all follow" within 20 all_are_online_and_follow
}

# 7, the other way: nothing passes from the replicas to the writer's host.  They receive for a moment what the writer
# sends, and their acknowledgements never arrive: the outcome must be that of 7b.
# shellcheck shell=bash disable=SC2034 # run and lib.sh read these

# shellcheck source=tests/servers/07b-one-way-cut-writer-to-replicas.sh
. "$HERE/07b-one-way-cut-writer-to-replicas.sh"

cut_replicas() {
    lab cut --one-way db2 db1
    lab cut --one-way db3 db1
}

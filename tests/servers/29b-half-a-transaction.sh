# 29b. The same with what usual transactions are: an applier has begun to apply the beginning, and holds its locks.
# shellcheck shell=bash disable=SC2034 # 29 reads it
. "$HERE/29-half-a-transaction.sh"
COMPRESSION=OFF

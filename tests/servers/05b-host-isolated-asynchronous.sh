# 5, in asynchronous mode: here the application on the isolated side goes on being told OK until the lease ends, and not
# longer.  What it was told is on no other host: mmm lists it as the held host's own transactions (A1).
# shellcheck shell=bash disable=SC2034 # run and lib.sh read these

# shellcheck source=05-host-isolated.sh
. "$HERE/05-host-isolated.sh"

UP=(--mmm-set cluster.durability=asynchronous)
LOSS=predicted

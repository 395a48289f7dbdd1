# 23, with a program that hangs and heeds no signal: the same, and nothing of it is left when its time is over.
# shellcheck shell=bash disable=SC2034 # run reads UP

# shellcheck source=23b-fence-fails.sh
. "$HERE/23b-fence-fails.sh"

UP+=(--mmm-set "host default.fence_timeout=4s")

no_program_is_left() {
    ! pgrep -f "$LAB_FENCE/power-off" >/dev/null && ! ps -o pid= --pid "$(cat "$LAB_FENCE/sleeper")" >/dev/null
}

scenario() {
    write_program "trap '' TERM INT HUP; sleep 1000 & echo \$! >$LAB_FENCE/sleeper; wait"
    fence_does_not_help "did not end within 4s and was killed"
    expect "nothing of the program is left" within 10 no_program_is_left
}

# Where the files of a test's lab are.  Servers sync each commit, and several labs side by side would wait for one disk; no
# test crashes a whole machine, so nothing is shown by a disk.  MMM_LAB_ON_DISK=1 has them on the disk all the same.
# shellcheck shell=bash

# What a lab of MySQL may need, with room to spare.
readonly LAB_MB=2500

# The option for «lab up», or nothing.
lab_place() {
    local free
    free=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
    if [[ -z ${MMM_LAB_ON_DISK:-} && ${free:-0} -ge $LAB_MB ]]; then echo --memory; fi
}

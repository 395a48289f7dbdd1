# The lab's network: a bridge in a namespace of its own (the switch), and one namespace a machine, each with an eth0 whose
# other end is the port NAME of the bridge.
# shellcheck shell=bash

network_namespace() { # host
    printf '%s-%s' "$NAME" "$1"
}

network_path() { # host
    printf '/run/netns/%s' "$(network_namespace "$1")"
}

in_host() { # host command...
    local host=$1
    shift
    nsenter --net="$(network_path "$host")" -- "$@"
}

# The last part of a machine's addresses: 10.77.0.N and fd77::N.
host_number() { # host
    case $1 in
    mon) printf 9 ;;
    app) printf 100 ;;
    db[1-9]) printf '1%s' "${1#db}" ;;
    *) fail "«$1» is no machine of a lab" ;;
    esac
}

network_exists() {
    [[ -e $(network_path switch) ]]
}

switch_up() {
    ip netns add "$(network_namespace switch)"
    ip -n "$(network_namespace switch)" -batch - <<EOF
link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
link set br0 up
EOF
    # Cut pairs are matched by port: that takes ARP, neighbour discovery and role addresses along with everything else.
    in_host switch nft -f - <<EOF
table bridge mmm_lab {
    set cut { type ifname . ifname; }
    chain forward {
        type filter hook forward priority 0; policy accept;
        iifname . oifname @cut drop
    }
}
EOF
}

machine_up() { # host
    local number switch namespace
    number=$(host_number "$1")
    switch=$(network_namespace switch)
    namespace=$(network_namespace "$1")
    ip netns add "$namespace"
    ip -n "$switch" -batch - <<EOF
link add name $1 type veth peer name eth0 netns $namespace
link set $1 master br0
link set $1 up
EOF
    ip -n "$namespace" -batch - <<EOF
link set lo up
link set eth0 address 02:00:0a:4d:00:$(printf '%02x' "$number")
link set eth0 up
address add 10.77.0.$number/24 dev eth0
address add fd77::$number/64 dev eth0 nodad
EOF
}

network_up() {
    local host
    switch_up
    for host in $(lab_machines); do
        machine_up "$host"
    done
}

# Every name that a lab of this name can have, so that leftovers of one that never came up go too.
network_down() {
    local host
    for host in db{1..9} mon app switch; do
        [[ -e $(network_path "$host") ]] || continue
        network_end_strangers "$host"
        ip netns delete "$(network_namespace "$host")"
    done
}

# What still runs inside the lab's own namespaces was started with «lab exec» or by one of its daemons.
network_end_strangers() { # host
    local pid
    for pid in $(ip netns pids "$(network_namespace "$1")"); do
        [[ $pid -eq $$ ]] || kill -KILL "$pid" 2>/dev/null || true
    done
}

port_set() { # host up|down
    ip -n "$(network_namespace switch)" link set "$1" "$2"
}

nft_cut() { # add|delete from to
    in_host switch nft "$1" element bridge mmm_lab cut "{ $2 . $3 }"
}

is_cut() { # from to
    in_host switch nft get element bridge mmm_lab cut "{ $1 . $2 }" >/dev/null 2>&1
}

cut_direction() { # from to
    is_cut "$1" "$2" || nft_cut add "$1" "$2"
}

heal_direction() { # from to
    if is_cut "$1" "$2"; then nft_cut delete "$1" "$2"; fi
}

heal_host() { # host
    local other
    port_set "$1" up
    for other in $(lab_machines); do
        heal_direction "$1" "$other"
        heal_direction "$other" "$1"
    done
}

heal_everything() {
    local host
    in_host switch nft flush set bridge mmm_lab cut
    for host in $(lab_machines); do
        port_set "$host" up
    done
}

# cut A: its cable is pulled.  cut A B: nothing passes between the two.  cut --one-way A B: nothing passes from A to B.
command_cut() {
    local one_way=0
    if [[ ${1:-} == --one-way ]]; then
        one_way=1
        shift
    fi
    [[ $# -eq 1 && $one_way -eq 0 || $# -eq 2 ]] || wrong "cut A, cut A B or cut --one-way A B"
    need_machine "$@"
    if [[ $# -eq 1 ]]; then
        port_set "$1" down
        return
    fi
    cut_direction "$1" "$2"
    [[ $one_way -eq 1 ]] || cut_direction "$2" "$1"
}

# split db1,app: nothing passes between the machines named and all others; among themselves they go on.
command_split() {
    local side=() host other
    [[ $# -eq 1 ]] || wrong "split A,B,…"
    IFS=, read -ra side <<<"$1"
    need_machine "${side[@]}"
    for host in "${side[@]}"; do
        for other in $(lab_machines); do
            [[ " ${side[*]} " != *" $other "* ]] || continue
            cut_direction "$host" "$other"
            cut_direction "$other" "$host"
        done
    done
}

command_heal() {
    need_machine "$@"
    case $# in
    0) heal_everything ;;
    1) heal_host "$1" ;;
    2) heal_direction "$1" "$2"; heal_direction "$2" "$1" ;;
    *) wrong "heal, heal A or heal A B" ;;
    esac
}

network_status() {
    local host cuts
    for host in $(lab_machines); do
        [[ $(ip -n "$(network_namespace switch)" -o link show "$host") != *"state DOWN"* ]] || echo "cut: $host from everything"
    done
    cuts=$(in_host switch nft list set bridge mmm_lab cut | sed -n '/elements/,/}/p' | tr -d '{}\n\t"' |
        sed 's/.*elements = //; s/ \. / to /g; s/  */ /g; s/^ //; s/ $//')
    [[ -z $cuts ]] || echo "cut: $cuts"
}

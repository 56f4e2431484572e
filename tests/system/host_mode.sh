#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `warren up --host`: three namespaces play the three machines of the niransix lab.  Each has
# its underlay interface already, and a /run of its own, as a machine would.
. "$(dirname "$(realpath "$0")")/../lib.sh"
. "$top/tests/transcript.sh"
need wireguard-go jq conntrack wg
file=$top/topologies/niransix.yaml
machines=(vpn-center vpn-client00 vpn-client01)

# on MACHINE CMD...: in its network namespace, with its /run and /var/lib/warren
on() {
	local m=$1
	shift
	nsenter --net="/proc/${holder[$m]}/ns/net" --mount="/proc/${holder[$m]}/ns/mnt" -- "$@"
}

# a machine is a process that keeps two namespaces
declare -A holder=()
machine() {
	# shellcheck disable=SC2154 # never: lib.sh
	unshare --mount --net bash -c '
		mount -t tmpfs tmpfs /run && mkdir -p /var/lib/warren &&
			mount -t tmpfs tmpfs /var/lib/warren && mount -t sysfs sysfs /sys &&
			ip link set lo up || exit 1
		: >"$0"
		read -r _' "$tmp/$1.ready" <&"$never" &
	holder[$1]=$!
	wait_for 10 test -e "$tmp/$1.ready"
}
machines_end() {
	local m
	for m in "${!holder[@]}"; do
		kill "${holder[$m]}"
		wait "${holder[$m]}" 2>/dev/null
		unset "holder[$m]"
	done
}
trap 'machines_end; _finish' EXIT

must ip link add switch type bridge
must ip link set switch up
for m in "${machines[@]}"; do
	must machine "$m"
	# the provider's cable, and a card without an address
	must ip link add "port-${m#vpn-}" type veth peer name enp0s8 netns "${holder[$m]}"
	must ip link set "port-${m#vpn-}" master switch up
done

# what there is on a machine, but for counters and life times
state() {
	on "$1" sh -c 'ip -o link | sed "s/ qdisc .*//; s/NO-CARRIER,//; s/,LOWER_UP//; s/,M-DOWN//"; ip -o addr | grep -v "scope link"; ip route; ip -6 route | grep -v fe80;
		nft list ruleset; ls /run/netns /run/warren /run/wireguard 2>/dev/null; sysctl -n net.ipv4.ip_forward' 2>&1
}
as_before() { [ "$(state "$1")" = "${before[$1]}" ]; }
declare -A before=()
for m in "${machines[@]}"; do before[$m]=$(state "$m"); done

fails "a host that is not in the file is refused" on vpn-center "$WARREN" up --host nobody "$file"
like "and named" "$(cat "$tmp/.out")" nobody

for m in "${machines[@]}"; do
	ok "up --host $m" on "$m" "$WARREN" up --host "$m" --backend userspace "$file"
	like "$m: its interface has the file's IPv4 address" "$(on "$m" ip -4 -o addr show dev enp0s8)" 'inet 203\.0\.113\.[123]0/24'
	like "$m: and the IPv6 one" "$(on "$m" ip -6 -o addr show dev enp0s8)" 'inet6 2001:db8::[123]0/64'
done
is "vpn-center: the tenants are its namespaces" \
	"$(on vpn-center ip netns list | awk '{print $1}' | sort | tr '\n' ' ')" "c00 c01 "
is "vpn-client00: no namespace at all" "$(on vpn-client00 ip netns list)" ""
run_status 0 on vpn-center "$WARREN" up --host vpn-center --backend userspace "$file"

for m in vpn-client00 vpn-client01; do
	like "$m pings the centre" "$(on "$m" ping -n -c 3 -i 0.2 -W 5 -I 192.168.1.10 100.64.0.10)" \
		'icmp_seq=3 ttl=63 '
done
like "c00: conntrack" "$(on vpn-center ip netns exec c00 conntrack -L -p icmp 2>/dev/null)" \
	'src=192\.168\.1\.10 dst=100\.64\.0\.10 type=8 .*src=100\.64\.0\.10 dst=100\.64\.0\.20 type=0'
like "c01: conntrack" "$(on vpn-center ip netns exec c01 conntrack -L -p icmp 2>/dev/null)" \
	'src=192\.168\.1\.10 dst=100\.64\.0\.10 type=8 .*src=100\.64\.0\.10 dst=100\.64\.0\.30 type=0'
is "vpn-center: both ports are bound on the machine" \
	"$(on vpn-center ss -Hlnu4 'sport = :50000 or sport = :50001' | wc -l)" 2
like "vpn-client00: the tunnel's socket is the machine's own" "$(on vpn-client00 ss -Hlnu4)" '[0-9]+'
for m in "${machines[@]}"; do
	ok "$m: its own checks come out as expected" on "$m" "$WARREN" probe niransix
done

for m in "${machines[@]}"; do
	ok "down on $m" on "$m" "$WARREN" down niransix
	wait_for 3 as_before "$m" # namespaces end in the background
	is "$m is as it was before" "$(state "$m")" "${before[$m]}"
done
machines_end
ip link del switch

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vm.sh [quick] [--write FILE]
#
# What tenants with tunnels by the kernel's WireGuard cost, in a virtual machine (tests/vm/run-in-vm: qemu
# without KVM, Debian's cloud kernel): up and down of 100, by warren and by the shell commands of
# script.sh, which take turns; and thousands, by warren alone: time and the kernel's memory.
# Each run in new mount, network and PID namespaces; medians count.
#
#   quick          a few tenants, one round: does it run at all
#   --write FILE   put the tables into FILE between its two "vm" comment lines
#
# WARREN: the program (./warren).  ROUNDS: rounds (3).  TENANTS: of the comparison (100).
# SCALE: thousands (1000 2000).  VM_MEMORY: of the machine, in MiB (4096).
# Exit status 1: a lab could not be made, or differed from the other's, or a tunnel does not work.
set -u
self=$(realpath "$0")
top=$(dirname "$(dirname "$(dirname "$self")")")
warren=$(realpath "${WARREN:-$top/warren}")
export LC_ALL=C WG_COLOR_MODE=never
. "$top/tests/bench/common.sh"

die() {
	echo "vm.sh: $*" >&2
	exit 1
}

# --- in a sandbox, in the machine: a line "RIVAL N UP_MS UP_KIB DOWN_MS MEMORY_KIB" -----------------

# what must be the same whoever made it, of the first tenant, of the last, and of the gateway
look() { # N
	local ns
	for ns in t0001 "t$(printf %04d "$1")"; do
		ip -n "$ns" -o link | sed 's/^[0-9]*: //; s/@[^:]*//; s/ link.ether.*//; s/ link.none.*//'
		ip -n "$ns" -o link | grep -o 'altname.*'
		ip -n gateway -o -d link show "eth-$ns-nsA" | grep -o 'master.*state UP\|isolated on'
		ip -n "$ns" -4 -o address | sed 's/^[0-9]*: //' | sort
		ip -n "$ns" route
		ip netns exec "$ns" nft list table inet warren | grep -v comment
		ip netns exec "$ns" sysctl net.ipv4.ip_forward
		ip -n "$ns" -d link show type wireguard | grep -c wireguard
		ip netns exec "$ns" wg show "wg-$ns" listen-port
		[ "$(ip netns exec "$ns" wg show "wg-$ns" public-key)" = "$(ip netns exec t0001 wg show wg-t0001 public-key)" ]
		echo "the gateway's key: $?"
	done
	echo "UDP sockets in the gateway: $(ip netns exec gateway ss -Hlnu4 | wc -l)"
	echo "namespaces: $(ip netns list | wc -l)"
}

available() { awk '/^MemAvailable:/ {print $2}' /proc/meminfo; }

# a peer in a namespace of its own talks to the bridge through the last tenant, translated
talks() { # N
	local last key port address
	last=t$(printf %04d "$1")
	key=$(ip netns exec "$last" wg show "wg-$last" public-key)
	port=$(ip netns exec "$last" wg show "wg-$last" listen-port)
	address=$(ip -n "$last" -4 -o address show dev "eth-$last-nsB" | awk '{sub("/.*", "", $4); print $4}')
	ip netns add peer && ip -n gateway link add to-peer type veth peer name eth0 netns peer &&
		ip -n gateway address add 198.51.100.1/30 dev to-peer && ip -n gateway link set to-peer up &&
		ip -n peer address add 198.51.100.2/30 dev eth0 && ip -n peer link set eth0 up &&
		ip -n peer link add wg0 type wireguard && (umask 077 && wg genkey >/run/peer-key) &&
		ip netns exec peer wg set wg0 private-key /run/peer-key peer "$key" allowed-ips 100.64.0.0/16 \
			endpoint "198.51.100.1:$port" && ip -n peer link set wg0 up &&
		ip -n peer address add 192.168.1.10/32 dev wg0 && ip -n peer route add 100.64.0.0/16 dev wg0 &&
		ip netns exec "$last" wg set "wg-$last" peer "$(wg pubkey </run/peer-key)" allowed-ips 0.0.0.0/0 &&
		ip netns exec peer ping -n -c 3 -i 0.3 -W 5 100.64.255.1 &&
		ip netns exec "$last" wg show "wg-$last" transfer | awk '{exit !($2 > 0 && $3 > 0)}' &&
		ip netns exec "$last" conntrack -L -p icmp 2>/dev/null |
			grep -q "src=192\.168\.1\.10 dst=100\.64\.255\.1 .*dst=${address//./\\.} " &&
		ip netns delete peer
}

inside() { # RIVAL N LOOK
	local up down before after out gone
	mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib && ip link set lo up || exit 1
	case $1 in
	warren)
		topology "$2" >/run/bench.yaml
		up=("$warren" -q up --backend kernel /run/bench.yaml) down=("$warren" -q down bench)
		;;
	script) up=("$top/tests/bench/script.sh" up "$2" kernel) down=("$top/tests/bench/script.sh" down "$2" kernel) ;;
	esac
	before=$(available)
	out=$("$measure" "${up[@]}" 3>&1 >&2) || exit 1
	after=$(available)
	look "$2" >"$3"
	talks "$2" >&2 || die "$1: the tunnel of tenant $2 does not work"
	gone=$("$measure" --settle "${down[@]}" 3>&1 >&2) || die "$1: the lab of $2 does not go"
	echo "$1 $2 $out ${gone% *} $((before - after))"
}

# --- in the machine ---------------------------------------------------------------------------------

machine() { # ROUNDS TENANTS SCALE…
	local round rounds=$1 tenants=$2 n rival
	shift 2
	mkdir -p /var/lib
	echo "kernel Linux $(uname -r)"
	# whoever is first would load them for all
	modprobe -a wireguard veth bridge nf_tables nft_chain_nat nft_ct nf_conntrack_netlink || exit 1
	for ((round = 0; round <= rounds; round++)); do
		for rival in warren script; do
			# one round that does not count: what is made once in a kernel's life
			n=$tenants
			[ $round -gt 0 ] || n=2
			one "$rival" "$n" >/srv/out
			[ $round -eq 0 ] || cat /srv/out
		done
		cmp -s /srv/warren.look /srv/script.look && continue
		echo "vm.sh: warren and script made different things:" >&2
		diff /srv/script.look /srv/warren.look >&2
		exit 1
	done
	for n; do one warren "$n"; done
}

one() { # RIVAL N
	unshare -m -n -p -f --kill-child --mount-proc bash "$self" --inside "$1" "$2" "/srv/$1.look" 2>/srv/log && return
	tail -n 20 /srv/log >&2
	die "$1 failed at $2"
}

case ${1-} in
--inside) shift && inside "$@" && exit ;;
--machine) shift && machine "$@" && exit ;;
esac

# --- on this side --------------------------------------------------------------------------------------

quick='' write=''
while [ $# -gt 0 ]; do
	case $1 in
	quick) quick=1 ;;
	--write) write=${2:?a file} && shift ;;
	*) sed -n '4,17s/^# \{0,1\}//p' "$self" >&2 && exit 2 ;;
	esac
	shift
done
[ -x "$warren" ] || { echo "vm.sh: $warren is missing: make builds it" >&2; exit 3; }
rounds=${ROUNDS:-3} tenants=${TENANTS:-100}
read -ra scale <<<"${SCALE-1000 2000}"
[ -z "$quick" ] || { rounds=1 tenants=3 scale=(20); }
bench_tmp=$(mktemp -d)
trap 'rm -rf "$bench_tmp"' EXIT
export measure=$bench_tmp/measure
cc -std=gnu11 -D_GNU_SOURCE -O2 -o "$measure" "$top/tests/bench/measure.c" || exit 3
status=0

# some minutes for a hundred tenants by the script, and for a thousand by warren, on a slow machine
limit=$((600 + rounds * tenants * 10))
for n in ${scale[@]+"${scale[@]}"}; do limit=$((limit + n)); done
VM_MEMORY=${VM_MEMORY:-4096} VM_TIMEOUT=$limit "$top/tests/vm/run-in-vm" "$warren" "$top/tests" "$measure" -- \
	env "measure=$measure" "WARREN=$warren" bash "$self" --machine "$rounds" "$tenants" ${scale[@]+"${scale[@]}"} \
	>"$bench_tmp/lines" || {
	echo "vm.sh: the machine ended with exit status $?" >&2
	status=1
}

# --- the tables ----------------------------------------------------------------------------------------

median() { # RIVAL N COLUMN
	awk -v r="$1" -v n="$2" -v c="$3" '$1 == r && $2 == n && NF == 6 {print $c}' "$bench_tmp/lines" | sort -g |
		awk '{v[NR] = $1} END {print NR ? v[int((NR + 1) / 2)] : 0}'
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN {if (a && b) printf "%.3f", a / b; else print "?"}'; }
mib() { awk -v k="$1" 'BEGIN {printf "%.1f", k / 1024}'; }

report() {
	local rival n
	echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), emulated: one CPU, $(cat "$bench_tmp/kernel")," \
		"$(date -u +%F); medians of $rounds rounds. \`down\` is measured until the kernel has taken down the last namespace."
	echo
	echo "| tenants | made by | up | down | peak memory | warren's time, up | down |"
	echo "|--:|---|--:|--:|--:|--:|--:|"
	for rival in warren script; do
		printf '| %s | %s | %.0f ms | %.0f ms | %s MiB | %s | %s |\n' "$tenants" $rival "$(median $rival "$tenants" 3)" \
			"$(median $rival "$tenants" 5)" "$(mib "$(median $rival "$tenants" 4)")" \
			"$(ratio "$(median warren "$tenants" 3)" "$(median $rival "$tenants" 3)")" \
			"$(ratio "$(median warren "$tenants" 5)" "$(median $rival "$tenants" 5)")"
	done
	if [ ${#scale[@]} -gt 0 ]; then
		echo
		echo "| tenants, by warren, once | up | a tenant | down | peak memory | the kernel's memory for it |"
		echo "|--:|--:|--:|--:|--:|--:|"
		for n in "${scale[@]}"; do
			printf '| %s | %.1f s | %.1f ms | %.1f s | %s MiB | %s MiB |\n' "$n" "$(ratio "$(median warren "$n" 3)" 1000)" \
				"$(ratio "$(median warren "$n" 3)" "$n")" "$(ratio "$(median warren "$n" 5)" 1000)" \
				"$(mib "$(median warren "$n" 4)")" "$(mib "$(median warren "$n" 6)")"
		done
	fi
	echo
	# shellcheck disable=SC2016 # the backquotes are markdown
	echo 'Again: `tests/bench/vm.sh`.'
}

sed -n 's/^kernel //p' "$bench_tmp/lines" >"$bench_tmp/kernel"
# no figure is no success
for n in "$tenants" ${scale[@]+"${scale[@]}"}; do
	[ "$(median warren "$n" 3)" != 0 ] || status=1
done
[ "$(median script "$tenants" 3)" != 0 ] || status=1
report >"$bench_tmp/report"
cat "$bench_tmp/report"
[ -z "$write" ] || "$top/tests/bench/write.sh" "$write" vm "$bench_tmp/report" || status=1
exit $status

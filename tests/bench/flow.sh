#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# flow.sh [quick] [--write FILE]
#
# What flows through a tenant: TCP (iperf3) from a client through its tunnel, the tenant's NAPT and
# the bridge to a server there, and back, in labs made by warren and by hand (script.sh), one client
# and twenty at once; the same with a plain veth pair in place of each tunnel, and through
# routers with NAPT, which shows warren's part without wireguard-go's ceiling.  Then what
# wireguard-go does meanwhile, and what other settings of the links would bring.  Each run in new
# mount, network and PID namespaces; warren and hand take turns; medians count.
#
#   quick          one client and two, a second each, one round: does it run at all
#   --write FILE   put the tables into FILE between its two "flow" comment lines
#
# WARREN: the program (./warren).  ROUNDS: rounds (5).  SECONDS_EACH: of one flow (3).
# Exit status 1: warren's labs are slower than those by hand, or differ from them, or a lab could
# not be made, or what flowed did not take the way it should.
set -u
self=$(realpath "$0")
top=$(dirname "$(dirname "$(dirname "$self")")")
warren=$(realpath "${WARREN:-$top/warren}")
export LC_ALL=C WG_COLOR_MODE=never
server_address=100.64.255.1

# --- inside of a sandbox: lines "KEY VALUE" ------------------------------------------------------

die() {
	echo "flow.sh: $*" >&2
	exit 1
}

pause() { read -rt 0.01 -u "$never" || :; }

# until COMMAND succeeds, ten seconds at most
wait_for() {
	local end=$((SECONDS + 10))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		pause
	done
}

topology() { # KIND N UNDERLAY-MTU BRIDGE-MTU
	local n
	n=$(printf %04d "$2")
	if [ "$1" = routers ]; then
		cat <<-YAML
			name: bench
			networks:
			  internal: {prefixes: [100.64.0.0/16]}
			  "lan{0001..$n}": {prefixes: [192.168.1.0/24]}
			hosts:
			  server:
			    networks: {internal: {interface: eth0, addresses: [$server_address/16]}}
			  "r{0001..$n}":
			    networks:
			      "lan{n}": {interface: lan, addresses: [192.168.1.1/24]}
			      internal: {interface: wan, addresses: ["100.64.0.{n}/16"]}
			    forwarding: true
			    napt: [{out: wan, source: 192.168.1.0/24, to: "100.64.0.{n}"}]
			  "client{0001..$n}":
			    networks: {"lan{n}": {interface: eth0, addresses: [192.168.1.10/24]}}
			    routes: [{to: default, via: 192.168.1.1}]
		YAML
		return
	fi
	cat <<-YAML
		name: bench
		networks:
		  underlay: {prefixes: [203.0.113.0/24], mtu: $3}
		hosts:
		  gateway:
		    networks:
		      underlay: {interface: eth0, addresses: [203.0.113.10/24]}
		    bridges:
		      br-internal: {addresses: [$server_address/16], mtu: $4}
		    gateway:
		      bridge: br-internal
		      tenants:
		        "t{0001..$n}":
		          peers: [{host: "client{n}/wg0"}]
		  "client{0001..$n}":
		    networks:
		      underlay: {interface: eth0, addresses: ["203.0.113.{100+n}/24"]}
		    wireguard:
		      wg0:
		        addresses: [192.168.1.10/32]
		        peers: [{tenant: "gateway/t{n}", allowed_ips: [100.64.0.0/16]}]
	YAML
}

make_lab() { # RIVAL KIND N SETTING
	local i mtu="1500 1500"
	[ "$4" != mtu-1280 ] || mtu="1360 1500"
	[ "$4" != mtu-8920 ] || mtu="9000 9000"
	case $1:$2 in
	warren:*)
		# shellcheck disable=SC2086 # two
		topology "$2" "$3" $mtu >"$run/lab.yaml"
		"$warren" -q up --backend "$([ "$2" = tunnels ] && echo userspace || echo none)" "$run/lab.yaml" || die "no lab"
		;;
	hand:tunnels) "$top/tests/bench/script.sh" up "$3" clients || die "no lab by hand" ;;
	hand:*) "$top/tests/bench/script.sh" up "$3" "$2" || die "no lab by hand" ;;
	esac
	[ "$2" != links ] || for ((i = 1; i <= $3; i++)); do plug "$(printf %04d "$i")"; done
}

# until the kernel is done with it, which would disturb the next
unmake_lab() { # RIVAL KIND N
	local down=("$warren" -q down bench)
	case $1:$2 in
	hand:tunnels) down=("$top/tests/bench/script.sh" down "$3" clients) ;;
	hand:*) down=("$top/tests/bench/script.sh" down "$3" "$2") ;;
	esac
	"$run/../measure" --settle "${down[@]}" 3>/dev/null >&2 || die "the lab does not go"
}

# in place of a tunnel: a veth pair, the same whoever made the lab
# shellcheck disable=SC2015 # all of it, or the end
plug() { # NUMBER
	ip -n "client$1" link add wg0 mtu 1420 type veth peer name "wg-t$1" mtu 1420 netns "t$1" &&
		ip -n "t$1" address add 192.168.1.1/24 dev "wg-t$1" &&
		ip -n "client$1" address add 192.168.1.10/24 dev wg0 &&
		ip -n "t$1" link set "wg-t$1" up &&
		ip -n "client$1" link set wg0 up &&
		ip -n "t$1" route add default dev "wg-t$1" &&
		ip -n "client$1" route add 100.64.0.0/16 via 192.168.1.1 || die "no link in place of the tunnel"
}

# what finds the control sockets of its tunnels
in_ns() { # RIVAL NAMESPACE COMMAND…
	if [ "$1" = warren ]; then "$warren" exec bench "${@:2}"; else ip netns exec "${@:2}"; fi
}

# what must be the same whoever made it: links and their settings, addresses, routes, rules, tunnels
look() { # RIVAL KIND
	local ns dev places="gateway t0001 client0001" # one is like the other
	[ "$2" != routers ] || places="server r0001 client0001"
	for ns in $places bench-networks; do
		echo "== $ns"
		ip -n "$ns" -d -j link | jq -c --arg ns "$ns" '.[] | [(if $ns == "bench-networks" then .master else .ifname end),
			.mtu, .qdisc, .txqlen, .master, .gso_max_size, .gso_max_segs, .gro_max_size,
			.linkinfo.info_kind, .linkinfo.info_slave_data.isolated, .linkinfo.info_data.mcast_snooping]' | sort
		for dev in $(ip -n "$ns" -j link show type veth | jq -r '.[].ifname' | sort); do
			[ "$ns" = bench-networks ] || echo "$dev"
			ip netns exec "$ns" ethtool -k "$dev" 2>/dev/null | grep ': on'
		done
		ip -n "$ns" -4 -o address | sed 's/^[0-9]*: //' | sort
		ip -n "$ns" route
		ip netns exec "$ns" nft list ruleset | sed '/comment/d; s/packets [0-9]* bytes [0-9]*//'
		ip netns exec "$ns" sysctl net.ipv4.ip_forward
	done
	if [ "$2" = tunnels ]; then
		in_ns "$1" t0001 wg show wg-t0001 allowed-ips | cut -f2-
		in_ns "$1" t0001 wg show wg-t0001 listen-port
		dev=wg0
		[ "$1" = warren ] || dev="w-client0001" # its control socket's name
		in_ns "$1" client0001 wg show $dev allowed-ips | cut -f2-
		in_ns "$1" client0001 wg show $dev endpoints | cut -f2-
		pgrep -cx wireguard-go
	fi
}

# other settings than the lab has, at the tenant's veth pair or at all
apply_setting() { # SETTING
	local ns dev
	case $1 in as-made | base | mtu-*) return ;; esac
	for ns in gateway t0001 client0001 bench-networks; do
		if [ "$1" = no-bridge-nf ]; then
			ip netns exec "$ns" sysctl -qw net.bridge.bridge-nf-call-{ip,ip6,arp}tables=0 || die "$ns: no sysctl"
			continue
		fi
		for dev in $(ip -n "$ns" -j link show type veth | jq -r '.[].ifname'); do
			case $1:$dev in
			gro:eth-* | gro-all:*) set -- "$1" -K "$dev" gro on ;;
			no-gso:eth-*) set -- "$1" -K "$dev" tso off gso off ;;
			queues:eth-*) set -- "$1" -L "$dev" rx 2 tx 2 ;;
			*) continue ;;
			esac
			ip netns exec "$ns" ethtool "${@:2}" || die "$ns: cannot set: ${*:2}"
		done
	done
}

# shellcheck disable=SC2317 # called by wait_for
listening() { [ "$(ip netns exec "$1" ss -Hltn 'sport >= :5201' | wc -l)" -eq "$2" ]; }

count() { # KIND N -> bytes that have come by each tenant's inner link, both ways
	local i number
	for ((i = 1; i <= $2; i++)); do
		number=$(printf %04d "$i")
		case $1 in
		routers) ip -n "r$number" -s -j link show lan ;;
		*) ip -n "t$number" -s -j link show "wg-t$number" ;;
		esac | jq -r '.[0].stats64 | "\(.rx.bytes) \(.tx.bytes) \(.rx.packets) \(.tx.packets)"'
	done
}

# KEY VALUE of both wireguard-go, at the client and at the gateway: CPU time in ticks, and
# reads and writes of the TUN (sockets are not counted there)
processes() {
	local pid where switches
	for pid in $(pgrep -x wireguard-go); do
		where=$(ip netns identify "$pid")
		sed 's/.*) //' "/proc/$pid/stat" | awk -v w="${where%0001}" '{print w ".user", $12; print w ".system", $13}'
		switches=$(awk '/ctxt_switches/ {n += $2} END {print n}' "/proc/$pid"/task/*/status)
		echo "${where%0001}.switches $switches"
		sed -n "s/^\(rchar\|wchar\|syscr\|syscw\): /${where%0001}.\1 /p" "/proc/$pid/io"
	done
}

flow() { # RIVAL KIND N up|down
	local rival=$1 kind=$2 n=$3 back='' i at=gateway begun took pids=() servers=() bytes counted wanted number
	shift 3
	[ "$1" = up ] || back=-R
	[ "$kind" != routers ] || at=server
	for ((i = 1; i <= n; i++)); do
		ip netns exec $at timeout $((each + 30)) iperf3 -s -4 -1 -J -p $((5200 + i)) >"$run/server.$i" 2>&1 &
		servers+=($!)
	done
	wait_for listening $at "$n" || die "the servers do not listen"
	count "$kind" "$n" >"$run/before"
	processes >"$run/processes.before"
	begun=$EPOCHREALTIME
	for ((i = 1; i <= n; i++)); do
		ip netns exec "client$(printf %04d "$i")" timeout $((each + 15)) \
			iperf3 -c $server_address -p $((5200 + i)) -t "$each" -J $back >"$run/client.$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || die "a client failed: $(tail -n 5 "$run"/client.*)"; done
	took=$(awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN {print b - a}')
	processes >"$run/processes.after"
	count "$kind" "$n" >"$run/after"
	for i in "${servers[@]}"; do wait "$i" || die "a server failed: $(tail -n 5 "$run"/server.*)"; done
	for ((i = 1; i <= n; i++)); do
		[ "$(jq -r .start.accepted_connection.host "$run/server.$i")" = "100.64.0.$i" ] ||
			die "the server sees client $i as $(jq -r .start.accepted_connection.host "$run/server.$i")"
		bytes=$(jq -r .end.sum_received.bytes "$run/client.$i")
		counted=$(paste -d' ' "$run/before" "$run/after" | awk -v i="$i" -v up="$1" \
			'NR == i {print up == "up" ? $5 - $1 : $6 - $2}')
		awk -v a="$bytes" -v b="$counted" 'BEGIN {exit !(a > 0 && b >= a)}' ||
			die "$bytes bytes came to the other end, $counted through the tenant's inner link"
	done
	if [ "$kind" = tunnels ]; then
		wanted=$(jq -s 'map(.end.sum_received.bytes) | add' "$run"/client.*)
		for ((i = 1; i <= n; i++)); do
			number=$(printf %04d "$i")
			in_ns "$rival" "t$number" wg show "wg-t$number" transfer
		done >"$run/transfer"
		awk -v w="$wanted" -v up="$1" '{n += up == "up" ? $2 : $3} END {exit !(n > w)}' "$run/transfer" ||
			die "$wanted bytes came to the other end, but not through WireGuard: $(cat "$run/transfer")"
	fi
	echo "$1 $(jq -s 'map(.end.sum_received.bits_per_second) | add / 1e6' "$run"/client.*)"
	[ "$kind" = tunnels ] && [ "$n" -eq 1 ] || return 0
	echo "$1.seconds $took"
	paste -d' ' "$run/before" "$run/after" | awk -v d="$1" '{print d ".packets", $7 + $8 - $3 - $4}'
	paste -d' ' "$run/processes.before" "$run/processes.after" | awk -v d="$1" '{print d "." $1, $4 - $2}'
}

inside() { # RIVAL KIND N SETTING LOOK
	local i
	{ mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib && ip link set lo up; } || die "no sandbox"
	exec {never}<> <(:)
	make_lab "$1" "$2" "$3" "$4"
	apply_setting "$4"
	for ((i = 1; i <= $3; i++)); do
		wait_for ip netns exec "client$(printf %04d "$i")" ping -c 1 -W 1 $server_address || die "client $i: no answer"
	done
	look "$1" "$2" >"$5"
	flow "$1" "$2" "$3" up
	flow "$1" "$2" "$3" down
	unmake_lab "$1" "$2" "$3"
}

if [ "${1-}" = --inside ]; then
	shift
	inside "$@"
	exit
fi

# --- the rounds ----------------------------------------------------------------------------------

quick='' write=''
while [ $# -gt 0 ]; do
	case $1 in
	quick) quick=1 ;;
	--write) write=${2:?a file} && shift ;;
	*) sed -n '4,18s/^# \{0,1\}//p' "$self" >&2 && exit 2 ;;
	esac
	shift
done
[ "$(id -u)" -eq 0 ] || { echo "flow.sh: must be root, to make namespaces" >&2; exit 3; }
[ -x "$warren" ] || { echo "flow.sh: $warren is missing: make builds it" >&2; exit 3; }
for program in iperf3 jq ethtool nft wg wireguard-go ss ping; do
	command -v $program >/dev/null || { echo "flow.sh: $program is missing (make bench installs it)" >&2; exit 3; }
done
rounds=${ROUNDS:-5} sizes=(1 20) kinds=(tunnels links routers)
settings=(base gro gro-all no-gso queues mtu-1280 mtu-8920)
[ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || settings+=(no-bridge-nf)
export each=${SECONDS_EACH:-3}
[ -z "$quick" ] || { rounds=1 sizes=(1 2) each=1; }
bench_tmp=$(mktemp -d)
trap 'rm -rf "$bench_tmp"' EXIT
export run=$bench_tmp/run
status=0
cc -std=gnu11 -D_GNU_SOURCE -O2 -o "$bench_tmp/measure" "$top/tests/bench/measure.c" || exit 3

one() { # RIVAL KIND N SETTING -> $bench_tmp/RIVAL.KIND.N.SETTING.KEY
	local name=$1.$2.$3.$4 key value
	[ -t 2 ] && printf '\r%s, round %s of %s \033[K' "$name" "$round" "$rounds" >&2
	rm -rf "$run" && mkdir "$run"
	if ! timeout --foreground -s KILL $((60 + 4 * each)) unshare -m -n -p -f --kill-child --mount-proc "$self" --inside "$1" "$2" "$3" "$4" \
		"$bench_tmp/$name.look" >"$bench_tmp/out" 2>"$bench_tmp/log"; then
		echo "flow.sh: $name failed, or took too long:" >&2
		tail -n 5 "$bench_tmp/log" >&2
		status=1
		return
	fi
	while read -r key value; do
		echo "$value" >>"$bench_tmp/$name.$key"
	done <"$bench_tmp/out"
}

rival_of() { # SETTING; warren's links have one queue for good
	if [ "$1" = queues ]; then echo hand; else echo warren; fi
}

kinds_of() { # SETTING
	case $1 in mtu-*) echo tunnels ;; *) echo tunnels links ;; esac
}

for ((round = 1; round <= rounds; round++)); do
	for kind in "${kinds[@]}"; do
		for n in "${sizes[@]}"; do
			rivals=(warren hand)
			[ $((round % 2)) -eq 1 ] || rivals=(hand warren)
			for rival in "${rivals[@]}"; do one "$rival" "$kind" "$n" as-made; done
		done
	done
	for setting in "${settings[@]}"; do
		for kind in $(kinds_of "$setting"); do
			one "$(rival_of "$setting")" "$kind" 1 "$setting"
		done
	done
done
[ -t 2 ] && printf '\r\033[K' >&2

for kind in "${kinds[@]}"; do
	for n in "${sizes[@]}"; do
		if ! diff "$bench_tmp/hand.$kind.$n.as-made.look" "$bench_tmp/warren.$kind.$n.as-made.look" >"$bench_tmp/out"; then
			echo "flow.sh: $kind, $n: made by hand and by warren it differs:" >&2
			cat "$bench_tmp/out" >&2
			status=1
		fi
	done
done

# --- the tables ----------------------------------------------------------------------------------

pick() { # low|median|high of the lines
	sort -g | awk -v w="$1" '{v[NR] = $1}
		END {
			m = NR ? (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 : 0
			print w == "low" ? v[1] + 0 : w == "high" ? v[NR] + 0 : m
		}'
}

median() { # NAME
	[ ! -e "$bench_tmp/$1" ] || pick median <"$bench_tmp/$1"
	[ -e "$bench_tmp/$1" ] || echo 0
}

# of the two runs of a round, which follow each other: what else the machine does comes and goes
ratios() { # NAME
	[ "$(wc -l <"$bench_tmp/warren.$1")" = "$(wc -l <"$bench_tmp/hand.$1")" ] || return
	paste "$bench_tmp/warren.$1" "$bench_tmp/hand.$1" | awk '$2 > 0 {print $1 / $2}'
} 2>/dev/null

calc() { awk "BEGIN {$1}"; }

label() {
	case $1 in
	tunnels) echo "tenant behind wireguard-go" ;;
	links) echo "tenant behind a veth pair" ;;
	routers) echo "router with NAPT" ;;
	gro) echo "GRO on at both ends of the tenant's veth pair" ;;
	gro-all) echo "GRO on at all veth pairs" ;;
	no-gso) echo "TSO and GSO off at the tenant's veth pair" ;;
	queues) echo "two queues each way at the tenant's veth pair" ;;
	mtu-1280) echo "tunnels of 1280 bytes" ;;
	mtu-8920) echo "tunnels of 8920 bytes, all links of 9000" ;;
	no-bridge-nf) echo "no hooks of IP for bridged frames (bridge-nf-call-iptables)" ;;
	base) echo "as warren makes them" ;;
	esac
}

compared() {
	local kind n way name ratio low high verdict
	echo "| through | clients | way | warren, Mbit/s | by hand | ratio | of the rounds | |"
	echo "|---|--:|---|--:|--:|--:|--:|---|"
	for kind in "${kinds[@]}"; do
		for n in "${sizes[@]}"; do
			for way in up down; do
				name=$kind.$n.as-made.$way
				ratio=$(ratios "$name" | pick median)
				low=$(ratios "$name" | pick low)
				high=$(ratios "$name" | pick high)
				verdict=$(calc "print ($ratio == 0 ? \"**no figures**\" : $ratio >= 0.95 || $high >= 1 ? \"within noise\" : \"**slower**\")")
				[ "$rounds" -ge 3 ] || verdict=${verdict/'**slower**'/too few rounds}
				case $verdict in '**'*) missed=1 ;; esac
				printf '| %s | %s | %s | %.0f | %.0f | %.2f | %.2f to %.2f | %s |\n' "$(label "$kind")" "$n" $way \
					"$(median "warren.$name")" "$(median "hand.$name")" "$ratio" "$low" "$high" "$verdict"
			done
		done
	done
}

go_at() { # WAY PLACE
	local name=warren.tunnels.1.as-made.$1 f=() key
	for key in user system switches syscr syscw rchar wchar; do f+=("$(median "$name.$2.$key")"); done
	calc "t = $(median "$name.seconds"); p = $(median "$name.packets"); hz = $(getconf CLK_TCK)
		u = ${f[0]}; s = ${f[1]}; calls = ${f[3]} + ${f[4]}
		if (t && p && calls)
			printf \"| %s, %s | %.0f | %.2f + %.2f | %.1f us | %.2f | %.0f | %.2f |\n\", \"$1\", \"$2\", \
				p / t, u / hz / t, s / hz / t, (u + s) / hz / p * 1e6, calls / p, \
				(${f[5]} + ${f[6]}) / calls, ${f[2]} / p"
}

cell() { # RIVAL KIND SETTING WAY
	local v base
	v=$(median "$1.$2.1.$3.$4")
	base=$(median "warren.$2.1.base.$4")
	if [ "$v" = 0 ] || [ "$base" = 0 ]; then echo "–"; else calc "printf \"%.0f (%.2f)\", $v, $v / $base"; fi
}

report() {
	local missed=0 setting way place rival
	echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) CPUs, Linux $(uname -r)," \
		"wireguard-go $(dpkg-query -Wf '${Version}' wireguard-go), $(date -u +%F); medians of $rounds rounds, $each s each." \
		"Up is from the client to the server.  Within noise: warren's is not slower in every round, or by 5 % at most in the median."
	echo
	compared
	echo
	echo "What both wireguard-go do while one client sends (up) or receives (down): CPUs in use, of $(nproc)," \
		"and what they do for a packet of either direction, acknowledgements included."
	echo
	echo "| | packets/s | CPUs, user + system | CPU time a packet | TUN reads and writes a packet | bytes a call | context switches a packet |"
	echo "|---|--:|--:|--:|--:|--:|--:|"
	for way in up down; do for place in client gateway; do go_at $way $place; done; done
	echo
	echo "Other settings, one client, Mbit/s (in brackets: compared with the links as they are made):"
	echo
	echo "| | wireguard-go, up | down | veth pair in its place, up | down |"
	echo "|---|--:|--:|--:|--:|"
	for setting in "${settings[@]}"; do
		rival=$(rival_of "$setting")
		echo "| $(label "$setting") | $(cell "$rival" tunnels "$setting" up) | $(cell "$rival" tunnels "$setting" down) |" \
			"$(cell "$rival" links "$setting" up) | $(cell "$rival" links "$setting" down) |"
	done
	echo
	# shellcheck disable=SC2016 # the backquotes are markdown
	echo 'Again: `sudo tests/bench/flow.sh`.'
	return $missed
}

report >"$bench_tmp/report" || status=1
cat "$bench_tmp/report"
[ -z "$write" ] || "$top/tests/bench/write.sh" "$write" flow "$bench_tmp/report" || status=1
exit $status

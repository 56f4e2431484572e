# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Does a change of a running lab disturb anybody else?  Sourced after lib.sh by the system test,
# the VM test and the benchmark of that name.
#
#	disturb BACKEND TENANTS RATE CYCLES
#
# makes a gateway with so many tenants and a client of each, all of which have the same address,
# and one more tenant with three peers.  While numbered packets and one TCP connection go through
# all of them (tests/system/disturb_tool.c, RATE a second each), `warren apply` makes every kind of
# change to a tenant that comes and goes (x), to one peer of three (many), and takes away and brings
# back one of the others (the one whose bridge port has the lowest address of all).  The others are
# to lose nothing, and to keep their conntrack entries, WireGuard sessions, processes, interfaces.
#
# Loss may have other causes, a machine that is too busy above all.  So nothing is said to be lost
# by a change unless as much time without changes passes without loss; otherwise the same is tried
# at half the rate.  At the end something is broken on purpose: it has to be noticed.
#
# With BACKEND none, which makes no tunnels, veth pairs in their place bring the clients' packets.

# shellcheck disable=SC2154 # from lib.sh
disturb_yaml=$tmp/disturb.yaml
disturb_tool=${WARREN_TOOLS:?}/disturb_tool

# --- the file -------------------------------------------------------------------------------

declare -A want # what the rounds change

disturb_begin() { # BACKEND TENANTS
	backend=$1 n=$2
	want=([x]='' [port]=48000 [napt]=100.64.200.1 [x2]='' [x1_peer]=']' [routes]='' [dns]='' [key]=''
		[x1_mtu]=1420 [mtu]=1420 [many2]='{ host: many2/wg0, allowed_ips: [192.168.2.0/24] }' [absent]=0)
}

# the numbers of the tenants that are there: "0001..0099", "0101..0200"
spans() {
	local a=${want[absent]}
	[ "$a" -eq 0 ] && printf '%04d..%04d\n' 1 "$n" && return
	[ "$a" -eq 1 ] || printf '%04d..%04d\n' 1 $((a - 1))
	[ "$a" -eq "$n" ] || printf '%04d..%04d\n' $((a + 1)) "$n"
}

disturb_tenants() {
	local span x2=
	for span in $(spans); do
		cat <<-END
			        "t{$span}":
			          listen_port: "{50000+n}"
			          napt_addresses: ["100.64.{1+n/256}.{n%256}"]
			          peers: [{ host: "client{n}/wg0" }]
		END
	done
	cat <<-END
		        many:
		          listen_port: 49000
		          napt_addresses: [100.64.100.1]
		          peers:
		            - { host: many1/wg0, allowed_ips: [192.168.1.0/24] }
		            - { host: many3/wg0, allowed_ips: [192.168.3.0/24] }
		            ${want[many2]:+- ${want[many2]}}
	END
	[ -z "${want[x2]}" ] || x2='- { host: x2/wg0, allowed_ips: [192.168.2.0/24] }'
	[ -z "${want[x]}" ] || cat <<-END
		        x:
		          listen_port: ${want[port]}
		          napt_addresses: [${want[napt]}]
		          routes: [${want[routes]}]
		          dns: [${want[dns]}]
		          ${want[key]}
		          peers:
		            - { host: x1/wg0, allowed_ips: [192.168.1.0/24${want[x1_peer]} }
		            $x2
	END
}

disturb_client() { # NAME ADDRESS LAN TENANT [TUNNEL-SETTINGS]
	cat <<-END
		  "$1":
		    networks: { internet: { interface: wan, addresses: ["$2/16"] } }
		    bridges: { br-lan: { addresses: ["$3/24"] } }
		    wireguard: { wg0: { ${5-}peers: [{ tenant: "gw/$4", allowed_ips: [100.64.0.0/16] }] } }
	END
}

disturb_file() {
	local span
	cat <<-END
		name: disturb
		networks: { internet: { prefixes: [10.0.0.0/16] } }
		hosts:
		  gw:
		    networks: { internet: { interface: wan, addresses: [10.0.0.1/16] } }
		    bridges: { br-service: { addresses: [100.64.0.1/16] } }
		    gateway:
		      bridge: br-service
		      mtu: ${want[mtu]}
		      tenants:
	END
	disturb_tenants
	for span in $(spans); do
		disturb_client "client{$span}" "10.0.{1+n/256}.{n%256}" 192.168.1.10 't{n}'
	done
	disturb_client 'many{1..3}' '10.0.100.{n}' '192.168.{n}.10' many
	[ -z "${want[x]}" ] || disturb_client x1 10.0.200.1 192.168.1.10 x "mtu: ${want[x1_mtu]}, "
	[ -z "${want[x]}" ] || disturb_client x2 10.0.200.2 192.168.2.10 x
}

# --- the traffic ----------------------------------------------------------------------------

# the clients' packets, where the lab has no tunnels
disturb_wires() {
	local i t c
	for ((i = 1; i <= n; i++)); do
		printf -v t t%04d $i
		printf -v c client%04d $i
		ip -n "$t" -b - <<-END
			link add wg-$t address 02:00:00:00:00:01 type veth peer name wg0 address 02:00:00:00:00:02 netns $c
			link set wg-$t up
			route add default dev wg-$t
			neigh add 192.168.1.10 dev wg-$t lladdr 02:00:00:00:00:02 nud permanent
		END
		ip -n "$c" -b - <<-END
			link set wg0 up
			route add 100.64.0.0/16 dev wg0
			neigh add 100.64.0.1 dev wg0 lladdr 02:00:00:00:00:01 nud permanent
		END
	done
}

# the tenant that goes and comes: if the bridge's address were its port's, it would go with it
lowest_port() {
	ip -n gw -o link show master br-service |
		sed -nE 's|.* eth-t0*([0-9]+)-nsA.* link/ether ([^ ]+).*|\2 \1|p' | sort | awk '{print $2; exit}'
}

# all but the tenant that goes, and of many's peers not the one that is changed
disturb_flows() {
	local i
	for ((i = 1; i <= n; i++)); do
		[ $i -eq "$lowest" ] || printf 't%04d client%04d 192.168.1.10\n' $i $i
	done
	[ "$backend" = none ] || printf '%s\n' 'many-1 many1 192.168.1.10' 'many-3 many3 192.168.3.10'
}

traffic_start() { # RATE
	disturb_flows >"$tmp/flows"
	rm -f "$tmp/orders"
	mkfifo "$tmp/orders"
	: >"$tmp/said"
	"$disturb_tool" -r "$1" -o "$tmp/traffic.json" "$tmp/flows" gw 100.64.0.1 \
		<"$tmp/orders" >"$tmp/said" 2>"$tmp/table" &
	traffic=$!
	exec {orders}>"$tmp/orders"
	_said_or_dead "ready" 70
}
_said_or_dead() { # WORDS SECONDS
	wait_for "$2" eval "grep -qx '$1' '$tmp/said' || ! kill -0 $traffic"
	grep -qx "$1" "$tmp/said"
}
phase() { echo "phase $*" >&"$orders"; }
# phase_for NAME SECONDS: and returns when they are over
phase_for() {
	phase "$1" "$2"
	_said_or_dead "over $1" $(($2 + 30))
}
traffic_end() {
	exec {orders}>&-
	wait "$traffic"
	traffic_status=$?
	sed 's/^/# /' "$tmp/table"
}
# phase_json NAME FILTER: of a phase, or of a flow of it that something befell
phase_json() { jq -r ".phases[] | select(.name == \"$1\") | $2" "$tmp/traffic.json"; }

# --- the witnesses ----------------------------------------------------------------------------

# the tenants that have flows through them
disturb_tenant_list() { awk '{sub("-.*", "", $1); print $1}' "$tmp/flows" | uniq; }
not_the_lowest() { grep -vE "(t|client)$(printf %04d "$lowest")([^0-9]|\$)"; }

# in_all COMMAND...: in each namespace of interest, behind a line "@NAME"
in_all() {
	local t
	for t in $(disturb_tenant_list); do
		echo "@$t"
		nsenter --net="/run/netns/$t" "$@" 2>/dev/null
	done
}

# see_sessions FOLDER: what the kernel and WireGuard know of the flows, a line each
see_sessions() {
	local t
	in_all conntrack -L -o id,ktimestamp |
		sed -nE '/^@/{s/@//; h; d}; /dport=7777 /!d; s/^([a-z]+) +[0-9]+ [0-9]+ /\1 /; s/\[ASSURED\] //
			s/delta-time=[0-9]+ //; s/use=[0-9]+ //; G; s/(.*)\n(.*)/\2 \1/p' >"$1/conntrack"
	[ "$backend" = none ] || for t in $(disturb_tenant_list); do
		# interface, peer, -, endpoint, allowed IPs, handshake, received, sent
		warren exec disturb "$t" -- wg show all dump | awk -v t="$t" 'NF > 6 {print t, $2, $4, $6, $7, $8}'
	done | grep -vF "${many2_key:-none}" | sort >"$1/wg"
}

see_things() { # FOLDER
	local dir log pid
	{
		in_all ip -o link
		echo @gw
		ip -n gw -o link
	} | sed -nE '/^@/{s/@//; h; d}; s/^([0-9]+): ([^:@]+).* link.[a-z]+ ?([0-9a-f:]*) .*/\2 \1 \3/; G
		s/(.*)\n(.*)/\2 \1/p' | not_the_lowest >"$1/links"
	for dir in $(grep -slx wireguard-go /proc/[0-9]*/comm); do
		dir=${dir%/comm} pid=${dir#/proc/}
		log=$(readlink "$dir/fd/1")
		echo "${log#*/wg/} $pid $(awk '{print $22}' "$dir/stat")"
	done | not_the_lowest | sort >"$1/processes"
}

# monitors_start: one `ip monitor` in each namespace; what the test does first shows that they listen
monitors_start() {
	local t
	monitors=()
	mkdir -p "$tmp/monitor"
	for t in gw $(disturb_tenant_list); do
		# not `ip -n`: the process is to be ours
		nsenter --net="/run/netns/$t" ip -o monitor link address route >"$tmp/monitor/$t" 2>&1 &
		monitors+=($!)
	done
	wait_for 60 _marked 1 && wait_for 60 _marked 2 # all that is due to the first is over then
}
# a mark in what the monitors tell: a route in a table that nobody looks into
_marked() {
	local file files
	files=$(grep -LF "192.0.2.$1 " "$tmp"/monitor/*) || return 0
	for file in $files; do
		ip -n "${file##*/}" route replace blackhole "192.0.2.$1" table 7777
	done
	return 1
}
monitors_end() {
	wait_for 60 _marked 3 || echo "# a monitor is deaf"
	kill "${monitors[@]}"
	wait "${monitors[@]}" 2>/dev/null
	# between the marks; `ip -o` ends what belongs to a line with a backslash
	(cd "$tmp/monitor" && sed -sn '/192\.0\.2\.2 /,/192\.0\.2\.3 /{/192\.0\.2\./d; F; p}' -- *) |
		paste -d' ' - - >"$tmp/events"
}

# two sessions of one peer: the same one, or one that was due (WireGuard renews them after 120 s)
sessions_changed() { # BEFORE AFTER
	join -j 1 <(awk '{print $1 "/" $2, $3, $4, $5, $6}' "$1" | sort) \
		<(awk '{print $1 "/" $2, $3, $4, $5, $6}' "$2" | sort) |
		awk '$2 != $6 {print $1, "endpoint", $2, "->", $6}
			$7 != $3 && $7 < $3 + 118 {print $1, "handshake", $3, "->", $7}
			$8 <= $4 || $9 <= $5 {print $1, "no traffic", $4, $5, "->", $8, $9}'
	diff <(awk '{print $1, $2}' "$1") <(awk '{print $1, $2}' "$2")
}

# --- the rounds -------------------------------------------------------------------------------

# change NAME [KEY=VALUE]... -- CHECK...: one apply, and somebody else's word that it was done
change() {
	local name=$1
	shift
	while [ "$1" != -- ]; do
		want[${1%%=*}]=${1#*=}
		shift
	done
	shift
	disturb_file >"$disturb_yaml"
	ok "$name" warren -q apply "$disturb_yaml"
	ok "$name: done" "$@"
	rounds=$((rounds + 1))
}
has() { # ERE COMMAND...
	local ere=$1
	shift
	"$@" 2>&1 | tr '\t' ' ' | grep -qE -- "$ere"
}
hasnt() { ! has "$@"; }
in_wg() { warren exec disturb "$1" -- wg show "wg-$1" dump; }

rounds_everywhere() {
	local gone
	printf -v gone t%04d "$lowest"
	change "x comes" x=1 -- has '^eth-x-nsB.* 100\.64\.200\.1/16' ip -n x -br address
	change "x: another NAPT address" napt=100.64.200.2 -- has ' 100\.64\.200\.2/16 *$' ip -n x -br -4 address show eth-x-nsB
	change "x: and one more" napt=100.64.200.2,100.64.200.3 -- has 'snat ip to .*[ -]100\.64\.200\.3' ns x nft list table inet warren
	change "x: routes" routes='{ to: 10.9.0.0/16, via: 100.64.0.1 }' -- has '^10\.9\.0\.0/16 via 100\.64\.0\.1' ip -n x route
	change "x: other routes" routes='{ to: 10.8.0.0/16, via: 100.64.0.1 }' -- hasnt '^10\.9\.' ip -n x route
	change "x: dns" dns=100.64.0.1 -- has 'nameserver 100\.64\.0\.1' cat /etc/netns/x/resolv.conf
	change "x: no dns" dns= -- test ! -e /etc/netns/x/resolv.conf
	[ "$backend" = none ] || rounds_with_tunnels
	change "$gone goes" "absent=$lowest" -- hasnt "^$gone( |\$)" ip netns list
	change "$gone comes again" absent=0 -- has "^$gone( |\$)" ip netns list
	change "x goes" x= port=48000 napt=100.64.200.1 routes= -- hasnt '^x( |$)' ip netns list
}

rounds_with_tunnels() {
	local psk=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
	change "x: another listen port" port=48001 -- has ' 48001 ' in_wg x
	change "x: a second peer" x2=1 -- has ' 192\.168\.2\.0/24 ' in_wg x
	change "x: more allowed IPs, keepalive, preshared key" \
		"x1_peer=, 10.7.0.0/16], persistent_keepalive: 25, preshared_key: $psk" -- has '10\.7\.0\.0/16 .* 25$' in_wg x
	change "x: one peer again" x2= 'x1_peer=]' -- hasnt ' 192\.168\.2\.0/24 ' in_wg x
	change "x: a key of its own" key=private_key:\ 4LWrasHirJyUrNG2tvcvjWb1YnVQjdeS7ZqVzpJwe2I= -- \
		has '^4LWrasHirJyUrNG2tvcvjWb1YnVQjdeS7ZqVzpJwe2I= ' in_wg x
	change "x1: another MTU" x1_mtu=1380 -- has 'mtu 1380 ' ip -n x1 link show wg0
	change "many: other allowed IPs of the second peer" \
		'many2={ host: many2/wg0, allowed_ips: [192.168.2.0/25] }' -- has '192\.168\.2\.0/25' in_wg many
	change "many: keepalive and a preshared key of the second peer" \
		"many2={ host: many2/wg0, allowed_ips: [192.168.2.0/24], persistent_keepalive: 20, preshared_key: $psk }" -- \
		has '192\.168\.2\.0/24 .* 20$' in_wg many
	change "many: the second peer goes" many2= -- hasnt '192\.168\.2\.' in_wg many
	change "many: and comes again" 'many2={ host: many2/wg0, allowed_ips: [192.168.2.0/24] }' -- has '192\.168\.2\.0/24' in_wg many
}

changes() { # CYCLES
	local i
	rounds=0
	for ((i = 0; i < $1; i++)); do
		want[x1_peer]=']' want[key]= want[x1_mtu]=1420
		rounds_everywhere
	done
}

# --- the proof --------------------------------------------------------------------------------

# changes, the same time without, and something that is broken on purpose
disturb_try() { # RATE CYCLES
	local begun
	traffic_start "$1" || { cat "$tmp/table"; return 1; }
	mkdir -p "$tmp/before" "$tmp/after"
	see_sessions "$tmp/before"
	see_things "$tmp/before"
	monitors_start || return 1
	begun=$SECONDS
	phase changes
	changes "$2"
	lasted=$((SECONDS - begun + 1))
	phase looking
	monitors_end
	see_sessions "$tmp/after"
	see_things "$tmp/after"
	phase_for quiet $lasted || return 1
	victim=$(disturb_tenant_list | sed -n 3p)
	phase broken
	ns "$victim" nft delete table inet warren
	phase_for broken-still 1 || return 1
	ok "what somebody else broke is mended" warren -q apply "$disturb_yaml"
	phase_for mended 1 || return 1
	traffic_end
}

is_whole() { [ "$(phase_json "$1" .whole)" = true ]; }

# disturb BACKEND TENANTS RATE CYCLES
disturb() {
	local rate=$3 gone
	disturb_begin "$1" "$2"
	disturb_file >"$disturb_yaml"
	lab_up disturb --backend "$1" "$disturb_yaml"
	[ "$1" != none ] || disturb_wires
	lowest=$(lowest_port)
	printf -v gone t%04d "$lowest"
	[ "$1" = none ] || many2_key=$(warren exec disturb many2 -- wg show wg0 public-key)
	disturb_flows >"$tmp/flows"
	in_all sysctl -qw net.netfilter.nf_conntrack_timestamp=1 >"$tmp/.out"

	must disturb_try "$rate" "$4"
	while ! is_whole changes && ! is_whole quiet && [ "$rate" -gt 1 ]; do
		rate=$((rate / 2))
		echo "# lost without any change: this machine is too busy; again with $rate a second"
		must disturb_try "$rate" "$4"
	done

	echo "# $1: $2 tenants, $(wc -l <"$tmp/flows") flows, $rate packets a second each, $rounds changes in $lasted s"
	ok "$rounds changes: nobody loses anything" is_whole changes
	ok "nor just afterwards" is_whole looking
	is "and no NAPT mapping, no TCP connection is another one" \
		"$(phase_json changes '"\(.udp_moved) \(.tcp_broken) \(.udp_duplicated)"')" "0 0 0"
	ok "as little as without changes" is_whole quiet
	is "but a broken tenant is noticed" "$(phase_json broken-still '.flows[].name')" "$victim"
	is "and one that is mended" "$(phase_json mended '.udp_lost_up + .udp_lost_down')" 0
	is "disturb_tool says so" $traffic_status 1
	disturb_witnesses "$gone"
	is "the running lab is what the file says" "$(warren plan "$disturb_yaml" 2>&1)" \
		"lab disturb is as the file says"
	ok "down" warren down disturb
}

disturb_witnesses() { # TENANT-THAT-WENT
	local flows kind
	flows=$(wc -l <"$tmp/flows")
	is "each flow has its two conntrack entries" "$(wc -l <"$tmp/before/conntrack")" $((2 * flows))
	for kind in conntrack links processes; do
		is "$kind: the others keep theirs" "$(diff "$tmp/before/$kind" "$tmp/after/$kind")" ""
	done
	unlike "no tenant but those hears of any link, address or route" "$(grep -v '^gw ' "$tmp/events")" .
	unlike "and the gateway of no others" "$(grep '^gw ' "$tmp/events" | not_the_lowest)" "(eth|wg)-(t[0-9]+|many)"
	is "its bridge keeps its address" "$(grep -oE '[0-9]+: br-service: .*link/ether [0-9a-f:]+' "$tmp/events" |
		awk '{print $NF}' | grep -v "$(ip -n gw -o link show br-service | grep -oE 'ether [^ ]+' | cut -c7-)")" ""
	[ "$backend" != none ] || return 0
	is "each tunnel's peer is known" "$(wc -l <"$tmp/before/wg")" "$flows"
	is "WireGuard: the others keep their sessions" "$(sessions_changed "$tmp/before/wg" "$tmp/after/wg")" ""
}

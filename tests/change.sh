# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For the tests of `plan` and `apply`.  Sourced after lib.sh.
#
# What there is, is asked of ip, wg, nft, ss and /proc in every namespace (state), and two such
# lists are compared word for word: before a mend and after it, or after a change and there anew.

need wireguard-go socat jq nft wg ss

# what a namespace's helper runs: its links as JSON to fd 3, the rest in lines
# shellcheck disable=SC2016 # expanded by that shell
_state_of='
	{ printf "{\"ns\":\"%s\",\"links\":" "$2"; ip -j -d address show; printf "}\n"; } >&3
	ip route show table all | grep -vE "^(multicast|anycast|broadcast|local) |^fe80|^ff00" |
		sed "s/^/route /; s/ \(linkdown\|pref medium\)//g; s/ *$//"
	[ ! -d "/run/warren/$1/wg/$2" ] || mount --bind "/run/warren/$1/wg/$2" /run/wireguard
	wg show all dump 2>/dev/null | awk -F"\t" -v OFS=" " "
		NF == 5 {print \"tunnel\", \$1, \$2, \$3, \$4, \$5}
		NF == 9 {n = split(\$5, a, \",\"); for (i = 1; i <= n; i++) print \"allowed\", \$1, \$2, a[i]
			print \"peer\", \$1, \$2, \$3, \$4, \$9}"
	nft list ruleset | sed "s/packets [0-9]* bytes [0-9]*//; s/^/nft /"
	ss -Hlntu | awk "{print \"socket\", \$1, \$5}"
	cd /proc/sys/net && grep -rs . ipv4/ip_forward ipv4/ip_local_reserved_ports ipv4/tcp_ecn \
		ipv4/conf ipv6/conf | grep -v stable_secret: | sed "s/^/sysctl /"
	for p in $(ip netns pids "$2"); do
		{ read -r c <"/proc/$p/comm"; } 2>/dev/null || continue
		case $c in wireguard-go | socat) echo "process $c $(tr "\0" " " <"/proc/$p/cmdline")" ;; esac
	done
	grep -rs . "/etc/netns/$2" | sed "s/^/file /"
'

# state LAB [NS...]: what is in these namespaces, or in all.  Ports of the kernel's choice are *, and
# endpoints with such a port, which are learnt, (none): these labs have no port above 32767.
state() {
	local lab=$1 ns all=()
	shift
	[ $# -gt 0 ] || mapfile -t all < <(find /run/netns -mindepth 1 -printf '%f\n' | sort)
	: >"$tmp/.links"
	for ns in "$@" "${all[@]}"; do
		ip netns exec "$ns" sh -c "$_state_of" state "$lab" "$ns" 3>>"$tmp/.links" 2>&1 |
			sed -E "s/^/$ns /; s/([: ])(3276[89]|327[7-9][0-9]|32[89][0-9]{2}|3[3-9][0-9]{3}|[456][0-9]{4})( |\$)/\1*\3/
				s/( peer .*) [^ ]+:\* /\1 (none) /" |
			sort
	done
	jq -r '.ns as $ns | .links[] | select(.ifname) | "\($ns) link \(.ifname) " + ({
		up: (.flags | index("UP") != null), mtu, kind: .linkinfo.info_kind, master,
		isolated: .linkinfo.info_slave_data.isolated, alt: .altnames,
		addresses: ([.addr_info[] | select(.scope != "link" or .family == "inet") |
			"\(.local)/\(.prefixlen)"] | sort)} | tostring)' "$tmp/.links" | sort
}

# same NAME LAB FILE: the state is what that file holds; from then on it holds what there is
same() {
	state "$2" >"$tmp/.state"
	is "$1" "$(diff "$3" "$tmp/.state")" ""
	mv "$tmp/.state" "$3"
}

# changes NAME FILE LINES [ARG...]: plan says just these lines, in any order, and has status 1
changes() {
	local name=$1 file=$2 lines=$3 status
	shift 3
	warren plan "$@" "$file" >"$tmp/.plan" 2>&1
	status=$?
	is "$name: the plan" "$(grep '^[-+~] ' "$tmp/.plan" | sort)" "$(sort <<<"$lines")"
	is "$name: status of plan" "$status" 1
}

# settled NAME FILE: plan has nothing left to say
settled() {
	local status
	warren plan "$2" >"$tmp/.plan" 2>&1
	status=$?
	is "$1: the plan is empty then" "$(grep -v '^lab [a-z0-9-]* is as the file says$' "$tmp/.plan")" ""
	is "$1: status of plan then" "$status" 0
}

# programs that a lab has started, by their numbers
pids() { pgrep -x 'wireguard-go|socat' | sort; }

# applied NAME FILE [N]: apply does it, the plan is empty then, and N programs were started (0)
applied() {
	pids >"$tmp/.pids"
	ok "$1: apply" warren apply "$2"
	settled "$1" "$2"
	is "$1: programs started" "$(pids | comm -13 "$tmp/.pids" - | wc -l)" "${3:-0}"
}

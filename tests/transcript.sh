# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The niransix lab's transcript: what a person who follows the guide types and sees.
# Sourced, after lib.sh, by tests/system/niransix.sh (userspace WireGuard, in namespaces)
# and tests/vm/niransix.sh (the kernel's, in a virtual machine).

# the private keys that topologies/niransix.yaml gives
center_key=4LWrasHirJyUrNG2tvcvjWb1YnVQjdeS7ZqVzpJwe2I=
client00_key=UEDC4UmabmflqAhnlP8IcqClGYgiL5MIUmaNg0lKYEQ=

# transcript_pings CLIENT: three of three, each having passed one router on its way back
transcript_pings() {
	local out
	out=$(ns "$1" ping -n -c 3 -i 0.2 -W 5 -I 192.168.1.10 100.64.0.10 2>&1)
	is "$1 pings the centre from 192.168.1.10: three answers with ttl=63" \
		"$(grep -c '^64 bytes from 100\.64\.0\.10: icmp_seq=[123] ttl=63 ' <<<"$out")" 3
}

# transcript_both: both at once, from the same source address to the same target
transcript_both() {
	local client pid pids=()
	for client in vpn-client00 vpn-client01; do
		ns "$client" ping -n -c 5 -i 0.2 -W 5 -I 192.168.1.10 100.64.0.10 >"$tmp/ping.$client" 2>&1 &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	for client in vpn-client00 vpn-client01; do
		like "both at once: $client gets all of its answers" "$(cat "$tmp/ping.$client")" \
			'5 packets transmitted, 5 received'
	done
}

# transcript_tenant TENANT ADDRESS PORT: its namespace, as ip, conntrack and ss see it
transcript_tenant() {
	local t=$1 address=$2 port=$3 out
	out=$(ns "$t" ip -4 address show)
	like "$t: eth-$t-nsB has its address" "$out" \
		"inet ${address//./\\.}/24 (brd 100\.64\.0\.255 )?scope global eth-$t-nsB"
	out=$(ns "$t" ip route show)
	like "$t: the default route leads into its tunnel" "$out" "^default dev wg-$t scope link"
	like "$t: the bridge's prefix is a neighbour" "$out" \
		"^100\.64\.0\.0/24 dev eth-$t-nsB proto kernel scope link src ${address//./\\.}"
	out=$(ns "$t" conntrack -L -p icmp 2>&1)
	like "$t: conntrack shows the inside address and its own" "$out" \
		"src=192\.168\.1\.10 dst=100\.64\.0\.10 type=8 .*src=100\.64\.0\.10 dst=${address//./\\.} type=0"
	is "$t: UDP port $port is bound once in vpn-center" \
		"$(ns vpn-center ss -Hlnu4 "sport = :$port" | wc -l)" 1
	is "$t: and not in its own namespace" "$(ns "$t" ss -Hlnu "sport = :$port")" ""
}

# transcript_wg BACKEND: what wg says, in the tenant and at the client
transcript_wg() {
	local out
	out=$(warren exec niransix c00 -- wg show wg-c00 2>&1)
	like "wg in c00: the gateway's key" "$out" "public key: $(re "$(wg pubkey <<<"$center_key")")"
	like "wg in c00: its peer is vpn-client00" "$out" "^peer: $(re "$(wg pubkey <<<"$client00_key")")"
	like "wg in c00: port 50000" "$out" 'listening port: 50000$'
	like "wg in c00: a handshake took place" "$out" 'latest handshake: '
	like "wg in c00: everything is allowed in the tenant's tunnel" "$out" 'allowed ips: .*0\.0\.0\.0/0'
	out=$(warren exec niransix vpn-client00 -- wg show wg0 2>&1)
	like "wg in vpn-client00: the centre's 100.64.0.0/16" "$out" 'allowed ips: 100\.64\.0\.0/16'
	unlike "wg never shows a private key" "$out" "$(re "$client00_key")"
	[ "$1" = kernel ] || return 0
	like "wg needs no help from warren" "$(ns c00 wg show wg-c00 2>&1)" 'latest handshake: '
	like "ip knows the link as WireGuard's" "$(ns c00 ip -d link show wg-c00)" '^ +wireguard '
	ok "the tunnel never was in the gateway's namespace" \
		test "$(ns vpn-center ip -o link | grep -c ' wg-')" -eq 0
}

# transcript BACKEND FAMILY FILE: all of it; FAMILY is 6 or 4, the endpoints' in FILE
transcript() {
	local backend=$1 family=$2 file=$3 center client00 client01 inside outside out
	case $family in
	6) center=2001:db8::10 client00=2001:db8::20 client01=2001:db8::30 ;;
	4) center=203.0.113.10 client00=203.0.113.20 client01=203.0.113.30 ;;
	esac

	residue_snapshot
	lab_up niransix --backend "$backend" "$file"
	must capture_start vpn-center br-internal "$tmp/inside" ip
	inside=$capture
	must capture_start vpn-center enp0s8 "$tmp/outside" ip or ip6
	outside=$capture

	transcript_pings vpn-client00
	transcript_pings vpn-client01
	transcript_both
	transcript_tenant c00 100.64.0.20 50000
	transcript_tenant c01 100.64.0.30 50001
	transcript_wg "$backend"
	lab_probe niransix
	out=$(warren --json status niransix)
	is "status: the backend of both tunnels" \
		"$(jq -r '.tenants[].wireguard.backend' <<<"$out" | sort -u)" "$backend"
	is "status: both peers with a handshake" \
		"$(jq '[.tenants[].wireguard.peers[] | select(.latest_handshake > 0)] | length' <<<"$out")" 2

	wait_for 5 grep -q '100\.64\.0\.10 > 100\.64\.0\.30: ICMP echo reply' "$tmp/inside"
	capture_stop "$inside"
	capture_stop "$outside"
	like "on the bridge: c00's address asks" "$(cat "$tmp/inside")" \
		'100\.64\.0\.20 > 100\.64\.0\.10: ICMP echo request'
	like "on the bridge: c01's address asks" "$(cat "$tmp/inside")" \
		'100\.64\.0\.30 > 100\.64\.0\.10: ICMP echo request'
	unlike "on the bridge: nobody's inside address" "$(cat "$tmp/inside")" '192\.168\.1\.'
	like "on the underlay: client00's UDP to port 50000" "$(cat "$tmp/outside")" \
		"${client00//./\\.}\.[0-9]+ > ${center//./\\.}\.50000: UDP"
	like "on the underlay: and its answers" "$(cat "$tmp/outside")" \
		"${center//./\\.}\.50000 > ${client00//./\\.}\.[0-9]+: UDP"
	like "on the underlay: client01's UDP to port 50001" "$(cat "$tmp/outside")" \
		"${client01//./\\.}\.[0-9]+ > ${center//./\\.}\.50001: UDP"
	unlike "on the underlay: nothing in the clear" "$(cat "$tmp/outside")" '192\.168\.1\.|100\.64\.0\.|echo'
	lab_down niransix
}

# transcript_file FAMILY: a copy of the topology with endpoints of that family; prints its path
transcript_file() {
	local file=$tmp/niransix-ipv$1.yaml
	if [ "$1" = 4 ]; then
		sed 's/"\[2001:db8::10\]:/"203.0.113.10:/' "$top/topologies/niransix.yaml" >"$file"
	else
		cp "$top/topologies/niransix.yaml" "$file"
	fi
	echo "$file"
}

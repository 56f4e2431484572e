#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# script.sh up|down N            a gateway with N tenants, without tunnels
# script.sh up|down N userspace  the same, each with its tunnel by wireguard-go
# script.sh up|down niransix     topologies/niransix.yaml
#
# The same labs as warren makes, typed as commands the way a lab's author would: every
# line makes one thing, links are born where they live, bridges are raised last.
set -eu

segment() { # NETWORK
	ip netns add bench-networks
	ip -n bench-networks link add "$1" type bridge mcast_snooping 0
}

segment_up() {
	ip -n bench-networks link set "$1" addrgenmode none up
}

host() { # NAME
	ip netns add "$1"
	ip -n "$1" link set lo up
}

attach() { # HOST INTERFACE NETWORK PORT ADDRESS...
	local host=$1 dev=$2 network=$3 port=$4 address
	shift 4
	ip -n bench-networks link add "$port" type veth peer name "$dev" netns "$host"
	ip -n bench-networks link set "$port" master "$network" addrgenmode none up
	for address; do
		case $address in
		*:*) ip -n "$host" address add "$address" dev "$dev" nodad ;;
		*) ip -n "$host" address add "$address" brd + dev "$dev" ;;
		esac
	done
	ip -n "$host" link set "$dev" up
}

host_bridge() { # HOST NAME ADDRESS
	ip -n "$1" link add "$2" type bridge mcast_snooping 0
	ip -n "$1" address add "$3" brd + dev "$2"
}

tenant_rules() { # TENANT ADDRESS
	ip netns exec "$1" nft -f - <<-RULES
		table inet warren {
			comment "lab"
			chain forward {
				type filter hook forward priority filter; policy drop;
				tcp flags syn / syn,rst tcp option maxseg size set rt mtu
				ct state invalid counter drop
				ct state established,related accept
				iifname "wg-$1" oifname "eth-$1-nsB" meta nfproto ipv4 accept
				iifname "wg-$1" oifname "wg-$1" accept
				counter drop
			}
			chain input {
				type filter hook input priority filter; policy accept;
				iifname "eth-$1-nsB" ct state new meta l4proto { tcp, udp } counter drop
			}
			chain postrouting {
				type nat hook postrouting priority srcnat; policy accept;
				iifname "wg-$1" oifname "eth-$1-nsB" meta nfproto ipv4 counter snat ip to $2
			}
		}
	RULES
}

tenant() { # GATEWAY BRIDGE TENANT ADDRESS/LEN
	ip netns add "$3"
	ip -n "$3" link set lo up
	ip netns exec "$3" sysctl -qw net.ipv4.ip_forward=1
	ip -n "$1" link add "eth-$3-nsA" type veth peer name "eth-$3-nsB" netns "$3"
	ip -n "$1" link property add dev "eth-$3-nsA" altname "eth-$3-nsA.$lab.warren"
	ip -n "$1" link set "eth-$3-nsA" master "$2" addrgenmode none up
	ip -n "$1" link set "eth-$3-nsA" type bridge_slave isolated on
	tenant_rules "$3" "${4%/*}"
	ip -n "$3" address add "$4" brd + dev "eth-$3-nsB"
	ip -n "$3" link property add dev "eth-$3-nsB" altname "eth-$3-nsB.$lab.warren"
	ip -n "$3" link set "eth-$3-nsB" addrgenmode none up
}

# The UDP socket stays where the tunnel is made, its interface moves to its home.  The name of
# its control socket is one for the whole machine, and wireguard-go does not wait until it is there.
tunnel() { # BIRTH HOME INTERFACE WG-SET-ARGUMENTS...
	local birth=$1 home=$2 dev=$3 made=$3
	shift 3
	[ "$birth" != "$home" ] || made=w-$home
	ip netns exec "$birth" wireguard-go "$made" >/dev/null 2>&1
	until [ -S "/run/wireguard/$made.sock" ]; do
		read -rt 0.001 -u "$never" || :
	done
	ip netns exec "$birth" wg set "$made" "$@"
	if [ "$birth" != "$home" ]; then
		ip -n "$birth" link set "$made" netns "$home"
	else
		ip -n "$home" link set "$made" name "$dev"
	fi
	ip -n "$home" link set "$dev" up
}

tenants_up() { # N [userspace]
	local i name last=0
	segment underlay
	host gateway
	attach gateway eth0 underlay gateway.eth0 203.0.113.10/24
	host_bridge gateway br-internal 100.64.255.1/16
	[ $# -eq 1 ] || (umask 077; wg genkey >/run/bench-key)
	for ((i = 1; i <= $1; i++)); do
		printf -v name t%04d "$i"
		tenant gateway br-internal "$name" "100.64.$((i / 256)).$((i % 256))/16"
		if [ $# -eq 2 ]; then
			tunnel gateway "$name" "wg-$name" \
				listen-port $((51820 + last)) private-key /run/bench-key
			ip -n "$name" route add default dev "wg-$name"
			last=$((last + 1))
		fi
	done
	ip -n gateway link set br-internal addrgenmode none up
	segment_up underlay
}

tenants_down() { # N
	local i name
	for ((i = $1; i > 0; i--)); do
		printf -v name t%04d "$i"
		ip netns delete "$name"
	done
	ip netns delete gateway
	ip netns delete bench-networks
	rm -f /run/bench-key
}

client() { # HOST NUMBER PRIVATE_KEY GATEWAY_KEY
	host "$1"
	ip netns exec "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	attach "$1" enp0s8 internet "p$2" "2001:db8::$((2 + $2 - 1))0/64" "203.0.113.$((2 + $2 - 1))0/24"
	host_bridge "$1" "br-client0$(($2 - 1))" 192.168.1.10/24
	tunnel "$1" "$1" wg0 private-key <(echo "$3") peer "$4" allowed-ips 100.64.0.0/16 \
		endpoint "[2001:db8::10]:$((50000 + $2 - 1))"
	ip -n "$1" route add 100.64.0.0/16 dev wg0
	ip -n "$1" link set "br-client0$(($2 - 1))" up
}

niransix_up() {
	local gateway_key=4LWrasHirJyUrNG2tvcvjWb1YnVQjdeS7ZqVzpJwe2I=
	local client0_key=UEDC4UmabmflqAhnlP8IcqClGYgiL5MIUmaNg0lKYEQ=
	local client1_key=IN2MiCeFWt3RR9u1R4vdaQAVPzHBTZ4N7rA4WtUagWI=
	local i public=() gateway_public
	gateway_public=$(wg pubkey <<<"$gateway_key")
	public=("$(wg pubkey <<<"$client0_key")" "$(wg pubkey <<<"$client1_key")")
	segment internet
	host vpn-center
	attach vpn-center enp0s8 internet p0 2001:db8::10/64 203.0.113.10/24
	host_bridge vpn-center br-internal 100.64.0.10/24
	for i in 0 1; do
		tenant vpn-center br-internal "c0$i" "100.64.0.$((i + 2))0/24"
		tunnel vpn-center "c0$i" "wg-c0$i" private-key <(echo "$gateway_key") \
			listen-port $((50000 + i)) peer "${public[i]}" allowed-ips 0.0.0.0/0,::/0
		ip -n "c0$i" route add default dev "wg-c0$i"
	done
	ip -n vpn-center link set br-internal up
	client vpn-client00 1 "$client0_key" "$gateway_public"
	client vpn-client01 2 "$client1_key" "$gateway_public"
	segment_up internet
}

niransix_down() {
	local name
	# a namespace does not go while a wireguard-go runs in it
	ip -n vpn-client00 link delete wg0
	ip -n vpn-client01 link delete wg0
	for name in vpn-client01 vpn-client00 c01 c00 vpn-center bench-networks; do
		ip netns delete "$name"
	done
}

exec {never}<> <(:)
# the lab's name, in the links' alternative names
[ "${2-}" = niransix ] && lab=niransix || lab=bench
case ${1-}:${2-} in
up:niransix) niransix_up ;;
down:niransix) niransix_down ;;
up:[0-9]*) tenants_up "$2" ${3+"$3"} ;;
down:[0-9]*) tenants_down "$2" ;;
*)
	echo "usage: script.sh up|down N [userspace] | niransix" >&2
	exit 2
	;;
esac

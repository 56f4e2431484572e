#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# script.sh up|down N            a gateway with N tenants, without tunnels
# script.sh up|down N userspace  the same, each with its tunnel by wireguard-go
# script.sh up|down N kernel     the same, each with its tunnel by the kernel
# script.sh up|down N clients    by wireguard-go, and N clients at the other ends
# script.sh up|down N links      without tunnels, and N clients on the underlay
# script.sh up|down N routers    N homes behind a router with NAPT each, and a server
# script.sh up|down niransix     topologies/niransix.yaml
#
# The same labs as warren makes, typed as commands the way a lab's author would: every
# line makes one thing, links are born where they live, bridges are raised last.
set -eu

segment() { # NETWORK
	[ -e /run/netns/bench-networks ] || ip netns add bench-networks
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
	# shellcheck disable=SC2086 # or nothing
	ip netns exec "$birth" ${apart-} wireguard-go "$made" >/dev/null 2>&1
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

# the kernel's: its UDP socket stays where it is made as well
kernel_tunnel() { # BIRTH HOME INTERFACE PRIVATE-KEY-FILE PORT
	ip -n "$1" link add "$3" type wireguard
	printf '[Interface]\nPrivateKey = %s\nListenPort = %s\n' "$(<"$4")" "$5" >/run/bench-wg
	ip netns exec "$1" wg setconf "$3" /run/bench-wg
	ip -n "$1" link set "$3" netns "$2"
	ip -n "$2" link property add dev "$3" altname "$3.$lab.warren"
	ip -n "$2" link set "$3" mtu 1420 up
}

tenants_up() { # N [userspace|kernel|clients|links]
	local i name with=${2-} last=0 peer=()
	segment underlay
	host gateway
	attach gateway eth0 underlay gateway.eth0 203.0.113.10/24
	host_bridge gateway br-internal 100.64.255.1/16
	case $with in userspace | kernel | clients) (umask 077; : >/run/bench-wg; wg genkey >/run/bench-key) ;; esac
	if [ "$with" = clients ]; then
		apart=setsid # as services have it: the scheduler shares the CPUs out by session (autogroup)
		(umask 077; wg genkey >/run/bench-client-key)
		peer=(peer "$(wg pubkey </run/bench-client-key)" allowed-ips "0.0.0.0/0,::/0")
	fi
	for ((i = 1; i <= $1; i++)); do
		printf -v name t%04d "$i"
		tenant gateway br-internal "$name" "100.64.$((i / 256)).$((i % 256))/16"
		case $with in
		userspace | clients)
			tunnel gateway "$name" "wg-$name" listen-port $((51820 + last)) \
				private-key /run/bench-key ${peer[@]+"${peer[@]}"}
			;;
		kernel) kernel_tunnel gateway "$name" "wg-$name" /run/bench-key $((51820 + last)) ;;
		*) continue ;;
		esac
		ip -n "$name" route add default dev "wg-$name"
		last=$((last + 1))
	done
	case $with in clients | links) for ((i = 1; i <= $1; i++)); do tenant_client $i "$with"; done ;; esac
	ip -n gateway link set br-internal addrgenmode none up
	segment_up underlay
}

# all have the same address
tenant_client() { # NUMBER clients|links
	local name port
	printf -v name client%04d "$1"
	host "$name"
	attach "$name" eth0 underlay "$name.eth0" "203.0.113.$((100 + $1))/24"
	[ "$2" = clients ] || return 0
	port=$((51820 + $1 - 1))
	tunnel "$name" "$name" wg0 private-key /run/bench-client-key peer "$(wg pubkey </run/bench-key)" \
		allowed-ips 100.64.0.0/16 endpoint "203.0.113.10:$port"
	ip -n "$name" address add 192.168.1.10/32 dev wg0
	ip -n "$name" route add 100.64.0.0/16 dev wg0
}

tenants_down() { # N [userspace|kernel|clients|links]
	local i name
	for ((i = $1; i > 0; i--)); do
		printf -v name t%04d "$i"
		ip netns delete "$name"
		case ${2-} in
		clients) ip -n "client${name#t}" link delete wg0 ;;&
		clients | links) ip netns delete "client${name#t}" ;;
		esac
	done
	ip netns delete gateway
	ip netns delete bench-networks
	rm -f /run/bench-key /run/bench-client-key /run/bench-wg
}

router_rules() { # ROUTER ADDRESS
	ip netns exec "$1" nft -f - <<-RULES
		table inet warren {
			comment "lab"
			chain forward {
				type filter hook forward priority filter; policy accept;
				oifname "wan" tcp flags syn / syn,rst tcp option maxseg size set rt mtu
				iifname "wan" tcp flags syn / syn,rst tcp option maxseg size set rt mtu
				oifname "wan" ip saddr 192.168.1.0/24 ct state invalid counter drop
				iifname "wan" ip daddr 192.168.1.0/24 ct state new counter drop
			}
			chain postrouting {
				type nat hook postrouting priority srcnat; policy accept;
				oifname "wan" ip saddr 192.168.1.0/24 counter snat ip to $2
			}
		}
	RULES
}

routers_up() { # N
	local i number
	segment internal
	host server
	attach server eth0 internal server.eth0 100.64.255.1/16
	for ((i = 1; i <= $1; i++)); do
		printf -v number %04d "$i"
		segment "lan$number"
		host "r$number"
		ip netns exec "r$number" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
		router_rules "r$number" "100.64.0.$i"
		attach "r$number" lan "lan$number" "r$number.lan" 192.168.1.1/24
		attach "r$number" wan internal "r$number.wan" "100.64.0.$i/16"
		host "client$number"
		attach "client$number" eth0 "lan$number" "c$number.eth0" 192.168.1.10/24
		ip -n "client$number" route add default via 192.168.1.1
		segment_up "lan$number"
	done
	segment_up internal
}

routers_down() { # N
	local i number
	for ((i = $1; i > 0; i--)); do
		printf -v number %04d "$i"
		ip netns delete "client$number"
		ip netns delete "r$number"
	done
	ip netns delete server
	ip netns delete bench-networks
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
up:[0-9]*)
	if [ "${3-}" = routers ]; then routers_up "$2"; else tenants_up "$2" ${3+"$3"}; fi
	;;
down:[0-9]*)
	if [ "${3-}" = routers ]; then routers_down "$2"; else tenants_down "$2" ${3+"$3"}; fi
	;;
*)
	echo "usage: script.sh up|down N [userspace|kernel|clients|links|routers] | niransix" >&2
	exit 2
	;;
esac

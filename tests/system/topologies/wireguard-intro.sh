#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# topologies/wireguard-intro.yaml: a road warrior, forwarding and proxy ARP
. "$(dirname "$(realpath "$0")")/../../lib.sh"
need wireguard-go jq tcpdump conntrack wg

residue_snapshot
lab_up wireguard-intro --backend userspace "$top/topologies/wireguard-intro.yaml"
lab_probe wireguard-intro

# the server answers by way of internal's MAC address, with no route
is "the server has its own segment and no other route" "$(ns server ip -4 route show | wc -l)" 1
must capture_start server lan "$tmp/arp" arp
ns server ip neigh flush dev lan
out=$(ns server ping -n -c 2 -i 0.2 -W 5 192.168.1.201)
like "the server pings the road warrior" "$out" '2 packets transmitted, 2 received'
like "one router lies between" "$out" 'from 192\.168\.1\.201: icmp_seq=. ttl=63 '
mac=$(ns internal cat /sys/class/net/lan/address)
wait_for 5 grep -q "192\.168\.1\.201 is-at $mac" "$tmp/arp"
capture_stop "$capture"
like "internal answered ARP for it" "$(cat "$tmp/arp")" "Reply 192\.168\.1\.201 is-at $mac"
like "and the server believes it" "$(ns server ip neigh show 192.168.1.201)" "lladdr $mac"

# outside there is nothing but UDP to port 51820
must capture_start external outside "$tmp/outside" ip
out=$(ns external ping -n -c 2 -i 0.2 -W 5 192.168.1.10)
like "the road warrior pings the server" "$out" '2 packets transmitted, 2 received'
wait_for 5 grep -q '192\.168\.2\.254\.51820 > 192\.168\.2\.1\.' "$tmp/outside"
capture_stop "$capture"
like "outside: UDP between the two" "$(cat "$tmp/outside")" \
	'192\.168\.2\.1\.[0-9]+ > 192\.168\.2\.254\.51820: UDP'
unlike "outside: nothing in the clear" "$(cat "$tmp/outside")" '192\.168\.1\.|ICMP'

out=$(warren exec wireguard-intro internal -- wg show wg0)
like "wg: allowed is the road warrior's address alone" "$out" 'allowed ips: 192\.168\.1\.201/32$'
like "wg: its endpoint was learnt" "$out" 'endpoint: 192\.168\.2\.1:[0-9]+$'
like "the allowed IPs became a route" "$(ns external ip route show)" '^192\.168\.1\.0/24 dev wg0 '

# keys that the file does not give are made once and kept
key=$(warren exec wireguard-intro internal -- wg show wg0 public-key)
lab_down wireguard-intro
lab_up wireguard-intro --backend userspace "$top/topologies/wireguard-intro.yaml"
is "the made key is the same in the next run" \
	"$(warren exec wireguard-intro internal -- wg show wg0 public-key)" "$key"
is "kept keys are for their owner only" \
	"$(find /var/lib/warren -type f ! -perm 600 -printf '%p %m\n')" ""
lab_down wireguard-intro

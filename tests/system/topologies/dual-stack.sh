#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# topologies/dual-stack.yaml: IPv4 and IPv6 in one tunnel, NAPT and NAPT66
. "$(dirname "$(realpath "$0")")/../../lib.sh"
need wireguard-go jq tcpdump conntrack wg

residue_snapshot
lab_up dual-stack --backend userspace "$top/topologies/dual-stack.yaml"
lab_probe dual-stack

must capture_start center br-internal "$tmp/inside" icmp or icmp6
inside=$capture
must capture_start center wan "$tmp/outside"
for home in home00 home01; do
	like "$home: IPv4" "$(ns $home ping -n -c 3 -i 0.2 -W 5 -I 192.168.1.10 100.64.0.10)" \
		'icmp_seq=3 ttl=63 '
	like "$home: IPv6" "$(ns $home ping -n -c 3 -i 0.2 -W 5 -I fd00:1::10 2001:db8:64::10)" \
		'icmp_seq=3 ttl=63 '
done
wait_for 5 grep -q '2001:db8:64::10 > 2001:db8:64::30: ICMP6, echo reply.* seq 3' "$tmp/inside"
capture_stop "$inside"
capture_stop "$capture"
for address in 2001:db8:64::20 2001:db8:64::30; do
	like "on the bridge: $address asks" "$(cat "$tmp/inside")" \
		"IP6 $address > 2001:db8:64::10: ICMP6, echo request"
done
for address in 100.64.0.20 100.64.0.30; do
	like "on the bridge: $address asks" "$(cat "$tmp/inside")" "IP $address > 100\.64\.0\.10: ICMP echo request"
done
unlike "on the bridge: no inside address" "$(cat "$tmp/inside")" 'fd00:1::|192\.168\.'
unlike "on the underlay: no IPv4, and nothing of the inside" "$(cat "$tmp/outside")" ' IP |fd00:1::|:64::'

like "c00: conntrack of NAPT66" "$(ns c00 conntrack -L -f ipv6 2>/dev/null)" \
	'src=fd00:1::10 dst=2001:db8:64::10 type=128 .*src=2001:db8:64::10 dst=2001:db8:64::20 type=129'
like "c00: both default routes lead into the tunnel" \
	"$(ns c00 ip route show default; ns c00 ip -6 route show default)" '^default dev wg-c00'
is "c00: one for each family" \
	"$({ ns c00 ip -4 route show default; ns c00 ip -6 route show default; } | grep -c '^default dev wg-c00')" 2
lab_down dual-stack

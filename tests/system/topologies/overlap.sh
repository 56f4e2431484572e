#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# topologies/overlap.yaml: ten customers with one and the same LAN
. "$(dirname "$(realpath "$0")")/../../lib.sh"
need wireguard-go jq tcpdump conntrack wg
need socat

residue_snapshot
lab_up overlap --backend userspace "$top/topologies/overlap.yaml"
lab_probe overlap
is "status: ten tenants" "$(warren --json status overlap | jq '.tenants | length')" 10

# all ten at once from one and the same address; each arrives with an address of its own
must capture_start center br-service "$tmp/service" icmp
pids=()
for i in {0..9}; do
	ns "customer0$i" ping -n -c 3 -i 0.2 -W 5 -I 192.168.1.10 10.64.0.1 >"$tmp/ping.$i" 2>&1 &
	pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid"; done
is "ten at once: every ping is answered" "$(grep -l '3 packets transmitted, 3 received' "$tmp"/ping.? | wc -l)" 10
for i in {0..9}; do wait_for 5 grep -q "10\.64\.0\.1 > 10\.64\.0\.10$i: ICMP echo reply" "$tmp/service"; done
capture_stop "$capture"
is "on the service network: ten askers" \
	"$(sed -n 's/.* IP \([0-9.]*\) > 10\.64\.0\.1: ICMP echo request.*/\1/p' "$tmp/service" | sort -u | tr '\n' ' ')" \
	"$(printf '10.64.0.10%d ' {0..9})"
unlike "on the service network: no inside address" "$(cat "$tmp/service")" '192\.168\.'

for i in 0 9; do
	like "c0$i: conntrack joins the inside address with its own" "$(ns "c0$i" conntrack -L -p icmp 2>/dev/null)" \
		"src=192\.168\.1\.10 dst=10\.64\.0\.1 .*src=10\.64\.0\.1 dst=10\.64\.0\.10$i "
	like "c0$i: wg has the customer's endpoint" "$(warren exec overlap "c0$i" -- wg show "wg-c0$i" endpoints)" \
		"203\.0\.113\.10$i:[0-9]+$"
done

# the service sees who speaks: socat echoes what it gets
answer=$(ns customer07 bash -c 'exec 3<>/dev/tcp/10.64.0.1/8080 && echo hello >&3 && read -rt 5 x <&3 && echo "$x"')
is "a customer speaks with the service" "$answer" hello
like "c07: the session, by TCP" "$(ns c07 conntrack -L -p tcp 2>/dev/null)" \
	'dst=10\.64\.0\.1 sport=[0-9]+ dport=8080 src=10\.64\.0\.1 dst=10\.64\.0\.107 '

# a packet that wants in from the service network stays out, also with the right address
must capture_start c03 wg-c03 "$tmp/inward" icmp and src host 10.64.0.1
ns center ip route add 192.168.1.0/24 via 10.64.0.103
ns center ping -n -c 2 -i 0.2 -W 1 192.168.1.10 >"$tmp/ping.in" 2>&1
ns center ip route del 192.168.1.0/24
capture_stop "$capture"
is "nothing unsolicited enters a tunnel" "$(grep -c ICMP "$tmp/inward")" 0
lab_down overlap

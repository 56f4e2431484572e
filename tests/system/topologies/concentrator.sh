#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# topologies/concentrator.yaml: the thousand as a file, fifty of them up
. "$(dirname "$(realpath "$0")")/../../lib.sh"
need wireguard-go jq tcpdump conntrack wg

file=$top/topologies/concentrator.yaml
ok "the file fits on 40 lines" test "$(wc -l <"$file")" -le 40
run_status 0 warren validate "$file"

small=$tmp/concentrator.yaml
sed 's/1000}/0050}/' "$file" >"$small"
residue_snapshot
lab_up concentrator --backend userspace "$small"
status=$(warren --json status concentrator)
is "fifty tenants" "$(jq '.tenants | length' <<<"$status")" 50
is "ports from the pool, each once" "$(jq -r '.tenants[].listen_port' <<<"$status" | sort -nu | sed -n '1p;$p' | tr '\n' ' ')" "50000 50049 "
is "addresses from the pool, each once" "$(jq -r '.tenants[].napt_addresses[]' <<<"$status" | sort -u | wc -l)" 50
lab_probe concentrator

is "in the gateway: fifty UDP ports" "$(ns gw ss -Hlnu4 'sport >= 50000 and sport <= 51999' | wc -l)" 50
is "in the gateway: fifty ports on the bridge" "$(ns gw ip -o link show master br-service | wc -l)" 50
for t in t0001 t0050; do
	like "$t: conntrack" "$(ns $t conntrack -L -p icmp 2>/dev/null)" 'src=192\.168\.1\.10 dst=100\.64\.0\.1 '
	like "$t: its route" "$(ns $t ip route show)" "^default dev wg-$t scope link"
done
like "the last client, by ping" "$(ns client0050 ping -n -c 3 -i 0.2 -W 5 -I 192.168.1.10 100.64.0.1)" \
	'icmp_seq=3 ttl=63 '
lab_down concentrator

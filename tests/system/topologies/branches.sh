#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# topologies/branches: a head office and its branches, a file for each
. "$(dirname "$(realpath "$0")")/../../lib.sh"
need wireguard-go jq tcpdump conntrack wg

folder=$top/topologies/branches
residue_snapshot
lab_up branches --backend userspace "$folder"
lab_probe branches
status=$(warren --json status branches)
is "status: a tenant for each file" "$(jq -r '.tenants[].name' <<<"$status")" "$(cd "$folder/tenants.d" && printf '%s\n' * | sed 's/\.yaml$//')"
is "status: the folder" "$(jq -r .file <<<"$status")" "$folder"
porto=$(jq -r '.tenants[2].napt_addresses[0] | split("/")[0]' <<<"$status")
port=$(jq -r '.tenants[2].listen_port' <<<"$status")
is "in the office: the ports of the files, and one of the pool" \
	"$(ns office ss -Hlnu4 | awk '{print $4}' | sed 's/.*://' | sort -u | tr '\n' ' ')" "50011 50012 $port "
ok "the pool's port" test "$port" -ge 51000 -a "$port" -le 51999

must capture_start office br-stock "$tmp/stock" icmp
for till in berlin lyon porto; do
	like "till-$till, by ping" \
		"$(ns till-$till ping -n -c 3 -i 0.2 -W 5 -I 192.168.1.10 10.64.0.1)" 'icmp_seq=3 ttl=63 '
done
for a in 10.64.0.11 10.64.0.12 "$porto"; do
	wait_for 5 grep -q "10\.64\.0\.1 > $a: ICMP echo reply" "$tmp/stock"
done
capture_stop "$capture"
is "at the stock: each branch has an address of its own" \
	"$(sed -n 's/.* IP \([0-9.]*\) > 10\.64\.0\.1: ICMP echo request.*/\1/p' "$tmp/stock" | sort -u)" \
	"$(printf '%s\n' 10.64.0.11 10.64.0.12 "$porto" | sort)"
like "berlin: conntrack" "$(ns berlin conntrack -L -p icmp 2>/dev/null)" \
	'src=192\.168\.1\.10 dst=10\.64\.0\.1 .*src=10\.64\.0\.1 dst=10\.64\.0\.11 '

# the folder stands for the lab wherever the file of one does
is "up again" "$(warren up "$folder/")" "lab branches is up already, and unchanged"
is "exec by the folder" "$(warren exec "$folder" berlin -- ip -br link show wg-berlin | cut -d' ' -f1)" wg-berlin
is "a copy of the folder is the same lab" "$(cp -r "$folder" "$tmp/copy" && warren up "$tmp/copy")" \
	"lab branches is up already, and unchanged"

# a branch opens: nobody else moves
others() { warren validate --expand "$1" | sed -n '/ tenants:/,/^  [^ ]/p' | grep -vE '^ {8}aachen:$' | grep -A4 -E '^ {8}(berlin|lyon|porto):$'; }
cat >"$tmp/copy/tenants.d/aachen.yaml" <<<'aachen: {}'
run_status 3 warren up "$tmp/copy"
like "with another branch it is another lab" "$(cat "$tmp/err")" 'is up, made from another file'
is "the others have what they had" "$(others "$tmp/copy")" "$(others "$folder")"
run_status 1 warren plan "$tmp/copy"
is "the plan: one tenant more" "$(grep tenant "$tmp/out")" "+ tenant aachen"
before=$(for t in berlin lyon porto; do ip -n $t -o link; done)
ok "apply" warren apply "$tmp/copy"
is "the others' interfaces are the same" "$(for t in berlin lyon porto; do ip -n $t -o link; done)" "$before"
like "and the new one is there" "$(ip -n aachen -br link)" '^wg-aachen '
run_status 0 warren plan "$tmp/copy"
lab_probe branches
rm "$tmp/copy/tenants.d/aachen.yaml"
ok "apply, without its file" warren apply "$tmp/copy"
fails "it is gone" ip netns exec aachen true
run_status 0 warren plan "$folder"

cd "$top/topologies" || exit
is "where a lab and a folder have one name the lab is meant" "$(warren graph branches)" \
	"$(warren graph ./branches)"
mkdir -p "$tmp/elsewhere/branches"
cd "$tmp/elsewhere" || exit
like "also where the folder is no topology" "$(warren status branches)" '^lab branches is up'
ok "down by the folder" warren down "$folder"
residue_check "down by the folder leaves nothing"
run_status 1 warren down branches
like "a folder that is no topology is no lab" "$(cat "$tmp/err")" 'lab branches is not up'
cd "$top/topologies" || exit
lab_up branches --backend none branches
lab_down branches

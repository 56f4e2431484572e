#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A lab whose record was lost is taken up again: what carries its marks is its own, what does
# not is left alone, what is missing is mended, and down leaves nothing.
. "$(dirname "$(realpath "$0")")/../lib.sh"
. "$top/tests/crash.sh"
need wireguard-go socat jq

residue_snapshot
lab_up small --backend userspace "$small"
run_status 3 warren adopt "$small"
like "a lab with a record is not adopted" "$(cat "$tmp/err")" 'has a record'
before=$(ip netns list | sort)
pids=$(pgrep -x wireguard-go | sort)

# --- record lost, sockets of the tunnels still there -----------------------------------------
find /run/warren/small -maxdepth 1 -type f -delete
run_status 3 warren up "$small"
like "up says what can be done" "$(cat "$tmp/err")" 'warren adopt'
run_status 0 warren adopt "$small"
like "adopted" "$(cat "$tmp/out")" '^lab small adopted: 4 namespaces, [34] processes'
run_status 0 warren plan "$small"
is "nothing was made or ended" "$(ip netns list | sort)" "$before"
is "the tunnels' processes are the same" "$(pgrep -x wireguard-go | sort)" "$pids"
run_status 0 warren status small
sed -i 's/50000/50007/' "$small"
ok "it can be changed" warren apply "$small"
is "it is" "$(warren --json status small | jq '.tenants[0].listen_port')" 50007
lab_down small

# --- the whole of /run/warren lost, and some of the lab as well ------------------------------
lab_up small --backend userspace "$small"
rm -r /run/warren/small
ip netns del t0
ip netns add t0
run_status 0 warren adopt "$small"
like "what has no mark is somebody else's" "$(cat "$tmp/err")" 'namespace t0 is there, without a mark'
run_status 3 warren apply "$small"
like "and in the way" "$(cat "$tmp/err")" 'namespace t0 is there already, and is not this lab'
ip netns del t0
ok "mended" warren apply "$small"
run_status 0 warren plan "$small"
ok "it works" wait_for 20 ns router ping -c 1 -W 1 -I 192.168.1.1 10.0.0.1
lab_down small

# --- nothing there ------------------------------------------------------------------------------
run_status 1 warren adopt "$small"
like "says so" "$(cat "$tmp/err")" 'nothing of lab small is there'
residue_check

# --- host mode ------------------------------------------------------------------------------------
ip link add wan type veth peer name cable
ip link set cable up
residue_snapshot
sed -i '/^    run:/,/^        ready:/d' "$small"
lab_up small --host centre --backend none "$small"
rm -r /run/warren/small
run_status 0 warren adopt --host centre "$small"
warren plan "$small" >"$tmp/plan"
like "the plan has what carries no mark" "$(cat "$tmp/plan")" 'as the file says'
ok "down: what carries a mark" warren down small
fails "the bridge is gone" ip link show br
like "the address of the machine itself stays" "$(ip -4 address show wan)" '203\.0\.113\.1/24'
ip address flush dev wan
ip link set wan down
residue_check "and nothing else"
ip link del wan

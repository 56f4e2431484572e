#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The niransix lab on three machines, each of which runs `warren up --host NAME`, with the
# kernel's WireGuard: what Vagrant makes of it, without Vagrant.  On this side the script starts
# the machines (three-vms.sh without arguments, called by tests/vm/check); inside it plays the
# host that it is given.
here=$(dirname "$(realpath "$0")")
tree=$(dirname "$(dirname "$here")")

# --- on this side ------------------------------------------------------------------------
if [ $# -eq 0 ]; then
	set -u
	wires=$(mktemp -d) || exit 1
	pids=()
	trap 'kill "${pids[@]}" 2>/dev/null; wait; rm -rf "$wires"' EXIT
	WARREN=$(realpath -m "${WARREN:-$tree/warren}")

	# start HOST QEMU-ARGUMENTS: its output goes to a file
	start() {
		VM_QEMU="$2 -device virtio-net-pci,netdev=card,romfile=,mac=02:00:00:00:00:$3" \
			"$here/run-in-vm" "$WARREN" "$tree/tests" "$tree/topologies" -- \
			env WARREN="$WARREN" WARREN_SANDBOX=vm TEST_TMP=/srv bash "$here/three-vms.sh" "$1" \
			>"$wires/$1" 2>&1 &
		pids+=($!)
	}
	# the centre's machine has the hub that the two others are plugged into
	hub="-netdev hubport,id=card,hubid=0"
	for i in 0 1; do
		hub+=" -netdev stream,id=wire$i,server=on,addr.type=unix,addr.path=$wires/$i.sock"
		hub+=" -netdev hubport,id=port$i,hubid=0,netdev=wire$i"
	done
	start vpn-center "$hub" 10
	mkfifo "$wires/never"
	exec {never}<>"$wires/never"
	for _ in {1..600}; do
		[ -S "$wires/0.sock" ] && [ -S "$wires/1.sock" ] && break
		read -rt 0.05 -u "$never"
	done
	for i in 0 1; do
		start "vpn-client0$i" "-netdev stream,id=card,server=off,addr.type=unix,addr.path=$wires/$i.sock" 2$i
	done
	status=0
	for pid in "${pids[@]}"; do wait "$pid" || status=1; done
	pids=()
	cat "$wires"/vpn-*
	exit $status
fi

# --- inside ------------------------------------------------------------------------------
. "$here/../lib.sh"
host=$1
file=$top/topologies/niransix.yaml
must ip link set eth0 name enp0s8
residue_snapshot
lab_up niransix --host "$host" --backend kernel "$file"

answers() { ping -n -c 1 -W 1 "$@"; }
gone() { ! answers "$1"; }
seen() { # TENANT ADDRESS
	ns "$1" conntrack -L -p icmp 2>/dev/null |
		grep -q "src=192\.168\.1\.10 dst=100\.64\.0\.10 type=8 .*dst=$2 type=0"
}

case $host in
vpn-center)
	ok "c00: conntrack joins the first home's address with its own" wait_for 60 seen c00 100.64.0.20
	ok "c01: and the second home's, which is the same" wait_for 60 seen c01 100.64.0.30
	is "both UDP ports are bound on the machine" "$(ss -Hlnu4 'sport = :50000 or sport = :50001' | wc -l)" 2
	like "c00: its peer speaks from the other machine" "$(ns c00 wg show wg-c00 endpoints)" '\[2001:db8::20\]:'
	like "c01: and so does its" "$(ns c01 wg show wg-c01 endpoints)" '\[2001:db8::30\]:'
	# the clients' machines end when they have seen enough
	ok "the first client's machine has ended" wait_for 100 gone 203.0.113.20
	ok "the second client's machine has ended" wait_for 100 gone 203.0.113.30
	;;
*)
	ok "$host: the tunnel comes up" wait_for 60 answers -I 192.168.1.10 100.64.0.10
	like "$host pings the centre" "$(ping -n -c 3 -i 0.2 -W 5 -I 192.168.1.10 100.64.0.10)" \
		'icmp_seq=3 ttl=63 '
	like "$host: wg has a handshake" "$(wg show wg0)" 'latest handshake: '
	ok "$host: its own checks come out as expected" warren probe niransix
	;;
esac
lab_down niransix

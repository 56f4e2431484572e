#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `apply` where the host is this machine (up --host): killed at every single instant, and failing at
# some.  The next apply finishes, and `down` puts the machine back.
. "$(dirname "$(realpath "$0")")/../../lib.sh"
. "$top/tests/crash.sh"
. "$top/tests/crash_apply.sh"
need socat nft jq

begin none # the keys are made: in host mode those of the others must be known
must ip link add wan type bridge
must ip link set wan up
must ip address add 203.0.113.77/24 dev wan
must sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0 net.ipv4.conf.all.rp_filter=2

# here: what the machine has
here() {
	sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding net.ipv4.conf.all.rp_filter
	grep -s . /proc/sys/net/ipv4/conf/{lan,wan}/proxy_arp
	ip -o link | sed -E 's/^[0-9]+: ([^:@]+).*[<,]UP[,>].*/\1 up/; s/^[0-9]+: ([^:@]+).*/\1 down/' | sort
	ip -o -4 address | awk '{ print $2, $4 }' | sort
	ip route show table all type unicast | sed 's/ linkdown//' | sort
	nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*//'
}

# is_as FILE: it is as after this file was made from nothing
is_as() { here | diff "$1.here" -; }

# on_host HOST KIND N: killed at point N of apply, or that fails; applied once more at each fourth; taken down
on_host() {
	local status wanted=137 wrong=0
	[ "$2" = kill ] || wanted=4
	warren -q up --backend none --host "$1" "$old" || return 1
	fault "$2@$3" apply "$new" 2>"$tmp/err"
	status=$?
	cat "$tmp/err"
	[ $status -ne 0 ] || { through=1; wanted=0; }
	expect $wanted $status apply || wrong=1
	wait_for 2 at_most_one_half "$old" "$new" || { at_most_one_half "$old" "$new"; wrong=1; }
	if [ $(($3 % 4)) -eq 0 ] || [ -n "$through" ]; then
		warren apply "$new" && warren plan "$new"
		expect 0 $? "next apply" && is_as "$new" || wrong=1
	fi
	warren down small
	expect 0 $? down && clean && here | diff "$tmp/machine" - && return $wrong
}

here >"$tmp/machine"
residue_snapshot
for host in router centre; do
	for f in "$old" "$new"; do
		ok "$host: up" warren up --backend none --host $host "$f"
		here >"$f.here"
		ok "$host: down" warren down small
		is "$host: as before" "$(here | diff "$tmp/machine" -)" ""
	done
	step=1
	every_point "$host: killed" on_host $host kill
	step=5
	every_point "$host: failing" on_host $host fail
done
must ip link del wan

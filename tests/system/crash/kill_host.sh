#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGKILL at every single instant of `up --host`, where all that is made has a record of its
# own: links, addresses, routes, sysctls, rules.  `down` puts the machine back.
. "$(dirname "$(realpath "$0")")/../../lib.sh"
. "$top/tests/crash.sh"
need wireguard-go socat nft

# its keys are made, and kept here: in host mode those of the others must be known
residue_snapshot
lab_up small "$small"
lab_down small

must ip link add wan type bridge
must ip link set wan up
must ip address add 203.0.113.77/24 dev wan
keys=(net.ipv4.ip_local_reserved_ports net.ipv4.ip_forward net.ipv6.conf.all.forwarding net.ipv4.conf.all.rp_filter)
must sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0 net.ipv4.conf.all.rp_filter=2
settings() {
	sysctl "${keys[@]}"
	ip route
	ip -6 route | grep -v 'fe80\|ff00'
}

# on_host HOST N: killed at point N of up --host HOST, then taken down
on_host() {
	local status
	fault "kill@$2" up --backend userspace --host "$1" "$small"
	status=$?
	if [ $status -ne 137 ]; then
		through=1
		expect 0 $status up || return 1
	fi
	warren down small
	status=$?
	[ "$2" -gt 1 ] || [ $status -ne 1 ] || status=0
	expect 0 $status down && clean && diff <(settings) "$tmp/settings"
}

settings >"$tmp/settings"
residue_snapshot
every_point "router: killed, then down" on_host router
every_point "centre: killed, then down" on_host centre
must ip link del wan

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `apply` of one file was killed before it changed anything, or half-way, and then that of a third one
# fails: each unit is as it was before the failure, or as the third file wants it
. "$(dirname "$(realpath "$0")")/../../lib.sh"
. "$top/tests/crash.sh"
. "$top/tests/crash_apply.sh"
need socat nft ss jq

third=$tmp/third.yaml
sed 's/mtu: 1300/mtu: 1200/; s/192.168.1/192.168.3/; s/10.0.0.20\/24/10.0.0.40\/24/; s/t2: { listen_port: 20002/t4: { listen_port: 20004/
	s/via: 203.0.113.1 }/via: 203.0.113.1, metric: 9 }/; s/rp_filter: 0/rp_filter: 2/' "$old" >"$third"

# third_fails N: nothing of $new has been made; point N of $third's apply fails
third_fails() {
	local status wrong=0
	warren -q up --backend none "$old" || return 1
	fault kill@12 apply "$new"
	expect 137 $? "first apply" || wrong=1
	fault "fail@$1" apply "$third" 2>"$tmp/err"
	status=$?
	cat "$tmp/err"
	[ $status -ne 0 ] || through=1
	if [ -z "$through" ]; then
		expect 4 $status apply || wrong=1
		wait_for 2 whole_units "$old" "$third" || { whole_units "$old" "$third" | grep -v sysctl; wrong=1; }
		warren apply "$third" || wrong=1
	fi
	settled "$third" || wrong=1
	warren down small && clean && return $wrong
}

begin none
must warren -q up --backend none "$third"
by_unit >"$third.state"
must warren -q down small
step=2
every_point "a third file fails" third_fails

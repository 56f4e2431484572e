#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A failure at every single instant of `up` and of `down`, and Ctrl-C at every instant of `up`:
# what failed is named, and nothing is left
. "$(dirname "$(realpath "$0")")/../../lib.sh"
. "$top/tests/crash.sh"
need wireguard-go socat

# failing_up FILE N: point N of up fails
failing_up() {
	local status
	fault "fail@$2" up --backend userspace "$1" 2>"$tmp/err"
	status=$?
	cat "$tmp/err"
	if [ $status -eq 0 ]; then
		through=1
		warren down "$(lab_of "$1")"
		return
	fi
	expect 4 $status up || return 1
	grep -qE "^warren: (lab small|tenant t0|host (centre|router)|networks|private key of [a-z]+/[a-z0-9]+|/run/warren\S*): .*fault injected at point $2\b" "$tmp/err" || return 1
	[ "$(wc -l <"$tmp/err")" -eq 1 ] && clean
}

# failing_down FILE N: point N of down fails; how many there are depends on who ends first
failing_down() {
	local status lab
	lab=$(lab_of "$1")
	warren up --backend userspace "$1" || return 1
	fault "fail@$2" down "$lab" 2>"$tmp/err"
	status=$?
	cat "$tmp/err"
	if [ $status -eq 0 ]; then
		through=1
		clean
		return
	fi
	expect 4 $status down || return 1
	grep -qE "^warren: lab small: .*: fault injected at point $2\b" "$tmp/err" || return 1
	[ -e "/run/warren/$lab" ] || { clean; return; }
	warren down "$lab"
	expect 0 $? "second down" && clean
}

residue_snapshot
every_point "a failing up" failing_up "$small"
every_point "a failing down" failing_down "$small"
lab_up small --backend userspace "$small"
lab_down small

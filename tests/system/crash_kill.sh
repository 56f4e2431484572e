#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGKILL at every single instant of `up`: `down` finds and removes all that was made
. "$(dirname "$(realpath "$0")")/../lib.sh"
. "$top/tests/crash.sh"
need wireguard-go socat

# then_down FILE N: killed at point N of up, then taken down
then_down() {
	local status
	fault "kill@$2" up --backend userspace "$1"
	status=$?
	if [ $status -ne 137 ]; then
		through=1
		expect 0 $status up || return 1
	fi
	warren down "$(lab_of "$1")"
	status=$?
	# dead before the first trace of the lab: there is nothing to take down
	[ "$2" -gt 1 ] || [ $status -ne 1 ] || status=0
	expect 0 $status down && clean
}

residue_snapshot
every_point "small: killed, then down" then_down "$small"
every_point "niransix: killed, then down" then_down "$top/topologies/niransix.yaml"

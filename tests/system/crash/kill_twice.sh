#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGKILL at every single instant of `up`, and a second `up` makes the lab all the same;
# SIGKILL at every single instant of `down`, and a second `down` finishes
. "$(dirname "$(realpath "$0")")/../../lib.sh"
. "$top/tests/crash.sh"
need wireguard-go socat jq

# once_more FILE N: killed at point N of up, made once more; killed at point N of down (which
# has fewer), taken down once more
once_more() {
	local status lab
	lab=$(lab_of "$1")
	fault "kill@$2" up --backend userspace "$1"
	status=$?
	if [ $status -ne 137 ]; then
		through=1
		expect 0 $status up || return 1
	fi
	warren up --backend userspace "$1"
	expect 0 $? "second up" || return 1
	warren --json status "$lab" | jq -e '.state == "up"' || return 1
	fault "kill@$2" down "$lab"
	status=$?
	if [ $status -eq 137 ]; then
		warren down "$lab"
		status=$?
		# dead when all was done already: nothing is there for a second one
		[ -e "/run/warren/$lab" ] || [ $status -ne 1 ] || status=0
	fi
	expect 0 $status down && clean
}

residue_snapshot
every_point "killed, then once more" once_more "$small"

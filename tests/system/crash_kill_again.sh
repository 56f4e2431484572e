#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGKILL at every single instant of `up`, and a second `up` makes the lab all the same;
# SIGKILL at every single instant of `down`, and a second `down` finishes
. "$(dirname "$(realpath "$0")")/../lib.sh"
. "$top/tests/crash.sh"
need wireguard-go socat
niransix=$top/topologies/niransix.yaml

# then_up FILE N: killed at point N of up, then made once more
then_up() {
	local status
	fault "kill@$2" up --backend userspace "$1"
	status=$?
	if [ $status -ne 137 ]; then
		through=1
		expect 0 $status up || return 1
	fi
	warren up --backend userspace "$1"
	expect 0 $? "second up" || return 1
	[ "$(warren --json status "$(lab_of "$1")" | jq -r .state)" = up ] || return 1
	warren down "$(lab_of "$1")"
	expect 0 $? down && clean
}

# down_twice FILE N: killed at point N of down, then taken down once more
down_twice() {
	local status lab
	lab=$(lab_of "$1")
	warren up --backend userspace "$1"
	expect 0 $? up || return 1
	fault "kill@$2" down "$lab"
	status=$?
	if [ $status -ne 137 ]; then
		through=1
		expect 0 $status down && clean
		return
	fi
	warren down "$lab"
	status=$?
	# dead when all was done already: nothing is there for a second one
	[ -e "/run/warren/$lab" ] || [ $status -ne 1 ] || status=0
	expect 0 $status "second down" && clean
}

residue_snapshot
every_point "small: killed, then up" then_up "$small"
every_point "small: killed while going down" down_twice "$small"
every_point "niransix: killed while going down" down_twice "$niransix"

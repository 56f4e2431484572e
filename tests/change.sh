# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For the tests of `plan` and `apply`.  Sourced after lib.sh.
#
# What there is, is asked of ip, wg, nft, ss and /proc in every namespace (tests/state), and two such
# lists are compared word for word: before a mend and after it, or after a change and made anew.

need wireguard-go socat jq nft wg ss

# state LAB [NS...]: what is in these namespaces, or in all
state() { "$top/tests/state" "$@"; }

# fresh LAB FILE [ARG...]: the state of that file, made from nothing in a sandbox inside of this one.
# Keys that are made and kept are the same.
# shellcheck disable=SC2016 # expanded by that shell
fresh() {
	local lab=$1
	shift
	unshare --mount --net --pid --fork --kill-child --mount-proc sh -c '
		mount -t tmpfs tmpfs /run && { [ ! -d /etc/netns ] || mount -t tmpfs tmpfs /etc/netns; } &&
			ip link set lo up && mkdir /run/.tmp || exit 1
		top=$1 lab=$2
		shift 2
		"$WARREN" -q up "$@" >&2 && TEST_TMP=/run/.tmp "$top/tests/state" "$lab"' fresh "$top" "$lab" "$@"
}

# same NAME LAB FILE: the state is what that file holds; from then on it holds what there is
same() {
	state "$2" >"$tmp/.state"
	is "$1" "$(diff "$3" "$tmp/.state")" ""
	mv "$tmp/.state" "$3"
}

# changes NAME FILE LINES [ARG...]: plan says just these lines, in any order, and has status 1
changes() {
	local name=$1 file=$2 lines=$3 status
	shift 3
	warren plan "$@" "$file" >"$tmp/.plan" 2>&1
	status=$?
	is "$name: the plan" "$(grep '^[-+~] ' "$tmp/.plan" | sort)" "$(sort <<<"$lines")"
	is "$name: status of plan" "$status" 1
}

# settled NAME FILE: plan has nothing left to say
settled() {
	local status
	warren plan "$2" >"$tmp/.plan" 2>&1
	status=$?
	is "$1: the plan is empty then" "$(grep -v '^lab [a-z0-9-]* is as the file says$' "$tmp/.plan")" ""
	is "$1: status of plan then" "$status" 0
}

# programs that a lab has started, by their numbers
pids() { pgrep -x 'wireguard-go|socat' | sort; }

# applied NAME FILE [N]: apply does it, the plan is empty then, and N programs were started (0)
applied() {
	pids >"$tmp/.pids"
	ok "$1: apply" warren apply "$2"
	settled "$1" "$2"
	is "$1: programs started" "$(pids | comm -13 "$tmp/.pids" - | wc -l)" "${3:-0}"
}

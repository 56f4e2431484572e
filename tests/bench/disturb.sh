#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# disturb.sh [quick] [--write FILE]
#
# Does changing one tenant in a loop disturb the others?  tests/disturb.sh with 200 tenants, without
# tunnels and with wireguard-go: a stream of numbered UDP packets and a TCP connection through each of
# them, what they lose while others are changed, and while nothing is changed.
#
#   quick          ten tenants
#   --write FILE   put the table into FILE between its two "disturb" comment lines
#
# WARREN, WARREN_TOOLS: the program (./warren) and the folder with disturb_tool
# (build/release/tests/system).  Exit status 1: a tenant was disturbed.
set -u
self=$(realpath "$0")
top=$(dirname "$(dirname "$(dirname "$self")")")
WARREN=$(realpath "${WARREN:-$top/warren}")
WARREN_TOOLS=$(realpath "${WARREN_TOOLS:-$top/build/release/tests/system}")
export WARREN WARREN_TOOLS LC_ALL=C TEST_NAME=disturb

runs=("none 200 20 10" "userspace 200 5 3") write=''
while [ $# -gt 0 ]; do
	case $1 in
	quick) runs=("none 10 20 1" "userspace 10 20 1") ;;
	--write) write=${2:?a file} && shift ;;
	*) sed -n '4,15s/^# \{0,1\}//p' "$self" >&2 && exit 2 ;;
	esac
	shift
done
[ "$(id -u)" -eq 0 ] || { echo "disturb.sh: must be root, to make namespaces" >&2; exit 3; }
[ -x "$WARREN_TOOLS/disturb_tool" ] || { echo "disturb.sh: no $WARREN_TOOLS/disturb_tool (make bench-disturb builds it)" >&2; exit 3; }

work=$(mktemp -d)
inotify=/proc/sys/fs/inotify/max_user_instances
inotify_was=$(cat $inotify)
trap 'rm -rf "$work"; echo "$inotify_was" >$inotify' EXIT
[ "$inotify_was" -ge 4096 ] || echo 4096 >$inotify
status=0

one() { # RUN...: its log
	export TEST_TMP=$work/tmp
	mkdir "$TEST_TMP"
	unshare --mount --net --pid --fork --kill-child --mount-proc \
		"$top/tests/sandbox" "$top/tests/system/disturb.sh" "$@" >"$work/log" 2>&1 || {
		echo "disturb.sh: $*:" >&2
		grep -A 12 '^not ok' "$work/log" >&2
		status=1
	}
	rm -rf "$TEST_TMP"
}

# "# changes  packets lost> lost< dup reord moved ms  records lost reset resent needless ms"
rows() {
	awk '$1 == "#" && ($2 == "changes" || $2 == "looking" || $2 == "quiet") {
		what["changes"] = "while one is changed"; what["looking"] = "while `plan` looks"
		what["quiet"] = "while nothing is done"
		printf "| %s | %s | %d | %d | %s | %d | %d | %s |\n", what[$2], $3, $4 + $5, $8, $9, $11 + $12, $13, $15
	}' "$work/log"
}

report() {
	echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) CPUs, Linux $(uname -r), $(date -u +%F)."
	for run in "${runs[@]}"; do
		# shellcheck disable=SC2086 # words
		one $run
		echo
		sed -nE 's/^# (.* tenants, .* flows, .* changes in .*)/\1:/p' "$work/log" | tail -n 1
		echo
		echo "| | UDP packets | lost | another mapping | longest delay, ms | TCP records lost, connections broken | sent again | longest delay, ms |"
		echo "|---|--:|--:|--:|--:|--:|--:|--:|"
		rows
	done
	echo
	# shellcheck disable=SC2016 # the backquotes are markdown
	echo 'Again: `sudo make bench-disturb`.'
}

report >"$work/report"
cat "$work/report"
[ -z "$write" ] || "$top/tests/bench/write.sh" "$write" disturb "$work/report" || status=1
exit $status

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Helpers for system tests: bash scripts that make labs and ask independent witnesses
# (ip, wg, nft, conntrack, tcpdump, ping) about them.  A test begins with
#
#	. "$(dirname "$(realpath "$0")")/../lib.sh"	# one more /.. in a sub-folder
#
# and then makes named checks.  Each check prints "ok - NAME" or "not ok - NAME" and why;
# a test with a failed check, or with none at all, fails.  Run on its own, a test first
# goes into the sandbox, like under tests/run-system.
#
# Variables: $WARREN (the program), $top (the source tree), $tmp (scratch, removed).

top=$(dirname "$(dirname "$(realpath "${BASH_SOURCE[0]}")")")
if [ -z "${WARREN_SANDBOX-}" ]; then
	exec "$top/tests/run-system" -v "$(realpath "$0")"
fi
. "$top/tests/residue.sh"
residue_ignore_pids= # processes that residue_list leaves out
set -u
tmp=${TEST_TMP:?}
export LC_ALL=C NO_COLOR=1 WG_COLOR_MODE=never
passed=0 failed=0

# --- checks --------------------------------------------------------------------------

_pass() {
	passed=$((passed + 1))
	echo "ok - $1"
}
# the reason is in a file: in a pipeline the counter would be a subshell's
_failed_with() {
	failed=$((failed + 1))
	echo "not ok - $1"
	sed 's/^/#   /' "$tmp/.why"
}

# ok NAME CMD...: CMD succeeds
ok() {
	local name=$1 status
	shift
	"$@" >"$tmp/.out" 2>&1
	status=$?
	if [ $status -eq 0 ]; then _pass "$name"; else
		{ echo "exit status $status of: $*"; cat "$tmp/.out"; } >"$tmp/.why"
		_failed_with "$name"
	fi
}

# fails NAME CMD...: CMD does not succeed
fails() {
	local name=$1
	shift
	if "$@" >"$tmp/.out" 2>&1; then
		{ echo "succeeded, and should not have: $*"; cat "$tmp/.out"; } >"$tmp/.why"
		_failed_with "$name"
	else _pass "$name"; fi
}

# run_status N CMD...: CMD's exit status is N; what it printed is in $tmp/out and $tmp/err
run_status() {
	local wanted=$1 got
	shift
	"$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
	if [ $got -eq "$wanted" ]; then _pass "exit status $wanted: ${*##"$top"/}"; else
		{ echo "exit status $got"; cat "$tmp/out" "$tmp/err"; } >"$tmp/.why"
		_failed_with "exit status $wanted: ${*##"$top"/}"
	fi
}

# is NAME GOT WANTED: the two texts are equal
is() {
	if [ "$2" = "$3" ]; then _pass "$1"; else
		diff -u --label wanted --label got <(echo "$3") <(echo "$2") >"$tmp/.why"
		_failed_with "$1"
	fi
}

# like NAME GOT ERE, unlike NAME GOT ERE: some line of the text matches; none does
like() {
	if grep -qE -- "$3" <<<"$2"; then _pass "$1"; else
		{ echo "nothing matches: $3"; echo "in:"; tail -n 40 <<<"$2"; } >"$tmp/.why"
		_failed_with "$1"
	fi
}
unlike() {
	if ! grep -E -- "$3" <<<"$2" >"$tmp/.out"; then _pass "$1"; else
		{ echo "should not match: $3"; cat "$tmp/.out"; } >"$tmp/.why"
		_failed_with "$1"
	fi
}

# re TEXT: TEXT as a regular expression for like and unlike (keys have a + in them)
re() { sed 's/[][\.*^$+?(){}|]/\\&/g' <<<"$1"; }

# must CMD...: a step that the rest stands on; ends the test if it fails
must() {
	local status
	"$@" && return 0
	status=$?
	echo "exit status $status of: $*" >"$tmp/.why"
	_failed_with "must: $1 ${2-}"
	exit 1
}

# skip WHY: this test cannot run here
skip() {
	echo "# skip: $*"
	trap - EXIT
	exit 77
}

# need PROGRAM...: skip unless these programs are there
need() {
	local p
	for p; do command -v "$p" >/dev/null || skip "$p is not installed (make deps)"; done
}

_finish() {
	local status=$? pid
	for pid in "${!captures[@]}"; do capture_stop "$pid"; done
	for lab in "${labs[@]}"; do [ ! -d "/run/warren/$lab" ] || warren -q down "$lab"; done
	if [ $((passed + failed)) -eq 0 ]; then echo "# no check was made"; exit 1; fi
	echo "# $passed passed, $failed failed"
	[ $failed -eq 0 ] || exit 1
	exit $status
}
trap _finish EXIT

# --- labs ----------------------------------------------------------------------------

labs=()
warren() { "$WARREN" "$@"; }

# lab_up LAB FILE [ARG...]: makes a lab, ends the test where that fails; the lab is taken
# down when the test ends, if it has not been by then
lab_up() {
	local lab=$1
	shift
	labs+=("$lab")
	if warren up "$@" >"$tmp/.out" 2>&1; then _pass "up: ${*##*/}"; else
		{ echo "exit status $?"; cat "$tmp/.out"; } >"$tmp/.why"
		_failed_with "up: ${*##*/}"
		exit 1
	fi
}

# lab_down LAB: takes it down and compares what there is with residue_snapshot's
lab_down() {
	ok "down: $1" warren down "$1"
	residue_check "down: $1 leaves nothing"
}

# lab_probe LAB: every check of the file comes out as expected
lab_probe() {
	local wrong n
	warren --json probe "$1" >"$tmp/.probe" 2>"$tmp/.out"
	is "probe $1: exit status" $? 0
	n=$(wc -l <"$tmp/.probe")
	wrong=$(jq -r 'select(.as_expected | not)
		| "\(.from) \(.method) \(.target): \(.result), expected \(.expect): \(.message)"' "$tmp/.probe")
	is "probe $1: all $n checks as expected" "$wrong$(cat "$tmp/.out")" ""
	[ "$n" -gt 0 ] || {
		echo "no line printed" >"$tmp/.why"
		_failed_with "probe $1: has checks"
	}
}

# ns NAME CMD...: in a network namespace
ns() { ip netns exec "$@"; }

# --- waiting for witnesses ------------------------------------------------------------

mkfifo "$tmp/.never" # nothing ever comes from here: a pause without a process
exec {never}<>"$tmp/.never"

# wait_for SECONDS CMD...: until CMD succeeds; fails once the time is over
wait_for() {
	local end=$((SECONDS + $1 + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		read -rt 0.05 -u "$never"
	done
	return 0
}

declare -A captures=()

# capture_start NS IF FILE [FILTER...]: tcpdump into a text file; returns when it listens.
# Its process is $capture.
capture_start() {
	local nsname=$1 dev=$2 file=$3 line said='' fifo=$tmp/.tcpdump.$RANDOM
	shift 3
	mkfifo "$fifo"
	ip netns exec "$nsname" tcpdump -i "$dev" -n -l --immediate-mode -s 200 "$@" >"$file" 2>"$fifo" &
	capture=$!
	captures[$capture]=$fifo
	exec {capture_fd}<"$fifo"
	while read -rt 10 -u "$capture_fd" line; do
		case $line in *"listening on"*) return 0 ;; esac
		said+=" $line"
	done
	echo "# tcpdump in $nsname:$said"
	return 1
}

# capture_stop PID: ends it; what it saw is in its file then
capture_stop() {
	kill -INT "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	rm -f "${captures[$1]}"
	unset "captures[$1]"
}

# --- what is left --------------------------------------------------------------------

# residue_snapshot: note what there is now: namespaces, links, addresses, nft tables,
# mounts, processes, and files of ours
residue_snapshot() {
	residue_ignore_pids=${!captures[*]}
	residue_list >"$tmp/.residue" 2>&1
}

_residue_same() {
	residue_ignore_pids=${!captures[*]}
	residue_list >"$tmp/.residue.now" 2>&1
	cmp -s "$tmp/.residue" "$tmp/.residue.now"
}

# residue_check [NAME]: nothing came and nothing went since residue_snapshot
residue_check() {
	local name=${1:-nothing is left}
	# namespaces end in the background
	if wait_for 2 _residue_same; then _pass "$name"; else
		diff -u --label before --label now "$tmp/.residue" "$tmp/.residue.now" >"$tmp/.why"
		_failed_with "$name"
	fi
}

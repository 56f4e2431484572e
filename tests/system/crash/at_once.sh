#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Several commands about one lab at the same time: each waits for its turn, and what is there at last is
# what one of them wanted
. "$(dirname "$(realpath "$0")")/../../lib.sh"
. "$top/tests/crash.sh"
. "$top/tests/crash_apply.sh"
need socat nft ss jq

# together ARG...: warren in the background; jobs_done waits for all of them, and sets $statuses
together() {
	jobs_started=$((jobs_started + 1))
	{ "$WARREN" "$@" >"$tmp/out.$jobs_started" 2>"$tmp/err.$jobs_started"; echo $? >"$tmp/status.$jobs_started"; } &
}
jobs_done() {
	wait
	statuses=$(sort -n "$tmp"/status.* | tr '\n' ' ')
	rm -f "$tmp"/status.*
	jobs_started=0
}
jobs_started=0

# is_one_of: what there is is what one of the files makes
is_one_of() {
	by_unit >"$tmp/now.state"
	cmp -s "$old.state" "$tmp/now.state" || cmp -s "$new.state" "$tmp/now.state" && return
	diff "$new.state" "$tmp/now.state"
	return 1
}

begin none
lab_up small --backend none "$old"
for i in 1 2 3; do
	together apply "$new"
	together apply --backend none "$old"
	together apply "$new"
	jobs_done
	is "applies at once, $i: statuses" "$statuses" "0 0 0 "
	ok "applies at once, $i: as one of them wanted" is_one_of
	for f in "$old" "$new"; do
		ok "applies at once, $i: an apply afterwards" warren apply "$f"
		ok "applies at once, $i: as wanted" settled "$f"
	done
done

for i in 1 2 3 4 5 6; do
	together apply --backend none "$old"
	together down small
	together apply --backend none "$new"
	together up --backend none "$new"
	jobs_done
	# down finds no lab (1), or up another file's (3)
	like "all at once, $i: statuses" "$statuses" '^0 (0 |1 |3 )*$'
	unlike "all at once, $i: nothing went wrong" "$(cat "$tmp"/err.*)" 'cannot be understood|neither as it was|fault|No such'
	if [ -d /run/warren/small ]; then
		ok "all at once, $i: as one of them wanted" is_one_of
	else
		ok "all at once, $i: nothing is left" clean
	fi
	ok "all at once, $i: an apply afterwards" warren apply --backend none "$new"
	ok "all at once, $i: as wanted" settled "$new"
done

# one is killed while others wait for it
begun() { [ "$(grep -c '^!changing' /run/warren/small/journal)" -gt "$1" ]; }
for i in 20 60 100; do
	warren -q apply "$old"
	before=$(grep -c '^!changing' /run/warren/small/journal)
	WARREN_FAULT=kill@$i together apply "$new"
	wait_for 5 begun "$before"
	together apply "$new"
	together apply "$new"
	jobs_done
	is "one killed at $i, others at the same time: statuses" "$statuses" "0 0 137 "
	ok "one killed at $i, others at the same time: as wanted" settled "$new"
done
lab_down small

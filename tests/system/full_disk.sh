#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# No room in /run/warren: with none left, with one page, with two … until there is enough, and the same
# with inodes.  What failed is named, nothing is lost, and once there is room again the next apply finishes.
. "$(dirname "$(realpath "$0")")/../lib.sh"
. "$top/tests/crash.sh"
. "$top/tests/crash_apply.sh"
need socat nft ss jq

# room N: so many $what are left
room() {
	if [ "$what" = inodes ]; then
		mount -o remount,nr_inodes=$(($(stat -f -c '%c - %d' /run/warren) + $1)) /run/warren
		return
	fi
	rm -f /run/warren/.filler
	local free
	free=$(stat -f -c %a /run/warren)
	: >/run/warren/.filler
	[ "$free" -le "$1" ] || fallocate -l $(((free - $1) * 4096)) /run/warren/.filler
}
no_room_said() {
	cat "$tmp/err"
	grep -qE '^warren: .*No space left on device' "$tmp/err" && ! grep -v '^warren: ' "$tmp/err"
}

# each_room NAME TEST: TEST N, from none up to as many as it takes, which is $enough
each_room() {
	through=
	for ((enough = 0; enough < 40; enough++)); do
		ok "$1, $enough $what left" "$2" $enough
		[ -z "$through" ] || break
	done
	ok "$1: $enough $what are enough, and some are needed" [ $enough -ge 2 -a $enough -lt 40 ]
}

up() {
	local status
	room "$1"
	warren up --backend none "$old" 2>"$tmp/err"
	status=$?
	if [ $status -eq 0 ]; then
		through=1
		warren down small
	else
		{ [ $status -eq 3 ] || expect 4 $status up; } && no_room_said
	fi && clean
}

apply() {
	local status wrong=0
	room 200
	warren -q up --backend none "$old" || return 1
	room "$1"
	warren apply "$new" 2>"$tmp/err"
	status=$?
	if [ $status -eq 0 ]; then
		through=1
	else
		{ [ $status -eq 3 ] || expect 4 $status apply; } && no_room_said || wrong=1
		wait_for 2 is_as_said "$old" "$new" || { is_as_said "$old" "$new"; wrong=1; }
		warren status small || wrong=1
		room 200
		warren apply "$new" || wrong=1
	fi
	settled "$new" || wrong=1
	room 0
	warren down small && clean && return $wrong
}

tenant() {
	local status wrong=0
	room 200
	cp "$old" "$tmp/edited.yaml"
	warren -q up --backend none "$tmp/edited.yaml" || return 1
	room "$1"
	warren tenant add "$tmp/edited.yaml" t9 --listen-port 20009 --napt-address 10.0.0.29/24 2>"$tmp/err"
	status=$?
	if [ $status -eq 0 ]; then
		through=1
		ip netns exec t9 true || wrong=1
	else
		{ [ $status -eq 3 ] || expect 4 $status "tenant add"; } && no_room_said || wrong=1
		warren validate "$tmp/edited.yaml" || wrong=1
		room 200
		warren apply "$tmp/edited.yaml" || wrong=1
	fi
	warren plan "$tmp/edited.yaml" || wrong=1
	[ "$(grep -c 't9:' "$tmp/edited.yaml")" -eq "$(ip netns list | grep -c '^t9')" ] || wrong=1
	room 0
	warren down small && clean && return $wrong
}

# once_more PAGES: from one file to the other, with the lab left up: the journal grows, and some time it is
# that for which there is no room
once_more() {
	local status from=$at to=$old wrong=0
	[ "$at" = "$new" ] || to=$new
	at=$to
	room "$1"
	warren apply "$to" 2>"$tmp/err"
	status=$?
	if [ $status -ne 0 ]; then
		{ [ $status -eq 3 ] || expect 4 $status apply; } && no_room_said || wrong=1
		! grep ' journal' "$tmp/err" || in_journal=$((in_journal + 1))
		wait_for 2 is_as_said "$from" "$to" || { is_as_said "$from" "$to"; wrong=1; }
		room 200
		warren apply "$to" || wrong=1
	fi
	warren plan "$to" && return $wrong
}

what=pages
mkdir -p /run/warren
must mount -t tmpfs -o size=1m tmpfs /run/warren
begin none
room 200
residue_snapshot
each_room up up
each_room apply apply
in_journal=0
room 200
lab_up small --backend none "$old"
for i in {1..16}; do
	ok "apply, round $i, $enough pages left" once_more $enough
done
ok "without room for the journal: $in_journal" [ "$in_journal" -gt 0 ]
room 0
lab_down small
each_room "tenant add" tenant
room 200
what=inodes
each_room up up
each_room apply apply
each_room "tenant add" tenant
must umount /run/warren
must rmdir /run/warren

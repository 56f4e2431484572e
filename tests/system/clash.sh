#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two labs on one machine, two commands at once, names that are taken
. "$(dirname "$(realpath "$0")")/../lib.sh"
need wireguard-go jq
file=$top/topologies/niransix.yaml

# the same lab under other names: host and tenant names, and with them the interfaces, stay
sed -E 's/^name: .*/name: second/; s/^  (vpn-[a-z0-9]+):$/&\n    netns: second-\1/; s/^        (c0[01]):$/&\n          netns: second-\1/' \
	"$file" >"$tmp/second.yaml"
residue_snapshot

# --- side by side ------------------------------------------------------------------------------
lab_up niransix --backend userspace "$file"
lab_up second --backend userspace "$tmp/second.yaml"
ok "both have their wg0" sh -c 'ip -n vpn-client00 link show wg0 && ip -n second-vpn-client00 link show wg0'
lab_probe niransix
lab_probe second
is "ls knows both" "$(warren --json ls | jq -r .lab 2>/dev/null | sort | tr '\n' ' ')" "niransix second "
ok "down: the first" warren down niransix
lab_probe second
lab_up niransix --backend userspace "$file"
ok "down: the second" warren down second
lab_probe niransix

# --- up on a lab that is up ----------------------------------------------------------------------
run_status 0 warren up "$file"
is "unchanged" "$(cat "$tmp/out")" "lab niransix is up already, and unchanged"
sed 's/50001/50002/' "$file" >"$tmp/changed.yaml"
run_status 3 warren up "$tmp/changed.yaml"
like "a changed file is refused" "$(cat "$tmp/err")" \
	'^warren: lab niransix is up, made from another file or with other options \(`warren plan` shows the difference, `warren apply` makes it so\)$'
lab_down niransix

# --- names that are taken -------------------------------------------------------------------------
must ip netns add c01
must ip netns add vpn-client00
residue_snapshot
run_status 3 warren up "$file"
like "two names are taken: how many, and which" "$(cat "$tmp/err")" '^warren: 2 names are taken; the first: namespace (c01|vpn-client00) is there already'
residue_check "nothing was made"
must ip netns del vpn-client00
run_status 3 warren up "$file"
like "one name is taken" "$(cat "$tmp/err")" '^warren: namespace c01 is there already \(.*netns:'
must ip netns del c01
lab_up niransix --backend userspace "$file"
residue_snapshot
sed 's/^name: .*/name: third/' "$file" >"$tmp/third.yaml"
run_status 3 warren up "$tmp/third.yaml"
like "another lab's names: whose" "$(cat "$tmp/err")" 'is there already, of lab niransix'
residue_check "nothing was made of it"
ok "down" warren down niransix

# --- two at once ------------------------------------------------------------------------------------
must ip netns add theirs # /run/netns stays as it is from now on
residue_snapshot
"$WARREN" up --backend userspace "$file" >"$tmp/one" 2>&1 &
one=$!
"$WARREN" up --backend userspace "$file" >"$tmp/two" 2>&1 &
two=$!
wait $one
is "up twice at once: the first" $? 0
wait $two
is "up twice at once: the second" $? 0
is "one makes it, the other finds it" "$(cat "$tmp/one" "$tmp/two" | sed 's/: 3 hosts.*//' | sort)" \
	"lab niransix is up
lab niransix is up already, and unchanged"
"$WARREN" down niransix >"$tmp/one" 2>&1 &
one=$!
"$WARREN" down niransix >"$tmp/two" 2>&1 &
two=$!
wait $one
one=$?
wait $two
two=$?
is "down twice at once: one does, the other has nothing to do" "$(printf '%s\n' $one $two | sort | tr '\n' ' ')" "0 1 "
residue_check "down twice at once"

for i in {1..20}; do
	"$WARREN" up --backend none "$file" >"$tmp/up" 2>&1 &
	up=$!
	"$WARREN" down niransix >"$tmp/down" 2>&1 &
	down=$!
	wait $up
	up=$?
	wait $down
	down=$?
	if [ -d /run/warren/niransix ]; then
		ok "up and down at once, $i: it is up" [ $up -eq 0 ]
		is "up and down at once, $i: and well" "$(warren --json status niransix | jq -r .state)" up
		ok "up and down at once, $i: down" warren down niransix
	else
		is "up and down at once, $i: it is down" "$up $down" "0 0"
	fi
	residue_check "up and down at once, $i: nothing is left"
done
must ip netns del theirs

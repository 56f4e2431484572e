#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Ctrl-C and SIGTERM: at every instant of `up`, and from outside while a large lab is made
. "$(dirname "$(realpath "$0")")/../../lib.sh"
. "$top/tests/crash.sh"
need wireguard-go socat

# interrupted FILE N: SIGINT at point N of up
interrupted() {
	local status
	fault "int@$2" up --backend userspace "$1" 2>"$tmp/err"
	status=$?
	cat "$tmp/err"
	if [ $status -eq 0 ]; then
		# too late: it is up, and stays so
		through=1
		warren down "$(lab_of "$1")"
		return
	fi
	expect 4 $status up || return 1
	grep -qE '^warren: .*: interrupted' "$tmp/err" && clean
}

residue_snapshot
lab_up small "$small" # its keys are made
lab_down small
points=$(WARREN_FAULT=count warren up "$small" 2>&1 | sed -n 's/^fault points: //p')
ok "down" warren down small
every_point "interrupted" interrupted "$small"
# one point stands behind the last look whether to stop
ok "every point of $points but the last" [ "$n" -ge $((points - 1)) ]

cat >"$tmp/many.yaml" <<'END'
name: many
networks: { net: { prefixes: [203.0.113.0/24] } }
hosts:
  centre:
    networks: { net: { interface: wan, addresses: [203.0.113.1/24] } }
    bridges: { br: { addresses: [10.0.0.1/16] } }
    gateway:
      bridge: br
      pools: { listen_port: 50000-50999, napt_addresses: [10.0.0.0/16] }
      tenants:
        "t{001..300}": {}
END
begun() { [ "$(grep -c ' netns ' /run/warren/many/journal)" -gt 20 ]; }
for sig in INT TERM HUP; do
	# a job of a script ignores SIGINT unless told otherwise
	"$(command -v env)" --default-signal=INT "$WARREN" up --backend none "$tmp/many.yaml" >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	ok "SIG$sig: it is under way" wait_for 5 begun
	kill -s $sig $pid
	wait $pid
	is "SIG$sig: exit status" $? 4
	like "SIG$sig: said" "$(cat "$tmp/err")" '^warren: .*: interrupted$'
	ok "SIG$sig: nothing is left" clean
done

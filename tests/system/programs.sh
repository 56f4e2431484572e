#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `run:`: programs in a host's namespace, awaited, and ended with all that they have started.
. "$(dirname "$(realpath "$0")")/../lib.sh"
need socat

lab() { # COMMAND READY: a lab with one program
	cat >"$tmp/lab.yaml" <<-E
		name: programs
		hosts:
		  srv:
		    bridges: { br0: { addresses: [10.0.0.1/24] } }
		    run: [{ command: "$1", ready: { tcp: "$2" } }]
	E
}
running() { pgrep -f "$1" >"$tmp/pids"; }
residue_snapshot

# a server in the background, one in a session of its own, and a shell that ends
lab "socat TCP-LISTEN:80,fork,reuseaddr EXEC:cat & setsid socat TCP-LISTEN:81,fork,reuseaddr EXEC:cat & exit 0" 10.0.0.1:80
ok "up waits until it answers" "$WARREN" up "$tmp/lab.yaml"
is "it answers at once" "$(echo hello | ns srv socat -t1 - TCP4:10.0.0.1:80)" hello
wait_for 5 ns srv socat -u OPEN:/dev/null TCP4:10.0.0.1:81
ok "both are there" running 'socat TCP-LISTEN:8[01]'
ok "and only in the host's namespace" ns srv ss -Hltn 'sport = :80'
is "not in ours" "$(ss -Hltn 'sport = :80')" ""
ok "down" "$WARREN" down programs
fails "the one in the background has ended" running TCP-LISTEN:80
fails "the one in its own session too" running TCP-LISTEN:81

lab "exit 3" 10.0.0.1:80
run_status 4 "$WARREN" up "$tmp/lab.yaml"
like "a program that ends before it is ready is said" "$(cat "$tmp/err")" 'program exit 3: it ended with status 3 before 10.0.0.1:80 answered'
lab "exec no-such-program" 10.0.0.1:80
run_status 4 "$WARREN" up "$tmp/lab.yaml"
residue_check "all is gone"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `warren probe`: what counts as expected, what silence is not, options, exit statuses, JSON.
. "$(dirname "$(realpath "$0")")/../lib.sh"
need jq

# lab [CHECK...]: two machines on a wire, and a third that knows nobody
lab() {
	cat <<-E
		name: probing
		networks: { wire: { prefixes: [10.0.0.0/24] } }
		hosts:
		  x: { networks: { wire: [10.0.0.1/24] } }
		  y: { networks: { wire: [10.0.0.2/24] } }
		  z: { bridges: { br0: { addresses: [10.1.0.1/24] } } }
	E
	[ $# -eq 0 ] || printf 'checks:\n'
	[ $# -eq 0 ] || printf '  - { %s }\n' "$@"
}
up() { # CHECK...
	lab "$@" >"$tmp/probing.yaml"
	lab_up probing "$tmp/probing.yaml"
}
down() { ok "down" warren down probing; }
# json STATUS ARG...: into $tmp/out
json() {
	local status=$1
	shift
	run_status "$status" "$WARREN" --json probe probing "$@"
}
# each FILTER: of every line, in the file's order
each() { jq -rc "$1" "$tmp/out"; }
# echo requests that y has answered
heard() { ns y awk '/^Icmp: [0-9]/ { print $10 }' /proc/net/snmp; }
residue_snapshot

# --- answers and silences ------------------------------------------------------------
up 'name: answers, from: x, icmp: 10.0.0.2' \
	'name: no route, from: z, icmp: 10.0.0.2, expect: fail' \
	'name: refused, from: x, tcp: "10.0.0.2:80", expect: fail' \
	'name: asks as itself, from: x, source: 10.0.0.1, icmp: 10.0.0.2'
json 0
is "all as expected" "$(each '[.name, .from, .method, .target, .source, .result, .expect, .as_expected]')" \
	'["answers","x","icmp","10.0.0.2",null,"ok","ok",true]
["no route","z","icmp","10.0.0.2",null,"error","fail",true]
["refused","x","tcp","10.0.0.2:80",null,"error","fail",true]
["asks as itself","x","icmp","10.0.0.2","10.0.0.1","ok","ok",true]'
keys='["as_expected","attempts","broken","expect","from","lab","message","method","name","result","rtt_ms","source","target"]'
is "every line has every key" "$(each keys | sort -u)" "$keys"
is "a time where there was an answer only" "$(each '.rtt_ms | type')" $'number\nnull\nnull\nnumber'
like "the reason of a silence is said" "$(each .message)" '^send to 10\.0\.0\.2: Network is unreachable$'
json 0 --from z
is "--from picks" "$(each .name)" "no route"
run_status 0 "$WARREN" probe probing
like "people are told the sum" "$(cat "$tmp/out")" '^4 of 4 as expected$'

# --- one probe -----------------------------------------------------------------------
json 0 --from x --source 10.0.0.1 icmp 10.0.0.2
is "one probe has every key too" "$(each keys)" "$keys"
is "a name has it not" "$(each '[.name, .source, .result]')" '[null,"10.0.0.1","ok"]'
json 1 --from x --retries 0 --timeout 0.2 tcp 10.0.0.2:80
is "refused is no" "$(each '[.result, .broken, .as_expected, .attempts]')" '["error",false,false,1]'
json 1 --from x --retries 0 --source 9.9.9.9 icmp 10.0.0.2
is "a source that is not there is said" "$(each '[.broken, .message]')" \
	'[true,"nothing was sent: bind to 9.9.9.9: Cannot assign requested address"]'

# --- options -------------------------------------------------------------------------
json 0 --from z --retries 2 --timeout 0.05
is "--retries goes before the check's" "$(each .attempts)" 3
json 0 --from z --retries 0
is "also when there are none" "$(each .attempts)" 1
for wrong in '--timeout x' '--timeout 0' '--timeout -1' '--timeout nan' '--retries x' '--retries 1.5' \
	'--retries -1' '--retries 5000'; do
	# shellcheck disable=SC2086 # an option and its value
	json 2 $wrong
	is "nothing is probed with $wrong" "$(cat "$tmp/out")" ""
	like "$wrong is named" "$(cat "$tmp/err")" "^warren: probe: ${wrong/ / \`}': not a |^warren: probe: ${wrong/ / \`}\`: not a "
done
json 2 --source 10.0.0.1
like "--source alone is refused" "$(cat "$tmp/err")" '--source needs a method and a target'
json 2 --source 10.0.0.1 --from x
json 2 icmp 10.0.0.2
json 2 --from nobody icmp 10.0.0.2
json 2 --from x icmp
json 2 --from x icmp example
json 2 --from y
down

# --- nothing was sent: no silence ----------------------------------------------------
up 'name: typo, from: x, source: 9.9.9.9, icmp: 10.0.0.2, expect: fail' \
	'name: typo tcp, from: x, source: 9.9.9.9, tcp: "10.0.0.2:80", expect: fail' \
	'name: typo wanted, from: x, source: 9.9.9.9, icmp: 10.0.0.2, retries: 0' \
	'name: no route, from: z, icmp: 10.0.0.2, expect: fail'
before=$(heard)
json 1 --timeout 0.05
is "what could not be sent is never as expected" "$(each '[.name, .result, .broken, .as_expected]')" \
	'["typo","error",true,false]
["typo tcp","error",true,false]
["typo wanted","error",true,false]
["no route","error",false,true]'
is "and it says so" "$(each 'select(.broken).message' | sort -u)" \
	"nothing was sent: bind to 9.9.9.9: Cannot assign requested address"
is "the other side has heard nothing" "$(heard)" "$before"
run_status 1 "$WARREN" probe probing --timeout 0.05
like "people are told" "$(cat "$tmp/out")" '^FAIL +x as 9\.9\.9\.9 +icmp +10\.0\.0\.2 +silence +nothing was sent: '
like "and the sum" "$(cat "$tmp/out")" '^1 of 4 as expected$'
must ns x ip address add 9.9.9.9/32 dev lo
json 1 --timeout 0.1 --from x
is "with the address, it is heard and silence is silence" "$(heard)$(each 'select(.broken)')" "$((before + 3))"
down

# --- a namespace that is gone --------------------------------------------------------
up 'name: first, from: x, icmp: 10.0.0.254, expect: fail' \
	'name: gone, from: y, icmp: 10.0.0.1' \
	'name: gone silence, from: y, icmp: 10.9.0.1, expect: fail' \
	'name: last, from: z, icmp: 10.1.0.1'
must ip netns delete y
json 1 --timeout 0.1
is "the others are probed all the same" "$(each '[.name, .result, .broken, .attempts, .as_expected]')" \
	'["first","error",false,2,true]
["gone","error",true,0,false]
["gone silence","error",true,0,false]
["last","ok",false,1,true]'
is "which one is gone is said" "$(each 'select(.broken).message' | sort -u)" \
	"nothing was sent: /run/netns/y: No such file or directory"
json 1 --from y
json 0 --from z
: >/run/netns/y
json 1 --from y
like "a file without a namespace is no namespace" "$(each .message)" '^nothing was sent: /run/netns/y: no namespace is pinned there$'
rm /run/netns/y
run_status 3 "$WARREN" probe probing --from y icmp 10.0.0.1
down

# --- more checks than descriptors ----------------------------------------------------
checks=()
for i in {1..40}; do checks+=("name: c$i, from: x, icmp: 10.0.0.2"); done
up "${checks[@]}"
run_status 0 bash -c "ulimit -Sn 30; '$WARREN' --json probe probing"
is "all are made" "$(each .result | sort | uniq -c | xargs)" "40 ok"
lab_down probing

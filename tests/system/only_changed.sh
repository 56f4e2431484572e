#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# apply --only-changed: the two files tell whom to look at, and nobody else is looked at.
. "$(dirname "$(realpath "$0")")/../lib.sh"
. "$top/tests/change.sh"
need strace wg jq
export ASAN_OPTIONS=detect_leaks=0 # which needs ptrace for itself

file=$tmp/narrow.yaml
lab() { # LAST [KEEPALIVE of c2] [address of the bridge besides]
	cat >"$file" <<-E
		name: narrow
		networks:
		  net: { prefixes: [203.0.113.0/24] }
		hosts:
		  gw:
		    networks: { net: { interface: wan, addresses: [203.0.113.1] } }
		    bridges: { br: { addresses: [10.0.0.1/24${3:+, $3}] } }
		    gateway:
		      bridge: br
		      pools: { listen_port: 50000-50100, napt_addresses: [10.0.0.0/24] }
		      tenants:
		        "t{1..$1}": { peers: [{ host: "c{n}/wg0" }] }
		  c2:
		    networks: { net: { interface: wan, addresses: [203.0.113.12] } }
		    bridges: { lan: { addresses: [192.168.1.1/24] } }
		    wireguard: { wg0: { peers: [{ tenant: "gw/t2", allowed_ips: [10.0.0.0/24], persistent_keepalive: ${2:-0} }] } }
		  c1:
		    networks: { net: { interface: wan, addresses: [203.0.113.11] } }
		    bridges: { lan: { addresses: [192.168.1.1/24] } }
		    wireguard: { wg0: { peers: [{ tenant: "gw/t1", allowed_ips: [10.0.0.0/24] }] } }
		  "c{3..$1}":
		    networks: { net: { interface: wan, addresses: ["203.0.113.{n+10}"] } }
		    bridges: { lan: { addresses: [192.168.1.1/24] } }
		    wireguard: { wg0: { peers: [{ tenant: "gw/t{n}", allowed_ips: [10.0.0.0/24] }] } }
	E
}
reaches() { ns "$1" ping -qc1 -W5 -I 192.168.1.1 10.0.0.1; }
# narrow NAME WANTED: an apply of only what has changed enters these namespaces, and no others
narrow() {
	local name=$1 wanted=$2
	ok "$name" strace -f -b execve -qq -e trace=openat -o "$tmp/trace" "$WARREN" -q apply --only-changed "$file"
	is "$name: whom it looks at" \
		"$(sed -n 's|.*openat([^"]*"/run/netns/\([^"/]*\)".*|\1|p' "$tmp/trace" | sort -u | xargs)" "$wanted"
}
plan_names() { warren --json plan "$@" | jq -r '.unit // .object' | sort -u | xargs; }

residue_snapshot
lab 4
lab_up narrow --backend userspace "$file"
settled "just made" "$file"

# --- what was changed by hand elsewhere stays -------------------------------------------------
must ip -n t3 address del "$(ip -n t3 -o -4 address show dev eth-t3-nsB | awk '{print $4}')" dev eth-t3-nsB
run_status 1 warren plan "$file"
like "drift is seen" "$(cat "$tmp/out")" 't3: address'
run_status 0 warren plan --only-changed "$file"
like "and not with --only-changed, which says so" "$(cat "$tmp/out")" 'only what it changes was looked at'
narrow "nothing to do" ""
pids >"$tmp/pids"

# --- one comes, one is changed, one goes --------------------------------------------------------
lab 5
narrow "a tenant and its client come" "c5 gw narrow-networks t5"
ok "it reaches the gateway" reaches c5
is "no tunnel was started again" "$(comm -23 "$tmp/pids" <(pids))" ""
lab 5 21
narrow "a peer is changed" "c2 narrow-networks"
is "wg sees it" "$(warren exec narrow c2 -- wg show wg0 persistent-keepalive | awk '{print $2}')" 21
lab 4 21
narrow "they go" "c5 gw narrow-networks t5"
is "their namespaces are gone" "$(ip netns list | awk '/^[tc]5/')" ""
is "nor is the tenant's port left" "$(ip -n gw -o link | grep -c eth-t5)" 0
run_status 1 warren plan "$file"
is "all the time the drift has stayed, and there is no other" "$(grep -c . "$tmp/out") $(grep -c 't3: ' "$tmp/out")" "2 1"

# --- what counts for others ------------------------------------------------------------------------
lab 4 21 10.0.0.9/24
narrow "an address of the gateway: everybody is looked at" "c1 c2 c3 c4 gw narrow-networks t1 t2 t3 t4"
settled "so the drift is mended" "$file"

# --- an apply that was killed --------------------------------------------------------------------
lab 6 21 10.0.0.9/24
WARREN_FAULT=kill@30 warren -q apply "$file" >/dev/null 2>&1
is "an apply is killed" "$(warren --json status narrow | jq -r .state)" changing
ok "one of only what has changed finishes it" warren -q apply --only-changed "$file"
settled "whole" "$file"
ok "the last tenant reaches the gateway" reaches c6

# --- by command -----------------------------------------------------------------------------------------
must ip -n t3 link set eth-t3-nsB mtu 1300
ok "tenant add" strace -f -b execve -qq -e trace=openat -o "$tmp/trace" "$WARREN" -q tenant add "$file" guest
is "looks at nobody else" \
	"$(sed -n 's|.*openat([^"]*"/run/netns/\([^"/]*\)".*|\1|p' "$tmp/trace" | sort -u | xargs)" "guest gw narrow-networks"
ok "tenant remove" warren -q tenant remove "$file" guest
run_status 1 warren plan "$file"
is "the drift is still there, and no other" "$(grep -c . "$tmp/out") $(grep -c 't3: ' "$tmp/out")" "2 1"
ok "apply" warren -q apply "$file"
settled "in the end" "$file"
lab_down narrow
residue_check

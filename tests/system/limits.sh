#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Limits of a tenant, with real packets: sessions, new ones a second, bytes a second each way.
. "$(dirname "$(realpath "$0")")/../lib.sh"
. "$top/tests/change.sh"
need socat nft conntrack tcpdump python3
file=$tmp/limits.yaml
lab() { # LIMITS of a
	cat >"$file" <<-E
		name: limits
		networks:
		  internet: { prefixes: [203.0.113.0/24] }
		hosts:
		  gw:
		    networks: { internet: { interface: wan, addresses: [203.0.113.1] } }
		    bridges: { br: { addresses: [10.0.0.1/24] } }
		    run:
		      - { command: "exec socat TCP4-LISTEN:9,fork,reuseaddr SYSTEM:'wc -c'", ready: { tcp: "10.0.0.1:9" } }
		      - { command: "exec socat -U TCP4-LISTEN:19,fork,reuseaddr OPEN:/dev/zero,readbytes=4000000", ready: { tcp: "10.0.0.1:19" } }
		    gateway:
		      bridge: br
		      tenants:
		        a: { listen_port: 20000, napt_addresses: [10.0.0.20], peers: [{ host: homea/wg0 }], limits: { $1 } }
		        b: { listen_port: 20001, napt_addresses: [10.0.0.21], peers: [{ host: homeb/wg0 }] }
	E
	local x n=0
	for x in a b; do
		n=$((n + 1))
		cat >>"$file" <<-E
			  home$x:
			    networks: { internet: { interface: wan, addresses: [203.0.113.1$n] } }
			    bridges: { lan: { addresses: [192.168.1.10/24] } }
			    wireguard: { wg0: { peers: [{ tenant: "gw/$x", allowed_ips: [10.0.0.0/24], persistent_keepalive: 25 }] } }
		E
	done
}
# knock NS FIRST N: a UDP packet from N ports each, and how many milliseconds that took
knock() {
	ns "$1" python3 - "$2" "$3" <<'P'
import socket, sys, time
first, n = int(sys.argv[1]), int(sys.argv[2])
begun = time.monotonic()
for port in range(first, first + n):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("192.168.1.10", port))
    s.sendto(b"x", ("10.0.0.1", 7))
    s.close()
print(int((time.monotonic() - begun) * 1000))
P
}
sessions() { ns "$1" conntrack -L -p udp --dport 7 2>/dev/null | grep -c .; }
forget() { ns a conntrack -D -p udp >/dev/null 2>&1; }
at_least() { [ "$1" -ge "$2" ]; }
milliseconds() { # COMMAND...
	local begun=${EPOCHREALTIME/./}
	"$@" >"$tmp/bytes"
	echo $(((${EPOCHREALTIME/./} - begun) / 1000))
}
upload() { ns "$1" bash -c 'head -c 2000000 /dev/zero | socat -t 60 - TCP4:10.0.0.1:9,bind=192.168.1.10'; }
download() { ns "$1" socat -u TCP4:10.0.0.1:19,bind=192.168.1.10 - | wc -c; }

residue_snapshot
lab ''
lab_up limits --backend userspace "$file"
for x in a b; do ok "home$x reaches the gateway" ns home$x ping -qc1 -W5 -I 192.168.1.10 10.0.0.1; done

# --- sessions at a time --------------------------------------------------------------------------
lab 'sessions: 20'
applied "sessions" "$file"
forget
capture_start homea wg0 "$tmp/cap" icmp
cap=$capture
knock homea 4000 30 >/dev/null
ok "twenty are let through" wait_for 5 eval '[ "$(sessions a)" -ge 20 ]'
is "and no more" "$(sessions a)" 20
ok "the next is told why" wait_for 5 grep -q 'admin prohibited' "$tmp/cap"
capture_stop "$cap"
rejected() { ns a nft list chain inet warren prerouting | sed -n 's/.*ct count.*packets \([0-9]*\) .*/\1/p'; }
is "ten were stopped" "$(rejected)" 10
knock homeb 4000 30 >/dev/null
ok "the other tenant has no limit" wait_for 5 eval '[ "$(sessions b)" = 30 ]'
knock homea 4000 20 >/dev/null
is "those that are there go on" "$(rejected)" 10
forget
knock homea 5000 5 >/dev/null
ok "and when they have ended, others come" wait_for 5 eval '[ "$(sessions a)" = 5 ]'

# --- new sessions a second ---------------------------------------------------------------------------
lab 'sessions: 1000, new_sessions_per_second: 10'
applied "new sessions" "$file"
forget
took=$(knock homea 6000 300)
got=$(sessions a)
ok "of 300 within $took ms, ten and ten a second are let through at most: $got" \
	[ "$got" -ge 1 -a "$got" -le $((10 + 10 * (took + 1000) / 1000)) ]
above=$(ns a nft list chain inet warren postrouting | sed -n 's/.*limit rate over 10.*packets \([0-9]*\) bytes.*/\1/p')
ok "others are dropped, and counted: $above" [ "$above" -ge 1 -a "$above" -le $((300 - got)) ]

# --- bytes a second ---------------------------------------------------------------------------------------
# the kernel lets a second's worth through at once
lab 'upload_mbit: 8, download_mbit: 16'
applied "rates" "$file"
took=$(milliseconds upload homea)
ok "2 MB up at 1 MB a second take a second at least: $took ms" at_least "$took" 1000
is "all of it" "$(cat "$tmp/bytes")" 2000000
took=$(milliseconds download homea)
ok "4 MB down at 2 MB a second take a second at least: $took ms" at_least "$took" 1000
is "all of it" "$(cat "$tmp/bytes")" 4000000
ok "the other tenant's upload comes through" upload homeb

# --- changed while it runs ---------------------------------------------------------------------------------
lab 'upload_mbit: 9, download_mbit: 16'
run_status 1 warren plan "$file"
is "the plan names the tenant, and no other" "$(grep -c . "$tmp/out") $(head -n 1 "$tmp/out")" "2 ~ tenant a: NAPT rules"
ns a conntrack -L -o id 2>/dev/null | sed 's/.* id=//' | sort >"$tmp/ids"
applied "another rate" "$file"
is "sessions stay" "$(ns a conntrack -L -o id 2>/dev/null | sed 's/.* id=//' | sort | comm -23 "$tmp/ids" - | wc -l)" 0
lab ''
applied "no limits" "$file"
unlike "nothing of them is left" "$(ns a nft list table inet warren)" 'limit rate|ct count'
lab_down limits
residue_check

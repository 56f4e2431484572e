#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# topologies/double-nat.yaml: a tunnel through a home router's and a carrier's NAT
. "$(dirname "$(realpath "$0")")/../../lib.sh"
need wireguard-go jq tcpdump conntrack wg

handshaken() { [ "$(warren exec double-nat t-laptop -- wg show wg-t-laptop latest-handshakes | awk '{print $2}')" -gt 0 ]; }

residue_snapshot
lab_up double-nat --backend userspace "$top/topologies/double-nat.yaml"

# nobody has sent anything yet: the keepalive alone brings the tunnel up
ok "the keepalive brings the tunnel up" wait_for 15 handshaken
endpoint=$(warren exec double-nat t-laptop -- wg show wg-t-laptop endpoints | awk '{print $2}')
like "wg: the centre knows the carrier's address, not the laptop's" "$endpoint" '^203\.0\.113\.1:[0-9]+$'
port=${endpoint##*:}
like "the centre can speak first" "$(ns t-laptop ping -n -c 3 -i 0.2 -W 5 10.9.0.2)" \
	'3 packets transmitted, 3 received'

like "home router: conntrack has the first rewriting" "$(ns home-router conntrack -L -p udp 2>/dev/null)" \
	'src=192\.168\.0\.2 dst=203\.0\.113\.10 .*dport=50000 .*src=203\.0\.113\.10 dst=100\.64\.1\.2 '
like "carrier: and the second, with the port that wg sees" "$(ns carrier conntrack -L -p udp 2>/dev/null)" \
	"src=100\.64\.1\.2 dst=203\.0\.113\.10 .*dport=50000 .*src=203\.0\.113\.10 dst=203\.0\.113\.1 sport=50000 dport=$port "
lab_probe double-nat

# the three networks in between: each NAT shows its own address on its far side
must capture_start center wan "$tmp/wan" ip
ns laptop ping -n -c 2 -i 0.2 -W 5 10.8.0.10 >"$tmp/ping" 2>&1
like "the laptop reaches the inside" "$(cat "$tmp/ping")" '2 packets transmitted, 2 received'
wait_for 5 grep -q "203\.0\.113\.10\.50000 > 203\.0\.113\.1\.$port: UDP" "$tmp/wan"
capture_stop "$capture"
like "at the centre: the carrier's address" "$(cat "$tmp/wan")" "203\.0\.113\.1\.$port > 203\.0\.113\.10\.50000: UDP"
unlike "at the centre: no address from behind the NATs" "$(cat "$tmp/wan")" '192\.168\.|100\.64\.|10\.9\.'

# the mapping is for the centre's port alone: from another port not even its owner gets through
must capture_start home-router wan "$tmp/access" "icmp or tcp or (udp and not port 50000)"
inner=$capture
must capture_start carrier outer "$tmp/outer" "udp and not port 50000"
ns center bash -c 'echo let me in >/dev/udp/203.0.113.1/'"$port"
wait_for 5 grep -q "203\.0\.113\.1\.$port: UDP" "$tmp/outer"
capture_stop "$capture"
capture_stop "$inner"
like "a stranger's packet comes to the carrier" "$(cat "$tmp/outer")" "> 203\.0\.113\.1\.$port: UDP"
is "and goes no further" "$(cat "$tmp/access")" ""
lab_down double-nat

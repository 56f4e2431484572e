#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inbound ports of tenants, and the ports that they use outside: real packets, and changes while it runs.
. "$(dirname "$(realpath "$0")")/../lib.sh"
. "$top/tests/change.sh"
need socat nft conntrack wg
file=$tmp/forwards.yaml
lab() { # FORWARDS of a [NAPT of a]
	cat >"$file" <<-E
		name: forwards
		networks:
		  internet: { prefixes: [203.0.113.0/24] }
		hosts:
		  gw:
		    networks: { internet: { interface: wan, addresses: [203.0.113.1] } }
		    bridges: { br: { addresses: [10.0.0.1/24, "fd00:10::1/64"] } }
		    gateway:
		      bridge: br
		      tenants:
		        a:
		          listen_port: 20000
		          napt_addresses: [10.0.0.20, "fd00:10::20"]
		          peers: [{ host: homea/wg0 }]
		          forwards: [$1]
		          napt: { $2 }
		        b:
		          listen_port: 20001
		          napt_addresses: [10.0.0.21]
		          peers: [{ host: homeb/wg0 }]
		          forwards: [{ port: 8080, to: "192.168.1.10:80" }]
	E
	local x n=0
	for x in a b; do
		n=$((n + 1))
		cat >>"$file" <<-E
			  home$x:
			    networks: { internet: { interface: wan, addresses: [203.0.113.1$n] } }
			    bridges: { lan: { addresses: [192.168.1.10/24, "fd00:1::10/64"] } }
			    wireguard: { wg0: { peers: [{ tenant: "gw/$x", allowed_ips: [10.0.0.0/24, "fd00:10::/64"], persistent_keepalive: 25 }] } }
			    run:
			      - { command: "socat TCP6-LISTEN:80,fork,reuseaddr,ipv6only=0 SYSTEM:'echo $x \$SOCAT_PEERADDR \$SOCAT_SOCKPORT; cat'", ready: { tcp: "192.168.1.10:80" } }
			      - { command: "socat TCP4-LISTEN:5010,fork,reuseaddr SYSTEM:'echo $x \$SOCAT_PEERADDR \$SOCAT_SOCKPORT; cat'", ready: { tcp: "192.168.1.10:5010" } }
			      - { command: "socat UDP4-RECVFROM:5010,bind=192.168.1.10,fork SYSTEM:'read l; echo $x \$SOCAT_PEERADDR \$l'" }
		E
	done
}
# asks NS SOCAT-ADDRESS: what it says first, nothing where nobody answers
asks() { ns "$1" timeout 3 socat -t2 - "$2,connect-timeout=2" <<<hello 2>/dev/null | head -n 1; }
udp() { ns "$1" timeout 3 socat -t1 - "UDP4:$2" <<<hello; }
from4="[0000:0000:0000:0000:0000:ffff:0a00:0001]" # 10.0.0.1, as socat writes it
all='{ port: 8080, to: "192.168.1.10:80" }, { proto: both, port: 5000-5020, to: 192.168.1.10 },
  { port: 443, to: "[fd00:1::10]:80" }'

residue_snapshot
lab "$all" 'ports: 30000-30003'
lab_up forwards --backend userspace "$file"
settled "just made" "$file"

# --- inbound ----------------------------------------------------------------------------------
is "TCP, onto another port, with the caller's address" "$(asks gw TCP4:10.0.0.20:8080)" "a $from4 80"
is "the same for another tenant, whose client has the same address" "$(asks gw TCP4:10.0.0.21:8080)" "b $from4 80"
is "a port of a range keeps its number" "$(asks gw TCP4:10.0.0.20:5010)" "a 10.0.0.1 5010"
is "UDP" "$(udp gw 10.0.0.20:5010)" "a 10.0.0.1 hello"
is "IPv6" "$(asks gw 'TCP6:[fd00:10::20]:443')" "a [fd00:0010:0000:0000:0000:0000:0000:0001] 80"
is "a port that is not forwarded is silent" "$(asks gw TCP4:10.0.0.20:80)" ""
is "nor is another tenant's forward its own" "$(udp gw 10.0.0.21:5010)" ""
is "tenants do not reach each other's" "$(asks b TCP4:10.0.0.20:8080)" ""
is "a packet to the inside address itself is not let in" \
	"$(ns gw ip route add 192.168.1.10 via 10.0.0.20; asks gw TCP4:192.168.1.10:80; ns gw ip route del 192.168.1.10)" ""

# --- ports used outside ---------------------------------------------------------------------------
must ns gw ip address add 10.0.0.2/24 dev br
ip netns exec gw socat UDP4-RECVFROM:7,fork,reuseaddr EXEC:cat &
server=$!
ok "somebody listens" wait_for 5 eval 'ns gw ss -Huln sport = :7 | grep -q .'
for n in 1 2 3 4; do
	ns homea timeout 3 socat -t1 - "UDP4:10.0.0.1:7,bind=192.168.1.10:$((4000 + n))" <<<hello >/dev/null
done
used=$(ns a conntrack -L -p udp --dport 7 2>/dev/null | sed -E 's/.*dport=([0-9]+) .*/\1/' | sort -u | xargs)
is "each of four sessions has one of the four ports" "$used" "30000 30001 30002 30003"
kill $server
wait $server 2>/dev/null

# --- changed while it runs -----------------------------------------------------------------------------
mkfifo "$tmp/say"
ip netns exec gw socat - TCP4:10.0.0.20:8080 <"$tmp/say" >"$tmp/talk" &
talker=$!
exec {talk}>"$tmp/say"
echo one >&"$talk"
ok "a connection is up" wait_for 5 grep -q one "$tmp/talk"
lab '{ port: 8081, to: "192.168.1.10:80" }' ''
run_status 1 warren plan "$file"
is "the plan names the tenant, and no other" "$(grep -c . "$tmp/out") $(head -n 1 "$tmp/out")" "2 ~ tenant a: NAPT rules"
applied "other ports" "$file"
is "the new one" "$(asks gw TCP4:10.0.0.20:8081)" "a $from4 80"
is "not the old one" "$(asks gw TCP4:10.0.0.20:8080)" ""
is "the other tenant's goes on" "$(asks gw TCP4:10.0.0.21:8080)" "b $from4 80"
echo two >&"$talk"
ok "and so does the connection that was up" wait_for 5 grep -q two "$tmp/talk"
kill $talker
wait $talker 2>/dev/null
exec {talk}>&-
lab '' ''
applied "none" "$file"
is "nothing answers" "$(asks gw TCP4:10.0.0.20:8081)" ""
lab_down forwards
residue_check

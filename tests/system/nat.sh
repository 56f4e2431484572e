#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The nat room against its witnesses: nft, conntrack, tcpdump, and real packets.
#
# Environment: WARREN_TOOLS=FOLDER with nat_tool (make check-system sets it)

. "$(dirname "$(realpath "$0")")/../lib.sh"
need nft conntrack tcpdump socat ip ping ss setpriv python3

tool=${WARREN_TOOLS:?}/nat_tool

servers=()
namespaces=()

# new_ns NAME...: loopback up, addresses usable at once, forwarding
new_ns() {
	local name

	for name; do
		must ip netns add "$name"
		namespaces+=("$name")
		ns "$name" sh -c 'ip link set lo up
			cd /proc/sys/net
			echo 0 >ipv6/conf/default/accept_dad
			echo 0 >ipv6/conf/all/accept_dad
			echo 0 >ipv4/conf/all/send_redirects
			echo 0 >ipv4/conf/default/send_redirects
			echo 1 >ipv4/ip_forward
			echo 1 >ipv6/conf/all/forwarding'
	done
}

# serve NS SOCAT-ARGUMENT...: a server in the background
serve() {
	local name=$1

	shift
	ip netns exec "$name" socat "$@" 2>>"$tmp/socat" &
	servers+=($!)
}

# the counter of the first rule of table inet warren in NS that matches REGEX
counter() {
	ns "$1" nft list table inet warren | grep -E -- "$2" | head -1 |
		sed -n 's/.*counter packets \([0-9]*\) .*/\1/p'
}

# ---- rules: print, the golden files, and what the kernel has made of them ----
new_ns rules
for c in $("$tool" cases); do
	"$tool" print "$c" >"$tmp/print"
	ok "$c: apply" ns rules "$tool" apply "$c"
	ns rules nft -s list table inet warren >"$tmp/list"
	is "$c: nft lists what print shows" "$(diff "$tmp/print" "$tmp/list")" ""
	is "$c: the golden file" "$(diff "$top/tests/golden/nat/$c.nft" "$tmp/list")" ""
	ns rules nft delete table inet warren
	is "$c: nft takes the text" "$(ns rules nft -f "$tmp/print" 2>&1)" ""
	ns rules nft -s list table inet warren >"$tmp/list"
	is "$c: and lists it again" "$(diff "$tmp/print" "$tmp/list")" ""
	ns rules nft delete table inet warren
done

# a set larger than a message, and a transaction larger than a send buffer
"$tool" bulk print 20000 >"$tmp/print"
ok "20000 sources: apply" ns rules "$tool" bulk apply 20000
ns rules nft -s list table inet warren >"$tmp/list"
ok "20000 sources: nft lists what print shows" cmp "$tmp/print" "$tmp/list"
ns rules nft delete table inet warren

# ---- whose table is it ----
ns rules nft 'add table inet warren { comment "mine"; }'
ns rules nft add chain inet warren keep
out=$(ns rules "$tool" apply tenant-v4 2>&1)
like "create refuses a table that is there" "$out" 'table inet warren: File exists \(somebody'
is "remove leaves a foreign table" "$(ns rules "$tool" remove "warren lab niransix")" 0
like "foreign table untouched" "$(ns rules nft list tables inet; ns rules nft list chains)" keep
ns rules "$tool" replace tenant-v4
is "replace replaces" "$(ns rules nft -s list table inet warren)" "$("$tool" print tenant-v4)"
ns rules "$tool" replace tenant-dual
is "replace again" "$(ns rules nft -s list table inet warren)" "$("$tool" print tenant-dual)"
is "remove with another owner" "$(ns rules "$tool" remove "warren lab niransi")" 0
is "remove with the owner" "$(ns rules "$tool" remove "warren lab niransix")" 1
is "nothing is left" "$(ns rules nft list ruleset)" ""
is "remove finds none" "$(ns rules "$tool" remove "warren lab niransix")" 0
ns rules nft add table inet warren
is "a table without comment is foreign" "$(ns rules "$tool" remove "warren lab niransix")" 0
is "replace where there is none" "$(ns rules nft delete table inet warren
	ns rules "$tool" replace tenant-v4; ns rules nft list tables)" "table inet warren"
is "available" "$("$tool" available 2>&1)" ""
out=$(setpriv --bounding-set -all --inh-caps -all "$tool" available 2>&1)
like "available without rights says why" "$out" 'NAPT: make a network namespace: .*\(this needs CAP_SYS_ADMIN'
out=$(ns rules setpriv --bounding-set -all --inh-caps -all "$tool" replace tenant-v4 2>&1)
like "replace without rights says why" "$out" 'table inet warren: Operation not permitted \(this needs CAP_NET_ADMIN'
out=$(ns rules nft delete table inet warren; ns rules "$tool" refused 2>&1)
is "a refused rule is named" "$out" "nat_tool: table inet warren: chain forward: \
rule 'counter snat ip to 192.0.2.1': Operation not supported (the kernel needs CONFIG_NFT_NAT)"
is "and nothing of it is kept" "$(ns rules nft list ruleset)" ""

# ---- a tenant between two inside hosts and a server ----
# in1, in2 --(bridge, ports isolated)-- wg-a [ten] eth-a-nsB -- s0 [srv]
new_ns in1 in2 ten srv
ip link add mid type bridge
ip link set mid up
ip link add p-wg type veth peer name wg-a netns ten
ip link set p-wg master mid up
for n in 1 2; do
	ip link add "p-in$n" type veth peer name i0 netns "in$n"
	ip link set "p-in$n" master mid up
	ip link set "p-in$n" type bridge_slave isolated on
	ns "in$n" ip link set i0 up
	ns "in$n" ip address add "192.168.$n.10/32" dev i0
	ns "in$n" ip address add "fd00:$n::10/128" dev i0
	ns "in$n" ip route add 192.168.0.1 dev i0
	ns "in$n" ip route add default via 192.168.0.1
	ns "in$n" ip route add fd00::1 dev i0
	ns "in$n" ip -6 route add default via fd00::1
done
ip link add s0 netns srv type veth peer name eth-a-nsB netns ten
ns ten ip link set wg-a mtu 1420 up
ns ten ip link set eth-a-nsB up
ns ten ip address add 192.168.0.1/32 dev wg-a
ns ten ip address add fd00::1/128 dev wg-a
for n in 1 2; do
	ns ten ip route add "192.168.$n.0/24" dev wg-a
	ns ten ip route add "fd00:$n::/64" dev wg-a
done
for a in 20 21 29 3 4 5 6 7 8 9 1; do
	ns ten ip address add "100.64.0.$a/24" dev eth-a-nsB
done
ns ten ip address add 2001:db8:64::20/64 dev eth-a-nsB
ns ten ip address add 2001:db8:64::21/64 dev eth-a-nsB
ns srv ip link set s0 up
ns srv ip address add 100.64.0.10/24 dev s0
ns srv ip address add 2001:db8:64::10/64 dev s0
# the server knows the way inside, so that only the rules keep it out
ns srv ip route add 192.168.0.0/16 via 100.64.0.20
ns srv ip route add fd00::/16 via 2001:db8:64::20
ns ten sh -c 'cd /proc/sys/net/netfilter; echo 1 >nf_conntrack_acct; echo 1 >nf_conntrack_timestamp'


# a server that tells each client the address it came from; v6 only on the second
serve srv TCP4-LISTEN:7000,fork,reuseaddr 'SYSTEM:echo $SOCAT_PEERADDR'
serve srv TCP6-LISTEN:7000,fork,reuseaddr,ipv6only=1 'SYSTEM:echo $SOCAT_PEERADDR'
serve srv TCP4-LISTEN:7001,fork,reuseaddr EXEC:cat
serve srv -T 1 UDP4-LISTEN:7002,fork,reuseaddr EXEC:cat
listening() {
	[ "$(ns srv ss -Hltn 'sport = :7000 or sport = :7001' | wc -l)" = 3 ] &&
		[ "$(ns srv ss -Hlun 'sport = :7002' | wc -l)" = 1 ]
}
must wait_for 10 listening

# asks NS ADDRESS [OPTIONS]: the address the server saw
asks() {
	ns "$1" timeout 3 socat -T 2 - "TCP:$2:7000${3:-}" </dev/null 2>&1
}

must ns ten "$tool" apply tenant-dual
must capture_start srv s0 "$tmp/srv.cap" 'tcp or udp or icmp or icmp6'
must capture_start in1 i0 "$tmp/in1.cap" 'tcp or udp or icmp or icmp6'

is "v4 is translated" "$(asks in1 100.64.0.10)" 100.64.0.20
is "v6 is translated" "$(asks in1 '[2001:db8:64::10]')" \
	"[2001:0db8:0064:0000:0000:0000:0000:0020]"
like "ping through" "$(ns in1 ping -c 1 -W 2 100.64.0.10)" ' 0% packet loss'
like "ping through, v6" "$(ns in1 ping -c 1 -W 2 2001:db8:64::10)" ' 0% packet loss'
like "conntrack saw it" "$(ns ten conntrack -L 2>/dev/null)" \
	'^icmp .*src=192.168.1.10 dst=100.64.0.10 .*src=100.64.0.10 dst=100.64.0.20 '
like "the snat rule counts" "$(counter ten 'nfproto ipv4 counter.*snat')" '^[1-9]'
wait_for 10 grep -q 'echo reply' "$tmp/in1.cap"
unlike "no inside address outside" "$(cat "$tmp/srv.cap")" '192\.168\.|fd00:'

# MSS: each end offers 1460 (v4), the tunnel bears 1420 - 40
like "the client offers 1460" "$(cat "$tmp/in1.cap")" '192.168.1.10.* Flags \[S\].*mss 1460'
like "the server is told 1380" "$(cat "$tmp/srv.cap")" '100.64.0.20.* Flags \[S\].*mss 1380'
like "the server offers 1460" "$(cat "$tmp/srv.cap")" '100.64.0.10.* Flags \[S\.\].*mss 1460'
like "the client is told 1380" "$(cat "$tmp/in1.cap")" '100.64.0.10.* Flags \[S\.\].*mss 1380'
like "v6: the server is told 1360" "$(cat "$tmp/srv.cap")" '2001:db8:64::20.* Flags \[S\].*mss 1360'
like "v6: the client is told 1360" "$(cat "$tmp/in1.cap")" '2001:db8:64::10.* Flags \[S\.\].*mss 1360'

# peers of one tenant reach each other through it
like "inside to inside" "$(ns in1 ping -c 1 -W 2 192.168.2.10)" ' 0% packet loss'
like "inside to inside, v6" "$(ns in1 ping -c 1 -W 2 fd00:2::10)" ' 0% packet loss'

# unsolicited: nothing for the inside, no RST for the outside address, but ping is answered
ns srv socat -u - UDP4:192.168.1.10:9 <<<x
ns srv socat -u - 'UDP6:[fd00:1::10]:9' <<<x
fails "the server cannot ping the inside" ns srv ping -c 1 -W 1 192.168.1.10
is "forwarding dropped three" "$(counter ten '^\s*counter')" 3
out=$(ns srv timeout 1 socat -u - TCP:100.64.0.20:9 <<<x 2>&1)
is "a SYN to the outside address hears nothing" "$?" 124
like "input counts" "$(counter ten 'ct state new meta l4proto')" '^[1-9]'
like "the outside address answers ping" "$(ns srv ping -c 1 -W 2 100.64.0.20)" ' 0% packet loss'
like "and ping in v6" "$(ns srv ping -c 1 -W 2 2001:db8:64::21)" ' 0% packet loss'
ns in1 ping -c 1 -W 2 -p cafe -s 333 100.64.0.10 >/dev/null
ok "a marker arrives" wait_for 10 grep -q 'echo reply.*length 341' "$tmp/in1.cap"
unlike "none of it came in" "$(cat "$tmp/in1.cap")" '100.64.0.10\.[0-9]+ > 192.168.1.10.9:|> fd00:1::10.9:|100.64.0.10 > 192.168.1.10: ICMP echo request'

# a hole punch keeps its port though the other side knocked first
ns srv socat -u - UDP4:100.64.0.20:6000,sourceport=5000 <<<x
is "no conntrack entry of the knock" "$(ns ten conntrack -L -p udp --sport 5000 2>/dev/null)" ""
ns in1 socat -u - UDP4:100.64.0.10:5000,sourceport=6000 <<<x
like "the punch kept port 6000" "$(ns ten conntrack -L -p udp 2>/dev/null)" \
	'src=192.168.1.10 dst=100.64.0.10 sport=6000 dport=5000 .*sport=5000 dport=6000 '

# ---- conntrack: our lines and conntrack's ----
ns in1 socat -u - UDP4:100.64.0.10:9999,sourceport=6001 <<<x # answered by ICMP
echo hold | ns in1 socat -t 1 - UDP4:100.64.0.10:7002,sourceport=6002 >"$tmp/udp"
mkfifo "$tmp/hold"
ip netns exec in1 socat - TCP4:100.64.0.10:7001 <"$tmp/hold" >"$tmp/echo" &
servers+=($!)
exec 9>"$tmp/hold"
echo hold >&9
ok "a session is held" wait_for 10 grep -q hold "$tmp/echo"
ns in1 timeout 0.2 socat -u - TCP4:100.64.0.77:80 <<<x 2>/dev/null
ns in1 socat -u - IP4-SENDTO:100.64.0.10:253 <<<x

# same NS FAMILY NAME: retried, since timeouts count down between the two
same() {

	for _ in 1 2 3 4 5 6; do
		ns "$1" conntrack -L -f "ipv$2" 2>/dev/null | sort >"$tmp/ct.theirs"
		ns "$1" "$tool" conntrack "$2" | sort >"$tmp/ct.ours"
		cmp -s "$tmp/ct.theirs" "$tmp/ct.ours" && [ -s "$tmp/ct.ours" ] && break
	done
	is "$3" "$(diff "$tmp/ct.theirs" "$tmp/ct.ours")" ""
	ok "$3: there are some" [ -s "$tmp/ct.ours" ]
}
same ten 4 "conntrack lines, v4"
for want in 'ESTABLISHED.*ASSURED' 'TIME_WAIT' 'SYN_SENT.*UNREPLIED' '^udp .*UNREPLIED' \
	'^icmp ' '^unknown +253 ' 'packets=[1-9].*delta-time='; do
	like "  among them $want" "$(cat "$tmp/ct.ours")" "$want"
done
same ten 6 "conntrack lines, v6"
like "  among them icmpv6" "$(cat "$tmp/ct.ours")" '^icmpv6 .*type=128 '
is "no other family" "$(grep -c '\.' "$tmp/ct.ours")" 0

# 3000 entries: a dump of many datagrams, whole after another one was cut short
new_ns many
ns many nft 'add table t; add chain t out { type filter hook output priority 0; };
	add rule t out ct state new counter'
seq 1 3000 | sed 's/.*/-I -p udp -t 600 -s 10.0.0.1 -d 10.0.0.2 --sport & --dport 53 -u ASSURED/' \
	>"$tmp/many"
must ns many conntrack -R "$tmp/many" >/dev/null 2>&1
is "3000 entries" "$(ns many "$tool" conntrack 4 | sort -u | wc -l)" 3000
is "3000 entries after a dump stopped at 7" "$(ns many "$tool" stop 7 2>&1 | sort -u | wc -l)" 3000

new_ns zones
ns zones nft -f - <<'N'
table inet z {
	chain out {
		type filter hook output priority raw;
		udp dport 1001 ct zone set 5
		udp dport 1002 ct original zone set 7
		udp dport 1004 ct reply zone set 8
	}
	chain marks {
		type filter hook output priority filter;
		udp dport 1003 ct mark set 4000000000
	}
}
N
for p in 1001 1002 1003 1004; do
	ns zones socat -u - "UDP4:127.0.0.1:$p" <<<x
done
same zones 4 "conntrack lines with zones and marks"
for want in ' zone=5 ' ' zone-orig=7 ' ' zone-reply=8 ' ' mark=4000000000 '; do
	like "  among them$want" "$(cat "$tmp/ct.ours")" "$want"
done

# ---- a tenant with one family does not let the other out ----
ns ten "$tool" replace tenant-v4
is "v4 goes on" "$(asks in1 100.64.0.10)" 100.64.0.20
fails "v6 does not" ns in1 ping -c 1 -W 1 -s 444 2001:db8:64::10
is "v6 was dropped" "$(counter ten '^\s*counter')" 1
ns in1 ping -c 1 -W 1 -s 445 100.64.0.10 >/dev/null
ok "a marker gets out" wait_for 10 grep -q 'echo request.*length 453' "$tmp/srv.cap"
unlike "v6 did not reach the server" "$(cat "$tmp/srv.cap")" 'length 452'
echo still >&9
ok "a session lives through replace" wait_for 10 grep -q still "$tmp/echo"

# ---- replaced in place, with packets under way ----
# handles: the kernel's numbers of the table and its chains; what is made anew gets another
handles() {
	ns ten nft -a list table inet warren | sed -nE 's/^\t?((table|chain) [a-z ]*) \{ # handle /\1 /p'
}
# entry PROTO PORT: the number of a conntrack entry, which no other one has
entry() {
	ns ten conntrack -L -o id -p "$1" --dport "$2" 2>/dev/null | grep -o ' id=[0-9]*$'
}

# rules, sets, a policy and a chain of somebody's, which all go
must ns ten nft -f - <<'N'
add set inet warren some { type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2 }; }
add chain inet warren extra
add rule inet warren extra ip saddr @some counter
add map inet warren where { type ipv4_addr : verdict; elements = { 192.0.2.3 : jump extra }; }
add chain inet warren forward { policy accept; }
add rule inet warren forward ip saddr vmap @where
add chain inet warren output { type filter hook output priority 0; }
add rule inet warren output jump extra
N
before=$(handles)
held=$(entry tcp 7001)
ns ten "$tool" replace tenant-v4
is "the table and its chains stay" "$(handles)" "$(grep -v -e extra -e output <<<"$before")"
is "what is not wanted goes" "$(ns ten nft -s list table inet warren)" "$("$tool" print tenant-v4)"

# another hook, priority or type: that chain is made anew, the others stay
before=$(handles)
must ns ten nft -f - <<'N'
flush chain inet warren forward
delete chain inet warren forward
add chain inet warren forward { type filter hook forward priority 7; policy drop; }
flush chain inet warren postrouting
delete chain inet warren postrouting
add chain inet warren postrouting { type filter hook postrouting priority srcnat; }
N
ns ten "$tool" replace tenant-v4
like "chains with another hook or type are made anew" \
	"$(ns ten nft -s list table inet warren)" 'hook forward priority filter; policy drop;'
is "and all are right" "$(ns ten nft -s list table inet warren | sort)" "$("$tool" print tenant-v4 | sort)"
is "those that are right stay" "$(handles | grep -E 'table|input')" "$(grep -E 'table|input' <<<"$before")"
is "those that are not do not" "$(grep -cxF "$(grep -E 'forward|postrouting' <<<"$before")" <<<"$(handles)")" 0

ip netns exec srv python3 "$top/tests/udp_stream.py" echo 7003 >"$tmp/listening" 2>&1 &
servers+=($!)
ok "a server of numbered packets" wait_for 10 grep -q listening "$tmp/listening"
# stream NAME [new]: numbered packets to it until end_stream NAME; then $tmp/NAME has the result
stream() {
	mkfifo "$tmp/$1.stop"
	ip netns exec in1 python3 "$top/tests/udp_stream.py" stream 100.64.0.10 7003 "${@:2}" \
		<"$tmp/$1.stop" >"$tmp/$1" 2>&1 &
	streams[$1]=$!
	exec {stop}>"$tmp/$1.stop"
	stops[$1]=$stop
	must wait_for 10 grep -q streaming "$tmp/$1"
}
end_stream() {
	stop=${stops[$1]}
	exec {stop}>&-
	wait "${streams[$1]}"
}
declare -A streams=() stops=()
stream one
before=$(handles)
udp=$(entry udp 7003)
ok "1000 replacements under a stream" ns ten "$tool" loop tenant-v4 tenant-dual 1000
is "the stream's conntrack entry stays" "$(entry udp 7003)" "$udp"
end_stream one
like "none of its packets is lost" "$(cat "$tmp/one")" '^[0-9]{3,} sent, 0 lost, from 100.64.0.20$'
is "every chain stayed" "$(handles)" "$before"
is "and the held session's entry" "$(entry tcp 7001)" "$held"
echo thrice >&9
ok "which goes on" wait_for 10 grep -q thrice "$tmp/echo"
stream fresh new
ok "1000 replacements under new connections" ns ten "$tool" loop tenant-v4 tenant-dual 1000
end_stream fresh
like "each gets through, translated" "$(cat "$tmp/fresh")" '^[0-9]{3,} sent, 0 lost, from 100.64.0.20$'

# ---- several addresses: each inside host keeps one, and they are shared out ----
ns ten "$tool" replace tenant-pool
is "a session that was there before keeps its entry" "$(entry tcp 7001)" "$held"
echo fourth >&9
ok "and its address" wait_for 10 grep -q fourth "$tmp/echo"
unlike "which a new one of that host does not get" "$(asks in1 100.64.0.10)" '^100\.64\.0\.20$'
used=
for a in {11..26}; do
	ns in1 ip address add "192.168.1.$a/32" dev i0
	first=$(asks in1 100.64.0.10 ",bind=192.168.1.$a")
	second=$(asks in1 100.64.0.10 ",bind=192.168.1.$a")
	is "192.168.1.$a keeps its address" "$second" "$first"
	like "192.168.1.$a gets one of the pool" "$first" '^100\.64\.0\.(20|21|29|3|4|5|6|7|8|9|1)$'
	used+="$first"$'\n'
done
n=$(sort -u <<<"$used" | grep -c .)
ok "16 hosts share 4 addresses or more ($n)" [ "$n" -ge 4 ]

# ---- a plain host: lan -- wan [home] -- the server's second interface ----
new_ns lan home
ip link add l0 netns lan type veth peer name lan0 netns home
ip link add s1 netns srv type veth peer name wan netns home
ns lan ip link set l0 up
ns lan ip address add 192.168.1.5/24 dev l0
ns lan ip route add default via 192.168.1.1
ns home ip link set lan0 up
ns home ip link set wan mtu 1400 up
ns home ip address add 192.168.1.1/24 dev lan0
ns home ip address add 100.65.0.30/24 dev wan
ns srv ip link set s1 up
ns srv ip address add 100.65.0.10/24 dev s1
ns srv ip route replace 192.168.1.0/24 via 100.65.0.30
ns home "$tool" apply plain-one-source
must capture_start srv s1 "$tmp/s1.cap" 'tcp or udp or icmp'
must capture_start lan l0 "$tmp/lan.cap" 'tcp or udp or icmp'
is "masquerade" "$(asks lan 100.65.0.10)" 100.65.0.30
like "masquerade of ping" "$(ns lan ping -c 1 -W 2 100.65.0.10)" ' 0% packet loss'
like "MSS towards the outside" "$(cat "$tmp/s1.cap")" '100.65.0.30.* Flags \[S\].*mss 1360'
wait_for 10 grep -q 'Flags \[S\.\]' "$tmp/lan.cap"
like "MSS towards the inside" "$(cat "$tmp/lan.cap")" '100.65.0.10.* Flags \[S\.\].*mss 1360'
fails "the outside cannot ping the inside" ns srv ping -c 1 -W 1 192.168.1.5
is "unsolicited is not forwarded" "$(counter home 'iifname "wan" ip daddr')" 1
serve home -u UDP4-RECVFROM:51820 "CREATE:$tmp/input"
wait_for 10 sh -c "ip netns exec home ss -Hlun 'sport = :51820' | grep -q ."
ns srv socat -u - UDP4:100.65.0.30:51820 <<<hello
ok "the host's own input is open" wait_for 10 grep -q hello "$tmp/input"

ns home "$tool" replace plain-masquerade-ports
is "masquerade to ports" "$(asks lan 100.65.0.10 ",sourceport=50000")" 100.65.0.30
like "a port of the range" "$(ns home conntrack -L -p tcp 2>/dev/null | grep sport=50000)" \
	'dst=100.65.0.30 sport=7000 dport=(102[4-9]|10[3-9].|1[1-9]..|20[0-3].|204[0-7]) '
like "ping without ports" "$(ns lan ping -c 1 -W 2 100.65.0.10)" ' 0% packet loss'

# ---- nothing stays behind ----
exec 9>&-
for p in "${!captures[@]}"; do capture_stop "$p"; done
kill "${servers[@]}" 2>/dev/null
wait "${servers[@]}" 2>/dev/null
for n in "${namespaces[@]}"; do ip netns delete "$n"; done
ip link delete mid

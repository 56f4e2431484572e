#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# warren conntrack against conntrack itself: real sessions of two tenants, and entries of many kinds
# that conntrack puts beside them.
. "$(dirname "$(realpath "$0")")/../lib.sh"
need wireguard-go wg conntrack jq ping socat

servers=()
residue_snapshot
sed 's/^\( *\)listen_port: 50001/&\n\1limits: {sessions: 40}/' "$top/topologies/niransix.yaml" >"$tmp/niransix.yaml"
lab_up niransix --backend userspace "$tmp/niransix.yaml"
wct() { warren conntrack "$@"; }

# c00 counts and notes the time, c01 does not
must warren exec niransix c00 -- sh -c 'cd /proc/sys/net/netfilter
	echo 1 >nf_conntrack_acct; echo 1 >nf_conntrack_timestamp'

# ---- sessions: ping, UDP, TCP that is held, TCP that has ended ----
serve() {
	ip netns exec vpn-center socat "$@" 2>>"$tmp/socat" &
	servers+=($!)
}
serve TCP4-LISTEN:7001,fork,reuseaddr,bind=100.64.0.10 EXEC:cat
serve -T 1 UDP4-LISTEN:7002,fork,reuseaddr,bind=100.64.0.10 EXEC:cat
listening() {
	[ -n "$(ns vpn-center ss -Hltn 'sport = :7001')" ] && [ -n "$(ns vpn-center ss -Hlun 'sport = :7002')" ]
}
must wait_for 10 listening
for client in vpn-client00 vpn-client01; do
	must ns "$client" ping -qn -c 2 -i 0.2 -W 5 -I 192.168.1.10 100.64.0.10 >"$tmp/ping"
	echo one | ns "$client" socat -t 1 - UDP4:100.64.0.10:7002,bind=192.168.1.10,sourceport=6002 >"$tmp/udp"
	is "$client: UDP is answered" "$(cat "$tmp/udp")" one
	echo two | ns "$client" socat -t 2 - TCP4:100.64.0.10:7001,bind=192.168.1.10,sourceport=6003 >"$tmp/tcp"
	is "$client: TCP is answered" "$(cat "$tmp/tcp")" two
done
# one that is held, with the most bytes of all
mkfifo "$tmp/hold"
ip netns exec vpn-client00 socat - TCP4:100.64.0.10:7001,bind=192.168.1.10,sourceport=6001 \
	<"$tmp/hold" >"$tmp/echo" &
servers+=($!)
exec 9>"$tmp/hold"
seq 1 3000 >&9
must wait_for 10 grep -qx 3000 "$tmp/echo"

# ---- and entries of other kinds ----
insert() { must ns "$1" conntrack -I -t 600 "${@:2}" >/dev/null 2>&1; }
insert c00 -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 80 --state SYN_SENT
insert c00 -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1001 --dport 80 --state TIME_WAIT -u ASSURED,SEEN_REPLY
insert c00 -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 53 -u ASSURED,SEEN_REPLY
insert c00 -p udp -s 10.0.0.3 -d 10.0.1.2 --sport 1001 --dport 53 -m 23
insert c00 -p udp -s 10.0.0.3 -d 10.0.1.2 --sport 2000 --dport 54 -m 4000000000
insert c00 -p udp -s 10.0.0.4 -d 100.64.0.20 --sport 2000 --dport 7777 -g 192.168.1.10
insert c00 -p udp -s 2001:db8::1 -d 2001:db8::2 --sport 1000 --dport 53
insert c01 -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 80 --state ESTABLISHED -u ASSURED,SEEN_REPLY

# what counts down or differs from one look to the next is made alike
alike() { sed -E 's/^(\S+ +[0-9]+) [0-9]+ /\1 N /; s/ (use|delta-time)=[0-9]+//g' | sort; }

# theirs TENANT ARG...: conntrack -L of both families
theirs() {
	local family
	for family in ipv4 ipv6; do
		ns "$1" conntrack -L -f "$family" "${@:2}" 2>/dev/null
	done | alike
}

# same NAME TENANT "FILTER of ours" "FILTER of theirs" [ERE that theirs must match as well]
same() {
	local want
	# shellcheck disable=SC2086 # words
	want=$(theirs "$2" $4 | grep -E -- "${5-}")
	# shellcheck disable=SC2086
	is "$1" "$(wct list niransix --tenant "$2" $3 2>"$tmp/err" | sed "s/^$2 //" | alike)" "$want"
	like "$1: there are some" "$want" .
}
same "all of c00" c00 "" ""
same "all of c01" c01 "" ""
same "tcp" c00 "--proto tcp" "-p tcp"
same "udp, by its number" c00 "--proto 17" "-p udp"
same "icmp" c00 "-p ICMP" "-p icmp"
same "source" c00 "--src 192.168.1.10" "-s 192.168.1.10"
same "source and protocol" c00 "--src 192.168.1.10 -p tcp" "-s 192.168.1.10 -p tcp"
same "source, protocol and port" c00 "--src 192.168.1.10 -p tcp --sport 6001" \
	"-s 192.168.1.10 -p tcp --sport 6001"
same "source prefix" c00 "--src 10.0.0.0/16" "-s 10.0.0.0/16"
same "destination prefix, with host bits" c00 "--dst 10.0.1.77/24" "-d 10.0.1.0/24"
same "an IPv6 source" c00 "--src 2001:db8::1" "-s 2001:db8::1"
same "destination and its port" c00 "--dst 10.0.0.2 -p udp --dport 53" "-d 10.0.0.2 -p udp --dport 53"
same "port without protocol" c00 "--dport 53" "-p udp --dport 53"
same "a range of ports" c00 "--sport 1001-6001" "" " sport=(1001|2000|6001) dport=(53|54|80|7777|7001) "
same "an address at any end" c00 "--address 100.64.0.20" "" "=100\.64\.0\.20 "
same "an address and port at any end" c00 "--address 192.168.1.10 --port 7777" "-p udp -g"
same "established" c00 "--state established" "-p tcp --state ESTABLISHED"
same "time-wait" c00 "--state time-wait" "-p tcp --state TIME_WAIT"
same "syn_sent" c00 "--state SYN_SENT" "-p tcp --state SYN_SENT"
same "assured" c00 "--state assured" "-u ASSURED"
same "unreplied" c00 "--state unreplied" "" "UNREPLIED"
same "unreplied udp" c00 "--state unreplied --proto udp" "-p udp" "UNREPLIED"
same "source NAT" c00 "--snat" "-n"
same "destination NAT" c00 "--dnat" "-p udp -g" # without -p it takes ICMP for translated
same "mark" c00 "--mark 23" "-m 23"
same "mark and mask" c00 "--mark 0x7/0xf" "-m 7/15"
same "a large mark" c00 "--mark 4000000000" "-m 4000000000"
same "begun" c00 "--older 0" ""
is "nothing is as old as a day" "$(wct list niransix --older 86400 2>/dev/null)" ""
is "nothing that is not there" "$(wct list niransix --src 192.168.1.99)" ""
is "nothing of another address and port" "$(wct list niransix --address 100.64.0.20 --port 7001)" ""

# ---- several tenants ----
both=$( (theirs c00 -p tcp | sed 's/^/c00 /'; theirs c01 -p tcp | sed 's/^/c01 /') | sort)
ours() { wct list niransix "$@" | sed -E 's/^(\S+ \S+ +[0-9]+) [0-9]+ /\1 N /; s/ (use|delta-time)=[0-9]+//g' | sort; }
is "all tenants" "$(ours -p tcp)" "$both"
is "both, by name" "$(ours -p tcp --tenant c01 --tenant c00)" "$both"
is "one of two" "$(ours -p tcp --tenant c01)" "$(grep ^c01 <<<"$both")"

# ---- sorted ----
# of conntrack's lines the sums of KEY= of both directions, largest first
sums() { theirs c00 | awk -v key="$1" '{ n = 0
	for (i = 1; i <= NF; i++) if (index($i, key "=") == 1) n += substr($i, length(key) + 2)
	if (n) print n }' | sort -rn; }
for key in bytes packets; do
	is "sorted by $key" "$(warren --json conntrack list niransix -t c00 --sort $key 2>/dev/null |
		jq "select(.$key > 0).$key")" "$(sums $key)"
	is "the first two by $key" "$(warren --json conntrack list niransix --sort $key --top 2 2>/dev/null |
		jq ".$key")" "$(sums $key | head -n 2)"
done
like "--top 1: the session with the most bytes" "$(wct list niransix --top 1 2>"$tmp/err")" \
	'^c00 tcp .* ESTABLISHED .* sport=6001 '
like "--top: what was not counted is said" "$(cat "$tmp/err")" 'note: [0-9]+ sessions left out or last'
most=$(sums bytes | head -n 1)
is "--min-bytes: as many" "$(warren --json conntrack list niransix --min-bytes "$most" 2>"$tmp/err" |
	jq -c '[.tenant, .bytes]')" "[\"c00\",$most]"
like "--min-bytes: what was not counted is said" "$(cat "$tmp/err")" \
	'note: [0-9]+ sessions left out: .*warren exec niransix TENANT -- sysctl -w net\.netfilter\.nf_conntrack_acct=1'
is "--min-bytes: one more" "$(wct list niransix --min-bytes $((most + 1)) 2>/dev/null)" ""
ages=$(warren --json conntrack list niransix -t c00 --sort age | jq '.start_epoch_s // 9999999999')
is "sorted by age" "$ages" "$(sort -n <<<"$ages")"

# ---- counted ----
# add: the sum of the lines
add() { awk '{ n += $1 } END { print n + 0 }'; }
# total TENANT: the kernel's own counter
total() { ns "$1" conntrack -C; }
count() { warren --json conntrack count niransix "$@" | jq -c '[.tenant, .sessions]' | tr '\n' ' '; }
is "count" "$(count)" "[\"c00\",$(total c00)] [\"c01\",$(total c01)] "
is "count: filtered" "$(count -p udp -t c00)" "[\"c00\",$(theirs c00 -p udp | wc -l)] "
is "count: by hand" "$(wct count niransix -t c01 --snat)" "$(printf '%-8s%-10s%s\n%-8s%-10s%s' \
	TENANT SESSIONS 'OF CAP' c01 "$(theirs c01 -n | wc -l)" "$(theirs c01 -n | wc -l | awk '{ printf "%.1f%%", $1 * 100 / 40 }')")"
like "count: all together" "$(wct count niransix)" "^all +$(($(total c00) + $(total c01)))\$"
is "count: the most first" "$(count --top 1)" "[\"c00\",$(total c00)] "
is "count: what nobody has" "$(count --src 192.168.1.99)" '["c00",0] ["c01",0] '
max=$(ns c00 sysctl -n net.netfilter.nf_conntrack_max)
is "count: the cap" "$(warren --json conntrack count niransix -t c00 |
	jq -c '[.cap, (.cap_percent * .cap / 100 | round)]')" "[$max,$(total c00)]"
is "count: the cap is the tenant's limit" "$(warren --json conntrack count niransix -t c01 |
	jq -c '[.cap, (.cap_percent * .cap / 100 | round)]')" "[40,$(total c01)]"
stats=$(warren --json conntrack stats niransix -t c00)
field() { jq ".$1" <<<"$stats"; }
is "stats: sessions" "$(field sessions)" "$(total c00)"
for proto in tcp udp; do is "stats: $proto" "$(field $proto)" "$(theirs c00 -p $proto | wc -l)"; done
is "stats: icmp" "$(field icmp)" "$(theirs c00 | grep -c ^icmp)"
is "stats: they make all" "$(jq '.tcp + .udp + .icmp + .other' <<<"$stats")" "$(total c00)"
is "stats: unreplied" "$(field unreplied)" "$(theirs c00 | grep -c UNREPLIED)"
is "stats: assured" "$(field assured)" "$(theirs c00 | grep -c ASSURED)"
is "stats: snat" "$(field snat)" "$(theirs c00 -n | wc -l)"
is "stats: bytes" "$(jq '.orig_bytes + .reply_bytes' <<<"$stats")" "$(sums bytes | add)"
is "stats: packets" "$(jq '.orig_packets + .reply_packets' <<<"$stats")" "$(sums packets | add)"
is "stats: nobody counts in c01" "$(warren --json conntrack stats niransix -t c01 | jq .counted)" 0
for fault in insert_failed drop early_drop invalid error; do
	is "stats: $fault" "$(field $fault)" \
		"$(ns c00 conntrack -S | grep -oE "\\b$fault=[0-9]+" | cut -d= -f2 | add)"
done
like "stats: a row each, and one for all" "$(wct stats niransix --sort bytes | cut -d' ' -f1 | paste -sd' ')" '^TENANT c00 c01 all$'

# ---- who is it ----
# the same port from two addresses inside: outside it is two
ns vpn-client00 ip address add 192.168.1.11/24 dev br-client00
echo three | ns vpn-client00 socat -t 1 - UDP4:100.64.0.10:7002,bind=192.168.1.11,sourceport=6002 >"$tmp/udp"
is "a second address inside is answered" "$(cat "$tmp/udp")" three
who() { warren --json conntrack who niransix "$@" |
	jq -r '"\(.tenant) \(.proto) \(.inside.address):\(.inside.port) \(.remote.address):\(.remote.port) \(.direction) \(.peer.name)"'; }
for inside in 192.168.1.10 192.168.1.11; do
	port=$(theirs c00 -p udp -s $inside --sport 6002 | sed -E 's/.* dport=([0-9]+) .*/\1/')
	is "who: $inside" "$(who "100.64.0.20:$port")" "c00 udp $inside:6002 100.64.0.10:7002 out vpn-client00/wg0"
	eval "port_${inside##*.}=$port"
done
# shellcheck disable=SC2154 # by eval
like "who: their ports differ" "$port_10 $port_11" '^6002 [0-9]+$'
unlike "who: the second has another" "$port_11" '^6002$'
like "who: for people" "$(wct who niransix "100.64.0.20:$port_11")" \
	'^c00 +udp +192\.168\.1\.11:6002 +vpn-client00/wg0 +100\.64\.0\.10:7002 +20[0-9]{2}-[0-9-]+ [0-9:]+ \([0-9]+ s ago\)$'
is "who: since when" "$(warren --json conntrack who niransix "100.64.0.20:$port_11" | jq .start_epoch_s)" \
	"$(warren --json conntrack list niransix --src 192.168.1.11 | jq .start_epoch_s)"
is "who: the key" "$(warren --json conntrack who niransix 100.64.0.20:6001 | jq -r .peer.public_key)" \
	"$(wg pubkey <<<UEDC4UmabmflqAhnlP8IcqClGYgiL5MIUmaNg0lKYEQ=)"
is "who: the other tenant" "$(who 100.64.0.30:6002 -p udp)" "c01 udp 192.168.1.10:6002 100.64.0.10:7002 out vpn-client01/wg0"
like "who: that nobody noted the time in c01 is said" "$(wct who niransix 100.64.0.30:6002 2>&1)" \
	'note: [0-9]+ sessions? without a start'
is "who: by a forward" "$(who 100.64.0.20:7777)" "c00 udp 192.168.1.10:7777 10.0.0.4:2000 in vpn-client00/wg0"
id=$(theirs c00 -p icmp -s 192.168.1.10 | sed -E 's/.* id=([0-9]+) .*/\1/')
is "who: ICMP by its id" "$(who "100.64.0.20:$id" -p icmp)" \
	"c00 icmp 192.168.1.10:$id 100.64.0.10:$id out vpn-client00/wg0"
must ns c00 ping -qn -c 1 -W 5 100.64.0.10 >"$tmp/ping"
id=$(theirs c00 -p icmp -s 100.64.0.20 | sed -E 's/.* id=([0-9]+) .*/\1/')
is "who: the tenant's namespace itself has no peer" "$(who "100.64.0.20:$id" -p icmp)" \
	"c00 icmp 100.64.0.20:$id 100.64.0.10:$id out null"
nobody() {
	run_status 1 warren conntrack who niransix "${@:2}"
	like "  it says $1" "$(cat "$tmp/err")" "$1"
}
nobody 'tenant c00, which has 100\.64\.0\.20, has no such session' 100.64.0.20:6002 -p tcp
nobody 'tenant c00, which has 100\.64\.0\.20, has no such session' 100.64.0.20:1
nobody 'no tenant of the lab has 192\.0\.2\.1' 192.0.2.1:1
nobody 'no tenant of those named has 100\.64\.0\.20' "100.64.0.20:$port_11" --tenant c01

# ---- what is wrong is said, with the right word ----
wrong() {
	run_status 2 warren conntrack "${@:2}"
	like "  it says $1" "$(cat "$tmp/err")" "$1"
	is "  and prints nothing else" "$(cat "$tmp/out")" ""
}
wrong 'no .conntrack lisst. \(did you mean .list.\?\)' lisst niransix
wrong 'unknown option .--protp. \(did you mean .--proto.\?\)' list niransix --protp tcp
wrong '--proto: there is no .tpc. \(did you mean .tcp.\?\)' list niransix --proto tpc
wrong '--proto: there is no .256.' list niransix --proto 256
wrong '--state: there is no .ESTABLISH. \(did you mean .ESTABLISHED.\?\)' list niransix --state ESTABLISH
wrong '--src: .192.168.1. is no address' list niransix --src 192.168.1
wrong '--dst: .fd00::1. is of another family' list niransix --src 10.0.0.1 --dst fd00::1
wrong '--sport: .65536. is no port' list niransix --sport 65536
wrong '--dport: .9-8. is no port' list niransix --dport 9-8
wrong '--port: .-1. is no port' list niransix --port -1
wrong '--mark: .1/x. is no MARK' list niransix --mark 1/x
wrong '--min-bytes: .1k. is no number' list niransix --min-bytes 1k
wrong '--older: .. is no number' list niransix --older ''
wrong '--sort: there is no .byte. \(did you mean .bytes.\?\)' list niransix --sort byte
wrong '--sort: there is no .bytes.' count niransix --sort bytes
wrong '.100.64.0.20. is no ADDRESS:PORT' who niransix 100.64.0.20
wrong 'who. needs LAB ADDRESS:PORT' who niransix
wrong 'who. takes no --src' who niransix 100.64.0.20:1 --src 10.0.0.1
wrong 'too many arguments: .100.64.0.20:1.' list niransix 100.64.0.20:1
wrong 'flush. takes no --top' flush niransix --top 1
wrong '--proto: there is no .tpc.' flush niransix --proto tpc
wrong '--top: .0. would show nothing' list niransix --top 0
wrong 'lab niransix has no tenant .c000. \(did you mean .c00.\?\)' list niransix -t c01 -t c000
wrong 'needs list.*LAB' list

is "what is wrong ends nothing" "$(theirs c00 -p udp --dport 54 | wc -l)" 1

# ---- ended ----
ids() { ns "$1" conntrack -L -o id 2>/dev/null | grep -E "$2" | grep -oE ' id=[0-9]+( \[|$)' | sort; }
held=$(ids c00 ' sport=6001 ')
like "a session is held" "$held" 'id='
gone=$(theirs c00 -p udp -s 10.0.0.0/16 | wc -l)
before=$(theirs c01)
kept=$(theirs c00 | grep -vE '^udp .*src=10\.0\.' )
is "flush: how many" "$(wct flush niransix -t c00 -p udp --src 10.0.0.0/16)" "c00: $gone sessions ended"
is "flush: only those" "$(theirs c00)" "$kept"
is "flush: nothing of others" "$(theirs c01)" "$before"
is "flush: the held session is the same" "$(ids c00 ' sport=6001 ')" "$held"
seq 3001 3002 >&9
ok "flush: and goes on" wait_for 10 grep -qx 3002 "$tmp/echo"
is "flush: nothing left to end" "$(wct flush niransix -t c00 -p udp --src 10.0.0.0/16)" "no session to end"
is "flush: IPv6, in JSON" "$(warren --json conntrack flush niransix --address 2001:db8::2)" \
	'{"lab":"niransix","tenant":"c00","netns":"c00","ended":1}
{"lab":"niransix","tenant":"c01","netns":"c01","ended":0}'
is "flush: it is gone" "$(ns c00 conntrack -L -f ipv6 2>/dev/null)" ""
# many, while the dump that names them is under way; some in a zone
seq 1 2000 | sed 's/.*/-I -p udp -t 600 -s 10.9.0.1 -d 10.9.0.2 --sport & --dport 53/' >"$tmp/many"
must ns c01 conntrack -R "$tmp/many" >/dev/null 2>&1
insert c01 -p udp -s 10.9.0.1 -d 10.9.0.2 --sport 1 --dport 53 -w 5
is "flush: many" "$(wct flush niransix -s 10.9.0.1)" "c01: 2001 sessions ended"
is "flush: none of them is left" "$(theirs c01)" "$before"
exec 9>&- # so that its server hears of the end while the session is there
closed() { [ -z "$(ns vpn-center ss -Htn 'sport = :7001')" ]; }
must wait_for 10 closed
like "flush: all of a tenant" "$(wct flush niransix -t c00)" '^c00: [0-9]+ sessions ended$'
is "flush: nothing of it is left" "$(theirs c00)" ""
is "flush: all of a tenant is not the other's" "$(theirs c01)" "$before"
like "flush: all" "$(wct flush niransix)" "^c01: $(wc -l <<<"$before") sessions ended$"
is "flush: quiet" "$(warren -q conntrack flush niransix)" ""

# ---- nothing stays behind ----
kill "${servers[@]}" 2>/dev/null
wait "${servers[@]}" 2>/dev/null
lab_down niransix

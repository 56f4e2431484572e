#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# warren conntrack watch: events of all tenants on one socket, against conntrack -E and the sessions
# that were made; and what it does when events are lost.
. "$(dirname "$(realpath "$0")")/../lib.sh"
need wireguard-go conntrack jq ping ss

residue_snapshot
lab_up niransix --backend userspace "$top/topologies/niransix.yaml"

watchers=()
# watch_start FILE ARG...: in the background; returns when it listens.  Its process is $watcher
watch_start() {
	local file=$1
	shift
	"$WARREN" "$@" >"$file" 2>"$file.err" &
	watcher=$!
	watchers+=("$watcher")
	must wait_for 10 grep -q '^watching the sessions of ' "$file.err"
}
# watch_stop NAME: ends it
watch_stop() {
	kill -TERM "$watcher"
	wait "$watcher"
	is "$1: exit status" $? 0
}
end_watchers() { # none is left stopped when a step fails
	local status=$?
	kill -CONT "${watchers[@]}" 2>/dev/null
	kill "${watchers[@]}" 2>/dev/null
	return $status
}
trap 'end_watchers; _finish' EXIT

# numbers: those that the namespaces have for each other
numbers() { for n in vpn-center c00 c01; do ns "$n" ip netns list-id; done; }
numbers=$(numbers)

# ---- the namespaces have no listener of their own: sessions of both tenants are heard ----
watch_start "$tmp/text" conntrack watch niransix
is "it says so" "$(cat "$tmp/text.err")" "watching the sessions of 2 tenants of lab niransix; Ctrl-C ends it"
is "no namespace has got a number" "$(numbers)" "$numbers"
ping_from() { must ns "$1" ping -qn -c 1 -W 5 -I 192.168.1.10 100.64.0.10 >"$tmp/ping"; }
icmp='icmp +1 [0-9]+ src=192\.168\.1\.10 dst=100\.64\.0\.10 type=8 code=0 id=[0-9]+'
for i in 0 1; do
	ping_from vpn-client0$i
	ok "c0$i: the beginning is heard" wait_for 10 grep -qE "^c0$i +\[NEW\] $icmp \[UNREPLIED\] " "$tmp/text"
	ok "c0$i: the answer is heard" wait_for 10 grep -qE "^c0$i +\[UPDATE\] $icmp src=100" "$tmp/text"
done
is "each beginning once" "$(grep -c '\[NEW\]' "$tmp/text")" 2
must warren -q conntrack flush niransix
for i in 0 1; do
	ok "c0$i: the end is heard" wait_for 10 grep -qE "^c0$i +\[DESTROY\] icmp " "$tmp/text"
done
watch_stop "text"

# ---- the same lines as conntrack -E ----
ip netns exec c00 conntrack -E >"$tmp/theirs" 2>"$tmp/theirs.err" &
theirs=$!
watchers+=("$theirs")
# in /proc/net/netlink: protocol 12 (netfilter), groups 1 to 3
must wait_for 10 ns c00 grep -qE '^[0-9a-f]+ +12 +[0-9]+ +0*7 ' /proc/net/netlink
watch_start "$tmp/ours" conntrack watch niransix --tenant c00
watch_all=$watcher
ping_from vpn-client00
ping_from vpn-client01
must ns c00 conntrack -I -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1 --dport 80 --state SYN_SENT -t 60 >/dev/null 2>&1
must ns c00 conntrack -U -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1 --dport 80 -m 5 >/dev/null 2>&1
must ns c00 conntrack -I -p udp -s fd00::1 -d fd00::2 --sport 1 --dport 53 -t 60 >/dev/null 2>&1
must ns c00 conntrack -F >/dev/null 2>&1
all_gone() { [ "$(grep -c DESTROY "$1")" = 3 ]; }
must wait_for 10 all_gone "$tmp/theirs"
must wait_for 10 all_gone "$tmp/ours"
watcher=$watch_all
watch_stop "beside conntrack -E"
kill "$theirs"
wait "$theirs" 2>/dev/null
# conntrack adds who asked for it
is "line by line as conntrack -E, behind the tenant's name" "$(cat "$tmp/ours")" \
	"$(sed -E 's/ +\[USERSPACE\].*//; s/^/c00 /' "$tmp/theirs")"
is "and all of them" "$(grep -oE '\[(NEW|UPDATE|DESTROY)\]' "$tmp/ours" | sort | uniq -c | xargs)" \
	"3 [DESTROY] 3 [NEW] 2 [UPDATE]"

# ---- filters, JSON ----
must warren -q conntrack flush niransix
watch_start "$tmp/json" --json conntrack watch niransix --proto icmp
must ns c01 conntrack -I -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1 --dport 53 -t 60 >/dev/null 2>&1
before=$(date +%s%3N)
ping_from vpn-client01
must warren -q conntrack flush niransix
must wait_for 10 grep -q '"destroy"' "$tmp/json"
after=$(date +%s%3N)
watch_stop "JSON"
is "JSON: what happened" "$(jq -c '[.lab, .tenant, .netns, .event, .proto, .orig.src]' "$tmp/json")" \
	"$(for e in new update destroy; do
		echo "[\"niransix\",\"c01\",\"c01\",\"$e\",\"icmp\",\"192.168.1.10\"]"
	done)"
is "JSON: and when" "$(jq -s "all(.time_epoch_ms >= $before and .time_epoch_ms <= $after)" "$tmp/json")" true

# ---- events are lost: said, and all that there is is listed ----
watch_start "$tmp/lost" --json conntrack watch niransix --buffer-size 4096
kill -STOP "$watcher"
seq 1 2000 | sed 's/.*/-I -p udp -t 600 -s 10.9.0.1 -d 10.9.0.2 --sport & --dport 53/' >"$tmp/many"
must ns c01 conntrack -R "$tmp/many" >/dev/null 2>&1
kill -CONT "$watcher"
ok "a loss ends in a listing" wait_for 20 grep -q '"synced"' "$tmp/lost"
ping_from vpn-client00
ok "and later events are heard again" wait_for 10 \
	jq -se 'map(.event) | index("synced") as $at | any(.[$at:][]; . == "new")' "$tmp/lost"
watch_stop "lost"
like "it says that events were lost" "$(cat "$tmp/lost.err")" 'note: events were lost'
ok "some were lost" test "$(jq -r .event "$tmp/lost" | grep -c '^new$')" -lt 2000
is "the listing has all sessions, once each" \
	"$(jq -r 'select(.event == "sync" and .tenant == "c01").orig.sport' "$tmp/lost" | sort -n)" "$(seq 1 2000)"

# ---- a lab can be taken down while it is watched ----
watch_start "$tmp/down" conntrack watch niransix
ok "down: niransix, watched" warren down niransix
for n in c00 c01; do fails "$n is gone" test -e "/run/netns/$n"; done
watch_stop "down"
residue_check "nothing is left"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `down` of a lab that others have laid hands on: what is gone is gone, and what is somebody
# else's stays, even under the same name
. "$(dirname "$(realpath "$0")")/../lib.sh"
need wireguard-go jq nft
file=$top/topologies/niransix.yaml
journal=/run/warren/niransix/journal

# up: the lab, quietly
up() { must warren -q up --backend userspace "$@" "$file"; }
# down_well NAME: exit status 0 and nothing left
down_well() {
	ok "down: $1" warren down niransix
	cp "$tmp/.out" "$tmp/said"
	residue_check "nothing is left: $1"
}
state() { warren --json status niransix | jq -r .state; }
# the pid that the journal has for process TEXT
pid_of() { awk -v text="$1" '$2 == "process" && index($0, text) {print $4}' "$journal"; }
gone() { [ ! -e "/proc/$1" ]; }

residue_snapshot
run_status 1 warren down niransix
is "down of a lab that is not up" "$(cat "$tmp/err")" \
	'warren: lab niransix is not up (`warren ls` lists those that are)'
run_status 2 warren down ../../etc
run_status 0 warren down --all

# --- things that are gone ------------------------------------------------------------------
up
must ip netns del c00
is "a namespace deleted by somebody: degraded" "$(state)" degraded
like "and it is named" "$(warren status niransix 2>&1)" 'c00'
down_well "a namespace is gone"

up
pid=$(pid_of c01/wg-c01)
must kill -9 "$pid"
wait_for 5 gone "$pid"
is "a wireguard-go killed by somebody: degraded" "$(state)" degraded
like "and it is said" "$(warren status niransix 2>&1)" 'c01 .* its wireguard-go has ended'
fails "up does not call that unchanged" warren up "$file"
down_well "a wireguard-go is gone"

up
for name in c00 vpn-client01 niransix-networks; do must ip netns del $name; done
for pid in $(awk '$2 == "process" {print $4}' "$journal"); do kill -9 "$pid" 2>/dev/null; done
rm -rf /run/warren/niransix/wg
down_well "everything is half gone"

up
must umount /run/netns/c00
ok "the file of a namespace stays without it" test -f /run/netns/c00
down_well "a namespace was unmounted"

up
rm -r /run/warren/niransix/{topology.yaml,meta.json,lock}
fails "status of a damaged record" warren status niransix
like "says so" "$(cat "$tmp/.out")" '^warren: lab niransix .* was cut short while it was .*warren down niransix'
down_well "the record is damaged, the journal is not"

# a program that goes into the background and leaves its group, and its starter ends
cat >"$tmp/daemon.yaml" <<'END'
name: daemon
hosts:
  a:
    run:
      - command: sh -c 'setsid sh -c "socat TCP4-LISTEN:80,fork PIPE & wait" & socat TCP4-LISTEN:81,fork PIPE & read -r x </dev/tcp 2>/dev/null'
        ready: { tcp: "127.0.0.1:80" }
END
ok "up: a program that goes into the background" warren up "$tmp/daemon.yaml"
ok "down: it" warren down daemon
residue_check "a program in the background is ended"

# --- things that are somebody else's ----------------------------------------------------------
up
must ip netns del c00
must ip netns add c00
must ip -n c00 link add theirs type bridge
ok "down: a namespace of the same name" warren down niransix
like "it is left alone, and that is said" "$(cat "$tmp/.out")" 'note: namespace c00 is not the one that was made: left alone'
ok "it is still there, with what is in it" ip -n c00 link show theirs
must ip netns del c00
residue_check "and nothing else"

up
must umount /run/netns/c00
rm /run/netns/c00
echo theirs >/run/netns/c00
ok "down: a file of the same name" warren down niransix
like "is left alone" "$(cat "$tmp/.out")" 'note: /run/netns/c00 is not the namespace that was made'
is "and still there" "$(cat /run/netns/c00)" theirs
rm /run/netns/c00
residue_check "and nothing else was left"

up
tail -f /dev/null &
stranger=$!
pid=$(pid_of c01/wg-c01)
# as if its number had been given to another process: the start time is not that one's
sed -i -E "s/^(\+[0-9]+ process [0-9]+) $pid /\1 $stranger /" "$journal"
ok "down: a process number used again" warren down niransix
ok "the stranger lives" kill -0 "$stranger"
kill "$stranger"
wait "$stranger" 2>/dev/null
kill "$pid" # which nobody knew any more
wait_for 5 gone "$pid"
residue_check "and nothing of ours is left"

# --- the journal ---------------------------------------------------------------------------------
up
printf '+999 netns 12' >>"$journal"
ok "status with a last line cut short" warren status niransix
down_well "a last line cut short"

up
cp "$journal" "$tmp/journal"
sed -i '4s/.*/+3 what is this/' "$journal"
run_status 3 warren down niransix
like "a line of the journal that means nothing" "$(cat "$tmp/err")" \
	"^warren: lab niransix: $journal:4: cannot be understood: .\+3 what is this"
is "nothing was removed" "$(ip netns list | wc -l)" 6
run_status 3 warren up "$file"
cp "$tmp/journal" "$journal"
down_well "the journal is mended"

up
must warren -q up "$top/topologies/wireguard-intro.yaml"
run_status 0 warren down --all
like "down --all: both" "$(cat "$tmp/out")" 'lab niransix is down'
residue_check "down --all leaves nothing"

# --- on the machine itself -------------------------------------------------------------------------
must ip link add enp0s8 type bridge
must ip link set enp0s8 up
must ip address add 203.0.113.10/24 dev enp0s8
must sysctl -qw net.ipv4.ip_forward=0
residue_snapshot
before=$(ip -o address | grep -v 'scope link'; ip route; nft list ruleset; sysctl net.ipv4.ip_forward)
up --host vpn-center
like "the missing address is given" "$(ip -o address show dev enp0s8)" '2001:db8::10/64'
must ip link del br-internal
must ip link add br-internal type bridge
ok "down: a bridge made anew by somebody" warren down niransix
like "is left alone, and that is said" "$(cat "$tmp/.out")" 'note: interface br-internal is not the one that was made'
ok "and is still there" ip link show br-internal
must ip link del br-internal
residue_check "all else is as before"
is "addresses, routes, rules, sysctls too" "$(ip -o address | grep -v 'scope link'; ip route; nft list ruleset; sysctl net.ipv4.ip_forward)" "$before"

must sysctl -qw net.ipv4.ip_forward=0
must nft add table inet warren
must nft add chain inet warren theirs
residue_snapshot
sed 's/^  vpn-client00:/&\n    napt: [{out: enp0s8, source: [192.168.1.0\/24]}]/' "$file" >"$tmp/napt.yaml"
file=$tmp/napt.yaml
run_status 3 warren up --host vpn-client00 --backend userspace "$file"
like "somebody has a table of our name: said" "$(cat "$tmp/err")" 'table inet warren is there already .*nft delete table inet warren'
residue_check "nothing was made"
is "the sysctl has its old value" "$(sysctl -n net.ipv4.ip_forward)" 0
ok "their table stays" nft list chain inet warren theirs
must nft delete table inet warren
residue_snapshot

up --host vpn-client00
is "a sysctl is set" "$(sysctl -n net.ipv4.ip_forward)" 1
like "there are rules" "$(nft list table inet warren)" 'comment "'
down_well "host mode with rules and sysctls"
is "the sysctl has its old value again" "$(sysctl -n net.ipv4.ip_forward)" 0

up --host vpn-client00
must nft delete table inet warren
must nft add table inet warren
must nft add chain inet warren theirs
must sysctl -qw net.ipv4.ip_forward=1
ok "down: a table made anew by somebody" warren down niransix
ok "it stays" nft list chain inet warren theirs
must nft delete table inet warren
residue_check "and nothing else"
must ip link del enp0s8

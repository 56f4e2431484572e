# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For the tests that end `apply` in the middle of its work.  Sourced after crash.sh.
#
# $old and $new are two files of one lab, each other's change in nearly every kind of operation.  A
# point of apply is tried on the way from one to the other, and the next point on the way back.

# shellcheck disable=SC2154 # from lib.sh
old=$tmp/old.yaml new=$tmp/new.yaml
cat >"$old" <<'END'
name: small
networks:
  net: { prefixes: [203.0.113.0/24] }
  side: { prefixes: [198.18.0.0/24] }
hosts:
  centre:
    networks: { net: { interface: wan, addresses: [203.0.113.1] } }
    bridges: { br: { addresses: [10.0.0.1/24] }, spare: { addresses: [10.0.1.1/24] } }
    run:
      - command: exec socat TCP4-LISTEN:80,bind=10.0.0.1,reuseaddr,fork PIPE
        ready: { tcp: "10.0.0.1:80" }
    gateway:
      bridge: br
      tenants:
        t0:
          listen_port: 20000
          napt_addresses: [10.0.0.20/24]
          dns: [10.0.0.1]
          peers: [{ host: router/wg0 }]
        t1: { listen_port: 20001, napt_addresses: [10.0.0.21/24] }
        t2: { listen_port: 20002, napt_addresses: [10.0.0.22/24], dns: [10.0.0.1] }
  router:
    networks: { net: { interface: wan, addresses: [203.0.113.2] } }
    bridges: { lan: { addresses: [192.168.1.1/24] } }
    forwarding: true
    sysctls: { net.ipv4.conf.all.rp_filter: 0 }
    routes: [{ to: 198.51.100.0/24, via: 203.0.113.1 }]
    napt: [{ out: wan, source: [192.168.1.0/24] }]
    wireguard:
      wg0:
        peers: [{ tenant: centre/t0, allowed_ips: [10.0.0.0/24] }]
  home:
    networks: { side: { interface: wan, addresses: [198.18.0.3] } }
    bridges: { lan: {} }
END
cat >"$new" <<'END'
name: small
networks:
  net: { prefixes: [203.0.113.0/24], mtu: 1400 }
hosts:
  centre:
    networks: { net: { interface: wan, addresses: [203.0.113.1] } }
    bridges: { br: { addresses: [10.0.0.1/24, 10.0.0.2/24] } }
    run:
      - command: exec socat TCP4-LISTEN:81,bind=10.0.0.2,reuseaddr,fork PIPE
        ready: { tcp: "10.0.0.2:81" }
    gateway:
      bridge: br
      mtu: 1300
      tenants:
        t0:
          listen_port: 20001
          napt_addresses: [10.0.0.30/24]
          dns: [10.0.0.2]
          peers: [{ host: router/wg0, allowed_ips: [192.168.0.0/16] }]
        t1: { listen_port: 20000, napt_addresses: [10.0.0.21/24], dns: [10.0.0.2] }
        t3: { listen_port: 20003, napt_addresses: [10.0.0.23/24], dns: [10.0.0.1] }
  router:
    networks: { net: { interface: wan, addresses: [203.0.113.12] } }
    bridges: { lan: { addresses: [192.168.2.1/24] } }
    proxy_arp: [lan]
    routes: [{ to: 198.51.100.0/24, via: 203.0.113.3 }, { to: 192.0.2.0/24, via: 203.0.113.1 }]
    napt: [{ out: wan, source: [192.168.2.0/24] }]
    wireguard:
      wg0:
        addresses: [10.99.0.2/24]
        peers: [{ tenant: centre/t0, allowed_ips: [10.0.0.0/16], persistent_keepalive: 5 }]
  office:
    networks: { net: { interface: wan, addresses: [203.0.113.4] } }
    bridges: { lan: {} }
END

# open_units FILE: those that have a line in its plan.  Settings and rules that are not wanted any more
# are in it whether they are there or not; what others stood on goes only when all went well; and where
# a peer is to be found is the other's doing.
open_units() {
	warren plan "$1" | grep -vE '^- [a-z0-9 ]+: (sysctl|NAPT|.*(side|spare)$)|: endpoint' |
		sed -En 's/^[-+~] (networks|(host|tenant) [a-z0-9]+).*/\1/p' | sort -u
}

# the units of a state, in front of each line: what stands in another's namespace is its owner's.
# Without alternative names of links, which a link gets after it is made, and which apply does not look at.
by_unit() {
	"$top/tests/state" small | sed -E 's/"alt":(null|\[[^]]*]),//' | awk '{
		unit = $1
		if (match($0, /eth-t[0-9]-nsA/)) unit = substr($0, RSTART + 4, 2)
		else if (match($0, /(centre|router|home|office)\.wan/)) unit = substr($0, RSTART, RLENGTH - 4)
		if ($2 != "socket" && !/process wireguard-go/) print unit, $0
	}' | sort
}

# begin BACKEND: what there is with $old, and with $new, each made from nothing; the keys are made and kept
begin() {
	local f
	backend=$1 at=$old # the file that was applied last
	residue_snapshot
	for f in "$old" "$new"; do
		must warren -q up --backend "$backend" "$f"
		by_unit >"$f.state"
		must warren -q down small
	done
}

# whole_units [A B]: as others see it, each unit is as in one of two files, $old and $new
# shellcheck disable=SC2120 # by apply_third.sh
whole_units() {
	by_unit >"$tmp/now.state"
	awk '
		FNR == 1 { file++ }
		!/side|spare/ { units[$1]; text[file, $1] = text[file, $1] $0 "\n" }
		END {
			for (u in units)
				if (text[3, u] != text[1, u] && text[3, u] != text[2, u]) {
					print u ": neither as it was nor as wanted:\n" text[3, u]
					wrong = 1
				}
			exit wrong
		}' "${1-$old}.state" "${2-$new}.state" "$tmp/now.state"
}

# settled FILE: there is nothing left to do, and what there is is what that file makes
settled() {
	warren plan "$1"
	expect 0 $? plan && by_unit | diff "$1.state" -
}

# is_as_said FROM TO: each unit is as in one of the two files, those that are said to be as they were
# are, and as many as are said to be changed are as wanted
is_as_said() {
	local unit half left changed wrong=0
	open_units "$1" >"$tmp/not-old"
	open_units "$2" >"$tmp/not-new"
	half=$(comm -12 "$tmp/not-old" "$tmp/not-new")
	[ -z "$half" ] || { echo "half: $half"; wrong=1; }
	while read -r unit; do
		grep -qx "$unit" "$tmp/not-new" || { echo "not as it was: $unit"; wrong=1; }
	done < <(sed -En 's/.*(networks|(host|tenant) [a-z0-9]+)(: [^;]*:)? (it )?is left as it was$/\1/p' "$tmp/err")
	changed=$(sed -n 's/^warren: \([0-9]*\) of [0-9]* units changed .*/\1/p' "$tmp/err")
	left=$(comm -23 "$tmp/not-old" "$tmp/not-new" | wc -l)
	# what others stood on is counted when it has gone
	grep -q 'not needed any more$' "$tmp/err" || [ -z "$changed" ] || expect "$left" "$changed" "units that are new" || wrong=1
	return $wrong
}

# stopped KIND EVERY N: point N of apply fails, or SIGINT comes; the next apply finishes.  At each EVERY-th
# point, others than warren are asked what there is.
stopped() {
	local every=$2 n=$3 status from=$old to=$new why="fault injected at point $3\b" wrong=0
	[ "$at" = "$old" ] || from=$new to=$old
	at=$to
	[ "$1" = fail ] || why='interrupted'
	fault "$1@$n" apply "$to" 2>"$tmp/err"
	status=$?
	cat "$tmp/err"
	if [ $status -eq 0 ]; then
		through=1
		settled "$to"
		return
	fi
	expect 4 $status apply || wrong=1
	grep -q "$why" "$tmp/err" || wrong=1
	! grep -v '^warren: ' "$tmp/err" || wrong=1
	# namespaces end in the background, and links with them
	wait_for 2 is_as_said "$from" "$to" || { is_as_said "$from" "$to"; wrong=1; }
	[ $((n % every)) -ne 0 ] || whole_units || wrong=1
	warren apply "$to"
	expect 0 $? "next apply" || wrong=1
	if [ $((n % every)) -eq 0 ]; then settled "$to"; else warren plan "$to"; fi && return $wrong
}

# killed_again EVERY N: killed at point N of apply; the next apply finishes
killed_again() {
	local every=$1 n=$2 status from=$old to=$new wrong=0
	[ "$at" = "$old" ] || from=$new to=$old
	at=$to
	fault "kill@$n" apply "$to"
	status=$?
	if [ $status -ne 137 ]; then
		through=1
		expect 0 $status apply && settled "$to"
		return
	fi
	wait_for 2 at_most_one_half "$from" "$to" || { at_most_one_half "$from" "$to"; wrong=1; }
	warren apply "$to"
	expect 0 $? "next apply" || wrong=1
	if [ $((n % every)) -eq 0 ]; then settled "$to"; else warren plan "$to"; fi && return $wrong
}

# at_most_one_half FROM TO: all units but the one that was being changed are as in one of the files; the
# two that swap their ports wait for each other
at_most_one_half() {
	comm -12 <(open_units "$1") <(open_units "$2") | sed 's/tenant t1/tenant t0/' | uniq >"$tmp/half"
	cat "$tmp/half"
	[ "$(wc -l <"$tmp/half")" -le 1 ]
}

# then_down KIND N: point N of apply fails, or warren is killed there; then the lab is taken down
then_down() {
	local status wanted=137
	[ "$1" = kill ] || wanted=4
	warren -q up --backend "$backend" "$old" || return 1
	fault "$1@$2" apply "$new"
	status=$?
	[ $status -ne 0 ] || { through=1; wanted=0; }
	expect $wanted $status apply || return 1
	warren down small
	expect 0 $? down && clean
}

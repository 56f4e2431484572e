# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For the tests that end warren in the middle of its work.  Sourced after lib.sh.
#
# WARREN_FAULT (base/fault.h) ends a run at its N-th instant; there is one between any two
# changes of the system.  A test goes through all of them, from 1 until a run gets through.

# shellcheck disable=SC2154 # from lib.sh
small=$tmp/small.yaml
# one of every kind of thing that a lab can have, and no more
cat >"$small" <<'END'
name: small
networks:
  net: { prefixes: [203.0.113.0/24] }
hosts:
  centre:
    networks: { net: { interface: wan, addresses: [203.0.113.1/24] } }
    bridges: { br: { addresses: [10.0.0.1/24] } }
    run:
      - command: sh -c 'socat TCP4-LISTEN:80,bind=10.0.0.1,reuseaddr,fork PIPE; exit'
        ready: { tcp: "10.0.0.1:80" }
    gateway:
      bridge: br
      tenants:
        t0:
          listen_port: 50000
          napt_addresses: [10.0.0.20/24]
          dns: [10.0.0.1]
          peers: [{ host: router/wg0 }]
  router:
    networks: { net: { interface: wan, addresses: [203.0.113.2/24] } }
    bridges: { lan: { addresses: [192.168.1.1/24] } }
    forwarding: true
    sysctls: { net.ipv4.conf.all.rp_filter: 0 }
    routes: [{ to: 198.51.100.0/24, via: 203.0.113.1 }]
    napt: [{ out: wan, source: [192.168.1.0/24] }]
    wireguard:
      wg0:
        peers: [{ tenant: centre/t0, allowed_ips: [10.0.0.0/24] }]
END

# the lab of a file
lab_of() { sed -n 's/^name: *//p' "$1"; }

# fault KIND@N ARG...: warren with that fault; its status
fault() {
	local what=$1
	shift
	WARREN_FAULT=$what "$WARREN" "$@"
}

# clean: is everything as at the last residue_snapshot?  Says what is not.
clean() {
	wait_for 5 _residue_same && return 0
	diff -u --label before --label now "$tmp/.residue" "$tmp/.residue.now"
	return 1
}

# every_point NAME TEST ARG...: calls TEST ARG... N for N = 1, 2, 3 … as a check of its own,
# until it sets $through; no lab has more than a thousand points.  $step: not each, but each third or so;
# WARREN_FAULT_STEP: of these, each third or so.
every_point() {
	local name=$1 by=$((${step:-1} * ${WARREN_FAULT_STEP:-1}))
	shift
	through=
	for ((n = 1; n < 1000; n += by)); do
		ok "$name, point $n" "$@" $n
		[ -z "$through" ] || break
	done
	ok "$name: got through after $((n - by)) points" [ $n -gt 20 -a $n -lt 1000 ]
}

# expect N STATUS WHAT: for use inside of a point's test
expect() {
	[ "$2" -eq "$1" ] && return 0
	echo "$3: exit status $2, not $1"
	return 1
}

# killed_then_down FILE N: killed at point N of up, then taken down
killed_then_down() {
	local status
	fault "kill@$2" up --backend userspace "$1"
	status=$?
	if [ $status -ne 137 ]; then
		through=1
		expect 0 $status up || return 1
	fi
	warren down "$(lab_of "$1")"
	status=$?
	# dead before the first trace of the lab: there is nothing to take down
	[ "$2" -gt 1 ] || [ $status -ne 1 ] || status=0
	expect 0 $status down && clean
}

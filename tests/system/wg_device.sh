#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The WireGuard devices of wg/, made by wg_device_tool and looked at with ip, ss, wg and ping.
#
# Environment: WARREN_TOOLS=FOLDER with wg_device_tool (make check-system sets it),
# WG_KIND=kernel|userspace (userspace)

. "$(dirname "$(realpath "$0")")/../lib.sh"
need wg ip ss ping
TOOL=${WARREN_TOOLS:?}/wg_device_tool
KIND=${WG_KIND-userspace}
check() { ok "$@"; }
refuses() { # ERRNO COMMAND…: does it fail with that?
	local code=$1
	shift
	! "$@" 2>/run/err && grep -q "^$code: " /run/err
}
# a folder too long for a unix address
L=/run/$(printf '%0150d' 0)
mkdir -p "$L"/{a,b}
U=/run/netns/u A=/run/netns/a B=/run/netns/b
tool() { "$TOOL" "$@"; }
make_namespaces() {
	local n
	for n in u a b; do ip netns add $n; done
	ip -n u link set lo up
	ns a sysctl -qw net.ipv6.conf.default.accept_dad=0
	ns b sysctl -qw net.ipv6.conf.default.accept_dad=0
}
remove_namespaces() {
	local n
	if [ "$KIND" = userspace ]; then
		for n in a b; do
			[ ! -e "$L/$n/wg0.pid" ] || tool end "$L/$n" wg0
		done
	fi
	rm -f "$L"/?/wg0.*
	for n in u a b; do ip netns del $n; done
}
tool available "$KIND" || skip "no $KIND backend here"
make_namespaces

ka=$(wg genkey) kb=$(wg genkey) psk=$(wg genpsk)
pa=$(wg pubkey <<<"$ka") pb=$(wg pubkey <<<"$kb")
make_pair() {
	tool create "$KIND" $U $A wg0 1380 "$L/a" >/dev/null &&
		tool create "$KIND" $U $B wg0 1420 "$L/b" >/dev/null &&
		tool set "$KIND" $A wg0 "$L/a" key="$ka" port=5001 mark=0x77 peer="$pb" psk="$psk" \
			endpoint=127.0.0.1:5002 only allow=10.0.0.2/32 allow=fd00::2/128 &&
		tool set "$KIND" $B wg0 "$L/b" key="$kb" port=5002 peer="$pa" psk="$psk" \
			endpoint=127.0.0.1:5001 keepalive=25 only allow=10.0.0.1/32 &&
		ip -n a link set wg0 up && ip -n b link set wg0 up &&
		ip -n a addr add 10.0.0.1/24 dev wg0 && ip -n b addr add 10.0.0.2/24 dev wg0
}
dump() { # NS: as the witness sees it
	if [ "$KIND" = kernel ]; then
		ns "$1" wg show wg0 dump
	else
		# wg looks for sockets in one folder only
		mkdir -p /run/wireguard && mount --bind "$L/$1" /run/wireguard &&
			wg show wg0 dump
		local status=$?
		umount /run/wireguard
		return $status
	fi
}
agrees() { # NS: with the witness
	dump "$1" | tr , '\n' | sort >/run/witness
	tool get "$KIND" "/run/netns/$1" wg0 "$L/$1" | tr , '\n' | sort >/run/ours
	[ -s /run/witness ] && diff /run/witness /run/ours
}
count_allowed() { dump a | tail -n +2 | cut -f 4 | tr , '\n' | wc -l; }

# --- right after it is made, packets flow -------------------------------------------------
good=0
for _ in $(seq 20); do
	make_pair && ns a ping -q -c 1 -W 0.1 10.0.0.2 >/dev/null && good=$((good + 1))
	remove_namespaces
	make_namespaces
done
check "20 of 20 answer within 100 ms ($good)" [ $good = 20 ]

# --- two of one name, each in its home, their sockets in the underlay ------------------------
check "two called wg0 at once" make_pair
check "MTU as asked for" grep -q 'mtu 1380' <(ip -n a link show wg0)
check "no link-local address" [ -z "$(ip -n a -6 -o addr show dev wg0 scope link)" ]
check "nothing left in the underlay" [ "$(ip -n u -o link | wc -l)" = 1 ]
check "sockets in the underlay" grep -q ':5001 ' <(ns u ss -lun)
check "none in the home" [ -z "$(ns a ss -Hlun)" ]
check "ping" ns a ping -q -c 1 -W 1 10.0.0.2
check "no packet lost in 2.5 s" grep -q ' 0% packet loss' <(ns a ping -q -i 0.02 -c 125 -W 1 10.0.0.2)
check "get agrees with wg (a)" agrees a
check "get agrees with wg (b)" agrees b

# --- changes ----------------------------------------------------------------------------------
check "another port" tool set "$KIND" $A wg0 "$L/a" port=5003
check "its sockets are in the underlay too" grep -q ':5003 ' <(ns u ss -lun)
check "and the old ones gone" [ -z "$(ns u ss -Hlun 'sport = :5001')" ]
check "ping from there" ns a ping -q -c 1 -W 1 10.0.0.2
check "a port in use" refuses EADDRINUSE tool set "$KIND" $B wg0 "$L/b" port=5003
check "back to its own" tool set "$KIND" $B wg0 "$L/b" port=5002
check "a peer of 10,000 addresses, 1,000 peers" \
	tool set "$KIND" $A wg0 "$L/a" peer="$pb" fill=10000 peers=1000
check "all of them" agrees a
check "1001 peers" [ "$(dump a | wc -l)" = 1002 ]
check "only one address again" tool set "$KIND" $A wg0 "$L/a" peer="$pb" only allow=10.0.0.2/32
check "ping still" ns a ping -q -c 1 -W 1 10.0.0.2
check "one peer instead of all" tool set "$KIND" $A wg0 "$L/a" replace peer="$pb" only fill=5000
check "5000 addresses" [ "$(count_allowed)" = 5000 ]
check "no peer" tool set "$KIND" $A wg0 "$L/a" peer="$pb" remove
check "none" [ "$(dump a | wc -l)" = 1 ]

# --- failures -------------------------------------------------------------------------------------
ip -n a link add taken type veth peer name taken2
mkdir -p "$L/c"
check "a name that is taken" refuses EEXIST tool create "$KIND" $U $A taken 1420 "$L/c"
check "leaves nothing in the underlay" [ "$(ip -n u -o link | wc -l)" = 1 ]
check "nor a socket" [ ! -e "$L/c/taken.sock" ]
if [ "$KIND" = userspace ]; then
	check "nor a process" [ ! -e "$L/c/taken.pid" ]
	# the same where it is moved at the end: an odd MTU
	check "a name that is taken at the end" refuses EEXIST \
		tool create "$KIND" $U $A taken 1381 "$L/c"
	read -r pid _ <"$L/c/taken.pid"
	check "no process is left" [ ! -e "/proc/$pid" ]
	check "nothing is left in the underlay" [ "$(ip -n u -o link | wc -l)" = 1 ]
	check "home is the underlay" tool create "$KIND" $U $U wg0 1300 "$L/c"
	check "there it is" grep -q 'LOWER_UP.* mtu 1300' <(ip -n u link show wg0)
	check "a tenant's may have the same name" tool create "$KIND" $U $A wg1 1420 "$L/c"
	check "and this one" grep -q 'LOWER_UP.* mtu 1420' <(ip -n a link show wg1)
	for i in wg0 wg1; do tool end "$L/c" $i; done
	tool end "$L/a" wg0
	check "the interface goes with its process" [ -z "$(ip -n a -o link | grep wg0:)" ]
	check "who is gone refuses" refuses ECONNREFUSED tool get userspace $A wg0 "$L/a"
	check "20 together" tool many 20 $U $A "$L/c"
	check "all at home" [ "$(ip -n a -o link show up | grep -c 'wm[0-9]*:')" = 20 ]
	for i in $(seq 0 19); do tool end "$L/c" wm$i; done
	check "all gone" [ "$(ip -n a -o link | grep -c 'wm[0-9]*:')" = 0 ]
else
	check "no such interface" refuses ENODEV tool get kernel $U wg0 "$L/a"
	check "not a WireGuard" refuses EOPNOTSUPP tool get kernel $A lo "$L/a"
fi
remove_namespaces
rm -rf "$L" /run/wireguard /run/witness /run/ours /run/err

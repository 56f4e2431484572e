#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Drift: what is changed by hand is found by `plan`, mended by `apply`, and nothing else is
# touched.  What somebody has added beside the lab stays.
. "$(dirname "$(realpath "$0")")/../lib.sh"
. "$top/tests/change.sh"
need strace
file=$tmp/drift.yaml
cat >"$file" <<'E'
name: drift
networks:
  net: { prefixes: [203.0.113.0/24, "2001:db8::/64"] }
hosts:
  centre:
    networks: { net: { interface: wan, addresses: [203.0.113.1, "2001:db8::1"] } }
    bridges: { br: { addresses: [10.0.0.1/24, "fd00::1/64"] } }
    run:
      - command: exec socat TCP4-LISTEN:80,bind=10.0.0.1,reuseaddr,fork PIPE
        ready: { tcp: "10.0.0.1:80" }
    gateway:
      bridge: br
      tenants:
        t0:
          listen_port: 20000
          napt_addresses: [10.0.0.20, "fd00::20"]
          dns: [10.0.0.1]
          peers: [{ host: router/wg0 }]
        t1:
          listen_port: 20001
          napt_addresses: [10.0.0.21]
          dns: [10.0.0.1]
          peers: [{ host: home/wg0 }]
  router:
    networks: { net: { interface: wan, addresses: [203.0.113.2] } }
    bridges: { lan: { addresses: [192.168.1.1/24, 192.168.1.2/24] } }
    forwarding: true
    sysctls: { net.ipv4.conf.all.rp_filter: 0, net.ipv4.conf.lan.proxy_arp: 1, net.ipv4.conf.all.accept_redirects: 1 }
    routes: [{ to: 198.51.100.0/24, via: 203.0.113.1 }, { to: 192.0.2.0/24, dev: lan, metric: 7, table: 100 }]
    napt: [{ out: wan, source: [192.168.1.0/24] }]
    wireguard:
      wg0:
        listen_port: 20100
        addresses: [10.99.0.2/24]
        peers: [{ tenant: centre/t0, allowed_ips: [10.0.0.0/24] }]
  home:
    networks: { net: { interface: wan, addresses: [203.0.113.3] } }
    bridges: { lan: { addresses: [192.168.1.1/24] } }
    wireguard:
      wg0:
        peers: [{ tenant: centre/t1, allowed_ips: [10.0.0.0/24], persistent_keepalive: 0 }]
checks:
  - { from: router, source: 192.168.1.1, icmp: 10.0.0.1 }
  - { from: home, source: 192.168.1.1, icmp: 10.0.0.1 }
  - { from: t0, icmp: 10.0.0.21, expect: fail }
E
in_wg() { warren exec drift "$1" -- wg "${@:2}"; }

residue_snapshot
lab_up drift --backend userspace "$file"
settled "just made" "$file"

# --- what a user adds beside it -------------------------------------------------------------
key=$(wg genkey | wg pubkey)
must ip -n t0 address add 10.0.0.99/32 dev eth-t0-nsB
must ip -n router address add 192.168.1.77/24 dev lan
must ip -n router route add 198.18.0.0/15 via 203.0.113.1
must ip -n router link add extra type bridge
must ip -n router link set extra up mtu 1300
must in_wg t0 set wg-t0 peer "$key" allowed-ips 192.168.77.0/24 endpoint 203.0.113.9:9
must ns t0 nft add table inet theirs
must ns router nft add table ip theirs
must ns t0 sysctl -qw net.ipv4.tcp_ecn=1 net.ipv4.conf.eth-t0-nsB.rp_filter=2
echo '10.0.0.1 service' >/etc/netns/t0/hosts
ip netns exec t0 socat -u TCP4-LISTEN:7777,reuseaddr,fork OPEN:/dev/null &
theirs=$!
wait_for 5 ns t0 socat -u OPEN:/dev/null TCP4:127.0.0.1:7777
settled "what was added" "$file"
state drift >"$tmp/state"

# --- nothing to do is nothing done -------------------------------------------------------------
# contents and times of what is on disk
disk() { find /run/warren /run/netns /run/wireguard /etc/netns /var/lib/warren -printf '%p %i %s %T@ %C@ %m\n' | sort; }
disk >"$tmp/disk"
for command in plan apply; do
	ASAN_OPTIONS=detect_leaks=0 strace -f -s 256 -o "$tmp/trace" "$WARREN" $command "$file" >"$tmp/out" 2>&1
	is "$command with nothing to do: status" $? 0
	is "$command with nothing to do: says so" "$(cat "$tmp/out")" "lab drift is as the file says"
	# strace knows some requests by name: RTM_GET…, NFT_MSG_GET… are those that only ask
	is "$command with nothing to do: only asks the kernel" "$(grep -E '^[0-9]+ +send(to|msg)\(' "$tmp/trace" |
		grep -oE '(nlmsg_type|type)=(0x[0-9a-f]+|[A-Z_<0-9]+)' | sed 's/.*=//; s/^NFNL_SUBSYS_NFTABLES<<8.*/0xa01/' | sort -u |
		grep -vE '^(RTM_GETLINK|RTM_GETADDR|RTM_GETROUTE|0x(12|16|1a|a01|a04|a07|a0a|a0d|a10|a13))$')" ""
	is "$command with nothing to do: asks it at all" "$(grep -cE '^[0-9]+ +send(to|msg)\(.*(0x12|RTM_GETLINK)' "$tmp/trace" | sed 's/^[1-9].*/yes/')" yes
	is "$command with nothing to do: sends the tunnels nothing" "$(grep -c 'set=1' "$tmp/trace")" 0
	is "$command with nothing to do: asks them" "$(grep -c 'get=1' "$tmp/trace")" 4
	is "$command with nothing to do: writes no file" "$(grep -E '^[0-9]+ +(mkdir|mknod|unlink|rename|link|symlink|mount|umount|chmod|truncate|ftruncate|kill|tkill|pidfd_send)[a-z0-9]*\(' "$tmp/trace" |
		grep -v EEXIST)$(grep -E 'open(at)?\(.*O_(CREAT|TRUNC|WRONLY)' "$tmp/trace" | grep -vE '/run/warren/drift/(lock|journal)"')" ""
	is "$command with nothing to do: nothing on disk has changed" "$(disk | diff "$tmp/disk" -)" ""
done
same "nothing to do: nothing has changed" drift "$tmp/state"

# --- drift ----------------------------------------------------------------------------------------
# drift NAME N LINES CMD...: CMD is what somebody does by hand.  The plan says LINES, apply starts
# N programs, and all is as it was.
drift() {
	local name=$1 n=$2 lines=$3
	shift 3
	must "$@" >"$tmp/.did" 2>&1
	changes "$name" "$file" "$lines"
	applied "$name" "$file" "$n"
	same "$name: mended, and nothing else" drift "$tmp/state"
}

drift "address removed" 0 "~ tenant t0: address 10.0.0.20/24 on eth-t0-nsB: it is missing" \
	ip -n t0 address del 10.0.0.20/24 dev eth-t0-nsB
drift "IPv6 address removed" 0 "~ tenant t0: address fd00::20/64 on eth-t0-nsB: it is missing" \
	ip -n t0 address del fd00::20/64 dev eth-t0-nsB
drift "address of a tunnel removed" 0 "~ host router: address 10.99.0.2/24 on wg0: it is missing
~ host router: route 10.0.0.0/24 dev wg0: it is missing" \
	ip -n router address del 10.99.0.2/24 dev wg0
drift "address of another length" 0 "~ host home: address 192.168.1.1/24 on lan: it is missing" \
	sh -c 'ip -n home address del 192.168.1.1/24 dev lan && ip -n home address add 192.168.1.1/25 dev lan && ip -n home address del 192.168.1.1/25 dev lan'
drift "route removed" 0 "~ host router: route 198.51.100.0/24 via 203.0.113.1: it is missing" \
	ip -n router route del 198.51.100.0/24
drift "route of another table removed" 0 "~ host router: route 192.0.2.0/24 dev lan metric 7 table 100: it is missing" \
	ip -n router route del 192.0.2.0/24 table 100
drift "default route removed" 0 "~ tenant t0: route default dev wg-t0: it is missing" ip -n t0 -4 route del default
drift "IPv6 default route removed" 0 "~ tenant t0: route default dev wg-t0: it is missing" ip -n t0 -6 route del default
drift "route replaced" 0 "~ host router: route 198.51.100.0/24 via 203.0.113.1: it goes by 203.0.113.3" \
	ip -n router route replace 198.51.100.0/24 via 203.0.113.3
drift "route into a tunnel replaced" 0 "~ tenant t1: route default dev wg-t1: it goes by 10.0.0.1" \
	ip -n t1 route replace default via 10.0.0.1
drift "link down" 0 "~ host centre: address 2001:db8::1/64 on wan: it is missing
~ host centre: wan: it is down" ip -n centre link set wan down
drift "tunnel down" 0 "~ host home: wg0: it is down
~ host home: route 10.0.0.0/24 dev wg0: it is missing" ip -n home link set wg0 down
drift "port of a segment down" 0 "~ host router: router.wan: it is down" ip -n drift-networks link set router.wan down
drift "bridge down" 0 "~ networks: net: it is down" ip -n drift-networks link set net down
drift "lo down" 0 "~ tenant t1: lo: it is down" ip -n t1 link set lo down
drift "MTU of a veth" 0 "~ tenant t0: mtu of eth-t0-nsB 1400 → 1500" ip -n t0 link set eth-t0-nsB mtu 1400
drift "MTU of a segment" 0 "~ networks: mtu of net 1400 → 1500" ip -n drift-networks link set net mtu 1400
drift "MTU of a tunnel" 0 "~ host home: mtu of wg0 1280 → 1420" ip -n home link set wg0 mtu 1280
drift "MTU too small for IPv6" 0 "~ host centre: address 2001:db8::1/64 on wan: it is missing
~ host centre: mtu of wan 1000 → 1500" ip -n centre link set wan mtu 1000
drift "MTU too small for IPv6, where there was none" 0 "~ host router: mtu of wan 1000 → 1500" ip -n router link set wan mtu 1000
drift "MTU of a port too small for IPv6" 0 "~ tenant t0: mtu of eth-t0-nsA 1000 → 1500
~ host centre: mtu of br 1000 → 1500
~ host centre: address fd00::1/64 on br: it is missing" ip -n centre link set eth-t0-nsA mtu 1000
drift "MTU of a tunnel too small for IPv6" 0 "~ host router: mtu of wg0 1000 → 1420" ip -n router link set wg0 mtu 1000
drift "bridge deleted" 0 "~ host home: bridge lan: it is missing" ip -n home link del dev lan
drift "port taken off the bridge" 0 "~ tenant t0: eth-t0-nsA: it is not on bridge br" ip -n centre link set eth-t0-nsA nomaster
drift "isolation switched off" 0 "~ tenant t1: eth-t1-nsA: it is not isolated" bridge -n centre link set dev eth-t1-nsA isolated off
drift "isolation switched on" 0 "~ host home: home.wan: it is isolated" bridge -n drift-networks link set dev home.wan isolated on
drift "veth deleted" 0 "~ tenant t1: veth eth-t1-nsA - eth-t1-nsB in tenant t1: it is missing" ip -n centre link del eth-t1-nsA
drift "veth to a segment deleted" 0 "~ host home: veth home.wan - wan in host home: it is missing" ip -n home link del wan
drift "sysctl" 0 "~ host router: sysctl net.ipv4.conf.lan.proxy_arp 0 → 1" ns router sysctl -qw net.ipv4.conf.lan.proxy_arp=0
drift "sysctl that a tenant cannot do without" 0 "~ tenant t0: sysctl net.ipv4.ip_forward 0 → 1" ns t0 sysctl -qw net.ipv4.ip_forward=0
# it changes others along with it
drift "ip_forward" 0 "~ host router: sysctl net.ipv4.ip_forward 0 → 1" ns router sysctl -qw net.ipv4.ip_forward=0
drift "table deleted" 0 "~ tenant t0: NAPT rules: they are missing" ns t0 nft delete table inet warren
drift "table of a plain host deleted" 0 "~ host router: NAPT rules: they are missing" ns router nft delete table inet warren

# --- WireGuard ------------------------------------------------------------------------------------------
public() { in_wg "$1" show "$2" public-key; }
router=$(public router wg0) home=$(public home wg0) centre=$(public t1 wg-t1)
drift "peer removed" 0 "~ tenant t0: peer router/wg0: it is missing" in_wg t0 set wg-t0 peer "$router" remove
drift "allowed IPs" 0 "~ tenant t0: peer router/wg0: allowed_ips 192.168.1.0/24 → 0.0.0.0/0, ::/0" \
	in_wg t0 set wg-t0 peer "$router" allowed-ips 192.168.1.0/24
drift "allowed IPs taken by another peer" 0 "~ tenant t0: peer router/wg0: allowed_ips 0.0.0.0/0 → 0.0.0.0/0, ::/0" \
	sh -c "$WARREN exec drift t0 -- wg set wg-t0 peer '$key' allowed-ips 192.168.77.0/24,::/0"
drift "endpoint" 0 "~ host home: peer centre/t1: endpoint 203.0.113.77:7 → 203.0.113.1:20001" \
	in_wg home set wg0 peer "$centre" endpoint 203.0.113.77:7
drift "preshared key" 0 "~ tenant t1: peer home/wg0: preshared_key" sh -c "wg genpsk >$tmp/psk && $WARREN exec drift t1 -- wg set wg-t1 peer '$home' preshared-key $tmp/psk"
drift "keepalive" 0 "~ tenant t1: peer home/wg0: persistent_keepalive 25 → 0" in_wg t1 set wg-t1 peer "$home" persistent-keepalive 25
drift "private key" 0 "~ tenant t1: private_key of wg-t1" sh -c "wg genkey >$tmp/other && $WARREN exec drift t1 -- wg set wg-t1 private-key $tmp/other"
drift "listen port" 0 "~ tenant t1: listen_port 20007 → 20001" in_wg t1 set wg-t1 listen-port 20007
drift "fwmark" 0 "~ host home: fwmark 5 → 0" in_wg home set wg0 fwmark 5
gone() { ! ip -n "$1" link show "$2"; }
ended() { # NS IF: kills its process
	kill -KILL "$(pgrep -xf "wireguard-go -f $2" | while read -r p; do [ "$(ip netns identify "$p")" != "$1" ] || echo "$p"; done)"
	wait_for 5 gone "${3:-$1}" "$2"
}
drift "wireguard-go of a tenant killed" 1 "~ tenant t1: tunnel wg-t1: made anew: the interface is missing" ended centre wg-t1 t1
drift "wireguard-go of a host killed" 1 "~ host home: tunnel wg0: made anew: the interface is missing" ended home wg0
drift "TUN deleted" 1 "~ host router: tunnel wg0: made anew: the interface is missing" ip -n router link del wg0
drift "TUN of a tenant deleted" 1 "~ tenant t1: tunnel wg-t1: made anew: the interface is missing" ip -n t1 link del wg-t1
drift "socket of a tunnel deleted" 1 "~ tenant t1: tunnel wg-t1: made anew: its wireguard-go has ended" rm /run/warren/drift/wg/t1/wg-t1.sock

# --- files, programs -----------------------------------------------------------------------------------------
drift "resolv.conf edited" 0 "~ tenant t0: file /etc/netns/t0/resolv.conf" sh -c 'echo nameserver 192.0.2.1 >>/etc/netns/t0/resolv.conf'
drift "resolv.conf removed" 0 "~ tenant t0: file /etc/netns/t0/resolv.conf: it is missing" rm /etc/netns/t0/resolv.conf
drift "resolv.conf is a link" 0 "~ tenant t0: file /etc/netns/t0/resolv.conf: it is missing" ln -sf /etc/hosts /etc/netns/t0/resolv.conf
drift "its folder removed" 0 "~ tenant t1: file /etc/netns/t1/resolv.conf: it is missing" rm -r /etc/netns/t1
no_server() { ! pgrep -xf 'socat TCP4-LISTEN:80.*'; }
server() { kill "$(pgrep -xf 'socat TCP4-LISTEN:80.*')" && wait_for 5 no_server; }
drift "program killed" 1 "~ host centre: program exec socat TCP4-LISTEN:80,bind=10.0.0.1,reuseaddr,fork PIPE: it has ended: started again" server
is "it answers" "$(echo hello | ns centre socat -t1 - TCP4:10.0.0.1:80)" hello
must ip -n router link property del dev wan altname wan.drift.warren
settled "an alternative name is not looked at" "$file"
must ip -n router link property add dev wan altname wan.drift.warren
lab_probe drift

# --- whole namespaces: what was added in there goes with them ------------------------------------------------
must kill $theirs
wait $theirs 2>/dev/null
must ip -n t0 address del 10.0.0.99/32 dev eth-t0-nsB
must ns t0 sysctl -qw net.ipv4.conf.eth-t0-nsB.rp_filter=0
must ip -n router route del 198.18.0.0/15
must in_wg t0 set wg-t0 peer "$key" remove
state drift >"$tmp/state"
drift "namespace of a tenant deleted" 1 "~ tenant t1: namespace t1 is gone: made anew" ip netns del t1
drift "namespace of a host deleted" 1 "~ host home: namespace home is gone: made anew" ip netns del home
drift "namespace of the networks deleted" 0 "~ networks: namespace drift-networks is gone: made anew
~ host router: route 198.51.100.0/24 via 203.0.113.1: it is missing" ip netns del drift-networks
drift "namespace of the gateway deleted" 3 "~ host centre: namespace centre is gone: made anew
~ tenant t0: tunnel wg-t0: made anew: its underlay is made anew
~ tenant t1: tunnel wg-t1: made anew: its underlay is made anew" ip netns del centre
is "its programs have ended with it" "$(pgrep -cx 'wireguard-go|socat')" 5
lab_probe drift
drift "all namespaces deleted" 4 "~ networks: namespace drift-networks is gone: made anew
~ host centre: namespace centre is gone: made anew
~ tenant t1: namespace t1 is gone: made anew
~ host home: namespace home is gone: made anew
~ tenant t0: tunnel wg-t0: made anew: its underlay is made anew
~ host router: route 198.51.100.0/24 via 203.0.113.1: it is missing" sh -c 'for n in drift-networks centre t1 home; do ip netns del $n; done'
lab_probe drift
ok "down" warren down drift
is "what was added stays with its folder" "$(cat /etc/netns/t0/hosts)" "10.0.0.1 service"
rm -r /etc/netns/t0
rmdir /etc/netns 2>/dev/null
residue_check "nothing else is left"

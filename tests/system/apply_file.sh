#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every key of the topology file is changed while the lab runs, and changed back.  plan says it, apply does
# it, somebody else than warren sees it, and whatever is not changed stays the same link, process and
# namespace.  The keys are those of the schema: one more there needs a row here.
. "$(dirname "$(realpath "$0")")/../lib.sh"
. "$top/tests/change.sh"
base=$tmp/base.yaml new=$tmp/new.yaml
keys=() pubs=()
for i in {0..5}; do
	keys+=("$(wg genkey)")
	pubs+=("$(wg pubkey <<<"${keys[i]}")")
	echo "${keys[i]}" >"$tmp/$i.key"
done
psk=$(wg genpsk) psk2=$(wg genpsk)
echo "$psk2" >"$tmp/psk"
cat >"$base" <<E
name: live
networks:
  net: { prefixes: [203.0.113.0/24, "2001:db8::/64"] }
  side: { prefixes: [198.18.0.0/24] }
hosts:
  centre:
    networks: { net: { interface: wan, addresses: [203.0.113.1, "2001:db8::1"] }, side: { interface: aux, addresses: [198.18.0.1] } }
    bridges: { br: { addresses: [10.0.0.1/24] }, spare: { addresses: [10.0.1.1/24] } }
    run:
      - command: exec socat TCP4-LISTEN:80,bind=10.0.0.1,reuseaddr,fork PIPE
        ready: { tcp: "10.0.0.1:80" }
    gateway:
      bridge: br
      pools: { listen_port: 20010-20019, napt_addresses: [10.0.0.100-10.0.0.119] }
      tenants:
        t0:
          listen_port: 20000
          napt_addresses: [10.0.0.20]
          forwards: [{ proto: tcp, port: 8080, to: "192.168.1.10:80" }]
          limits: { sessions: 1000, new_sessions_per_second: 100, upload_mbit: 50, download_mbit: 60 }
          napt: { ports: 40000-49999 }
          peers: [{ host: router/wg0 }]
        t1:
          private_key: ${keys[0]}
          listen_port: 20001
          napt_addresses: [10.0.0.21]
          dns: [10.0.0.1]
          routes: [{ to: 192.0.2.0/24, via: 10.0.0.1 }]
          peers:
            - { public_key: ${pubs[1]}, name: phone, endpoint: "203.0.113.40:1000", allowed_ips: [192.168.2.0/24], persistent_keepalive: 25, preshared_key: $psk }
        t2: { peers: [{ host: home/wg1 }] }
  router:
    networks: { net: { interface: wan, addresses: [203.0.113.2, "2001:db8::2"] } }
    bridges: { lan: { addresses: [192.168.1.1/24] }, dmz: { addresses: [192.168.9.1/24] } }
    forwarding: true
    proxy_arp: [lan]
    sysctls: { net.ipv4.conf.all.rp_filter: 0 }
    routes: [{ to: 198.51.100.0/24, via: 203.0.113.1, metric: 5, table: 100 }, { to: 198.51.101.0/24, dev: lan }]
    napt: [{ out: wan, source: [192.168.1.0/24], to: 203.0.113.2, ports: 30000-31000 }]
    wireguard:
      wg0:
        private_key: ${keys[2]}
        listen_port: 20100
        addresses: [10.99.0.2/24]
        fwmark: 7
        peers: [{ tenant: centre/t0, allowed_ips: [10.0.0.0/24] }]
  home:
    networks: { net: { interface: wan, addresses: [203.0.113.3] } }
    bridges: { lan: { addresses: [192.168.1.1/24] } }
    wireguard:
      wg1: { peers: [{ tenant: centre/t2, allowed_ips: [10.0.0.0/24] }] }
checks:
  - { name: first, from: router, icmp: 203.0.113.1, retries: 1, timeout: 2 }
watch: { listen: "127.0.0.1:9100" }
E

# edit OLD NEW [OLD NEW...]: $new is $base with these texts replaced, once each
edit() {
	local text
	text=$(<"$base")
	while [ $# -gt 0 ]; do
		[[ $text == *"$1"* ]] || { echo "not in the file: $1" >"$tmp/.why"; _failed_with "edit"; }
		text=${text/"$1"/"$2"}
		shift 2
	done
	echo "$text" >"$new"
}

# what would be another after having been made anew: namespaces, links, tunnels' processes, programs
identities() {
	local ns
	{
		for ns in /run/netns/*; do
			stat -Lc "${ns##*/} namespace %i" "$ns"
			ip -n "${ns##*/}" -o link | awk -v ns="${ns##*/}" '{ sub(/[:@].*/, "", $2); print ns, $2, $1 }'
		done
		# but for what a socat starts for each connection
		ps -eo pid=,ppid=,args= | awk '
			$3 ~ /^(wireguard-go|socat)$/ { parent[$1] = $2; line[$1] = $3 " " $1 " " $4 " " $5 }
			END { for (p in line) if (!(parent[p] in line)) print line[p] }'
	} | sort
}

# json_too NAME: --json says what the text does, which is in $tmp/.plan
json_too() {
	warren --json plan "$new" >"$tmp/.json"
	is "$1: --json" "$(jq -r '"\(.change) \(.unit)" + (if .object then ": \(.object)" else "" end) +
		(if .from and .to then " \(.from) → \(.to)" else "" end) +
		(if .because then ": \(.because)" else "" end)' "$tmp/.json")" "$(grep '^[-+~] ' "$tmp/.plan")"
}

covered=() rows=0 every=8
# key KEYS LINES WITNESS ERE EDIT...: KEYS are changed by EDIT, and plan says LINES.  What the command
# WITNESS prints has a line like ERE then, and has none before.  $lost: identities that go.  After each
# eighth, what there is is compared with what is made from nothing.
key() {
	local name=$1 lines=$2 witness=$3 ere=$4
	# shellcheck disable=SC2206 # words
	covered+=($1)
	shift 4
	edit "$@"
	unlike "$name: not yet" "$(eval "$witness" 2>&1)" "$ere"
	identities >"$tmp/before"
	changes "$name" "$new" "$lines"
	json_too "$name"
	ok "$name: apply" warren apply "$new"
	settled "$name" "$new"
	like "$name: seen" "$(eval "$witness" 2>&1)" "$ere"
	identities >"$tmp/after"
	is "$name: nothing else is another" "$(comm -23 "$tmp/before" "$tmp/after" | grep -vE "${lost:-^$}")" ""
	if [ $((rows++ % every)) -eq 0 ]; then
		fresh live --backend userspace "$new" >"$tmp/wanted"
		state live >"$tmp/got"
		is "$name: as if made from nothing" "$(diff "$tmp/wanted" "$tmp/got")" ""
	fi
	ok "$name, back: apply" warren apply "$base"
	settled "$name, back" "$base"
	same "$name, back: as before" live "$tmp/state"
	lost=
}

# file_only KEY EDIT...: a key that is about nothing in the system
file_only() {
	local name=$1
	covered+=("$1")
	shift
	edit "$@"
	identities >"$tmp/before"
	changes "$name" "$new" "~ checks, labels or settings of watch: nothing in the system"
	ok "$name: apply" warren apply "$new"
	settled "$name" "$new"
	ok "$name: recorded" cmp "$new" /run/warren/live/topology.yaml
	is "$name: nothing is another" "$(identities | diff "$tmp/before" -)" ""
}

residue_snapshot
lab_up live --backend userspace "$base"
state live >"$tmp/state"
in_wg() { warren exec live "$1" -- wg show "$2" dump; }

# --- networks ---------------------------------------------------------------------------
key "networks.mtu" "~ host centre: mtu of centre.wan 1500 → 1400
~ host centre: mtu of wan 1500 → 1400
~ host home: mtu of home.wan 1500 → 1400
~ host home: mtu of wan 1500 → 1400
~ host home: mtu of wg1 1420 → 1320
~ host router: mtu of router.wan 1500 → 1400
~ host router: mtu of wan 1500 → 1400
~ host router: mtu of wg0 1420 → 1320
~ networks: mtu of net 1500 → 1400
~ tenant t0: mtu of wg-t0 1420 → 1320
~ tenant t1: mtu of wg-t1 1420 → 1320
~ tenant t2: mtu of wg-t2 1420 → 1320" "ip -n router link show wan" "mtu 1400" '"2001:db8::/64"] }' '"2001:db8::/64"], mtu: 1400 }'
key "networks" "+ networks: bridge third" "ip -n live-networks link" ": third:" "  side: {" $'  third: { prefixes: [198.19.0.0/24] }\n  side: {'
file_only "networks.prefixes" "198.18.0.0/24]" "198.18.0.0/24, 198.19.0.0/24]"

# --- hosts ---------------------------------------------------------------------------------
key "hosts" "+ host guest" "ip -n guest -br address show wan" "203.0.113.77/24" "  home:" $'  guest: { networks: { net: { interface: wan, addresses: [203.0.113.77] } } }\n  home:'
key "host.networks attachment.interface" "+ host home: address 198.18.0.3/24 on side0
+ host home: veth home.side0 - side0 in host home" "ip -n home -br address" "side0.*198.18.0.3/24" "[203.0.113.3] } }" "[203.0.113.3] }, side: { interface: side0, addresses: [198.18.0.3] } }"
lost='^centre (aux|spare) |^live-networks centre.aux ' key "attachment.interface" "+ host centre: address 198.18.0.1/24 on other
+ host centre: veth centre.other - other in host centre
- host centre: address 198.18.0.1/24 on aux
- host centre: veth centre.aux - aux in host centre" "ip -n centre -br address" "other.*198.18.0.1/24" "interface: aux" "interface: other"
key "attachment.addresses" "+ host home: address 203.0.113.33/24 on wan
- host home: address 203.0.113.3/24 on wan" "ip -n home -br address show wan" "203.0.113.33/24" "[203.0.113.3]" "[203.0.113.33]"
key "host.bridges bridge.addresses" "+ host router: address 192.168.10.1/24 on attic
+ host router: bridge attic" "ip -n router -br address" "attic.*192.168.10.1/24" "dmz: {" "attic: { addresses: [192.168.10.1/24] }, dmz: {"
key "bridge.addresses" "+ host router: address 192.168.9.2/24 on dmz
- host router: address 192.168.9.1/24 on dmz" "ip -n router -br address show dmz" "192.168.9.2/24" "192.168.9.1/24" "192.168.9.2/24"
key "bridge.mtu" "~ host router: mtu of dmz 1500 → 1400" "ip -n router link show dmz" "mtu 1400" "[192.168.9.1/24]" "[192.168.9.1/24], mtu: 1400"
lost='^home |^live-networks home.wan |^wireguard-go .* wg1' key "host.netns" "+ host home
- host home" "ip -n cottage -br address" "wan.*203.0.113.3/24" "  home:" $'  home:\n    netns: cottage'
key "host.forwarding" "~ host home: sysctl net.ipv4.ip_forward 0 → 1
~ host home: sysctl net.ipv6.conf.all.forwarding 0 → 1" "ns home sysctl net.ipv4.ip_forward" "= 1" "  home:" $'  home:\n    forwarding: true'
key "host.proxy_arp" "~ host router: sysctl net/ipv4/conf/dmz/proxy_arp 0 → 1" "ns router sysctl net.ipv4.conf.dmz.proxy_arp" "= 1" "proxy_arp: [lan]" "proxy_arp: [lan, dmz]"
key "host.sysctls" "~ host router: sysctl net.ipv4.tcp_ecn 2 → 0" "ns router sysctl net.ipv4.tcp_ecn" "= 0" "rp_filter: 0" "rp_filter: 0, net.ipv4.tcp_ecn: 0"
key "host.routes route.to route.dev" "+ host home: route 198.51.102.0/24 dev lan" "ip -n home route" "^198.51.102.0/24 dev lan" "  home:" $'  home:\n    routes: [{ to: 198.51.102.0/24, dev: lan }]'
key "route.to" "+ host router: route 198.51.103.0/24 dev lan
- host router: route 198.51.101.0/24 dev lan" "ip -n router route" "^198.51.103.0/24 dev lan" "to: 198.51.101.0/24" "to: 198.51.103.0/24"
key "route.via" "~ host router: route 198.51.100.0/24 via 203.0.113.3 metric 5 table 100: it goes by 203.0.113.1" "ip -n router route show table 100" "via 203.0.113.3" "via: 203.0.113.1" "via: 203.0.113.3"
key "route.dev" "~ host router: route 198.51.101.0/24 dev dmz: it goes another way" "ip -n router route" "^198.51.101.0/24 dev dmz" "dev: lan" "dev: dmz"
key "route.metric" "+ host router: route 198.51.100.0/24 via 203.0.113.1 metric 6 table 100
- host router: route 198.51.100.0/24 via 203.0.113.1 metric 5 table 100" "ip -n router route show table 100" "metric 6" "metric: 5" "metric: 6"
key "route.table" "+ host router: route 198.51.100.0/24 via 203.0.113.1 metric 5 table 101
- host router: route 198.51.100.0/24 via 203.0.113.1 metric 5 table 100" "ip -n router route show table 101" "198.51.100.0/24" "table: 100" "table: 101"
key "host.napt napt.out" "+ host home: NAPT rules" "ns home nft list ruleset" 'oifname "wan".*masquerade' "  home:" $'  home:\n    napt: [{ out: wan }]'
key "napt.out" "~ host router: NAPT rules" "ns router nft list ruleset" 'oifname "dmz"' "out: wan" "out: dmz"
key "napt.source" "~ host router: NAPT rules" "ns router nft list ruleset" 'saddr 192.168.9.0/24' "source: [192.168.1.0/24]" "source: [192.168.9.0/24]"
key "napt.to" "+ host router: address 203.0.113.22/24 on wan
~ host router: NAPT rules" "ns router nft list ruleset" 'snat.* to 203.0.113.22' "to: 203.0.113.2," "to: 203.0.113.22," "[203.0.113.2," "[203.0.113.2, 203.0.113.22,"
key "napt.ports" "~ host router: NAPT rules" "ns router nft list ruleset" '30000-32000' "30000-31000" "30000-32000"
lost='^socat' key "host.run" "+ host centre: program exec socat TCP4-LISTEN:81,bind=10.0.0.1,reuseaddr,fork PIPE
+ host centre: program exec socat TCP4-LISTEN:82,bind=10.0.0.1,reuseaddr,fork PIPE" "pgrep -xa socat" "LISTEN:81" "        ready:" $'      - command: exec socat TCP4-LISTEN:81,bind=10.0.0.1,reuseaddr,fork PIPE\n        ready: { tcp: "10.0.0.1:81" }\n      - command: exec socat TCP4-LISTEN:82,bind=10.0.0.1,reuseaddr,fork PIPE\n        ready:' '"10.0.0.1:80"' '"10.0.0.1:82"'
lost='^socat' key "run.command" "+ host centre: program exec socat TCP4-LISTEN:80,bind=10.0.0.1,reuseaddr,fork,nodelay PIPE
- host centre: program exec socat TCP4-LISTEN:80,bind=10.0.0.1,reuseaddr,fork PIPE" "pgrep -xa socat" "fork,nodelay" "reuseaddr,fork" "reuseaddr,fork,nodelay"
lost='^socat' key "run.ready run.ready.tcp run.command" "+ host centre: program exec socat TCP4-LISTEN:80,bind=10.0.1.1,reuseaddr,fork PIPE
- host centre: program exec socat TCP4-LISTEN:80,bind=10.0.0.1,reuseaddr,fork PIPE" "echo x | ns centre socat -t1 - TCP4:10.0.1.1:80" "^x" "bind=10.0.0.1" "bind=10.0.1.1" '"10.0.0.1:80"' '"10.0.1.1:80"'
key "host.wireguard" "+ host home: tunnel wg2
~ host home: sysctl net.ipv4.ip_local_reserved_ports  → 20300" "in_wg home wg2" "20300" "      wg1: {" $'      wg2: { listen_port: 20300 }\n      wg1: {'

# --- tunnels ----------------------------------------------------------------------------------
key "tunnel.private_key" "+ tenant t0: peer router/wg0
- tenant t0: peer router/wg0
~ host router: private_key of wg0" "in_wg router wg0" "$(re "${pubs[3]}")" "${keys[2]}" "${keys[3]}"
key "tunnel.private_key_file" "+ tenant t0: peer router/wg0
- tenant t0: peer router/wg0
~ host router: private_key of wg0" "in_wg router wg0" "$(re "${pubs[3]}")" "private_key: ${keys[2]}" "private_key_file: 3.key"
key "tunnel.listen_port" "~ host router: listen_port 20100 → 20101
~ host router: sysctl net.ipv4.ip_local_reserved_ports 20100 → 20101
~ tenant t0: peer router/wg0: endpoint 203.0.113.2:20100 → 203.0.113.2:20101" "in_wg router wg0" "20101" "20100" "20101"
key "tunnel.addresses" "+ host router: address 10.99.0.3/24 on wg0
- host router: address 10.99.0.2/24 on wg0" "ip -n router -br address show wg0" "10.99.0.3/24" "10.99.0.2/24" "10.99.0.3/24"
key "tunnel.mtu" "~ host router: mtu of wg0 1420 → 1300" "ip -n router link show wg0" "mtu 1300" "fwmark: 7" $'fwmark: 7\n        mtu: 1300'
key "tunnel.fwmark" "~ host router: fwmark 7 → 8" "in_wg router wg0" "0x8" "fwmark: 7" "fwmark: 8"
key "tunnel.peers" "+ host home: peer ${pubs[4]}
+ host home: route 192.168.7.0/24 dev wg1" "in_wg home wg1" "$(re "${pubs[4]}").*192.168.7.0/24" "{ tenant: centre/t2" "{ public_key: ${pubs[4]}, allowed_ips: [192.168.7.0/24] }, { tenant: centre/t2"

# --- peers -----------------------------------------------------------------------------------------
key "peer.host" "+ tenant t2: peer router/wg0
- tenant t2: peer home/wg1" "in_wg t2 wg-t2" "$(re "${pubs[2]}")" "host: home/wg1" "host: router/wg0"
key "peer.tenant" "+ host home: peer centre/t1
- host home: peer centre/t2" "in_wg home wg1" "$(re "${pubs[0]}")" "tenant: centre/t2" "tenant: centre/t1"
key "peer.public_key" "+ tenant t1: peer phone
- tenant t1: peer phone" "in_wg t1 wg-t1" "$(re "${pubs[5]}")" "${pubs[1]}" "${pubs[5]}"
file_only "peer.name" "name: phone" "name: tablet"
key "peer.preshared_key" "~ tenant t1: peer phone: preshared_key" "in_wg t1 wg-t1" "$(re "$psk2")" "preshared_key: $psk" "preshared_key: $psk2"
key "peer.preshared_key_file" "~ tenant t1: peer phone: preshared_key" "in_wg t1 wg-t1" "$(re "$psk2")" "preshared_key: $psk" "preshared_key_file: psk"
key "peer.endpoint" "~ tenant t1: peer phone: endpoint 203.0.113.40:1000 → 203.0.113.41:1000" "in_wg t1 wg-t1" "203.0.113.41:1000" "203.0.113.40:1000" "203.0.113.41:1000"
key "peer.allowed_ips" "~ tenant t1: peer phone: allowed_ips 192.168.2.0/24 → 192.168.3.0/24" "in_wg t1 wg-t1" "192.168.3.0/24" "[192.168.2.0/24]" "[192.168.3.0/24]"
key "peer.persistent_keepalive" "~ tenant t1: peer phone: persistent_keepalive 25 → 26" "in_wg t1 wg-t1" "	26$" "keepalive: 25" "keepalive: 26"

# --- gateways ----------------------------------------------------------------------------------------
key "host.gateway gateway.bridge gateway.tenants tenant.listen_port tenant.napt_addresses" "+ tenant h0
~ host home: sysctl net.ipv4.ip_local_reserved_ports  → 20500" "ip -n h0 -br address" "eth-h0-nsB.*192.168.1.50/24" "    wireguard:
      wg1:" "    gateway: { bridge: lan, tenants: { h0: { listen_port: 20500, napt_addresses: [192.168.1.50] } } }
    wireguard:
      wg1:"
key "gateway.bridge" "+ host centre: address 10.0.0.1/24 on spare
+ host centre: address 10.0.2.1/24 on br
- host centre: address 10.0.0.1/24 on br
- host centre: address 10.0.1.1/24 on spare
~ tenant t0: eth-t0-nsA: it is not on bridge spare
~ tenant t1: eth-t1-nsA: it is not on bridge spare
~ tenant t2: eth-t2-nsA: it is not on bridge spare" "ip -n centre link show eth-t0-nsA" "master spare" "bridge: br" "bridge: spare" "10.0.0.1/24" "10.0.2.1/24" "10.0.1.1/24" "10.0.0.1/24"
key "gateway.private_key" "+ host home: peer centre/t2
+ host router: peer centre/t0
- host home: peer centre/t2
- host router: peer centre/t0
~ tenant t0: private_key of wg-t0
~ tenant t2: private_key of wg-t2" "in_wg t0 wg-t0" "$(re "${pubs[5]}")" "bridge: br" $'bridge: br\n      private_key: '"${keys[5]}"
key "gateway.private_key_file" "+ host home: peer centre/t2
+ host router: peer centre/t0
- host home: peer centre/t2
- host router: peer centre/t0
~ tenant t0: private_key of wg-t0
~ tenant t2: private_key of wg-t2" "in_wg t0 wg-t0" "$(re "${pubs[5]}")" "bridge: br" $'bridge: br\n      private_key_file: 5.key'
key "gateway.mtu" "~ tenant t0: mtu of wg-t0 1420 → 1400
~ tenant t1: mtu of wg-t1 1420 → 1400
~ tenant t2: mtu of wg-t2 1420 → 1400" "ip -n t0 link show wg-t0" "mtu 1400" "bridge: br" $'bridge: br\n      mtu: 1400'
key "gateway.pools gateway.pools.listen_port" "~ host centre: sysctl net.ipv4.ip_local_reserved_ports 20000-20001,20010 → 20000-20001,20030
~ host home: peer centre/t2: endpoint 203.0.113.1:20010 → 203.0.113.1:20030
~ tenant t2: listen_port 20010 → 20030" "in_wg t2 wg-t2" "20030" "20010-20019" "20030-20039"
key "gateway.pools.napt_addresses" "+ tenant t2: address 10.0.0.120/24 on eth-t2-nsB
- tenant t2: address 10.0.0.100/24 on eth-t2-nsB
~ tenant t2: NAPT rules" "ip -n t2 -br address" "10.0.0.120/24" "[10.0.0.100-10.0.0.119]" "[10.0.0.120-10.0.0.129]"
key "gateway.tenants" "+ tenant t3
~ host centre: sysctl net.ipv4.ip_local_reserved_ports 20000-20001,20010 → 20000-20001,20003,20010" "ip -n t3 -br address" "eth-t3-nsB.*10.0.0.23/24" "        t2:" $'        t3: { listen_port: 20003, napt_addresses: [10.0.0.23] }\n        t2:'

# --- tenants ------------------------------------------------------------------------------------------
key "tenant.private_key" "~ tenant t1: private_key of wg-t1" "in_wg t1 wg-t1" "$(re "${pubs[5]}")" "${keys[0]}" "${keys[5]}"
key "tenant.private_key_file" "~ tenant t1: private_key of wg-t1" "in_wg t1 wg-t1" "$(re "${pubs[5]}")" "private_key: ${keys[0]}" "private_key_file: 5.key"
key "tenant.listen_port" "~ host centre: sysctl net.ipv4.ip_local_reserved_ports 20000-20001,20010 → 20000,20005,20010
~ tenant t1: listen_port 20001 → 20005" "in_wg t1 wg-t1" "20005" "20001" "20005"
key "tenant.napt_addresses" "+ tenant t1: address 10.0.0.31/24 on eth-t1-nsB
- tenant t1: address 10.0.0.21/24 on eth-t1-nsB
~ tenant t1: NAPT rules" "ns t1 nft list ruleset" "10.0.0.31" "[10.0.0.21]" "[10.0.0.31]"
key "tenant.peers" "+ tenant t1: peer ${pubs[4]}" "in_wg t1 wg-t1" "$(re "${pubs[4]}")" "            - {" $'            - { public_key: '"${pubs[4]}"$', allowed_ips: [192.168.7.0/24] }\n            - {'
key "tenant.routes" "+ tenant t1: route 198.51.104.0/24 via 10.0.0.1" "ip -n t1 route" "^198.51.104.0/24 via 10.0.0.1" "{ to: 192.0.2.0/24" "{ to: 198.51.104.0/24, via: 10.0.0.1 }, { to: 192.0.2.0/24"
key "tenant.dns" "~ tenant t1: file /etc/netns/t1/resolv.conf" "cat /etc/netns/t1/resolv.conf" "10.0.0.53" "dns: [10.0.0.1]" "dns: [10.0.0.53]"
rules() { # KEYS TENANT ERE EDIT...: only the rules of that tenant are others
	key "$1" "~ tenant $2: NAPT rules" "ns $2 nft list ruleset" "${@:3}"
}
rules "tenant.forwards tenant.forwards.port tenant.forwards.to" t1 "8022.*192.168.2.5" "dns: [10.0.0.1]" $'dns: [10.0.0.1]\n          forwards: [{ port: 8022, to: 192.168.2.5 }]'
rules "tenant.forwards.proto" t0 "udp.*192.168.1.10" "proto: tcp" "proto: udp"
rules "tenant.forwards.port" t0 "8081.*192.168.1.10" "port: 8080" "port: 8081"
rules "tenant.forwards.to" t0 "8080.*192.168.1.11" '"192.168.1.10:80"' '"192.168.1.11:80"'
rules "tenant.limits tenant.limits.sessions" t1 "count over 77 " "dns: [10.0.0.1]" $'dns: [10.0.0.1]\n          limits: { sessions: 77 }'
rules "tenant.limits.sessions" t0 "count over 1001 " "sessions: 1000" "sessions: 1001"
rules "tenant.limits.new_sessions_per_second" t0 "over 101/second" "per_second: 100" "per_second: 101"
rules "tenant.limits.upload_mbit" t0 "over 6375000 bytes/second" "upload_mbit: 50" "upload_mbit: 51"
rules "tenant.limits.download_mbit" t0 "over 7625000 bytes/second" "download_mbit: 60" "download_mbit: 61"
rules "tenant.napt tenant.napt.ports" t1 "40000-40999" "dns: [10.0.0.1]" $'dns: [10.0.0.1]\n          napt: { ports: 40000-40999 }'
rules "tenant.napt.ports" t0 "40000-48999" "40000-49999" "40000-48999"
# there is one value, which goes without saying
for k in "mapping: preserve" "filtering: address-and-port" "hairpin: false"; do
	covered+=("tenant.napt.${k%%:*}")
	edit "40000-49999 }" "40000-49999, $k }"
	settled "tenant.napt.$k" "$new"
done
file_only "tenant.labels" "        t2: {" "        t2: { labels: { customer: 17 },"
file_only "tenant.number" "        t2: {" "        t2: { number: 17,"
lost='^t0 |^centre eth-t0-nsA|^wireguard-go .*wg-t0' key "tenant.netns" "+ tenant t0
- tenant t0" "ip -n zero -br link" "wg-t0|eth-t0-nsB" "listen_port: 20000" $'listen_port: 20000\n          netns: zero'

# --- what is about nothing in the system --------------------------------------------------------------------
check() { file_only "check.$1" "{ name: first, from: router, icmp: 203.0.113.1, retries: 1, timeout: 2 }" "{ $2 }"; }
check name "name: last, from: router, icmp: 203.0.113.1, retries: 1, timeout: 2"
check from "name: first, from: home, icmp: 203.0.113.1, retries: 1, timeout: 2"
check icmp "name: first, from: router, icmp: 203.0.113.3, retries: 1, timeout: 2"
check dns "name: first, from: router, dns: 203.0.113.1, retries: 1, timeout: 2"
check tcp "name: first, from: router, tcp: '203.0.113.1:80', retries: 1, timeout: 2"
check http "name: first, from: router, http: 'http://203.0.113.1/', retries: 1, timeout: 2"
check source "name: first, from: router, icmp: 203.0.113.1, source: 203.0.113.2, retries: 1, timeout: 2"
check expect "name: first, from: router, icmp: 203.0.113.1, expect: fail, retries: 1, timeout: 2"
check retries "name: first, from: router, icmp: 203.0.113.1, retries: 2, timeout: 2"
check timeout "name: first, from: router, icmp: 203.0.113.1, retries: 1, timeout: 3"
file_only checks "checks:" $'checks:\n  - { name: second, from: home, icmp: 203.0.113.1 }'
listen='listen: "127.0.0.1:9100"'
watch() { file_only "watch.$1" "{ $listen }" "{ $2 }"; }
file_only watch 'watch: { listen: "127.0.0.1:9100" }' "watch: {}"
watch listen 'listen: "127.0.0.1:9101"'
for k in cycle_time cycles_wait cycles_checking cycles_checkperiod cycles_slowcheckingperiod ping_interval ping_failafternum offline_after; do
	watch $k "$listen, $k: 17"
done
watch log "$listen, log: /run/watch.log"
watch influx.file "$listen, influx: { file: /run/influx }"
watch influx.url "$listen, influx: { url: 'http://127.0.0.1:8086/write' }"
covered+=(watch.influx)
hook="url: 'http://127.0.0.1:8000/'"
watch webhooks "$listen, webhooks: [{ $hook }]"
watch webhooks.url "$listen, webhooks: [{ url: 'http://127.0.0.1:8001/' }]"
watch webhooks.format "$listen, webhooks: [{ $hook, format: json }]"
watch webhooks.secret "$listen, webhooks: [{ $hook, secret: hidden }]"
watch webhooks.events "$listen, webhooks: [{ $hook, events: [connect] }]"
watch webhooks.tenants "$listen, webhooks: [{ $hook, tenants: [t0] }]"

# --- its name: that is another lab ----------------------------------------------------------------------------
covered+=(name)
edit "name: live" "name: other"
run_status 1 warren plan "$new"
like "name: another lab, which is not up" "$(cat "$tmp/out")" "^lab other is not up"
ok "name: the lab stays" warren status live

# --- are these all? ---------------------------------------------------------------------------------------------
is "every key of the schema has its row" "$(jq -r 'paths | select(length > 1 and .[-2] == "properties") |
	map(select(type == "string" and (IN("definitions", "properties", "items", "anyOf", "additionalProperties") | not))) |
	join(".")' "$top/topologies/schema.json" | sort -u)" "$(printf '%s\n' "${covered[@]}" | sort -u)"
ok "the last one, back: apply" warren apply "$base"
same "in the end: as before" live "$tmp/state"
lab_down live

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every key of the file changed while the lab runs, and changed back.  What there is afterwards is
# what `up` makes of the new file from nothing, word for word; and somebody whom all this is not
# about goes on pinging.
. "$(dirname "$(realpath "$0")")/../lib.sh"
. "$top/tests/change.sh"
need ping python3
base=$tmp/base.yaml new=$tmp/new.yaml
keys=() pubs=()
for i in {0..5}; do
	keys+=("$(wg genkey)")
	pubs+=("$(wg pubkey <<<"${keys[i]}")")
done
echo "${keys[2]}" >"$tmp/a.key"
wg genpsk >"$tmp/a.psk"
psk=$(wg genpsk)
cat >"$base" <<E
name: live
networks:
  net: { prefixes: [203.0.113.0/24, "2001:db8::/64"] }
  side: { prefixes: [198.18.0.0/24] }
hosts:
  centre:
    networks: { net: { interface: wan, addresses: [203.0.113.1, "2001:db8::1"] } }
    bridges: { br: { addresses: [10.0.0.1/24, "fd00::1/64"] }, spare: { addresses: [10.0.1.1/24] } }
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
          routes: [{ to: 192.0.2.0/24, via: 10.0.0.1 }]
          peers:
            - { host: home/wg0, allowed_ips: [192.168.1.0/24] }
            - { public_key: ${pubs[0]}, name: phone, endpoint: "203.0.113.40:1000", allowed_ips: [192.168.2.0/24], persistent_keepalive: 25, preshared_key: $psk }
        calm:
          private_key: ${keys[3]}
          listen_port: 20009
          napt_addresses: [10.0.0.29]
          peers: [{ host: calm-home/wg0 }]
  router:
    networks: { net: { interface: wan, addresses: [203.0.113.2, "2001:db8::2"] } }
    bridges: { lan: { addresses: [192.168.1.1/24] } }
    forwarding: true
    proxy_arp: [lan]
    sysctls: { net.ipv4.conf.all.rp_filter: 0 }
    routes: [{ to: 198.51.100.0/24, via: 203.0.113.1, metric: 5 }]
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
      wg0: { peers: [{ tenant: centre/t1, allowed_ips: [10.0.0.0/24] }] }
  calm-home:
    networks: { net: { interface: wan, addresses: [203.0.113.9] } }
    bridges: { lan: { addresses: [192.168.1.1/24] } }
    wireguard:
      wg0: { peers: [{ tenant: centre/calm, allowed_ips: [10.0.0.0/24] }] }
checks:
  - { from: router, source: 192.168.1.1, icmp: 10.0.0.1 }
  - { from: home, source: 192.168.1.1, icmp: 10.0.0.1 }
  - { from: calm, icmp: 10.0.0.20, expect: fail }
E

# edit OLD NEW [OLD NEW...]: $new is $base with these texts replaced, once each
edit() {
	local text
	text=$(<"$base")
	while [ $# -gt 0 ]; do
		[[ $text == *"$1"* ]] || { echo "not in the file: $1"; exit 1; }
		text=${text/"$1"/"$2"}
		shift 2
	done
	echo "$text" >"$new"
}

# json_too NAME FILE: --json says what the text does, which is in $tmp/.plan
json_too() {
	local name=$1
	shift
	warren --json plan "$@" >"$tmp/.json"
	is "$name: --json" "$(jq -r 'select(.lab == "live") | "\(.change) \(.unit)" +
		(if .object then ": \(.object)" else "" end) +
		(if .from and .to then " \(.from) → \(.to)" else "" end) +
		(if .because then ": \(.because)" else "" end)' "$tmp/.json")" "$(grep '^[-+~] ' "$tmp/.plan")"
}

# the lines of a change the other way round
mirror() {
	sed -E 's/^\+/%/; s/^-/+/; s/^%/-/; s/^(~ .*: (mtu of [^ ]+|[^ ]+)) (.*) → (.*)$/\1 \4 → \3/'
}

# change NAME N LINES EDIT...: the plan says LINES, N programs are started; then the same backwards.
# $back: the lines of the way back, where they are no mirror image; $back_n: its programs, if not N.
change() {
	local name=$1 n=$2 lines=$3
	shift 3
	edit "$@"
	changes "$name" "$new" "$lines"
	json_too "$name" "$new"
	applied "$name" "$new" "$n"
	fresh live --backend userspace "$new" >"$tmp/wanted"
	state live >"$tmp/got"
	is "$name: as if made anew" "$(diff "$tmp/wanted" "$tmp/got")" ""
	changes "$name, back" "$base" "${back-$(mirror <<<"$lines")}"
	applied "$name, back" "$base" "${back_n-$n}"
	same "$name, back: as before" live "$tmp/state"
	unset back back_n
}

residue_snapshot
lab_up live --backend userspace "$base"
state live >"$tmp/state"
fresh live --backend userspace "$base" >"$tmp/wanted"
is "as made anew" "$(diff "$tmp/wanted" "$tmp/state")" ""
lab_probe live
ip netns exec calm-home ping -n -D -O -i 0.05 -I 192.168.1.1 10.0.0.1 >"$tmp/ping" 2>&1 &
ping=$!

source "$tmp/cases" 2>/dev/null

kill -INT $ping
wait $ping
calm=$(sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' "$tmp/ping")
ok "who had nothing to do with it has lost nothing: $calm" [ "${calm%% *}" -gt 20 -a "${calm##* }" -ge $((${calm%% *} - 1)) ]
lab_down live

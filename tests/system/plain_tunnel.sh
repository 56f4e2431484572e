#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Plain tunnels between hosts: the configuration that most people have, and its pitfalls.
. "$(dirname "$(realpath "$0")")/../lib.sh"

cat >"$tmp/lab.yaml" <<'E'
name: plain
networks: { net: { prefixes: [10.0.0.0/24] }, private: { prefixes: [10.1.0.0/24] }, p1: { prefixes: [10.2.0.0/24] } }
hosts:
  a:
    networks: { net: [10.0.0.1/24], private: [10.1.0.1/24] }
    wireguard:
      wg0:
        addresses: [10.5.0.1/24, "fd00:5::1/64"]
        listen_port: 5000
        peers: [{ host: b/a-tunnel-with-a-long-name, allowed_ips: [10.5.0.0/24, "fd00:5::/64"] }]
  b:
    networks: { net: { interface: an-interface-with-a-long-name, addresses: [10.0.0.2/24] } }
    proxy_arp: [a-tunnel-with-a-long-name]
    wireguard:
      a-tunnel-with-a-long-name:
        addresses: [10.5.0.2/24, "fd00:5::2/64"]
        listen_port: 5000
        peers: [{ host: a/wg0, allowed_ips: [10.5.0.0/24, "fd00:5::/64"] }]
checks:
  - { from: a, icmp: 10.5.0.2 }
  - { from: b, icmp: "fd00:5::1" }
E
residue_snapshot
ok "up: an address and the same network as allowed IPs" "$WARREN" up "$tmp/lab.yaml"
ok "both sides at once" "$WARREN" probe plain
is "the kernel's route is the only one" "$(ns a ip route show 10.5.0.0/24)" "10.5.0.0/24 dev wg0 proto kernel scope link src 10.5.0.1 "
ok "a long name is an alternative name: the tunnel's" ns b ip link show a-tunnel-with-a-long-name
ok "and an attachment's" ns b ip link show an-interface-with-a-long-name
like "links have their owner's mark" "$(ns a ip link show eth0)" 'altname eth0\.plain\.warren'
like "bridges too" "$(ns plain-networks ip link show net)" 'altname net\.plain\.warren'
like "a network may be called as a port would be" "$(ns plain-networks ip link show p1)" ': p1: <.*BROADCAST'
run_status 3 "$WARREN" up --backend none "$tmp/lab.yaml"
must ns a ip link del wg0
like "an interface that is gone is said" "$("$WARREN" status plain)" 'host a has lost its interface wg0'
like "and the lab is not well" "$("$WARREN" ls --json)" '"state":"degraded"'
ok "down" "$WARREN" down plain
ok "up without tunnels: settings about them are left out" "$WARREN" up --backend none "$tmp/lab.yaml"
run_status 3 "$WARREN" up "$tmp/lab.yaml"
like "a lab without its tunnels is not the same" "$(cat "$tmp/err")" 'with other options'
cp "$tmp/lab.yaml" "$tmp/plain-file"
ok "a file needs no ending" "$WARREN" down "$tmp/plain-file"
residue_check "nothing is left"

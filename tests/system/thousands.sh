#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# More tenants than a bridge has ports: further bridges, as isolated from each other as the
# tenants are; and pools that give everybody what they had, whoever comes and goes.
. "$(dirname "$(realpath "$0")")/../lib.sh"
need jq

file=$tmp/many.yaml
write() { # FIRST LAST
	cat >"$file" <<-END
		name: many
		networks:
		  net: { prefixes: [203.0.113.0/24] }
		hosts:
		  gw:
		    networks: { net: { interface: wan, addresses: [203.0.113.1/24] } }
		    bridges: { br: { addresses: [100.127.255.1/10] } }
		    gateway:
		      bridge: br
		      tenants: { "t{$1..$2}": {} }
	END
}
ports() { ip -n gw -o link show master "$1" | grep -c 'eth-t'; }
address() { ip -n "$1" -o -4 address show dev "eth-$1-nsB" | awk '{sub("/.*", "", $4); print $4}'; }
reaches() { ns "$1" ping -c 1 -W 1 "$2" >/dev/null; }

residue_snapshot
write 0001 1000
labs+=(many)
ok "1000 tenants are on one bridge" warren up --backend none "$file"
is "all on it" "$(ports br)" 1000
is "and there is no other" "$(ip -n gw -o link show type bridge | wc -l)" 1
first=$(ip -n gw -o link show dev eth-t0001-nsA)

# --- one more --------------------------------------------------------------------------------
write 0001 1060
warren plan "$file" >"$tmp/plan"
like "the plan says that there will be another" "$(cat "$tmp/plan")" '^\+ host gw: bridge br\+1$'
ok "60 more" warren apply "$file"
is "they are on the other bridge" "$(ports br+1)" 60
is "the others stay where they are" "$(ports br)" 1000
is "untouched" "$(ip -n gw -o link show dev eth-t0001-nsA)" "$first"
run_status 0 warren plan "$file"

# --- isolation, within a bridge and across ------------------------------------------------------
old=$(address t0005) new=$(address t1050) new2=$(address t1051)
ok "the gateway is reached from the first bridge" reaches t0005 100.127.255.1
ok "the gateway is reached from the second" reaches t1050 100.127.255.1
ok "the gateway reaches a tenant there" reaches gw "$new"
fails "nobody across" reaches t0005 "$new"
fails "nor back" reaches t1050 "$old"
fails "nor on the second bridge" reaches t1050 "$new2"
capture_start t1051 eth-t1051-nsB "$tmp/cap" 'arp or icmp'
pid=$capture
fails "not by broadcast either" ns t1050 ping -b -c 1 -W 1 100.127.255.255
fails "nor by asking from the first bridge" reaches t0005 "$new2"
ok "the gateway asks" reaches gw "$new2"
capture_stop "$pid"
unlike "a tenant hears nothing of another" "$(cat "$tmp/cap")" "$(re "$old")|$(re "$new") "
like "and hears the gateway" "$(cat "$tmp/cap")" "100\.127\.255\.1"

# --- pools -----------------------------------------------------------------------------------
before=$(warren --json status many | jq -r '.tenants[] | "\(.name) \(.listen_port) \(.napt_addresses)"')
write 0002 1061
is "the first goes, one comes: two changes" "$(warren plan "$file" | grep -c '^[-+~]')" 2
ok "applied" warren apply "$file"
after=$(warren --json status many | jq -r '.tenants[] | "\(.name) \(.listen_port) \(.napt_addresses)"')
is "everybody else has kept port and addresses" \
	"$(grep -v '^t1061 ' <<<"$after")" "$(grep -v '^t0001 ' <<<"$before")"
is "the new one has those of the one that went" \
	"$(sed -n 's/^t1061 //p' <<<"$after")" "$(sed -n 's/^t0001 //p' <<<"$before")"
is "and its place" "$(ports br)" 1000
run_status 0 warren plan "$file"
ok "down" warren down many
ok "up again" warren up --backend none "$file"
is "everybody has what they had before" \
	"$(warren --json status many | jq -r '.tenants[] | "\(.name) \(.listen_port) \(.napt_addresses)"')" "$after"

# --- fewer -----------------------------------------------------------------------------------
write 0002 0100
ok "961 go" warren apply "$file"
run_status 0 warren plan "$file"
is "the other bridge with them" "$(ip -n gw -o link show type bridge | wc -l)" 1
ok "who was left is reached" reaches gw "$(address t0050)"
rm -rf /var/lib/warren/many
lab_down many

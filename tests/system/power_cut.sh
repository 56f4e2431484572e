#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A power cut takes the namespaces and /run, and leaves /etc/netns/NAME/resolv.conf of tenants that have
# `dns:`.  The lab comes up again and takes its files up; other people's files are still in its way.
. "$(dirname "$(realpath "$0")")/../lib.sh"

lab() { # NAME TENANT [DNS]
	cat <<-E
		name: $1
		hosts:
		  gw-$1:
		    bridges: { br0: { addresses: [100.64.0.1/16] } }
		    gateway:
		      bridge: br0
		      pools: { listen_port: 50000-50099, napt_addresses: [100.64.0.0/16] }
		      tenants:
		        "$2": { dns: [${3-192.0.2.1}], peers: [{ public_key: "7PxYTlSmr4/7aMqvQ+0t1oUzHnvIVlG5l6Je6JpBfwQ=" }] }
	E
}
cut() { # what a power cut leaves of a lab without processes
	ip -all netns delete
	rm -r /run/warren
}
up() { "$WARREN" up --backend none "$tmp/$1.yaml"; }
servers() { cat /etc/netns/*/resolv.conf | sed -n 's/^nameserver //p' | xargs; }

residue_snapshot
lab lab 't{1..2}' >"$tmp/lab.yaml"
lab other x >"$tmp/other.yaml"
must up lab
is "two files" "$(servers)" "192.0.2.1 192.0.2.1"
cut
is "they outlive a power cut" "$(servers)" "192.0.2.1 192.0.2.1"
lab lab 't{1..3}' 192.0.2.2 >"$tmp/lab.yaml"
ok "up again, and the file has changed" up lab
is "they are what it says now" "$(servers)" "192.0.2.2 192.0.2.2 192.0.2.2"
ok "down" "$WARREN" down lab
residue_check "down: nothing is left"

# not by this lab, and by nobody
for file in $'# made by warren for tenant t1 of lab other\nnameserver 192.0.2.9' 'nameserver 192.0.2.9' ''; do
	mkdir -p /etc/netns/t1
	echo "$file" >/etc/netns/t1/resolv.conf
	run_status 3 up lab
	like "a file of somebody else's is in the way" "$(cat "$tmp/err")" \
		'file /etc/netns/t1/resolv.conf is there already'
	is "and stays as it was" "$(cat /etc/netns/t1/resolv.conf)" "$file"
done
rm -r /etc/netns/t1
echo "# made by warren for tenant t1 of lab lab" >"$tmp/elsewhere"
mkdir /etc/netns/t1
ln -s "$tmp/elsewhere" /etc/netns/t1/resolv.conf
run_status 3 up lab
is "nor is a link followed" "$(cat "$tmp/elsewhere")" "# made by warren for tenant t1 of lab lab"
rm -r /etc/netns

# a tenant that comes to a running lab
lab lab 't{1..2}' >"$tmp/lab.yaml"
must up lab
cut
lab lab t1 >"$tmp/lab.yaml"
must up lab
lab lab 't{1..2}' >"$tmp/lab.yaml"
ok "apply takes up a file that is left of a tenant" "$WARREN" apply "$tmp/lab.yaml"
must up other
ok "down" "$WARREN" down lab
is "the other lab's file stays" "$(find /etc/netns -type f)" /etc/netns/x/resolv.conf
ok "down" "$WARREN" down other
residue_check "down: nothing is left"

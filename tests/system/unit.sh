#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# warren@.service on a machine with systemd: started, changed in place, stopped, after a reboot and
# after a power cut.
. "$(dirname "$(realpath "$0")")/../lib.sh"
. "$top/tests/machine.sh"
need wg jq socat nft setpriv pkill
machine_make
etc=$machine_root/etc/warren

# lab FROM TO [PORT]: a gateway with these tenants and their clients; ports, addresses and keys are made
# for them; and two servers, one of them in a session of its own and not root's
lab() {
	cat >"$etc/lab.yaml" <<-E
		name: lab
		networks:
		  internet: { prefixes: [10.0.0.0/16] }
		hosts:
		  gw:
		    networks: { internet: { interface: wan, addresses: [10.0.0.1/16] } }
		    bridges: { br-service: { addresses: [100.64.0.1/16] } }
		    run:
		      - { command: "socat TCP-LISTEN:80,fork,reuseaddr EXEC:cat", ready: { tcp: "100.64.0.1:80" } }
		      - command: "setsid setpriv --reuid=65534 --regid=65534 --clear-groups
		                  socat TCP-LISTEN:${3-8080},fork,reuseaddr EXEC:cat & wait"
		        ready: { tcp: "100.64.0.1:${3-8080}" }
		    gateway:
		      bridge: br-service
		      pools: { listen_port: 50000-51999, napt_addresses: [100.64.0.0/16] }
		      tenants:
		        "t{$1..$2}": { dns: [100.64.0.1], peers: [{ host: "client{n}/wg0" }] }
		  "client{$1..$2}":
		    networks: { internet: { interface: wan, addresses: ["10.0.1.{n}/16"] } }
		    bridges: { br-lan: { addresses: [192.168.1.10/24] } }
		    wireguard:
		      wg0: { peers: [{ tenant: "gw/t{n}", allowed_ips: [100.64.0.0/16] }] }
	E
}

# what is in the machine: namespaces, links, processes, files ...; systemd's own come and go, and so
# do those that serve one connection, which look like who started them
things() {
	machine bash -c "$(cat "$top/tests/residue.sh")"$'\nresidue_list' |
		sed -E '/^process [0-9]+ \((\(?sd-|systemd|journalctl|agetty|dbus)/d; s/^process [0-9]* /process /' | sort -u
}
as_in() { diff "$tmp/$1" <(things); }
is_the_same() { # NAME FILE: once what has just ended is gone
	wait_for 5 as_in "$2"
	ok "$1" as_in "$2"
}
reaches() { machine ip netns exec "$1" ping -qc1 -W5 -I 192.168.1.10 100.64.0.1; }
no_cat() { ! machine pgrep -x cat; }
answers() {
	machine ip netns exec client2 socat -t1 - "TCP4:100.64.0.1:$1" <<<hello
	wait_for 5 no_cat
}
# "client1 wg0 7 KEY": whose tunnel, the interface with its number, and its public key
tunnels() {
	local ns
	for ns in $(machine ip netns list | awk '{print $1}'); do
		machine warren exec lab "$ns" -- sh -c 'for i in $(wg show interfaces); do
			echo "$0 $i $(cat /sys/class/net/$i/ifindex) $(wg show $i public-key)"; done' "$ns" 2>/dev/null
	done | sort
}
keys() { tunnels | cut -d" " -f1,2,4; }
namespaces() { machine ip netns list | awk '{print $1}' | sort | xargs; }
processes() { machine pgrep -x wireguard-go | sort; } # none where the kernel has WireGuard
active() { machine systemctl show -P ActiveState warren@"$1"; }
log() {
	machine journalctl --sync # a line written just now may not be there yet
	machine journalctl -q -o cat -u warren@"$1"
}

# --- the unit itself -----------------------------------------------------------------------

machine_boot
is "systemd-analyze verify has nothing to say" \
	"$(machine systemd-analyze verify --man=no warren@lab.service 2>&1)" ""
unit=/usr/local/lib/systemd/system/warren@.service
machine systemd-analyze security --offline=yes --no-pager $unit >"$tmp/security" 2>&1
echo "# $(tail -n 1 "$tmp/security")"
ok "systemd-analyze security: 6.0 at most" machine systemd-analyze security --offline=yes --threshold=60 --no-pager $unit
things >"$tmp/nothing"

# --- start ----------------------------------------------------------------------------------

lab 1 3
ok "enable --now" machine systemctl enable --now --quiet warren@lab
is "it is active" "$(active lab)" active
for n in 1 2 3; do ok "client$n reaches the server" reaches client$n; done
is "namespaces are to be seen by everybody" "$(namespaces)" \
	"client1 client2 client3 gw lab-networks t1 t2 t3"
is "a server that is nobody's answers" "$(answers 8080)" hello
like "warren says so in the journal" "$(log lab)" '^lab lab is up'

backend=$(machine warren --json status lab | jq -r .backend)
gone=2 # processes, when a tenant and its client go
[ "$backend" = userspace ] || gone=0
echo "# WireGuard: $backend"
# in_group N: so many of the tunnels' processes are in the service's control group
in_group() {
	[ "$backend" = userspace ] || return
	group=/sys/fs/cgroup$(machine systemctl show -P ControlGroup warren@lab)
	is "wireguard-go runs in the service's control group" "$(machine sort "$group/cgroup.procs" | grep -cxFf <(processes))" "$1"
}
in_group 6
server=$(machine pgrep -o socat)
is "programs have no new privileges, and their system calls are filtered" \
	"$(machine awk '/^(NoNewPrivs|Seccomp):/ {print $2}' "/proc/$server/status" | xargs)" "1 2"
is "and not CAP_SYS_MODULE, for one" "$((0x$(machine awk '/^CapBnd:/ {print $2}' "/proc/$server/status") >> 16 & 1))" 0

# --- reload -----------------------------------------------------------------------------------

tunnels >"$tmp/tunnels"
processes >"$tmp/processes"
lab 2 4 8081
ok "reload" machine systemctl reload warren@lab
is "namespaces are the file's" "$(namespaces)" "client2 client3 client4 gw lab-networks t2 t3 t4"
for n in 2 3 4; do ok "client$n reaches the server" reaches client$n; done
is "tunnels of others are the same" "$(tunnels | grep -E '^(t|client)[23] ')" "$(grep -E '^(t|client)[23] ' "$tmp/tunnels")"
is "and have their processes" "$(processes | comm -13 - "$tmp/processes" | wc -l)" "$gone"
in_group 6
is "the server's other port answers" "$(answers 8081)" hello
is "the server as it was has ended" "$(machine pgrep -f TCP-LISTEN:8080)" ""

things >"$tmp/before"
tunnels >"$tmp/tunnels"
processes >"$tmp/processes"
sed -i 's/napt_addresses:/napt_adresses:/; s/t{2..4}/t{2..9}/' "$etc/lab.yaml"
fails "a file with errors cannot be reloaded" machine systemctl reload warren@lab
like "and is said so in the journal" "$(log lab)" '^/etc/warren/lab.yaml:[0-9]+:[0-9]+: error: '
is "the service is as active as before" "$(active lab)" active
is_the_same "nothing has changed" before
is "nor any tunnel" "$(tunnels)" "$(cat "$tmp/tunnels")"
is "no process was started anew" "$(processes)" "$(cat "$tmp/processes")"

lab 2 4 8081
if [ "$gone" = 0 ]; then machine ip -n t2 link del wg-t2; else machine pkill -KILL -f 'wireguard-go.* wg-t2$'; fi
ok "reload, after a tunnel was lost" machine systemctl reload warren@lab
is "it is there again, and no other was touched" "$(tunnels | comm -12 - "$tmp/tunnels" | wc -l) of $(tunnels | wc -l)" "5 of 6"

# --- restart, reboot, power cut -----------------------------------------------------------------

same() {
	is "$1: the same keys" "$(keys)" "$keys"
	is "$1: the same ports and addresses" \
		"$(machine warren --json status lab | jq -c '.tenants[] | [.name, .listen_port, .napt_addresses]')" "$pools"
	for n in 2 3 4; do ok "$1: client$n reaches the server" reaches client$n; done
}
keys=$(keys)
pools=$(machine warren --json status lab | jq -c '.tenants[] | [.name, .listen_port, .napt_addresses]')
processes >"$tmp/processes"
ok "restart" machine systemctl restart warren@lab
is "all processes are others" "$(processes | comm -12 - "$tmp/processes")" ""
same restart
machine_off
ok "shut down, nothing is left in /etc/netns" test ! -e "$machine_root/etc/netns"
machine_boot
is "after the reboot it is active" "$(active lab)" active
same reboot
machine_off kill
machine_boot
is "after the power cut it is active" "$(active lab)" active
same "power cut"

# --- stop ----------------------------------------------------------------------------------------

ok "disable --now" machine systemctl disable --now --quiet warren@lab
is "it is inactive" "$(active lab)" inactive
is_the_same "nothing is left" nothing
ok "start" machine systemctl start warren@lab
ok "down by hand" machine warren -q down lab
ok "stop after that" machine systemctl stop warren@lab
is "is no failure" "$(active lab)" inactive

# --- what does not start ---------------------------------------------------------------------------

fails "a lab that is not there" machine systemctl start warren@none
like "is said so in the journal" "$(log none)" '^warren: no such file: none, nor /etc/warren/none\.yaml'
sed 's/^name: .*/name: late/; s/ready: { tcp: "100.64.0.1:80" }/ready: { tcp: "100.64.0.1:82" }/' \
	"$etc/lab.yaml" >"$etc/late.yaml"
machine systemctl start --no-block warren@late
ok "a start that waits for a program" wait_for 20 machine ip netns exec gw ss -Hltn 'sport = :80'
ok "stop" machine systemctl stop warren@late
is_the_same "what it had made is gone" nothing

# --- as a host of its own ----------------------------------------------------------------------------

install -D -m 600 "$top/topologies/niransix.yaml" "$etc/niransix.yaml"
echo 'WARREN_OPTIONS=--host vpn-center' >"$etc/niransix.env"
machine systemctl enable --quiet warren@niransix
machine_off
machine_boot 'ip link add enp0s8 type veth peer name cable && ip link set cable up'
is "host mode: active at boot" "$(active niransix)" active
like "the machine's card has the file's addresses" "$(machine ip -br addr show dev enp0s8)" ' 203\.0\.113\.10/24 2001:db8::10/64'
is "tenants are namespaces" "$(namespaces)" "c00 c01"
ok "reload" machine systemctl reload warren@niransix
ok "stop" machine systemctl stop warren@niransix
unlike "the card has lost them" "$(machine ip -br addr show dev enp0s8)" '203\.0\.113|2001:db8'
is "no namespace is left" "$(machine ip netns list)" ""
machine_off

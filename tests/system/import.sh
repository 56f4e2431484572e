#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# warren import: labs of wg-quick files that were written with wg, not with warren; both ends of
# their tunnels reach each other, with the keys, ports and addresses of the files.
. "$(dirname "$(realpath "$0")")/../lib.sh"
need wireguard-go wg wg-quick python3 jq

profile() { "$top/tests/profile.py" "$@"; }
pub() { wg pubkey <<<"$1"; }

# --- a server, and its customers ----------------------------------------------------------------

server=$(wg genkey) alice=$(wg genkey) bob=$(wg genkey) psk=$(wg genpsk)
mkdir "$tmp/files"
cat >"$tmp/files/wg0.conf" <<E
[Interface]
PrivateKey = $server
ListenPort = 51820
Address = 10.8.0.1/24, fd00:8::1/64
PostUp = touch $tmp/was-run; iptables -A FORWARD -i %i -j ACCEPT
PreUp = touch $tmp/was-run

### Client alice
[Peer]
PublicKey = $(pub "$alice")
PresharedKey = $psk
AllowedIPs = 10.8.0.2/32, fd00:8::2/128

### Client bob
[Peer]
PublicKey = $(pub "$bob")
AllowedIPs = 10.8.0.3/32
E
printf '\xef\xbb\xbf%s\r\n' "[interface]" >"$tmp/files/alice.conf"
printf '%s\r\n' "privatekey=$alice" "address=10.8.0.2/24,fd00:8::2/64" "[peer]" "publickey=$(pub "$server")" \
	"presharedkey=$psk" "allowedips=0.0.0.0/0,::/0" "endpoint=203.0.113.10:51820" \
	"persistentkeepalive=25" >>"$tmp/files/alice.conf"
cat >"$tmp/files/bob.conf" <<E
[Interface]
PrivateKey = $bob
Address = 10.8.0.3/24
DNS = 10.8.0.1, example.com
Table = off
[Peer]
PublicKey = $(pub "$server")
Endpoint = vpn.example.com:51820
AllowedIPs = 10.8.0.0/24
E
cd "$tmp/files" || exit
run_status 0 warren import -o "$tmp/lab.yaml" wg0.conf alice.conf bob.conf
cp "$tmp/err" "$tmp/warnings"
like "what it is made of" "$(cat "$tmp/out")" ': lab imported: 3 hosts, 1 tenant, 4 peers joined, 5 keys in imported.keys$'
for line in 'wg0.conf:5:10: warning: `PostUp`' 'wg0.conf:6:9: warning: `PreUp`' 'bob.conf:4:1: warning: `DNS`' \
	'bob.conf:4:17: warning: `DNS`' 'bob.conf:5:1: warning: `Table`' 'bob.conf:8:1: warning: `Endpoint`'; do
	like "what cannot be said is warned about: $line" "$(cat "$tmp/warnings")" "^$(re "$line")"
done
for line in "PostUp = touch $tmp/was-run; iptables" "Table = off" "DNS = example.com" "Endpoint = vpn.example.com:51820"; do
	like "and kept: $line" "$(cat "$tmp/lab.yaml")" "^ +# $(re "$line")"
done
unlike "no key is in the topology" "$(cat "$tmp/lab.yaml")" "$(re "$server")|$(re "$alice")|$(re "$psk")"
is "the topology is for its owner" "$(stat -c %a "$tmp/lab.yaml")" 600
is "the keys as well" "$(stat -c '%a %F' "$tmp/imported.keys" "$tmp/imported.keys/"* | sort -u)" "600 regular file
700 directory"
is "a key of the files" "$(cat "$tmp/imported.keys/wg0.key")" "$server"
run_status 0 warren validate "$tmp/lab.yaml"

residue_snapshot
lab_up imported --backend userspace "$tmp/lab.yaml"
lab_probe imported
is "there are checks for both" "$(warren --json probe imported | jq -r .from | sort)" "alice
bob"
ok "alice reaches the server" ns alice ping -c 1 -W 5 10.8.0.1
ok "also in IPv6" ns alice ping -c 1 -W 5 fd00:8::1
ok "and the server's end of the tunnel reaches her" ns wg0 ping -c 1 -W 5 10.8.0.2
ok "bob reaches the server" ns bob ping -c 1 -W 5 10.8.0.1
ok "and alice, who is of the same tenant" ns bob ping -c 1 -W 5 10.8.0.2
is "with the server's key" "$(warren exec imported wg0 -- wg show wg-wg0 private-key)" "$server"
is "and port" "$(warren exec imported wg0 -- wg show wg-wg0 listen-port)" 51820
is "and preshared keys" "$(warren exec imported wg0 -- wg show wg-wg0 preshared-keys | sort)" \
	"$(printf '%s\t%s\n' "$(pub "$alice")" "$psk" "$(pub "$bob")" "(none)" | sort)"
is "alice calls it where her file says" "$(warren exec imported alice -- wg show alice endpoints)" \
	"$(printf '%s\t203.0.113.10:51820' "$(pub "$server")")"
fails "nothing of the files was run" test -e "$tmp/was-run"

# there and back again
sed $'s/\r$//; s/^\xef\xbb\xbf//' alice.conf >"$tmp/plain.conf"
warren config imported alice/alice -o "$tmp/alice.conf"
is "config gives alice's file back" "$(profile read "$tmp/alice.conf")" "$(profile read "$tmp/plain.conf")"
warren config imported wg0 --peer alice -o "$tmp/customer.conf"
is "and as what the tenant's customer loads" "$(profile read "$tmp/customer.conf")" "$(profile read "$tmp/plain.conf")"
lab_down imported

# --- without the keys ------------------------------------------------------------------------------

run_status 0 warren import wg0.conf alice.conf bob.conf
cp "$tmp/out" "$tmp/without.yaml"
like "that keys are left out is said" "$(tail -n 1 "$tmp/err")" '^warren: warning: keys are left out, and `up` makes new ones'
unlike "and they are" "$(cat "$tmp/without.yaml")" "$(re "$server")|$(re "$alice")|$(re "$psk")|_file"
lab_up imported --backend userspace "$tmp/without.yaml"
lab_probe imported
unlike "the server has a new key" "$(warren exec imported wg0 -- wg show wg-wg0 private-key)" "$(re "$server")"
ok "down" warren down imported
run_status 0 warren import --with-keys --name vpn wg0.conf alice.conf
like "a name" "$(cat "$tmp/out")" '^name: vpn$'
like "and the keys, if they are asked for" "$(cat "$tmp/out")" "private_key: \"?$(re "$server")"
is "quiet" "$(warren -q import wg0.conf alice.conf 2>&1 >/dev/null)" ""
is "JSON" "$(warren --json import wg0.conf alice.conf 2>"$tmp/err" | jq -r '.lab, .hosts, .tenants, (.warnings | length)')" "imported
2
1
2"
is "JSON has its warnings inside" "$(cat "$tmp/err")" ""
warren --json import wg0.conf | jq -r .topology >"$tmp/json.yaml"
run_status 0 warren validate "$tmp/json.yaml"
run_status 0 warren -q import - <alice.conf

# --- two sites, one called over IPv6 -----------------------------------------------------------------

berlin=$(wg genkey) paris=$(wg genkey)
cat >berlin.conf <<E
[Interface]
PrivateKey = $berlin
ListenPort = 51820
Address = 10.0.0.1/30
[Peer]
PublicKey = $(pub "$paris")
Endpoint = [2001:db8:b::2]:51821
AllowedIPs = 10.0.0.2/32, 192.168.2.0/24
E
cat >paris.conf <<E
[Interface]
PrivateKey = $paris
ListenPort = 51821
Address = 10.0.0.2/30
[Peer]
PublicKey = $(pub "$berlin")
Endpoint = 192.0.2.1:51820
AllowedIPs = 10.0.0.1/32, 192.168.1.0/24
E
warren -q import --with-keys --name sites -o "$tmp/sites.yaml" berlin.conf paris.conf
lab_up sites --backend userspace "$tmp/sites.yaml"
lab_probe sites
ok "one reaches the other" ns berlin ping -c 1 -W 5 10.0.0.2
ok "and the other the one" ns paris ping -c 1 -W 5 10.0.0.1
ok "down: sites" warren down sites

# --- a file for each customer, all alike ----------------------------------------------------------------

for i in 1 2 3; do
	key=$(wg genkey)
	mkdir "c$i"
	printf '%s\n' '[Interface]' "PrivateKey=$server" "ListenPort=$((50000 + i))" 'Address=192.168.1.254/24' \
		'[Peer]' "PublicKey=$(pub "$key")" 'AllowedIPs=192.168.1.0/24' >"c$i.conf"
	printf '%s\n' '[Interface]' "PrivateKey=$key" 'Address=192.168.1.1/24' '[Peer]' "PublicKey=$(pub "$server")" \
		"Endpoint=203.0.113.10:$((50000 + i))" 'AllowedIPs=192.168.1.254/32' >"c$i/wg0.conf"
done
run_status 0 warren import --name customers -o "$tmp/customers.yaml" c?.conf c?/wg0.conf
is "one key on all ports: each is joined with its own" "$(grep -oE '(host|tenant): .*/.*' "$tmp/customers.yaml")" \
	"$(printf 'host: c%s-wg0/wg0\n' 1 2 3; printf 'tenant: gateway/c%s\n' 1 2 3)"
lab_up customers --backend userspace "$tmp/customers.yaml"
lab_probe customers
for i in 1 2 3; do ok "customer $i" ns "c$i-wg0" ping -c 1 -W 5 192.168.1.254; done
ok "down: customers" warren down customers

# --- what is wrong with files ---------------------------------------------------------------------------

printf '[Interface]\nPrivatKey = %s\nMTU = big\n' "$server" >bad1.conf
printf '[Peer]\nPublicKey = %s' "${server%?}" >bad2.conf
run_status 2 warren import alice.conf bad1.conf bad2.conf nowhere.conf
is "every error of every file" "$(cat "$tmp/err")" 'bad1.conf:2:1: error: unknown key `PrivatKey` in [Interface] (did you mean `PrivateKey`?)
bad1.conf:3:7: error: `MTU` has to be a number from 68 to 65535, not `big`
bad2.conf:1:1: error: there is no [Interface] (a file begins with one)
bad2.conf:2:13: error: `PublicKey` is not a key: 44 characters of base64 are wanted, here are 43 (`warren key gen` makes one)
warren: nowhere.conf: No such file or directory'
is "and no topology" "$(cat "$tmp/out")" ""
is "in JSON" "$(warren --json import bad1.conf | jq -c '[.file, .line, .column]')" '["bad1.conf",2,1]
["bad1.conf",3,7]'
run_status 2 warren import
run_status 2 warren import --name 'No Name' alice.conf
run_status 2 warren import --force alice.conf
run_status 2 warren --json import -o x alice.conf
head -c 3000000 /dev/zero >zero.conf
run_status 2 warren import zero.conf
run_status 2 warren import .

# --- files that are there ---------------------------------------------------------------------------------

residue() { find "$tmp/new" -mindepth 1 | sort; }
mkdir -p "$tmp/new/x.keys"
echo mine >"$tmp/new/x.keys/wg0.key"
run_status 3 warren import --name x -o "$tmp/new/lab.yaml" alice.conf wg0.conf
like "no key is replaced" "$(cat "$tmp/err")" 'wg0.key is there already \(--force replaces it\)'
is "and nothing else is written" "$(residue)" "$tmp/new/x.keys
$tmp/new/x.keys/wg0.key"
is "it is as it was" "$(cat "$tmp/new/x.keys/wg0.key")" mine
run_status 0 warren import --force --name x -o "$tmp/new/lab.yaml" alice.conf wg0.conf
is "unless that is wanted" "$(cat "$tmp/new/x.keys/wg0.key")" "$server"
run_status 3 warren import --name x -o "$tmp/new/lab.yaml" alice.conf
run_status 3 warren import --name x -o "$tmp/new/no/lab.yaml" alice.conf
fails "no folder is made for it" test -e "$tmp/new/no"
run_status 3 warren import --name x -o /dev/full --force --with-keys alice.conf
ok "what is no file stays" test -c /dev/full
cd "$tmp/new" || exit
run_status 0 warren -q import -o here.yaml "$tmp/files/bob.conf"
run_status 0 warren validate here.yaml

# --- names and contents of all kinds -------------------------------------------------------------------------

mkdir "$tmp/odd"
cd "$tmp/odd" || exit
odd=('a b.conf' $'x\ny: z.conf' '{1..3}.conf' '{n}.conf' $'\xff\xfe.conf' $'\xe2\x80\xa8.conf' '"quoted".conf' "it's.conf"
	'#.conf' '-.conf' '...conf' 'lo.conf' 'gateway.conf' 'imported-networks.conf' "$(printf 'a%.0s' {1..200}).conf")
for f in "${odd[@]}"; do cp "$tmp/files/alice.conf" "./$f"; done
all=("$tmp"/files/{wg0,bob}.conf "$top"/tests/profiles/good/*.conf "$top"/tests/profiles/import/*/{*,*/*}.conf)
for f in ./*.conf "${all[@]}"; do
	[ -e "$f" ] || continue # a folder without another one in it
	run_status 0 warren -q import "$f"
	cp "$tmp/out" "$tmp/one.yaml"
	run_status 0 warren validate "$tmp/one.yaml"
done
mapfile -d '' there < <(for f in "${all[@]}"; do [ ! -e "$f" ] || printf '%s\0' "$f"; done)
run_status 0 warren -q import ./*.conf "${there[@]}"
cp "$tmp/out" "$tmp/one.yaml"
run_status 0 warren validate "$tmp/one.yaml"
ok "another YAML reader agrees" python3 -c 'import sys, yaml; yaml.safe_load(open(sys.argv[1], encoding="utf-8"))' "$tmp/one.yaml"

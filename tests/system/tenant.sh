#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `warren tenant`: the file is edited and nothing else of it, whole or not at all, by one at a time.
# Witnesses: python's YAML, patch, stat, wg.
. "$(dirname "$(realpath "$0")")/../lib.sh"
need jq wg patch flock python3 wireguard-go
python3 -c 'import yaml' 2>/dev/null || skip "python3-yaml is not installed (make deps)"

mkdir "$tmp/d"
f=$tmp/d/office.yaml
office() { # a gateway with two tenants, and what an operator writes around them
	cat <<-'END'
		# the office; ask Änne before you change anything
		name: office
		networks: { net: { prefixes: [203.0.113.0/24] } }
		hosts:
		  gw:
		    networks: { net: { interface: wan, addresses: [203.0.113.1/24] } }
		    bridges: { br: { addresses: [10.0.0.1/24] } }   # servers
		    gateway:
		      bridge: br
		      pools: { listen_port: 50000-50099 }
		      tenants:
		        # the bakery
		        bakery:
		          listen_port: 50050      # agreed on by phone
		          napt_addresses: [10.0.0.50]

		        mill: {}                  # from the pools
		# the end
	END
}
fresh() { office >"$f"; }
# yaml EXPRESSION: of the file as python reads it, as JSON; t: the tenants
yaml() {
	python3 -c 'import json, sys, yaml
d = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
t = d["hosts"]["gw"]["gateway"]["tenants"]
print(json.dumps(eval(sys.argv[2])))' "$f" "$1"
}
names() { yaml 'list(t)'; }
peer=HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=
tenant() { warren tenant "$@"; }
# left DIR: what is in a folder
left() { (cd "$1" && find . -mindepth 1 | LC_ALL=C sort | tr '\n' ' '); }
# run STATUS ARG...: warren; whatever it prints is kept, to be searched for secrets in the end
run() {
	local status=$1
	shift
	run_status "$status" "$WARREN" "$@"
	cat "$tmp/out" "$tmp/err" >>"$tmp/said"
}

# --- add and remove ---------------------------------------------------------------------

fresh
run 0 tenant add "$f" smith
is "nothing but a name" "$(names; yaml 't["smith"]')" $'["bakery", "mill", "smith"]\n{}'
is "one line is new" "$(office | diff - "$f")" $'17a18\n>         smith: {}'
like "it is told what it gets" "$(cat "$tmp/out")" '^tenant smith of gw added: UDP port 50001, NAPT address 10\.0\.0\.3/24$'
is "nothing is left beside the file" "$(left "$tmp/d")" "./office.yaml "
run 0 tenant remove "$f" smith
ok "and gone again, byte for byte" cmp "$f" <(office)
run 0 tenant add "$f" smith --peer-key $peer --peer-name 'the smith: at home' \
	--allowed-ips 192.168.1.0/24,fd00::/64 --endpoint '[2001:db8::7]:51820' --keepalive 25 \
	--preshared-key-file psk --listen-port 50070 --napt-address 10.0.0.70 --napt-address 10.0.0.71 \
	--dns 10.0.0.2 --dns 2001:db8::53 --label 'customer=4711' --label 'a b={n} # "x"'
is "all of it, as python reads it" "$(yaml 't["smith"]' | jq -cS .)" "$(jq -cS . <<-END
	{"listen_port": 50070, "napt_addresses": ["10.0.0.70", "10.0.0.71"], "dns": ["10.0.0.2", "2001:db8::53"],
	 "labels": {"customer": "4711", "a b": "{{n}} # \"x\""}, "peers": [{"public_key": "$peer",
	 "name": "the smith: at home", "preshared_key_file": "psk", "endpoint": "[2001:db8::7]:51820",
	 "allowed_ips": ["192.168.1.0/24", "fd00::/64"], "persistent_keepalive": 25}]}
	END
)"
run 0 --json tenant show "$f" smith
is "labels are meant as they were given" "$(jq -c .labels "$tmp/out")" '{"customer":"4711","a b":"{n} # \"x\""}'
run 0 tenant remove "$f" smith
ok "gone again, byte for byte" cmp "$f" <(office)
run 0 tenant remove "$f" bakery
is "its comment goes along" "$(office | diff - "$f" | sed -n 's/^< //p')" "        # the bakery
        bakery:
          listen_port: 50050      # agreed on by phone
          napt_addresses: [10.0.0.50]"
run 0 tenant remove "$f" mill
is "the last one leaves an empty mapping" "$(yaml t)" '{}'
run 0 validate "$f"
run 0 tenant add "$f" bakery
is "which can be added to" "$(names)" '["bakery"]'
run 0 --json tenant add "$f" mill --listen-port 50070
is "for programs" "$(jq -c 'del(.public_key)' "$tmp/out")" \
	"{\"lab\":\"office\",\"host\":\"gw\",\"tenant\":\"mill\",\"file\":\"$f\",\"changed\":true,\"action\":\"added\",\"listen_port\":50070,\"napt_addresses\":[\"10.0.0.3/24\"]}"

# --- dry run ----------------------------------------------------------------------------

fresh
run 0 tenant add -n "$f" smith --listen-port 50070
ok "a dry run changes nothing" cmp "$f" <(office)
ok "its diff is one that patch takes" patch -s -o "$tmp/patched" "$f" "$tmp/out"
run 0 tenant add "$f" smith --listen-port 50070
ok "and leads to the same file" cmp "$f" "$tmp/patched"
run 0 tenant remove --dry-run "$f" bakery
ok "the same to remove" patch -s -o "$tmp/patched" "$f" "$tmp/out"
run 0 tenant remove "$f" bakery
ok "and it leads to the same file" cmp "$f" "$tmp/patched"
printf %s "$(office | sed '/^# the end/d')" >"$f"
cp "$f" "$tmp/before"
run 0 tenant add --dry-run "$f" smith
ok "without a last newline" patch -s -o "$tmp/patched" "$f" "$tmp/out"
run 0 tenant add "$f" smith
ok "it leads to the same file" cmp "$f" "$tmp/patched"
run 0 tenant remove "$f" smith
ok "and back" cmp "$f" "$tmp/before"
fresh
run 0 --json tenant add -n "$f" smith
is "for programs" "$(jq -r '.changed, .tenant, .diff' "$tmp/out" | sed -n '1,2p; /^[-+] /p')" $'false\nsmith\n+        smith: {}'

# --- what is refused --------------------------------------------------------------------

for wrong in '--listen-port 0' '--listen-port x' '--napt-address x' '--napt-address 10.0.0.9,' '--dns 10.0.0.1/8' \
	'--label x' '--label =x' '--keepalive 25' '--peer-key x' '--allowed-ips 10.0.0.0/8' \
	"--allowed-ips 10.0.0.1/8 --peer-key $peer" "--keepalive 65536 --peer-key $peer" '--keep-old' '--nonsense'; do
	# shellcheck disable=SC2086 # words
	run 2 tenant add "$f" smith $wrong
	like "${wrong%% *} is named" "$(cat "$tmp/err")" "^warren: tenant: .*${wrong%% *}"
done
for wrong in "add $f" "add $f a/b" "add $f bakery" "add $f x --host nowhere" "remove $f nobody" "show $f nobody" \
	"rotate-key $f nobody" "remove $f" "list $f x" "list $f --own-key" "change $f x" "add $tmp/none.yaml x" \
	"add $tmp x" "list nolab/x"; do
	# shellcheck disable=SC2086 # words
	run 2 tenant $wrong
	is "${wrong%% *}: nothing but an error" "$(cat "$tmp/out")" ""
done
run 2 tenant remove "$f" bakry
like "the nearest name is offered" "$(cat "$tmp/err")" 'has no tenant `bakry` \(did you mean `bakery`\?\)'
run 2 tenant add "$f" smith --listen-port 50050
like "what the loader says of it, with the place" "$(cat "$tmp/err")" "^$f:[0-9]+:[0-9]+: error: port 50050 is used twice"
like "nothing was written" "$(cat "$tmp/err")" 'nothing was written'
run 2 tenant add "$f" bakery
like "where the other one stands" "$(cat "$tmp/err")" "$f:13:9: tenant .bakery. is there already"
run 1 tenant list nolab
ok "after all that the file is as it was" cmp "$f" <(office)

{ office; printf 'checks:\n  - { from: bakery, icmp: 10.0.0.1 }\n  - { from: gw, icmp: 10.0.0.50 }\n'; } >"$f"
cp "$f" "$tmp/before"
run 2 tenant remove "$f" bakery
like "who refers to it is said" "$(cat "$tmp/err")" "^warren: note: $f:20:5: check .* is made from tenant bakery$"
like "and who asks for its address" "$(cat "$tmp/err")" "^warren: note: $f:21:5: check .* asks for an address of tenant bakery$"
like "errors have the line of the file as it is" "$(cat "$tmp/err")" "^$f:20:13: error: there is no host or tenant .bakery."
ok "and nothing was written" cmp "$f" "$tmp/before"
echo 'hosts: [' >"$f"
run 2 tenant add "$f" smith
like "a broken file is said to be" "$(cat "$tmp/err")" "^$f:[0-9]+:[0-9]+: error: "
is "and stays" "$(cat "$f")" 'hosts: ['

# --- ranges, pools ----------------------------------------------------------------------

office | sed 's/        mill: {}/        "t{01..10}": {}/' >"$f"
run 2 tenant remove "$f" t05
like "where the range stands and what to do" "$(cat "$tmp/err")" \
	"^warren: $f:17:9: .*split the range: .t\{01\.\.04\}. and .t\{06\.\.10\}.*"
run 0 tenant remove "$f" t10
is "the last of a range" "$(names)" '["bakery", "t{01..09}"]'
is "which moves nobody" "$(cat "$tmp/err")" ''
run 0 tenant remove "$f" t01
is "and the first" "$(names)" '["bakery", "t{02..09}"]'
like "which moves those behind it" "$(cat "$tmp/err")" \
	"^warren: note: $f:17:9: tenant t02 takes from the pool, listen_port 50001 becomes 50000, NAPT address 10\.0\.0\.3/24 becomes 10\.0\.0\.2/24$"
like "five of them are named" "$(cat "$tmp/err")" '^warren: note: and so do 3 more$'

# --- whose file it is -------------------------------------------------------------------

# an access control list, and something of a user's: where the file system has no such things, less
# is compared
attributes() {
	python3 -c 'import os, sys
print({n: os.getxattr(sys.argv[1], n) for n in sorted(os.listxattr(sys.argv[1]))})' "$f"
}
fresh
chmod 640 "$f"
chown 1234:4321 "$f"
python3 -c 'import os, struct, sys
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in
	((1, 6, 2**32 - 1), (2, 4, 5678), (4, 0, 2**32 - 1), (16, 4, 2**32 - 1), (32, 0, 2**32 - 1)))
for name, value in (("system.posix_acl_access", acl), ("user.note", b"mine")):
	try:
		os.setxattr(sys.argv[1], name, value)
	except OSError as e:
		print("#", name, e)' "$f"
was="$(stat -c '%a %u %g' "$f") $(attributes)"
ln -s d/office.yaml "$tmp/link.yaml"
run 0 tenant add "$tmp/link.yaml" smith
is "mode, owner and access control list stay" "$(stat -c '%a %u %g' "$f") $(attributes)" "$was"
is "the link is one still" "$(readlink "$tmp/link.yaml")" d/office.yaml
is "what it leads to is edited" "$(names)" '["bakery", "mill", "smith"]'
rm "$f"
fresh
ln "$f" "$tmp/d/second"
run 0 tenant add "$f" smith
like "another name is told of" "$(cat "$tmp/err")" "^warren: note: $f had another name"
ok "and has the old text" cmp "$tmp/d/second" <(office)
rm "$tmp/d/second"

# --- a full disk, a disk that cannot be written to --------------------------------------

mkdir "$tmp/full"
must mount -t tmpfs -o size=64k tmpfs "$tmp/full"
office >"$tmp/full/office.yaml"
head -c 100k /dev/zero >"$tmp/full/zero" 2>/dev/null
before=$(left "$tmp/full")
run 4 tenant add "$tmp/full/office.yaml" smith
is "a full disk is named" "$(cat "$tmp/err")" \
	"warren: $tmp/full/office.yaml: No space left on device (the file is as it was)"
ok "a full disk loses nothing" cmp "$tmp/full/office.yaml" <(office)
is "and keeps nothing" "$(left "$tmp/full")" "$before"
must mount -o remount,ro "$tmp/full"
run 3 tenant add "$tmp/full/office.yaml" smith
run 0 tenant add --dry-run "$tmp/full/office.yaml" smith
must umount "$tmp/full"

# --- one at a time ----------------------------------------------------------------------

# two_at_once ACTION: twenty times
two_at_once() {
	local i one two
	for i in {1..20}; do
		tenant "$1" -q "$f" "a$i" &
		one=$!
		tenant "$1" -q "$f" "b$i" &
		two=$!
		wait $one || return
		wait $two || return
	done
}
fresh
ok "two added at once, twenty times: none fails" two_at_once add
is "and no entry is lost" "$(yaml 'sorted(t)' | jq -r '.[]')" \
	"$(printf '%s\n' bakery mill {a,b}{1..20} | LC_ALL=C sort)"
ok "two taken out at once, twenty times: none fails" two_at_once remove
ok "and the file is as it was" cmp "$f" <(office)

mkfifo "$tmp/end"
flock "$tmp/d" cat "$tmp/end" >/dev/null &
holder=$!
# the kernel's list of locks has a line for each that is held, and with an arrow for each that waits
holds() { grep -q -- ": FLOCK .* $1 " /proc/locks; }
waits() { grep -q -- "-> FLOCK .* $1 " /proc/locks; }
must wait_for 10 holds $holder
"$WARREN" tenant add -q "$f" smith &
one=$!
"$WARREN" tenant add -q "$f" never &
two=$!
ok "whoever edits waits for the lock" wait_for 10 waits $one
ok "and so does another one" wait_for 10 waits $two
ok "neither has written" cmp "$f" <(office)
kill -TERM $two
wait $two
is "until it is interrupted" $? 4
: >"$tmp/end" # the holder comes to its end
wait $one
is "then its turn comes" $? 0
is "with what it was to write" "$(names)" '["bakery", "mill", "smith"]'
wait $holder

# --- killed at any instant --------------------------------------------------------------

fresh
points=$(WARREN_FAULT=count "$WARREN" tenant add -q "$f" count 2>&1 | sed -n 's/^fault points: //p')
ok "there are instants to be killed at" [ "${points:-0}" -ge 1 ]
for ((n = 1; n <= points; n++)); do
	fresh
	WARREN_FAULT=kill@$n "$WARREN" tenant add -q "$f" smith 2>/dev/null
	ok "killed at $n: the file is the old one" cmp "$f" <(office)
	rm -f "$tmp"/d/.office.yaml.*
	WARREN_FAULT=fail@$n "$WARREN" tenant add -q "$f" smith 2>/dev/null
	is "failed at $n: status" $? 4
	ok "failed at $n: the file is the old one" cmp "$f" <(office)
	is "failed at $n: nothing is left" "$(left "$tmp/d")" "./office.yaml "
done

# --- keys -------------------------------------------------------------------------------

keys=/var/lib/warren/office/gw
public_of() { jq -r .public_key "$tmp/out"; }
fresh
run 0 tenant add "$f" own --own-key
is "a key that is kept is root's" "$(stat -c '%a %u' $keys/own.key)" "600 0"
is "and named in the file" "$(yaml 't["own"]')" "{\"private_key_file\": \"$keys/own.key\"}"
is "its public key is told" "$(sed -n 's/^public key: //p' "$tmp/out")" "$(wg pubkey <$keys/own.key)"
cp $keys/own.key "$tmp/old"
run 0 --json tenant rotate-key "$f" own --keep-old
is "another key, by the tools' word" "$(public_of)" "$(wg pubkey <$keys/own.key)"
fails "which is another" cmp $keys/own.key "$tmp/old"
ok "the former one is kept" cmp $keys/own.key.old "$tmp/old"
is "both are root's" "$(stat -c %a $keys/own.key $keys/own.key.old)" $'600\n600'
run 0 tenant rotate-key "$f" mill
is "one that shared the gateway's has its own" "$(yaml 't["mill"]')" "{\"private_key_file\": \"$keys/mill.key\"}"
like "its clients have to be told" "$(cat "$tmp/out")" "need the new public key: .warren config $f mill."
cp "$f" "$tmp/before"
cp $keys/own.key "$tmp/old"
run 0 tenant rotate-key --dry-run "$f" own
is "a dry run says which file" "$(cat "$tmp/out")" "the key in $keys/own.key would be replaced"
ok "and leaves it" cmp $keys/own.key "$tmp/old"
run 0 tenant rotate-key "$f" own
ok "a kept key is none of the file's business" cmp "$f" "$tmp/before"

umask 077
gateway=$(wg genkey) secret=$(wg genkey)
office | sed "s|      bridge: br|&\n      private_key: $gateway|
	s|          listen_port: 50050.*|          private_key: '$secret' # by hand\n&|" >"$f"
cp "$f" "$tmp/before"
run 0 --json tenant rotate-key "$f" bakery --keep-old
is "a key in the file is replaced there" "$(public_of)" "$(yaml 't["bakery"]["private_key"]' | jq -r . | wg pubkey)"
is "and that is all that is replaced" "$(diff "$tmp/before" "$f" | grep -c '^[<>]')" 2
is "between the same quotes, with the same comment" "$(grep -c "private_key: '[^']*=' # by hand" "$f")" 1
is "the former one is kept, too" "$(cat $keys/bakery.key.old)" "$secret"
run 0 --json tenant rotate-key "$f" mill
is "where the gateway's is in the file, a new one goes there" "$(public_of)" \
	"$(yaml 't["mill"]["private_key"]' | jq -r . | wg pubkey)"
cp "$f" "$tmp/before"
run 0 tenant rotate-key --dry-run "$f" mill
run 0 tenant add --dry-run "$f" smith --own-key
run 0 --json tenant add --dry-run "$f" smith --own-key
run 0 tenant show "$f" bakery
run 0 --json tenant show "$f" bakery
run 0 tenant list "$f"
run 0 --json tenant list "$f"
ok "dry runs and looks change nothing" cmp "$f" "$tmp/before"
mapfile -t in_file < <(grep -oE '[A-Za-z0-9+/]{43}=' "$f")
office | sed "s|bakery:|&\n          private_key_file: both|; s|mill: {}|mill: { private_key_file: both }|" >"$f"
wg genkey >"$tmp/d/both"
cp "$tmp/d/both" "$tmp/old"
run 2 tenant rotate-key "$f" mill
like "a key of two is not replaced" "$(cat "$tmp/err")" 'the key of tenant mill is the key of bakery, too'
ok "and stays" cmp "$tmp/d/both" "$tmp/old"
rm "$tmp/d/both"

# --- where it runs ----------------------------------------------------------------------

cat >"$f" <<-END
	name: office
	networks: { net: { prefixes: [203.0.113.0/24] } }
	hosts:
	  gw:
	    networks: { net: { interface: wan, addresses: [203.0.113.1/24] } }
	    bridges: { br: { addresses: [10.0.0.1/24] } }
	    gateway:
	      bridge: br
	      tenants:
	        t0: { listen_port: 50000, napt_addresses: [10.0.0.20], peers: [{ host: home/wg0 }] }
	        p1: {}
	        p2: {}
	  home:
	    networks: { net: { interface: wan, addresses: [203.0.113.2/24] } }
	    bridges: { lan: { addresses: [192.168.1.1/24] } }
	    wireguard:
	      wg0: { peers: [{ tenant: gw/t0, allowed_ips: [10.0.0.0/24] }] }
	checks:
	  - { from: home, source: 192.168.1.1, icmp: 10.0.0.1 }
END
cp "$f" "$tmp/before"
lab_up office "$f"
lab_probe office
wg_of() { warren exec office "$1" -- wg show "$2" "$3"; } # NS IF WHAT
run 0 --json tenant show office t0
was=$(public_of)
is "what wg says of it" "$(jq -r '"\(.public_key) \(.listen_port)"' "$tmp/out")" \
	"$(wg_of t0 wg-t0 public-key) $(wg_of t0 wg-t0 listen-port)"
is "it is up" "$(jq -rc '[.state, .wireguard.alive, (.wireguard.peers[0].latest_handshake > 0)]' "$tmp/out")" \
	'["up",true,true]'
is "its peer" "$(jq -r '.peers[0].public_key' "$tmp/out")" "$(wg_of home wg0 public-key)"
run 0 tenant show office t0
like "for people" "$(cat "$tmp/out")" '^home/wg0 +.* 203\.0\.113\.2:[0-9]+ +[0-9]+ s ago +[0-9.]+ '
run 0 tenant add office t1 --peer-key $peer
is "the lab's name will do for the file" "$(names)" '["t0", "p1", "p2", "t1"]'
run 0 tenant list office
is "which is what is listed" "$(awk '{print $1, $3, $NF}' "$tmp/out")" \
	$'TENANT PORT PEERS\nt0 50000 1\np1 51820 0\np2 51821 0\nt1 51822 1'
run 0 tenant remove --no-apply office t1
is "--no-apply has nothing to say of what runs" "$(cat "$tmp/err")" ""
ok "and back" cmp "$f" "$tmp/before"
run 0 tenant remove --no-apply office p1
is "what a pool has given stays given" "$(cat "$tmp/err")" ""
run 0 tenant add --no-apply office p3
run 0 tenant list office
is "and is not given to somebody else" "$(awk '{print $1, $3}' "$tmp/out" | tail -n 2)" $'p2 51821\np3 51820'
cp "$tmp/before" "$f"
run 0 --json tenant rotate-key --no-apply office t0
is "another key" "$([ "$(public_of)" != "$was" ] && echo yes)" yes
is=$(public_of)
ok "down: office" warren down office
lab_up office "$f"
lab_probe office
is "which is the tunnel's from then on" "$(wg_of t0 wg-t0 public-key)" "$is"
# a second time the topology stays the same word for word: the key is in a file of its own by now
run 0 --json tenant rotate-key --no-apply office t0
is=$(public_of)
ok "apply: office" warren apply "$f"
is "the new key is in use" "$(wg_of t0 wg-t0 public-key)" "$is"
is "and nobody takes the former one any more" "$(wg_of home wg0 peers)" "$is"
lab_probe office
ok "down: office" warren down office

# --- folders ----------------------------------------------------------------------------

mkdir "$tmp/lab"
office >"$tmp/lab/topology.yaml"
chmod 600 "$tmp/lab/topology.yaml"
run 0 tenant add --dry-run "$tmp/lab" smith --listen-port 50070
is "a dry run makes nothing" "$(left "$tmp/lab")" "./topology.yaml "
: >"$tmp/none"
ok "and its diff makes the file" patch -s -o "$tmp/patched" "$tmp/none" "$tmp/out"
run 0 --json tenant add "$tmp/lab" smith --listen-port 50070
is "one file a tenant" "$(cat "$tmp/lab/tenants.d/smith.yaml")" $'smith:\n  listen_port: 50070'
ok "which is that of the dry run" cmp "$tmp/lab/tenants.d/smith.yaml" "$tmp/patched"
is "and is told of" "$(jq -r .file "$tmp/out")" "$tmp/lab/tenants.d/smith.yaml"
is "with the mode of the topology" "$(stat -c %a "$tmp/lab/tenants.d/smith.yaml")" 600
ok "which stays as it is" cmp "$tmp/lab/topology.yaml" <(office)
run 0 validate "$tmp/lab"
all=$(left "$tmp/lab")
run 2 tenant add "$tmp/lab" smith
run 2 tenant add "$tmp/lab" mill
like "where the other one is" "$(cat "$tmp/err")" "^$tmp/lab/tenants.d/mill.yaml:1:1: error: tenant .mill. is given twice"
run 2 tenant add "$tmp/lab" tailor --listen-port 50070
is "nothing was made of what would not be valid" "$(left "$tmp/lab")" "$all"
run 0 tenant list "$tmp/lab"
is "both kinds are listed" "$(awk 'NR > 1 {print $1}' "$tmp/out" | tr '\n' ' ')" "bakery mill smith "
run 0 --json tenant show "$tmp/lab" smith
is "the file that has it" "$(jq -r '"\(.file):\(.line)"' "$tmp/out")" "$tmp/lab/tenants.d/smith.yaml:1"

printf '# two in one file\n\n# a cook\ncook: {}   # good\n"t{1..3}": {}\n' >"$tmp/lab/tenants.d/others.yaml"
run 0 tenant remove "$tmp/lab" t3
run 0 tenant remove "$tmp/lab" cook
is "of a file with several, one goes" "$(cat "$tmp/lab/tenants.d/others.yaml")" $'# two in one file\n\n"t{1..2}": {}'
run 2 tenant rotate-key "$tmp/lab" t1
run 0 --json tenant rotate-key "$tmp/lab" smith
is "a key is named in the tenant's file" "$(tail -n 1 "$tmp/lab/tenants.d/smith.yaml")" "  private_key_file: \"$keys/smith.key\""
is "and is the one that is told" "$(public_of)" "$(wg pubkey <$keys/smith.key)"
run 0 tenant remove --dry-run "$tmp/lab" smith
ok "a dry run takes nothing away" test -e "$tmp/lab/tenants.d/smith.yaml"
run 0 tenant remove "$tmp/lab" smith
is "the file of one goes with it" "$(left "$tmp/lab/tenants.d")" "./others.yaml "
run 0 tenant remove "$tmp/lab" bakery
is "one of the topology file goes there" "$(diff "$tmp/lab/topology.yaml" <(office) | grep -c '^>')" 4
sed -i 's/^# the end/  gw2:\n    bridges: { br: { addresses: [10.0.0.1\/24] } }\n    gateway: { bridge: br }/' "$tmp/lab/topology.yaml"
rm "$tmp/lab/tenants.d/others.yaml"
run 2 tenant add "$tmp/lab" smith
like "of two gateways one has to be named" "$(cat "$tmp/err")" 'has 2 gateways \(say which by --host'
run 0 tenant add "$tmp/lab" smith --host gw2
is "and has a folder of its own" "$(left "$tmp/lab/tenants.d")" "./gw2 ./gw2/smith.yaml "
run 0 tenant add "$tmp/lab" smith2 --host gw
run 0 tenant list "$tmp/lab"
is "the host is listed" "$(awk 'NR > 1 {print $1, $2}' "$tmp/out" | tr '\n' ',')" "mill gw,smith2 gw,smith gw2,"
for i in {1..8}; do
	tenant add -q --host gw "$tmp/lab" "a$i" & one=$!
	tenant add -q --host gw2 "$tmp/lab" "b$i" & two=$!
	wait $one && wait $two || echo "round $i" >>"$tmp/lost"
done
ok "two at once in a folder: none fails" [ ! -e "$tmp/lost" ]
is "and all are there" "$(warren --json tenant list "$tmp/lab" | wc -l)" 19

# --- secrets ----------------------------------------------------------------------------

said=$(cat "$tmp/said")
like "diffs are in what was printed" "$said" 'private_key: \*{44}$'
ok "and there are keys to look for" [ ${#in_file[@]} -ge 3 ]
for s in "${in_file[@]}" "$gateway" "$secret" "$(cat "$tmp/old")" "$(cat $keys/own.key)" "$(cat $keys/mill.key)"; do
	unlike "no private key was printed" "$said" "$(re "$s")"
done
unlike "nor one that was not kept" "$said" 'private_key(: |\\?": ?\\?")[^ ]?[A-Za-z0-9+/]{43}='
rm -r /var/lib/warren/office

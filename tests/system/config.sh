#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# warren config: what it prints is what wg-quick, wg and a telephone's camera understand, and a
# client that loads it gets through.
. "$(dirname "$(realpath "$0")")/../lib.sh"
need wireguard-go wg wg-quick zbarimg rsvg-convert python3 jq script

profile() { "$top/tests/profile.py" "$@"; }
# scan FILE: what is in the code of a picture
scan() { zbarimg --nodbus --raw -q -Sbinary --oneshot "$1"; }

# --- every end of every lab is accepted by wg-quick and wg ------------------------------------

wireguard-go wgtest >/dev/null 2>&1
must wait_for 5 test -S /run/wireguard/wgtest.sock
mkdir "$tmp/all"
n=0
for file in topologies/{niransix,double-nat,dual-stack,wireguard-intro}.yaml; do
	lab=$(sed -n 's/^name: //p' "$top/$file")
	lab_up "$lab" --backend none "$top/$file"
	warren --json status "$lab" >"$tmp/status"
	# tenants by name, tunnels by HOST/IF, as the file has them
	names=$(warren validate --expand "$top/$file" | python3 -c '
import sys, yaml
for name, h in yaml.safe_load(sys.stdin)["hosts"].items():
    print(*[f"{name}/{t}" for t in h.get("wireguard", {})], *h.get("gateway", {}).get("tenants", {}))')
	for name in $names; do
		n=$((n + 1)) conf=$tmp/all/wgtest.conf
		rm -f "$conf"
		run_status 0 warren config "$lab" "$name" -o "$conf"
		is "$name: no warning" "$(cat "$tmp/err")" ""
		wg-quick strip "$conf" >"$tmp/stripped" 2>"$tmp/.out"
		is "$name: wg-quick reads it, and says nothing" "$?$(cat "$tmp/.out")" 0
		ok "$name: wg reads it" wg setconf wgtest "$tmp/stripped"
		profile read "$conf" | jq -r '.peers[] | .publickey, .endpoint // "(none)", .allowedips[]' >"$tmp/written"
		wg show wgtest dump | tail -n +2 | sort | while IFS=$'\t' read -r key _ endpoint allowed _; do
			printf '%s\n%s\n' "$key" "$endpoint"
			tr , '\n' <<<"$allowed" | sort
		done >"$tmp/got"
		is "$name: wg has the peers that are in it" "$(cat "$tmp/got")" "$(cat "$tmp/written")"
		is "$name: and its private key" "$(wg show wgtest private-key)" "$(profile read "$conf" | jq -r .interface.privatekey)"
	done
	ok "down: $lab" warren down "$lab"
done
ok "there were many" test "$n" -ge 10
ip link del wgtest

# --- keys that are kept -------------------------------------------------------------------------

cat >"$tmp/kept.yaml" <<'E2'
name: kept
networks: { net: { prefixes: [203.0.113.0/24] } }
hosts:
  gw:
    networks: { net: [203.0.113.1] }
    bridges: { br: [100.64.0.1/24] }
    gateway:
      bridge: br
      tenants:
        home: { listen_port: 50000, peers: [{ host: home-router/wg0, preshared_key_file: psk }] }
        phones:
          listen_port: 50001
          peers:
            - { public_key: PHONE, name: alice, allowed_ips: [10.0.0.2/32] }
            - { public_key: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=, name: bob, allowed_ips: [10.0.0.3/32] }
  home-router:
    networks: { net: [203.0.113.2] }
    wireguard:
      wg0: { addresses: [10.1.0.1/32], peers: [{ tenant: gw/home, preshared_key_file: psk, allowed_ips: [100.64.0.0/24] }] }
  phone: { networks: { net: [203.0.113.3] } }
E2
phone=$(wg genkey)
sed -i "s,PHONE,$(wg pubkey <<<"$phone")," "$tmp/kept.yaml"
wg genpsk >"$tmp/psk"
run_status 3 warren config "$tmp/kept.yaml" home
like "a key that nobody has made is not known" "$(cat "$tmp/err")" 'gw/home is not known here \(`warren up` makes one'
fails "asking makes none" test -e /var/lib/warren/kept
lab_up kept "$tmp/kept.yaml"
for from in kept "$tmp/kept.yaml"; do
	run_status 0 warren config "$from" home
	cp "$tmp/out" "$tmp/home.conf"
	is "its private key is the one that is kept" "$(profile read "$tmp/home.conf" | jq -r .interface.privatekey)" \
		"$(cat /var/lib/warren/kept/home-router/wg0.key)"
	is "and its peer's key the gateway's" "$(profile read "$tmp/home.conf" | jq -r '.peers[].publickey')" \
		"$(warren exec kept home -- wg show wg-home public-key)"
	is "the preshared key is read from its file" "$(profile read "$tmp/home.conf" | jq -r '.peers[].presharedkey')" "$(cat "$tmp/psk")"
done
run_status 2 warren config kept phones
like "of several customers one has to be named" "$(cat "$tmp/err")" 'alice, bob \(say which by --peer NAME\)'

# --- a client that loads it -----------------------------------------------------------------------

run_status 0 warren config kept phones --peer alice -o "$tmp/phone.conf"
like "what is missing is said" "$(cat "$tmp/err")" '^warren: warning: phones: PrivateKey is left to be filled in'
is "and stands there" "$(grep '^# PrivateKey' "$tmp/phone.conf")" \
	"# PrivateKey = (fill in: the one of public key $(wg pubkey <<<"$phone"))"
unlike "and no line is made up" "$(cat "$tmp/phone.conf")" '^PrivateKey'
sed -i "s,^# PrivateKey = .*,PrivateKey = $phone," "$tmp/phone.conf"
ok "a client loads it" ns phone wg-quick up "$tmp/phone.conf"
ok "and gets through" wait_for 30 ns phone ping -c 1 -W 2 100.64.0.1
like "as the one it is" "$(warren exec kept phones -- wg show wg-phones latest-handshakes)" "$(re "$(wg pubkey <<<"$phone")").*[1-9][0-9]{9}"
ok "away with it" ns phone wg-quick down "$tmp/phone.conf"
ok "down: kept" warren down kept

# --- codes ----------------------------------------------------------------------------------------

conf=(config "$top/topologies/niransix.yaml" c00)
warren "${conf[@]}" >"$tmp/text"
ok "a picture" warren "${conf[@]}" --format png -o "$tmp/qr.png"
scan "$tmp/qr.png" >"$tmp/scanned"
ok "is read back to the byte" cmp "$tmp/scanned" "$tmp/text"
like "of two colours" "$(file "$tmp/qr.png")" 'PNG image data, ([0-9]+) x \1, 1-bit grayscale'
warren "${conf[@]}" --format svg >"$tmp/qr.svg"
rsvg-convert -o "$tmp/svg.png" "$tmp/qr.svg"
scan "$tmp/svg.png" >"$tmp/scanned"
ok "a drawing is read back" cmp "$tmp/scanned" "$tmp/text"
warren "${conf[@]}" --format qr >"$tmp/qr.txt"
profile blocks <"$tmp/qr.txt" >"$tmp/qr.pbm"
scan "$tmp/qr.pbm" >"$tmp/scanned"
ok "blocks are read back" cmp "$tmp/scanned" "$tmp/text"
unlike "without colours where there is no terminal" "$(cat "$tmp/qr.txt")" $'\033'
unset NO_COLOR
TERM=xterm script -qec "$WARREN ${conf[*]} --format qr" /dev/null | tr -d '\r' >"$tmp/coloured"
is "on a terminal the same in colours" "$(sed $'s/^\033\\[40;37;1m//; s/\033\\[0m$//' "$tmp/coloured")" "$(cat "$tmp/qr.txt")"
is "in every line" "$(grep -c $'^\033\\[40;37;1m' "$tmp/coloured")" "$(wc -l <"$tmp/qr.txt")"
export NO_COLOR=1
unlike "unless they are not wanted" "$(TERM=xterm script -qec "$WARREN ${conf[*]} --format qr" /dev/null)" $'\033'
like "a picture is not for a terminal" "$(script -qec "$WARREN ${conf[*]} --format png" /dev/null)" 'a picture is not for a terminal'
like "a terminal that is too narrow is noticed" \
	"$(script -qec "stty cols 40; $WARREN ${conf[*]} --format qr" /dev/null)" 'has 40 columns, the code needs 65'
# 200 networks are too much for a code
python3 - "$tmp/large.yaml" <<'E2'
import sys
nets = ", ".join(f"10.{i}.0.0/16" for i in range(250))
with open(sys.argv[1], "w") as f:
    f.write(f"""name: large
hosts:
  h:
    wireguard:
      wg0:
        private_key: dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=
        peers: [{{ public_key: 3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=, allowed_ips: [{nets}] }}]
""")
E2
run_status 3 warren config "$tmp/large.yaml" h/wg0 --format qr
like "what is too long for a code is said" "$(cat "$tmp/err")" 'holds 2953 bytes, and this has [0-9]+ \(use --format wg-quick\)'

# --- files ----------------------------------------------------------------------------------------

is "a file is for its owner" "$(stat -c %a "$tmp/qr.png")" 600
run_status 3 warren "${conf[@]}" -o "$tmp/qr.png"
like "none is replaced" "$(cat "$tmp/err")" 'is there already \(--force replaces it\)'
ok "and it is as it was" test "$(head -c 4 "$tmp/qr.png" | tail -c 3)" = PNG
chmod 644 "$tmp/qr.png"
run_status 0 warren "${conf[@]}" -o "$tmp/qr.png" --force
ok "unless that is wanted" cmp "$tmp/qr.png" "$tmp/text"
is "and then it is for its owner again" "$(stat -c %a "$tmp/qr.png")" 600
run_status 3 warren "${conf[@]}" -o /dev/null --force
ok "what is no file never is" test -c /dev/null
run_status 3 warren "${conf[@]}" -o "$tmp/nowhere/x"
is "nothing is printed beside a file" "$(cat "$tmp/out")" ""
is "JSON" "$(warren --json "${conf[@]}" | jq -r '.lab, .name, .config')" "niransix
c00
$(cat "$tmp/text")"

# --- usage ----------------------------------------------------------------------------------------

run_status 2 warren config "$top/topologies/niransix.yaml"
run_status 2 warren "${conf[@]}" --format pdf
run_status 2 warren "${conf[@]}" --force
run_status 2 warren --json "${conf[@]}" --format qr
run_status 2 warren config "$top/topologies/niransix.yaml" c02
run_status 2 warren config "$tmp/nowhere.yaml" c00
run_status 1 warren config nowhere c00

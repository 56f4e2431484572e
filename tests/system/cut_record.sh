#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is recorded of a lab is cut short: the journal at every line and within some, the other files at
# some places.  plan, apply and down do their work or say why not, and what is others' stays.
. "$(dirname "$(realpath "$0")")/../lib.sh"
need nft jq
old=$tmp/old.yaml new=$tmp/new.yaml
cat >"$old" <<'E'
name: cut
networks: { net: { prefixes: [203.0.113.0/24] } }
hosts:
  centre:
    networks: { net: { interface: wan, addresses: [203.0.113.1] } }
    bridges: { br: { addresses: [10.0.0.1/24] } }
    gateway:
      bridge: br
      pools: { listen_port: 20000-20099, napt_addresses: [10.0.0.0/24] }
      tenants:
        t0: { dns: [10.0.0.1] }
        t1: { dns: [10.0.0.1], peers: [{ host: router/wg0 }] }
  router:
    networks: { net: { interface: wan, addresses: [203.0.113.2] } }
    wireguard: { wg0: { peers: [{ tenant: centre/t1, allowed_ips: [10.0.0.0/24] }] } }
E
sed 's/t0: { dns: \[10.0.0.1\] }/t2: { dns: [10.0.0.2] }/; s/203.0.113.2/203.0.113.3/' "$old" >"$new"

# cut_short FILE LEFT COMMAND...: in a sandbox of its own a lab is up, an apply of it was killed, and of FILE
# is left: LEFT bytes (below 0: without the last ones), or "N lines", or "N and a half", or what
# sed makes of it.  Then each COMMAND, of which it prints what is wrong.
cat >"$tmp/inside" <<'E'
file=/run/warren/cut/$1 left=$2 tmp=$3
shift 3
mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /etc/netns && ip link set lo up &&
	mkdir -p /etc/netns/t1 && echo '10.0.0.1 service' >/etc/netns/t1/hosts && ip netns add theirs &&
	ip link add theirs type bridge && nft add table inet theirs || exit 1
theirs() {
	ip -o link show theirs | cut -d: -f2
	nft list tables
	ls -i /run/netns/theirs
	cat /etc/netns/t1/hosts
}
theirs >/run/theirs
"$WARREN" -q up --backend none "$tmp/old.yaml" || exit 1
{ WARREN_FAULT=kill@50 "$WARREN" -q apply "$tmp/new.yaml"; } 2>/dev/null
case $left in
*lines) head -n "${left% *}" "$file" ;;
*half)
	head -n "${left%% *}" "$file"
	line=$(sed -n "$((${left%% *} + 1))p" "$file")
	printf %s "${line:0:${#line} / 2}"
	;;
sed*) sed "${left#sed }" "$file" ;;
*) head -c "$left" "$file" ;;
esac >/run/head && cat /run/head >"$file" || exit 1
for command; do
	timeout 20 "$WARREN" $command >/run/out 2>/run/err
	status=$?
	case $status in
	0 | 1) ;;
	[234]) grep -qE '^(warren: .|[^ ]+:[0-9]+:[0-9]+: error: .)' /run/err || echo "$command: status $status, and nothing said" ;;
	*) echo "$command: status $status" ;;
	esac
	echo "$file $left: $command: $status: $(tail -1 /run/err)" >>"$tmp/said"
	[ $status -ne 2 ] || echo "$command: the file is not to blame"
	theirs | diff /run/theirs - || echo "$command: something of others is different"
done
true
E
# shellcheck disable=SC2016
cut_short() {
	unshare --mount --net --pid --fork --kill-child --mount-proc bash "$tmp/inside" "$1" "$2" "$tmp" "${@:3}" >"$tmp/wrong" 2>&1
	local status=$?
	cat "$tmp/wrong"
	[ $status -eq 0 ] && [ ! -s "$tmp/wrong" ]
}

mkdir /etc/netns
# the record, to know where its lines end
must warren -q up --backend none "$old"
{ WARREN_FAULT=kill@50 warren -q apply "$new"; } 2>/dev/null
cp -r /run/warren/cut "$tmp/record"
must warren -q down cut
residue_snapshot
like "the apply was cut short" "$(cat "$tmp/record/journal")" '^!changing$'
ok "there is a former file" [ -d "$tmp/record/former.1" ]

lines=$(wc -l <"$tmp/record/journal")
for ((n = 0; n < lines; n++)); do
	set -- "plan $new" "apply $new" "down cut"
	[ $((n % 3)) -ne 0 ] || set -- "down cut"
	ok "journal, $n lines" cut_short journal "$n lines" "$@"
	[ $((n % 2)) -ne 0 ] || ok "journal, $n lines and a half" cut_short journal "$n and a half" "plan $old" "apply $old" "down cut"
done
ok "the journal has many lines" [ $lines -gt 15 ]
for file in topology.yaml meta.json peers leases former.1/topology.yaml former.1/meta.json former.1/peers former.1/leases; do
	size=$(stat -c %s "$tmp/record/$file")
	ok "$file has something in it" [ "$size" -gt 0 ]
	for bytes in 0 1 $((size / 3)) $((size * 3 / 4)) -1; do
		ok "$file, $bytes of $size bytes" cut_short "$file" $bytes "plan $new" "apply $new" "down cut"
	done
	ok "$file, empty, and down" cut_short "$file" 0 "down cut"
done

# said COMMAND ERE: it was refused, with these words
said() {
	like "$1: why" "$(grep ": $1 " "$tmp/said")" ": 3: warren: lab cut: $2"
	rm "$tmp/said"
}
rm "$tmp/said"
newer='sed s/"format": 1/"format": 2/'
for file in meta.json former.1/meta.json; do
	for command in plan apply; do
		ok "$command, $file of a newer version" cut_short $file "$newer" "$command $new" "down cut"
		said $command '.*written by a newer warren, in format 2 .use that version'
	done
done
for command in plan apply down; do
	argument=$new
	[ $command != down ] || argument="cut"
	ok "$command, journal of a newer version" cut_short journal 'sed $s/netns/future/;$s/!.*/+99 future 1 0 -/;$s/^-.*/+99 future 1 0 -/' "$command $argument"
	said $command '.*journal:[0-9]+: cannot be understood'
done
rmdir /etc/netns

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Is the kernel's table what is wanted?  Every golden ruleset, changed by nft in every way that
# it has something to change, is noticed, and replacing makes it right again.  The namespace is the
# sandbox's own.
#
# Environment: WARREN_TOOLS=FOLDER with nat_tool (make check-system sets it)

. "$(dirname "$(realpath "$0")")/../lib.sh"
need nft setpriv python3

tool=${WARREN_TOOLS:?}/nat_tool
t="inet warren"

# state: of the table, held against case $c
state() { "$tool" compare "$c" 2>&1; }

# handle: the kernel's number of the table; one that is made anew gets another
handle() { nft -a list table "$t" | sed -n '1s/.* # handle //p'; }

# edit NFT: what nft is told; prints what does not come out as it should
edit() {
	local got

	if ! nft "$1" >"$tmp/nft" 2>&1; then
		echo "nft refuses: $1: $(cat "$tmp/nft")"
		return
	fi
	edits=$((edits + 1))
	got=$("$tool" mend "$c" 2>&1)
	[ "$got" = "different same" ] || echo "$got: $1"
}

# load FILE WANTED: the table as nft makes it of a text (which deletes it first); prints what is
# not WANTED; fails where nft refuses
load() {
	local got

	nft -f "$1" >"$tmp/nft" 2>&1 || return
	edits=$((edits + 1))
	got=$("$tool" compare "$c" 2>&1)
	[ "$got" = "$2" ] || {
		echo "$got:"
		diff "$tmp/text" "$1"
	}
}

# chains: NAME TYPE HOOK PRIORITY POLICY, a line each
chains() {
	sed -nE '/^\tchain/{N;s/^\tchain (.*) \{\n\t\ttype (.*) hook (.*) priority (.*); policy (.*);/\1 \2 \3 \4 \5/p}' \
		"$tmp/text"
}

# rules: CHAIN HANDLE TEXT, a line each
rules() {
	nft -a -s list table "$t" | awk '/^\tchain/ { chain = $2 }
		/^\t\t.* # handle/ && !/ hook / { n = $NF; sub(/^\t\t/, ""); sub(/ # handle [0-9]+$/, ""); print chain, n, $0 }'
}

edit_chains() {
	local name type hook priority policy other

	while read -r name type hook priority policy; do
		other=accept
		[ "$policy" = drop ] || other=drop
		edit "add chain $t $name { policy $other; }"
		edit "add rule $t $name counter"
		edit "insert rule $t $name counter"
		edit "flush chain $t $name; delete chain $t $name"
		edit "flush chain $t $name; delete chain $t $name; add chain $t $name"
		edit "flush chain $t $name; delete chain $t $name;
			add chain $t $name { type $type hook $hook priority 7; policy $policy; }"
		[[ ${listed[*]} != *" $name "* && ${listed[0]} != "$name "* ]] || edit "flush chain $t $name"
	done < <(chains)
	edit "add chain $t more"
	edit "add chain $t more { type filter hook output priority 0; }"
	edit "add set $t more { type ipv4_addr; }"
	edit "add set $t more { type ipv4_addr; elements = { 192.0.2.1 }; }; add rule $t forward ip saddr @more"
	edit "add map $t some { type ipv4_addr : verdict; }; add chain $t more;
		add element $t some { 192.0.2.1 : jump more }; add rule $t more ip saddr { 192.0.2.2, 192.0.2.3 };
		add rule $t forward ip saddr vmap { 192.0.2.4 : goto more, 192.0.2.5 : drop }"
}

# number N: into $number, the kernel's of the Nth rule; a table that was replaced has new ones
number() {
	local all

	mapfile -t all < <(rules)
	read -r _ number _ <<<"${all[$1]}"
}

# each rule goes, goes to the end of its chain, and has one element less
edit_rules() {
	local i chain text next

	for i in "${!listed[@]}"; do
		read -r chain _ text <<<"${listed[i]}"
		number "$i"
		edit "delete rule $t $chain handle $number"
		next=${listed[i + 1]-}
		if [ "${next%% *}" = "$chain" ]; then
			number "$i"
			edit "delete rule $t $chain handle $number; add rule $t $chain $text"
		fi
		# nft 1.0.6 does not survive `replace rule` with ranges
		if [[ $text == *", "*" }"* ]]; then
			number "$i"
			edit "insert rule $t $chain handle $number $(sed -E 's/, [^,]* \}/ }/' <<<"$text");
				delete rule $t $chain handle $number"
		fi
	done
}

# what a word means: s/PATTERN/REPLACEMENT/ for each line, most of them for some of the cases only
words=(
	's/policy drop/policy accept/' 's/priority filter/priority 1/' 's/priority srcnat/priority 99/'
	's/hook forward/hook output/' 's/hook input/hook prerouting/' 's/chain forward/chain forwards/'
	's/ counter//' 's/counter drop/counter accept/' 's/ accept$/ drop/'
	's/ drop$/ reject/' 's/ drop$/ continue/' 's/iifname/oifname/' 's/"wan/"wam/' 's/"wg-a"/"wg-aa"/'
	's/"eth-a-nsB"/"eth-a-ns*"/' 's/nfproto ipv4/nfproto ipv6/' 's/meta nfproto ipv6 //' 's/saddr/daddr/'
	's/ct state invalid/ct state invalid,untracked/' 's/established,related/established/'
	's/ct state new/ct state != new/' 's/ct state new/ct state related/' 's/syn,rst/syn,rst,ack/'
	's/flags syn /flags rst /' 's/rt mtu/1200/' 's/tcp, udp/tcp, sctp/'
	's/tcp, udp/tcp, udp, sctp/' 's/meta l4proto \{ tcp, udp \} //' 's/l4proto \{/l4proto != {/'
	's/saddr \{/saddr != {/' 's/saddr ([0-9f])/saddr != \1/' 's/168\.1\./168.2./' 's/10\.0\.0\.0/11.0.0.0/'
	's/10\.223\.255\.255/10.223.255.254/' 's/224\.0\.0\.0\/3/224.0.0.0\/4/' 's/\{ 0\.0\.0\.0\/8, /{ /'
	's/192\.168\.7\.7/192.168.7.7-192.168.7.8/' 's/fe80::\/64/fe80::\/63/' 's/fd00:/fc00:/' 's/\/24/\/25/'
	's/\/61/\/60/' 's/::1 /::2 /' 's/100\.64\.0\.29/100.64.0.30/' 's/to 100\.64\.0\.20/to 100.64.0.20-100.64.0.21/'
	's/203\.0\.113\.7/203.0.113.9/' 's/(snat.*[0-9])$/\1 random/' 's/(snat.*[0-9])$/\1 persistent/'
	's/2001:db8:64::20/2001:db8:64::30/' 's/:20000-29999/:20000-29998/' 's/:20000-29999/:20001-29999/'
	's/:20000-29999/:20000/' 's/:4000/:4001/' 's/:9$/:9-10/' 's/to :1024-2047//' 's/masquerade/masquerade random/'
	's/masquerade$/return/' 's/1024-2047/1024-2046/' 's/mod 11/mod 10/' 's/mod 300/mod 299/' 's/seed 0x0/seed 0x1/'
	's/seed 0x0//' 's/jhash ip saddr/jhash ip daddr/' 's/ 7 : 100\.64\.0\.8/ 7 : 100.64.0.9/'
	's/299 : 100.64.1.44/300 : 100.64.1.44/' 's/, 299 : 100.64.1.44//' 's/, 1 : 2001:db8:64::21//'
	's/(counter) masquerade/\1 ip ttl set 9 masquerade/' 's/counter drop/limit rate 9\/second drop/'
	's/counter drop/counter log drop/' 's/counter drop/quota 9 bytes drop/'
)
applied=()

# edit_text: $tmp/text with each of the words replaced that is in it ($tmp/word.N), and with
# each rule behind the one that follows it ($tmp/order.N)
edit_text() {
	rm -f "$tmp"/word.* "$tmp"/order.*
	python3 - "$tmp" "${words[@]}" <<'P'
import re
import sys

folder, *words = sys.argv[1:]
lines = open(f"{folder}/text").read().splitlines(True)


def write(name, edited):
    if edited != lines:
        open(f"{folder}/{name}", "w").writelines(edited)


for n, word in enumerate(words):
    _, pattern, replacement, _ = re.split(r"(?<!\\)/", word)
    replacement = replacement.replace("\\/", "/")
    write(f"word.{n}", [re.sub(pattern, replacement, line, count=1) for line in lines])
is_rule = [line.startswith("\t\t") and " hook " not in line for line in lines]
for n in range(len(lines) - 1):
    if is_rule[n] and is_rule[n + 1]:
        write(f"order.{n}", [*lines[:n], lines[n + 1], lines[n], *lines[n + 2 :]])
P
}

edit_words() {
	local file

	for file in "$tmp"/word.*; do
		# what nft refuses, such as IPv6 without its address, it takes in another case
		! load "$file" different || applied[${file##*.}]=1
	done
}

edit_order() {
	local file

	for file in "$tmp"/order.*; do
		[ ! -e "$file" ] || load "$file" different || cat "$tmp/nft"
	done
}

for c in $("$tool" cases); do
	edits=0
	is "$c: none" "$(state)" none
	"$tool" apply "$c"
	is "$c: the same" "$(state)" same
	"$tool" print "$c" >"$tmp/plain"
	{ echo "delete table $t" && cat "$tmp/plain"; } >"$tmp/text"
	mapfile -t listed < <(rules)
	table=$(handle)
	edit_chains >"$tmp/complaints"
	edit_rules >>"$tmp/complaints"
	is "$c: each edit is noticed, and mended" "$(cat "$tmp/complaints")" ""
	is "$c: in place" "$(handle)" "$table"
	edit_text
	edit_words >"$tmp/complaints"
	is "$c: each word counts" "$(cat "$tmp/complaints")" ""
	edit_order >"$tmp/complaints"
	is "$c: the order counts" "$(cat "$tmp/complaints")" ""
	is "$c: what nft makes of it is the same" "$(load "$tmp/text" same || cat "$tmp/nft")" ""
	sed -E '/ hook /!s/^\t\t.*/& comment "its own"/; s/^\tchain .*/& comment "one";/' "$tmp/text" >"$tmp/edited"
	is "$c: comments do not count" "$(load "$tmp/edited" same || cat "$tmp/nft")" ""
	ok "$c: $edits edits" [ "$edits" -ge 20 ]

	nft "add table $t { flags dormant; }"
	is "$c: switched off, and on" "$("$tool" mend "$c")" "different same"

	nft "add counter $t more; add quota $t some { 1 mbytes; }"
	is "$c: objects do not count" "$(state)" same
	nft "delete table $t"
	sed 's/niransix/niransiy/' "$tmp/plain" | nft -f -
	is "$c: another owner, and ours" "$("$tool" mend "$c")" "foreign same"
	nft "delete table $t; add table $t"
	is "$c: no owner" "$(state)" foreign
	nft "delete table $t"
	is "$c: no table, and one" "$("$tool" mend "$c")" "none same"
	is "$c: the right one" "$(nft -s list table "$t")" "$(cat "$tmp/plain")"
	nft "delete table $t"
done
tried=()
for n in "${!applied[@]}"; do tried+=("${words[n]}"); done
is "all ${#words[@]} words were tried" "$(printf '%s\n' "${tried[@]}")" "$(printf '%s\n' "${words[@]}")"

# ---- while others change the rules ----
"$tool" apply tenant-dual
"$tool" loop tenant-dual tenant-dual 100000000 &
loop=$!
is "5000 comparisons while the same is put in again and again" "$("$tool" watch tenant-dual 5000 2>&1 | sort | uniq -c)" ""
kill $loop
wait $loop
is "which went on all the time" $? 143
"$tool" loop mixed-a mixed-b 100000000 &
loop=$!
is "5000 comparisons see no mixture" "$("$tool" watch mixed-ab 5000 2>&1 | sort | uniq -c)" "   5000 different"
kill $loop
wait $loop
# chains that the one wants and the other does not
"$tool" loop tenant-v4 plain-masquerade 2000 &
loop=$!
ok "2000 replacements by one" "$tool" loop tenant-none plain-sets 2000
wait $loop
is "and by another" $? 0
like "one of them was the last" "$("$tool" compare plain-masquerade; "$tool" compare plain-sets)" same
nft "delete table $t"

# ---- large ones, and no rights ----
"$tool" bulk apply 20000
is "20000 sources" "$("$tool" bulk compare 20000)" same
is "are not 20001" "$("$tool" bulk compare 20001)" different
nft "delete table $t"
out=$(setpriv --bounding-set -all --inh-caps -all "$tool" compare tenant-v4 2>&1)
like "without rights it says why" "$out" 'look for table inet warren: Operation not permitted \(this needs CAP_NET_ADMIN'

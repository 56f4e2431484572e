#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the documentation shows does happen.  Blocks marked ```console in README.md and
# doc/guide.md are typed here: a line that begins with "# " is a command (in README.md the
# first line, with "$ ", and no other), the rest is what it prints, "..." stands for
# anything.  What differs from run to run (times, ports, keys) is made alike before the two
# are compared.  Then: manual pages, --help, completions.
. "$(dirname "$(realpath "$0")")/../lib.sh"
need wireguard-go jq tcpdump conntrack wg nft socat mandoc zsh fish

# --- what is shown ---------------------------------------------------------------------

# times, identifiers, ports the kernel chose, counters and keys are made alike
alike() {
	sed -E 's/[A-Za-z0-9+\/]{43}=/KEY/g
		s/([0-9a-f]{2}:){5}[0-9a-f]{2}/MAC/g
		s/fe80::[0-9a-f:]+/LINKLOCAL/g
		s/^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]+ /TIME /
		s/[0-9.]+ (ms|s|s ago)\b/N \1/g
		s/time[ =][0-9.]+ ?ms/time N/g
		s/\b(id|seq|icmp_seq|length|packets|bytes|use)([ =])[0-9]+/\1\2N/g
		s/^([a-z0-9]+ +[0-9]{5} +[0-9.\/]+ +)[0-9]+ /\1N /
		s/\b(50000|50001|50003|50049|51820)\b/<\1>/g
		s/([.:=])[1-9][0-9]{4}\b/\1PORT/g
		s/<([0-9]{5})>/\1/g
		s/^(([a-z0-9]+ )?(icmp|icmpv6|tcp|udp) +[0-9]+) [0-9]+ /\1 N /
		s/[0-9.]+ ([KM]i)?B\b/N B/g
		s/@(if[0-9]+|cable)/@IF/g
		s/ \(id: [0-9]+\)//
		s/ from \/[^ ]*\/(topologies\/)/ from \1/
		s/^[0-9]+: (wg-)/N: \1/
		s/[ \t]+/ /g; s/ $//'
}

# the bit of what SHOWN has that GOT has not
missing() {
	local line
	alike <"$2" >"$tmp/.got"
	alike <"$1" | while IFS= read -r line; do
		case $line in '' | '...') continue ;; esac
		grep -qxF -- "$line" "$tmp/.got" || echo "$line"
	done
}

sudo() { "$@"; }
make() { # `make demo` calls topologies/demo, which wants ./warren
	[ "$*" = demo ] || return 1
	mkdir -p "$tmp/tree"
	cp -r "$top/topologies" "$tmp/tree/"
	ln -sfn "$WARREN" "$tmp/tree/warren"
	"$tmp/tree/topologies/demo"
}

before_host() { # a machine with a network card
	ip link add enp0s8 type veth peer name cable
	ip link set cable up
}
after_host() { ip link del enp0s8; }
before_bad() {
	cd "$tmp" || return
	printf '%s\n' 'name: bad' 'hosts:' '  a:' '    gatewy: {}' '    networks: {lan: [10.0.0.1]}' \
		'    forwarding: maybe' >bad.yaml
}
before_files() { # wg-quick files of a server and two customers
	cp -r "$top/tests/profiles/import/pair" "$tmp/files"
	cd "$tmp/files" || return
}
after_files() { cd "$top" || return; }
after_bad() { cd "$top" || return; }

# type_block NAME KIND FILE: types one block, all in this shell, so that jobs can be waited for
type_block() {
	local name=$1 kind=$2 block=$3 line only_first=''
	: >"$tmp/.shown"
	: >"$tmp/.printed"
	[ -z "$kind" ] || "before_$kind"
	while IFS= read -r line; do
		case $only_first$line in
		'# '*) eval "${line#\# }" >>"$tmp/.printed" 2>&1 ;;
		'$ '*)
			only_first=x
			eval "${line#\$ }" >>"$tmp/.printed" 2>&1
			;;
		*) echo "$line" >>"$tmp/.shown" ;;
		esac
	done <"$block"
	[ -z "$kind" ] || "after_$kind"
	missing "$tmp/.shown" "$tmp/.printed" >"$tmp/.missing"
	is "$name" "$(cat "$tmp/.missing")" ""
	[ ! -s "$tmp/.missing" ] || sed 's/^/# printed: /' "$tmp/.printed"
}

# blocks FILE: writes each block to $tmp/block.LINE, and its kind to $tmp/block.LINE.kind
blocks() {
	rm -f "$tmp"/block.*
	awk -v to="$tmp/block." '
		/^```console/ { at = sprintf("%s%04d", to, FNR); print $2 >(at ".kind"); printf "" >at; next }
		/^```/ { at = "" }
		at { print >at }' "$1"
}

cd "$top" || exit
for doc in README.md doc/guide.md; do
	blocks "$doc"
	for block in "$tmp"/block.????; do
		at=${block##*.}
		type_block "$doc, line $((10#$at))" "$(cat "$block.kind")" "$block"
	done
done
is "no lab is left" "$(warren ls --json)" ""

for doc in README.md doc/*.md; do
	for link in $(grep -oE '\]\([^)#]+\)' "$doc" | sed 's/^](//; s/)$//' | grep -v :); do
		ok "$doc: $link is there" test -e "$(dirname "$doc")/$link"
	done
done

# the YAML of README.md and of the manual is valid
awk '/^```yaml/ {on = 1; next} /^```/ {on = 0} on' README.md >"$tmp/readme.yaml"
run_status 0 warren validate "$tmp/readme.yaml"
awk -v to="$tmp/manual" '/^\.Bd -literal/ {on = 1; n++; next} /^\.Ed/ {on = 0} on {print >(to n ".yaml")}' \
	doc/warren-topology.5
for f in "$tmp"/manual*.yaml; do
	name=$(sed -n 's/^name: //p' "$f")
	lab_up "$name" "$f"
	lab_probe "$name"
	ok "down: $name" warren down "$name"
done

# --- manual pages ------------------------------------------------------------------------

warren help --mdoc | sed -e '/^@COMMANDS@$/{r /dev/stdin' -e 'd}' -e 's/@VERSION@/0/' \
	doc/warren.1.in >"$tmp/warren.1"
for page in "$tmp/warren.1" doc/warren-topology.5; do
	is "${page##*/} is without faults" "$(mandoc -Tlint -W warning "$page" 2>&1)" ""
done
mandoc -Tascii "$tmp/warren.1" | col -b >"$tmp/warren.txt"

keys=$(grep -hoE '\{"[a-z_]+", [a-z_]+, (OPTIONAL|NEEDED)\}' lab/load.c lab/read*.c | cut -d'"' -f2 | sort -u)
like "the loader's keys are found" "$keys" '^napt_addresses$'
# of what is only checked to be refused, the manual has no more than the first key
refused=$(printf '%s\n' proto port sessions new_sessions_per_second upload_mbit download_mbit mapping filtering hairpin)
is "every key of a topology file is in the manual" "$(for key in $keys; do
	grep -qE "^\.(It )?Ic (.*[^a-z_])?$key([^a-z_]|\$)" doc/warren-topology.5 || echo "$key"
done | grep -vxF "$refused")" ""

# --- commands ------------------------------------------------------------------------------

commands=$(warren --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
like "the commands are found" "$commands" '^validate$'
for c in $commands; do
	help=$(warren "$c" --help)
	is "$c --help: exit status" $? 0
	like "$c --help: usage" "$help" "^Usage: warren $c"
	is "$c: help and --help are one" "$(warren help "$c")" "$help"
	like "$c: in the manual" "$(cat "$tmp/warren.txt")" "^ +warren $c( |$)"
	like "$c: in README.md" "$(sed -n '/^## Commands/,/^## /p' README.md)" "\`$c\b"
	# what the manual has below this command
	sed -n "/^ *warren $c\( \|\$\)/,/^   warren [a-z]/p" "$tmp/warren.txt" >"$tmp/section"
	for o in $(grep -oE -- '^ +(-., |    )--[a-z-]+' <<<"$help" | grep -oE -- '--[a-z-]+'); do
		case $o in --json | --quiet | --verbose | --help | --version) continue ;; esac
		like "$c $o: in the manual" "$(cat "$tmp/section")" "^ +(-., )?$o( |\$)"
	done
done

# --- completions ----------------------------------------------------------------------------

mkdir "$tmp/bin"
ln -s "$WARREN" "$tmp/bin/warren"
export PATH=$tmp/bin:$PATH HOME=$tmp XDG_CONFIG_HOME=$tmp XDG_DATA_HOME=$tmp XDG_CACHE_HOME=$tmp
for shell in bash zsh fish; do warren completion $shell >"$tmp/completion.$shell"; done
lab_up wireguard-intro --backend none topologies/wireguard-intro.yaml

# bash_completes WORD...: what bash offers for the last of the words
bash_completes() {
	bash --norc --noprofile -c '. "$0" || exit
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		spec=$(complete -p warren)
		[[ $spec =~ -F\ ([^ ]+) ]] && "${BASH_REMATCH[1]}" warren "${@: -1}" "${@: -2:1}"
		printf "%s\n" "${COMPREPLY[@]}"' "$tmp/completion.bash" "$@" 2>&1
}
fish_completes() { fish --no-config -c ". $tmp/completion.fish; complete -C '$*'" 2>&1 | cut -f1; }
# zsh's functions for completion work in its line editor alone: stand-ins say what they are asked for
zsh_completes() {
	zsh -f -c 'compdef() { : }
		compadd() { [[ $1 != -- ]] || shift; print -l -- "$@" }
		_describe() { print -l -- "${(@P)2}" }
		_arguments() {
			local a; for a; do
				print -r -- "${a%%\[*}"
				[[ $a != \*:* ]] || { local f=${a##*:}; $=f } # the arguments
				[[ $a != *\(*\) ]] || print -l -- ${=${${a##*\(}%\)}}
			done
		}
		_files() { print _files }
		_values() { print -l -- "$@" }
		words=("${@:2}") CURRENT=$(($# - 1))
		functions[run]="$(<$1)"
		run; (( ! $+functions[_warren] )) || _warren' zsh "$tmp/completion.zsh" "$@" 2>&1
}

ok "bash: the script can be read" bash -n "$tmp/completion.bash"
ok "zsh: the script can be read" zsh -n "$tmp/completion.zsh"
ok "fish: the script can be read" fish --no-config -n "$tmp/completion.fish"
like "bash: a command" "$(bash_completes warren va)" '^validate ?$'
like "bash: an option" "$(bash_completes warren up --ba)" '^--backend ?$'
like "bash: an option's argument" "$(bash_completes warren up --backend us)" '^userspace ?$'
like "bash: a lab" "$(bash_completes warren status wire)" '^wireguard-intro ?$'
like "fish: a command" "$(fish_completes warren va)" '^validate$'
like "fish: an option" "$(fish_completes warren up --ba)" '^--backend$'
like "fish: an option's argument" "$(fish_completes warren up --backend us)" '^userspace$'
like "fish: a lab" "$(fish_completes warren status wire)" '^wireguard-intro$'
like "zsh: a command" "$(zsh_completes warren va)" '^validate(:|$)'
like "zsh: an option" "$(zsh_completes warren up --ba)" '^--backend$'
like "zsh: an option's argument" "$(zsh_completes warren up --backend us)" '^userspace$'
like "zsh: a lab" "$(zsh_completes warren status wire)" '^wireguard-intro$'
mkdir -p /etc/warren/branch
touch /etc/warren/{office.yaml,office.env} /etc/warren/branch/topology.yaml
for shell in bash zsh fish; do
	like "$shell: a lab in /etc/warren" "$(${shell}_completes warren apply o)" '^office ?$'
	like "$shell: a folder there" "$(${shell}_completes warren plan b)" '^branch ?$'
	unlike "$shell: where FILE is no topology, neither" "$(${shell}_completes warren status o)" '^office'
done
ok "down: wireguard-intro" warren down wireguard-intro

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# scale.sh [quick] [--write FILE]
#
# A gateway with thousands of tenants, without tunnels, and what a change of it costs:
# up and down of 1,000, 2,000 and 5,000 tenants beside a bare loop over raw netlink; an apply with
# nothing to do beside a bare dump of the same state; one tenant more beside a lab of one; status,
# validate of a long file; a thousand userspace tunnels; a hundred hosts of mininet.  Each run in new mount, network and PID
# namespaces; rivals take turns; medians count.
#
#   quick          small labs, one round: does it run at all
#   --write FILE   put the tables into FILE between its two "scale" comment lines
#
# WARREN: the program (./warren).  ROUNDS: rounds (5; 3 at 5,000).  Exit status 1: a target was
# missed, or a lab could not be made.
set -u
self=$(realpath "$0")
top=$(dirname "$(dirname "$(dirname "$self")")")
warren=$(realpath "${WARREN:-$top/warren}")
export LC_ALL=C
. "$top/tests/bench/common.sh"

# --- inside of a sandbox: lines "WHAT MS KIB" --------------------------------------------------

take() { # WHAT [--settle] COMMAND…
	local what=$1
	shift
	echo "$what $("$bin/measure" "$@" 3>&1 >/dev/null 2>>"$bench_tmp/log")" || exit 1
}

memory() { awk '/^MemAvailable:/ {print $2}' /proc/meminfo; } # KiB

inside() { # RIVAL N
	local n=$2 file=$bench_tmp/x.yaml
	mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib && ip link set lo up || exit 1
	case $1 in
	warren)
		topology "$n" >"$file"
		take up "$warren" -q up --backend none "$file"
		take down --settle "$warren" -q down bench
		;;
	bare)
		take up "$bin/bare" up "$n"
		take down --settle "$bin/bare" down "$n"
		;;
	live)
		topology 1 >"$file"
		take one "$warren" -q up --backend none "$file"
		"$warren" -q down bench || exit 1
		topology "$n" >"$file"
		"$warren" -q up --backend none "$file" || exit 1
		take dump "$bin/bare" dump "$n"
		take nothing "$warren" -q apply "$file"
		take dump "$bin/bare" dump "$n"
		take nothing "$warren" -q apply "$file"
		for _ in 1 2; do
			topology $((n + 1)) >"$file"
			take more "$warren" -q apply "$file"
			topology "$n" >"$file"
			take fewer "$warren" -q apply "$file"
			topology $((n + 1)) >"$file"
			take more-quick "$warren" -q apply --only-changed "$file"
			topology "$n" >"$file"
			take fewer-quick "$warren" -q apply --only-changed "$file"
			take add "$warren" -q tenant add bench guest
			take remove "$warren" -q tenant remove bench guest
		done
		take status "$warren" --json status bench
		"$warren" -q down bench
		;;
	userspace)
		topology "$n" >"$file"
		free=$(memory)
		take up "$warren" -q up --backend userspace "$file"
		echo "processes 0 $((free - $(memory)))"
		take down --settle "$warren" -q down bench
		;;
	mininet)
		take up mn --topo "single,$n" --controller none --switch lxbr --test none
		;;
	esac
}

if [ "${1-}" = --inside ]; then
	shift
	inside "$@"
	exit
fi

# --- the rounds --------------------------------------------------------------------------------

quick='' write=''
while [ $# -gt 0 ]; do
	case $1 in
	quick) quick=1 ;;
	--write) write=${2:?a file} && shift ;;
	*) sed -n '4,19s/^# \{0,1\}//p' "$self" >&2 && exit 2 ;;
	esac
	shift
done
[ "$(id -u)" -eq 0 ] || { echo "scale.sh: must be root, to make namespaces" >&2; exit 3; }
[ -x "$warren" ] || { echo "scale.sh: $warren is missing: make builds it" >&2; exit 3; }
rounds=${ROUNDS:-5} sizes=(100 1000 2000 5000) live=1000 hosts=100 lines=50000 tunnels=1000
[ -z "$quick" ] || { rounds=1 sizes=(3 20 40) live=20 hosts=3 lines=2000 tunnels=5; }
bench_tmp=$(mktemp -d)
bin=$bench_tmp
export bench_tmp bin
# every wireguard-go holds an inotify instance, and a machine allows 128
inotify=/proc/sys/fs/inotify/max_user_instances
inotify_was=$(cat $inotify)
trap 'rm -rf "$bench_tmp"; echo "$inotify_was" >$inotify' EXIT
[ "$inotify_was" -ge $((tunnels + 128)) ] || echo $((tunnels + 128)) >$inotify
status=0

build "$bin" || exit 3

one() { # RIVAL N -> $bench_tmp/RIVAL.N.WHAT
	[ -t 2 ] && printf '\r%s %s, round %s \033[K' "$1" "$2" "$round" >&2
	unshare -m -n -p -f --kill-child --mount-proc "$self" --inside "$1" "$2" >"$bench_tmp/out"
	if [ -z "$(awk 'NF != 3' "$bench_tmp/out")" ] && [ -s "$bench_tmp/out" ]; then
		while read -r what ms kib; do
			echo "$ms $kib" >>"$bench_tmp/$1.$2.$what"
		done <"$bench_tmp/out"
	else
		echo "scale.sh: $1 failed at $2:" >&2
		tail -n 5 "$bench_tmp/log" >&2
		status=1
	fi
}

for ((round = 1; round <= rounds; round++)); do
	for n in "${sizes[@]}"; do
		[ "$n" -lt 5000 ] || [ $round -le 3 ] || continue
		one warren "$n"
		one bare "$n"
	done
	one live "$live"
	[ $round -gt 2 ] || one mininet "$hosts"
	[ $round -gt 1 ] || one userspace "$tunnels"
done

# a file that says everything about everybody
long() {
	topology 1 | sed '$d'
	for ((i = 1; i <= lines / 7; i++)); do
		cat <<-YAML
			        c$i:
			          listen_port: $((20000 + i))
			          napt_addresses: [100.64.$((i / 250)).$((i % 250 + 2))/16]
			          peers:
			            - public_key: $(printf '%042dA=' "$i" | tr 0-9 A-J)
			              allowed_ips: [192.168.1.0/24]
			              persistent_keepalive: 25
		YAML
	done
}
long >"$bench_tmp/long.yaml"
for ((round = 1; round <= rounds; round++)); do
	"$bin/measure" "$warren" -q validate "$bench_tmp/long.yaml" 3>>"$bench_tmp/file.0.validate" || status=1
done
[ -t 2 ] && printf '\r\033[K' >&2

# --- the tables ----------------------------------------------------------------------------------

median() { # FILE COLUMN
	sort -g -k "$2,$2" "$bench_tmp/$1" 2>/dev/null | awk -v c="$2" '{v[NR] = $c} END {if (NR) print v[int((NR + 1) / 2)]; else print 0}'
}

seconds() { awk -v ms="$(median "$1" 1)" 'BEGIN {print ms / 1000}'; }
mib() { awk -v k="$1" 'BEGIN {printf "%.1f", k / 1024}'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {if (b) printf "%.2f", a / b; else print "?"}'; }

target() { # TEXT A B LIMIT
	local r
	r=$(ratio "$2" "$3")
	if awk -v r="$r" -v l="$4" 'BEGIN {exit !(r > 0 && r <= l)}'; then
		echo "- $1: met ($r)"
	else
		echo "- $1: **not met** ($r)"
		return 1
	fi
}

report() {
	local missed=0 n what
	echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) CPUs, Linux $(uname -r), $(date -u +%F); medians of $rounds rounds (3 at 5,000)."
	echo
	echo "| tenants | made by | up | down | peak memory |"
	echo "|--:|---|--:|--:|--:|"
	for n in "${sizes[@]}"; do
		for what in warren bare; do
			printf '| %s | %s | %.0f ms | %.0f ms | %s MiB |\n' "$n" $what "$(median "$what.$n.up" 1)" \
				"$(median "$what.$n.down" 1)" "$(mib "$(median "$what.$n.up" 2)")"
		done
	done
	printf '| %s hosts | mininet, up and down | %.0f ms | | %s MiB |\n' "$hosts" "$(median "mininet.$hosts.up" 1)" \
		"$(mib "$(median "mininet.$hosts.up" 2)")"
	echo
	echo "| with $live tenants | time | peak memory |"
	echo "|---|--:|--:|"
	for what in "dump bare: all links, addresses, routes, rules" "nothing apply with nothing to do" \
		"more apply: one tenant comes" "fewer apply: one tenant goes" \
		"more-quick apply --only-changed: one tenant comes" \
		"fewer-quick apply --only-changed: one tenant goes" \
		"add tenant add" "remove tenant remove" "one up of a lab of one tenant" "status status --json"; do
		printf '| %s | %.1f ms | %s MiB |\n' "${what#* }" "$(median "live.$live.${what%% *}" 1)" \
			"$(mib "$(median "live.$live.${what%% *}" 2)")"
	done
	printf '| validate of %s lines | %.1f ms | %s MiB |\n' "$(wc -l <"$bench_tmp/long.yaml")" \
		"$(median file.0.validate 1)" "$(mib "$(median file.0.validate 2)")"
	echo
	printf '%s tenants with wireguard-go, once: up in %.1f s, down in %.1f s; the processes take %.0f MiB, %.1f each.\n' \
		"$tunnels" "$(seconds "userspace.$tunnels.up")" "$(seconds "userspace.$tunnels.down")" \
		"$(mib "$(median "userspace.$tunnels.processes" 2)")" \
		"$(mib "$(($(median "userspace.$tunnels.processes" 2) / tunnels))")"
	echo
	for n in "${sizes[@]}"; do
		target "up of $n at most 1.2 times the bare loop" "$(median "warren.$n.up" 1)" "$(median "bare.$n.up" 1)" 1.2 || missed=1
	done
	target "up of ${sizes[2]} at most 2.2 times up of ${sizes[1]}" "$(median "warren.${sizes[2]}.up" 1)" "$(median "warren.${sizes[1]}.up" 1)" 2.2 || missed=1
	target "down of ${sizes[1]} at most 1.3 times the bare loop" "$(median "warren.${sizes[1]}.down" 1)" "$(median "bare.${sizes[1]}.down" 1)" 1.3 || missed=1
	target "apply with nothing to do at most 2 times the bare dump" "$(median "live.$live.nothing" 1)" "$(median "live.$live.dump" 1)" 2 || missed=1
	target "one tenant more at most 5 times a lab of one: apply" "$(median "live.$live.more" 1)" "$(median "live.$live.one" 1)" 5 || missed=1
	target "the same: apply --only-changed" "$(median "live.$live.more-quick" 1)" "$(median "live.$live.one" 1)" 5 || missed=1
	target "the same: tenant add" "$(median "live.$live.add" 1)" "$(median "live.$live.one" 1)" 5 || missed=1
	target "up of ${sizes[0]} tenants at most a tenth of mininet's $hosts hosts" "$(median "warren.${sizes[0]}.up" 1)" "$(median "mininet.$hosts.up" 1)" 0.1 || missed=1
	echo
	# shellcheck disable=SC2016 # the backquotes are markdown
	echo 'Again: `sudo tests/bench/scale.sh`.'
	return $missed
}

report >"$bench_tmp/report" || status=1
cat "$bench_tmp/report"
[ -z "$write" ] || "$top/tests/bench/write.sh" "$write" scale "$bench_tmp/report" || status=1
exit $status

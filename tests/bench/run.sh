#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh [quick] [--write FILE]
#
# What `warren up` and `warren down` cost, against two rivals that make the same kernel
# objects: bare (raw netlink in a loop, no checks, no journal) and script.sh (the same typed
# as ip, sysctl, nft and wg commands).  They take turns; each run is in new mount, network and
# PID namespaces with nothing in /run and /var/lib; medians count.
#
#   quick          small labs, one round: does it run at all
#   --write FILE   put the table into FILE between its two "bench" comment lines
#
# WARREN: the program (./warren).  BENCH_BIN: where bare and measure are (built for the run
# unless given).  ROUNDS: rounds (5).  CASES: which (100 1000 100-tunnels niransix; N: N
# tenants, N-tunnels: with wireguard-go).  Exit status 1: a target was missed or,
# which is worse, a lab could not be made or differed from the others.
set -u
self=$(realpath "$0")
top=$(dirname "$(dirname "$(dirname "$self")")")
warren=$(realpath "${WARREN:-$top/warren}")
bin=${BENCH_BIN:-}
export LC_ALL=C
. "$top/tests/bench/common.sh"

# --- one run, inside ---------------------------------------------------------------------

# prints UP_MS UP_KIB DOWN_MS DOWN_KIB and leaves what tenant 2 looks like in $3
inside() { # RIVAL CASE LOOK
	local rival=$1 lab=$2 look=$3 n=${2%-*} up down
	mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib && ip link set lo up || exit 1
	case $rival:$lab in
	warren:niransix) up=("$warren" -q up "$bench_tmp/$lab.yaml") down=("$warren" -q down niransix) ;;
	warren:*-tunnels)
		up=("$warren" -q up --backend userspace "$bench_tmp/$lab.yaml")
		down=("$warren" -q down bench)
		;;
	warren:*)
		up=("$warren" -q up --backend none "$bench_tmp/$lab.yaml")
		down=("$warren" -q down bench)
		;;
	script:niransix) up=("$top/tests/bench/script.sh" up niransix) down=("${up[0]}" down niransix) ;;
	script:*-tunnels) up=("$top/tests/bench/script.sh" up "$n" userspace) down=("${up[0]}" down "$n") ;;
	script:*) up=("$top/tests/bench/script.sh" up "$n") down=("${up[0]}" down "$n") ;;
	bare:*) up=("$bin/bare" up "$n") down=("$bin/bare" down "$n") ;;
	esac
	"$bin/measure" "${up[@]}" 3>&1 >&2 || exit 1
	look "$lab" >"$look"
	"$bin/measure" --settle "${down[@]}" 3>&1 >&2 || exit 1
}

# what must be the same whoever made it: names, states, addresses, routes, rules
look() { # CASE
	local ns=t0002 gateway=gateway
	[ "$1" != niransix ] || ns=c01 gateway=vpn-center
	{
		ip -n "$ns" -o link
		ip -n "$ns" link show "eth-$ns-nsB" | grep altname
		ip -n "$gateway" link show "eth-$ns-nsA" | grep altname
		ip -n "$gateway" -o -d link show "eth-$ns-nsA" | grep -o 'master.*state UP\|isolated on'
	} | sed 's/^[0-9]*: //; s/@[^:]*//; s/ link.ether.*//; s/qlen.*//' | sort
	ip -n "$ns" -4 -o address | sed 's/^[0-9]*: //' | sort
	ip -n "$ns" route
	ip netns exec "$ns" nft list table inet warren | grep -v comment
	ip netns exec "$ns" sysctl net.ipv4.ip_forward
	ip netns list | wc -l
}

if [ "${1-}" = --inside ]; then
	shift
	inside "$@"
	exit
fi

# --- the rounds -----------------------------------------------------------------------------

one() { # RIVAL CASE -> appends to $bench_tmp/CASE.RIVAL
	local out
	out=$(unshare -m -n -p -f --kill-child --mount-proc \
		"$self" --inside "$1" "$2" "$bench_tmp/$2.$1.look" 2>"$bench_tmp/log" | tr '\n' ' ')
	if [ "$(wc -w <<<"$out")" -ne 4 ]; then
		echo "run.sh: $1 failed at $2:" >&2
		tail -n 5 "$bench_tmp/log" >&2
		return 1
	fi
	echo "$out" >>"$bench_tmp/$2.$1"
}

median() { # FILE COLUMN
	sort -g -k "$2,$2" "$1" | awk -v c="$2" '{v[NR] = $c} END {print v[int((NR + 1) / 2)]}'
}

ratio() { # A B
	awk -v a="$1" -v b="$2" 'BEGIN {printf "%.3f", a / b}'
}

quick=
write=
while [ $# -gt 0 ]; do
	case $1 in
	quick) quick=1 ;;
	--write) write=${2:?a file} && shift ;;
	*) sed -n '4,19s/^# \{0,1\}//p' "$self" >&2 && exit 2 ;;
	esac
	shift
done
[ "$(id -u)" -eq 0 ] || { echo "run.sh: must be root, to make namespaces" >&2; exit 3; }
[ -x "$warren" ] || { echo "run.sh: $warren is missing: make builds it" >&2; exit 3; }
rounds=${ROUNDS:-5}
read -ra cases <<<"${CASES:-100 1000 100-tunnels niransix}"
[ -z "$quick" ] || { rounds=1 cases=(5 3-tunnels niransix); }
bench_tmp=$(mktemp -d)
export bench_tmp
trap 'rm -rf "$bench_tmp"' EXIT
status=0

if [ -z "$bin" ]; then
	export BENCH_BIN=$bench_tmp
	bin=$bench_tmp
	build "$bin" || exit 3
fi

rivals_of() {
	case $1 in
	niransix | *-tunnels) echo warren script ;; # bare makes no tunnels
	*) echo warren bare script ;;
	esac
}

for lab in "${cases[@]}"; do
	if [ "$lab" = niransix ]; then cp "$top/topologies/niransix.yaml" "$bench_tmp/$lab.yaml"; else
		topology "${lab%-*}" >"$bench_tmp/$lab.yaml"
	fi || exit 1
	for ((round = 1; round <= rounds; round++)); do
		for rival in $(rivals_of "$lab"); do
			# at 1,000 tenants the script takes half a minute: two rounds tell enough
			[ "$rival:$lab" = script:1000 ] && [ $round -gt 2 ] && continue
			[ -t 2 ] && printf '\r%s: round %d of %d: %s \033[K' "$lab" $round "$rounds" "$rival" >&2
			one "$rival" "$lab" || status=1
		done
	done
	for rival in $(rivals_of "$lab"); do
		if [ ! -s "$bench_tmp/$lab.warren" ] || [ ! -s "$bench_tmp/$lab.$rival" ]; then continue; fi
		cmp -s "$bench_tmp/$lab.warren.look" "$bench_tmp/$lab.$rival.look" && continue
		echo "run.sh: $lab: $rival and warren made different things:" >&2
		diff "$bench_tmp/$lab.$rival.look" "$bench_tmp/$lab.warren.look" >&2
		status=1
	done
done
[ -t 2 ] && printf '\r\033[K' >&2

# --- the table ----------------------------------------------------------------------------

label() {
	case $1 in
	niransix) echo "niransix, wireguard-go" ;;
	*-tunnels) echo "${1%-*} tenants, wireguard-go" ;;
	*) echo "$1 tenants, no tunnels" ;;
	esac
}

table() {
	local lab rival file
	echo "| lab | made by | up | down | peak memory | warren's time, up | down |"
	echo "|---|---|--:|--:|--:|--:|--:|"
	for lab in "${cases[@]}"; do
		for rival in $(rivals_of "$lab"); do
			file=$bench_tmp/$lab.$rival
			if [ ! -s "$file" ] || [ ! -s "$bench_tmp/$lab.warren" ]; then continue; fi
			printf '| %s | %s | %.0f ms | %.0f ms | %.1f MiB | %s | %s |\n' \
				"$(label "$lab")" "$rival" "$(median "$file" 1)" "$(median "$file" 3)" \
				"$(awk -v k="$(median "$file" 2)" 'BEGIN {print k / 1024}')" \
				"$(ratio "$(median "$bench_tmp/$lab.warren" 1)" "$(median "$file" 1)")" \
				"$(ratio "$(median "$bench_tmp/$lab.warren" 3)" "$(median "$file" 3)")"
		done
	done
}

target() { # TEXT LAB RIVAL LIMIT
	local r
	if [ ! -s "$bench_tmp/$2.warren" ] || [ ! -s "$bench_tmp/$2.$3" ]; then return 0; fi
	r=$(ratio "$(median "$bench_tmp/$2.warren" 1)" "$(median "$bench_tmp/$2.$3" 1)")
	if awk -v r="$r" -v l="$4" 'BEGIN {exit !(r <= l)}'; then
		echo "- $1: met ($r)"
	else
		echo "- $1: **not met** ($r)"
		return 1
	fi
}

report() {
	local missed=0
	echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) CPUs, Linux $(uname -r), $(date -u +%F);" \
		"medians of $rounds rounds. \`down\` is measured until the kernel has taken down the last namespace."
	echo
	table
	echo
	target "at most 1/20 of the script's time at 100 tenants" 100 script 0.05 || missed=1
	target "at most 1.5 times the bare loop at 100 tenants" 100 bare 1.5 || missed=1
	target "at most 1.5 times the bare loop at 1,000 tenants" 1000 bare 1.5 || missed=1
	echo
	# shellcheck disable=SC2016 # the backquotes are markdown
	echo 'Again: `sudo make bench`.'
	return $missed
}

report >"$bench_tmp/report" || status=1
cat "$bench_tmp/report"
[ -z "$write" ] || "$top/tests/bench/write.sh" "$write" bench "$bench_tmp/report" || status=1
exit $status

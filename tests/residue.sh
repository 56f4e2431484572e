# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What a lab could have left behind, one thing a line.  Sourced by the sandbox, which
# lists it after every test, and by lib.sh, for tests that compare before with after.
#
# residue_list must not run in a pipeline: its neighbours would be listed as processes.

residue_processes() {
	local dir pid comm arg
	for dir in /proc/[0-9]*; do
		pid=${dir#/proc/}
		case " 1 $$ $BASHPID ${residue_ignore_pids-} " in *" $pid "*) continue ;; esac
		# kernel threads and what has just ended have no command line
		read -r -d '' arg 2>/dev/null <"$dir/cmdline" || continue
		read -r comm 2>/dev/null <"$dir/comm" && echo "process $pid ($comm) $arg"
	done
}

residue_list() {
	residue_processes
	[ ! -d /run/netns ] || find /run/netns -mindepth 1 -printf 'namespace %f\n' | sort
	[ ! -d /run/warren ] || find /run/warren -mindepth 1 -printf 'file %p\n' | sort
	[ ! -d /run/wireguard ] || find /run/wireguard -mindepth 1 -printf 'file %p\n' | sort
	[ ! -d /etc/netns ] || find /etc/netns -mindepth 1 -printf 'file %p\n' | sort
	ip -o link | sed -n 's/^[0-9]*: \([^:@]*\).*/link \1/p' | grep -vx 'link lo' | sort
	ip -o address | awk '$2 != "lo" && !/scope link/ {print "address", $2, $4}' | sort
	nft list tables | sort
	# /run/netns itself is a mount once anybody has used `ip netns`
	awk '$5 != "/run/netns" {print "mount", $5}' /proc/self/mountinfo | sort
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A machine with systemd as its first process, in namespaces of its own; sourced by tests, after
# lib.sh.  Its programs are this machine's, its changes are in memory, and of units it has warren's
# and what every machine needs, so that it is up in a second.
#
#	machine_make			make one, switched off, with warren and its units installed
#	machine_boot [COMMAND]		switch it on; COMMAND is typed in it before systemd starts
#					(network cards); returns when it has started what it starts
#	machine COMMAND...		in it, as root
#	machine_off [kill]		shut it down; or pull the plug
#
# What is in $machine_root outlives both.

machine_root=$tmp/machine/root
machine_pid= # of its first process
machine_job= machine_cgroup=

# The units of a container: none that sets the kernel's settings or looks after devices
_machine_units() {
	local units=$machine_root/usr/lib/systemd/system
	rm -rf "$machine_root"/{etc,usr/local/lib}/systemd/system "$units"/*.wants \
		"$machine_root"/{etc,usr/lib}/systemd/system-generators
	mkdir -p "$machine_root/etc/systemd/system" "$units"/{sysinit,sockets}.target.wants
	ln -s ../systemd-journald.service "$units/sysinit.target.wants/"
	ln -s ../systemd-journald.socket ../systemd-journald-dev-log.socket "$units/sockets.target.wants/"
	ln -s /usr/lib/systemd/system/multi-user.target "$machine_root/etc/systemd/system/default.target"
}

_machine_end() {
	local status=$?
	[ -z "$machine_pid" ] || { kill -KILL "$machine_pid"; wait "$machine_job"; }
	[ -z "$machine_cgroup" ] || wait_for 10 _machine_gone
	umount -q "$machine_root" "$tmp/machine" "$tmp/cgroup"
	(exit $status)
}

machine_make() {
	trap '_machine_end; _finish' EXIT
	need make pgrep systemctl
	[ -x /lib/systemd/systemd ] || skip "systemd is not installed (make check installs it)"
	mkdir -p "$tmp/cgroup" "$tmp/machine"
	mount -t cgroup2 cgroup2 "$tmp/cgroup" || skip "this kernel has no cgroup2"
	mount -t tmpfs tmpfs "$tmp/machine"
	mkdir "$tmp"/machine/{upper,work,root}
	mount -t overlay overlay "$machine_root" \
		-o "lowerdir=/,upperdir=$tmp/machine/upper,workdir=$tmp/machine/work" ||
		skip "the root folder cannot be below an overlay"
	rm -rf "$machine_root"/{etc/{warren,netns},var/{lib/warren,log/journal}}
	mkdir -p "$machine_root/var/log/journal"
	: >"$machine_root/etc/fstab"
	tr -d - </proc/sys/kernel/random/uuid >"$machine_root/etc/machine-id"
	echo machine >"$machine_root/etc/hostname"
	# looking for leaks needs ptrace, which the unit does not allow, and would spoil exit statuses
	mkdir -p "$machine_root/etc/systemd/system.conf.d"
	printf '[Manager]\nDefaultEnvironment=ASAN_OPTIONS=detect_leaks=0\n' \
		>"$machine_root/etc/systemd/system.conf.d/asan.conf"
	_machine_units
	must install -D "$WARREN" "$machine_root/usr/local/bin/warren"
	must make -s -C "$top" install-unit DESTDIR="$machine_root"
}

_machine_settled() {
	case $(machine systemctl is-system-running 2>/dev/null) in
	running | degraded) return 0 ;;
	*) kill -0 $machine_job 2>/dev/null || return 0 ;;
	esac
	return 1
}

machine_boot() {
	machine_cgroup=$tmp/cgroup/$(sed -n 's/^0:://p' /proc/self/cgroup)/warren-test-$(cat /proc/sys/kernel/random/uuid)
	mkdir -p "$machine_cgroup"
	(
		echo $BASHPID >"$machine_cgroup/cgroup.procs"
		exec unshare --mount --net --pid --uts --ipc --cgroup --fork --kill-child \
			bash "$top/tests/machine-init" "$machine_root" "$@"
	) >"$tmp/machine/console" 2>&1 &
	machine_job=$!
	must wait_for 10 pgrep -P $machine_job
	machine_pid=$(pgrep -P $machine_job)
	wait_for 60 _machine_settled
	machine systemctl is-system-running >/dev/null || {
		tail -n 30 "$tmp/machine/console"
		must machine systemctl --failed
	}
}

machine() { nsenter -t "$machine_pid" -m -n -p -u -i -C -r -w -- "$@"; }

_machine_gone() { [ ! -e "$machine_cgroup" ] || find "$machine_cgroup" -depth -type d -exec rmdir {} +; }

machine_off() {
	if [ "${1-}" = kill ]; then kill -KILL "$machine_pid"; else machine systemctl poweroff 2>/dev/null; fi
	wait "$machine_job"
	machine_pid=
	must wait_for 10 _machine_gone
}

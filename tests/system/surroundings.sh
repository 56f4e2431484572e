#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A machine that cannot: whatever is missing is named, with the exit status that belongs to it,
# and nothing is changed
. "$(dirname "$(realpath "$0")")/../lib.sh"
need wireguard-go socat setpriv prlimit
file=$top/topologies/niransix.yaml
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all)
cp "$file" "$tmp/lab.yaml"
cp "$WARREN" "$tmp/warren"
chmod -R a+rX "$(dirname "$tmp")" "$tmp"

# refused NAME STATUS ERE CMD...: the command ends with STATUS, says ERE in one line, and
# changes nothing
refused() {
	local name=$1 status=$2 ere=$3
	shift 3
	"$@" >"$tmp/out" 2>"$tmp/err"
	is "$name: exit status" $? "$status"
	like "$name: said" "$(cat "$tmp/err")" "^warren: $ere"
	is "$name: in one line" "$(wc -l <"$tmp/err")" 1
	residue_check "$name: nothing is changed"
}
# in_mounts SCRIPT: in a mount namespace of its own
in_mounts() { unshare --mount bash -c "$1"; }
up="$WARREN up --backend userspace $file"

residue_snapshot

# --- privilege and programs -----------------------------------------------------------------------
refused "not root: up" 3 'this needs root \(run it with sudo' "${nobody[@]}" "$tmp/warren" up "$tmp/lab.yaml"
refused "not root: down" 3 'lab niransix: this needs root' "${nobody[@]}" "$tmp/warren" down niransix
ok "not root: validate works" "${nobody[@]}" "$tmp/warren" validate "$tmp/lab.yaml"
ok "not root: up --dry-run works" "${nobody[@]}" "$tmp/warren" up --dry-run "$tmp/lab.yaml"
mkdir "$tmp/empty"
refused "no wireguard-go: userspace" 3 '.*wireguard-go: no such program \(apt install wireguard-go\)' \
	env PATH="$tmp/empty" "$WARREN" up --backend userspace "$file"
if ! ip link add wgtest type wireguard 2>/dev/null; then
	refused "no wireguard-go: auto" 3 '.*wireguard-go: no such program \(apt install wireguard-go\)' \
		env PATH="$tmp/empty" "$WARREN" up "$file"
	refused "no WireGuard in the kernel" 3 'this kernel has no WireGuard \(.*--backend userspace' "$WARREN" up --backend kernel "$file"
else
	ip link del wgtest
fi
ok "a backend is not needed without tunnels" env PATH="$tmp/empty" "$WARREN" -q up --backend none "$file"
ok "down" warren down niransix
residue_check

# --- /run -----------------------------------------------------------------------------------------
refused "/run is read-only" 3 '/run/warren: Read-only file system' \
	in_mounts "mount -o remount,bind,ro /run /run 2>/dev/null || mount -t tmpfs -o ro none /run; exec $up"
left() { find /run -xdev -mindepth 1 \( -path /run/netns -prune -o -print \) | grep -v '^/run/ballast$'; }
export -f left
for room in 0 1 2 4 6 8; do # pages
	in_mounts "mount -t tmpfs -o nr_blocks=\$(($room + 8)) none /run && head -c 32768 /dev/zero >/run/ballast
		$up; status=\$?; left >'$tmp/left'; [ \$status -ne 0 ] || $WARREN -q down niransix; exit \$status" >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ $status -ne 0 ] || break
	ok "/run has room for $room pages: exit status $status" [ $status -eq 3 -o $status -eq 4 ]
	like "/run has room for $room pages: said" "$(cat "$tmp/err")" '^warren: .*No space left on device'
	is "/run has room for $room pages: nothing is left there" "$(cat "$tmp/left")" ""
	residue_check "/run has room for $room pages: nothing is left"
done

# --- what a tunnel needs ------------------------------------------------------------------------------
refused "/dev/net/tun is no TUN" 3 '.*/dev/net/tun: ' \
	in_mounts "mkdir -p $tmp/dev && mount --bind $tmp/dev /dev/net && exec $up"
cat >"$tmp/port.yaml" <<'END'
name: port
networks: { net: { prefixes: [203.0.113.0/24] } }
hosts:
  a:
    networks: { net: { interface: wan, addresses: [203.0.113.1/24] } }
    wireguard: { wg0: { listen_port: 51820, addresses: [10.0.0.1/24] } }
END
must ip link add wan type bridge
must ip address add 203.0.113.1/24 dev wan
must ip link set wan up
socat -u UDP4-RECV:51820 STDOUT >"$tmp/socat" &
socat=$!
bound() { ss -Hlnu4 'sport = :51820' | grep -q .; }
ok "somebody listens" wait_for 5 bound
residue_snapshot
refused "a port in use" 4 '.*wg0.*port 51820 is in use \(another program listens on UDP port 51820' \
	"$WARREN" up --host a --backend userspace "$tmp/port.yaml"
kill $socat
wait $socat 2>/dev/null
must ip link add wg0 type bridge
residue_snapshot
refused "an interface name that is taken" 3 'interface wg0 is there already \(remove or rename it' \
	"$WARREN" up --host a --backend userspace "$tmp/port.yaml"
must ip link del wg0
must ip link del wan
residue_snapshot
refused "an underlay interface that is missing" 3 '.*interface wan' \
	"$WARREN" up --host a --backend userspace "$tmp/port.yaml"

# --- limits ---------------------------------------------------------------------------------------------
for n in {4..24..2}; do
	prlimit --nofile=$n "$WARREN" up --backend userspace "$file" >"$tmp/out" 2>"$tmp/err"
	status=$?
	if [ $status -eq 0 ]; then
		ok "$n file descriptors do" warren down niransix
	else
		ok "$n file descriptors: exit status $status" [ $status -eq 3 -o $status -eq 4 ]
		# below what the shared libraries need, it is the loader that says so
		like "$n file descriptors: said" "$(cat "$tmp/err")" '^warren: .*Too many open files'
	fi
	residue_check "$n file descriptors: nothing is left"
done

# a limit that was lowered under a lab that runs
lab_up niransix --backend userspace "$file"
few="echo 2 >$tmp/few && mount --bind $tmp/few /proc/sys/fs/inotify/max_user_instances"
must ip -n c00 address del 100.64.0.20/24 dev eth-c00-nsB
ok "what is there is mended all the same" in_mounts "$few && exec $WARREN -q apply $file"
like "it is" "$(ip -n c00 -4 -o address show dev eth-c00-nsB)" '100\.64\.0\.20/24'
sed 's/^      tenants:/&\n        more: { listen_port: 50009, napt_addresses: [100.64.0.99] }/' "$file" >"$tmp/more.yaml"
run_status 3 in_mounts "$few && exec $WARREN -q apply $tmp/more.yaml"
like "one more tunnel is too much" "$(cat "$tmp/err")" '^warren: inotify instances, .*: 5 are needed, and 2 are allowed'
run_status 0 warren plan "$file"
lab_down niransix

# --- the topology file -----------------------------------------------------------------------------------
mkfifo "$tmp/fifo.yaml"
mkdir "$tmp/folder.yaml"
: >"$tmp/secret.yaml"
chmod 0 "$tmp/secret.yaml"
for command in up validate; do
	refused "$command: no such file" 2 "$tmp/none.yaml: No such file or directory" "$WARREN" $command "$tmp/none.yaml"
	refused "$command: a folder" 2 "$tmp/folder.yaml/topology.yaml: No such file or directory" "$WARREN" $command "$tmp/folder.yaml"
	refused "$command: a device" 2 "/dev/zero: not a file" timeout 5 "$WARREN" $command /dev/zero
done
refused "a file that may not be read" 2 "$tmp/secret.yaml: Permission denied" "${nobody[@]}" "$tmp/warren" validate "$tmp/secret.yaml"
cat "$file" >"$tmp/fifo.yaml" &
ok "a pipe is read" timeout 5 "$WARREN" validate "$tmp/fifo.yaml"
wait

# --- output ------------------------------------------------------------------------------------------------
for args in "validate $file" "graph $file" "help" "--version" "up --dry-run $file"; do
	# shellcheck disable=SC2086 # words
	"$WARREN" $args >/dev/full 2>"$tmp/err"
	is "$args: a full disk is a failure" "$([ $? -ne 0 ] && echo yes)" yes
	like "$args: and said" "$(cat "$tmp/err")" '^warren: write the output: No space left on device'
done
residue_check

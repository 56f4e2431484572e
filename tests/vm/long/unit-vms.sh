#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/system/unit.sh, warren@.service under systemd, in a machine whose kernel has WireGuard as a
# module, which is loaded from within the service.  Three minutes: `make check-vm TESTS=long/unit-vms`.
here=$(dirname "$(dirname "$(realpath "$0")")")
tree=$(dirname "$(dirname "$here")")
WARREN=$(realpath -m "${WARREN:-$tree/warren}")

files=()
mapfile -t paths < <(dpkg -L systemd make socat)
for file in "${paths[@]}"; do
	case $file in /usr/share/* | /var/*) continue ;; esac
	[ -d "$file" ] || [ ! -e "$file" ] || files+=("$file")
done
VM_MEMORY=768 VM_TIMEOUT=900 "$here/run-in-vm" "$WARREN" "$tree/tests" "$tree/topologies" "$tree/systemd" "$tree/Makefile" "${files[@]}" -- \
	env WARREN="$WARREN" WARREN_SANDBOX=vm TEST_TMP=/srv bash "$tree/tests/system/unit.sh"

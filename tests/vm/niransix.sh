#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The niransix lab with the kernel's WireGuard; run inside the machine by tests/vm/check
. "$(dirname "$(realpath "$0")")/../lib.sh"
. "$top/tests/transcript.sh"

transcript kernel 6 "$(transcript_file 6)"
transcript kernel 4 "$(transcript_file 4)"

lab_up niransix "$top/topologies/niransix.yaml"
is "--backend auto takes the kernel's where it is there" \
	"$(warren --json status niransix | jq -r '.tenants[].wireguard.backend' | sort -u)" kernel
is "and starts no wireguard-go" "$(grep -slx wireguard-go /proc/[0-9]*/comm)" ""
run_status 0 warren down niransix

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The niransix lab with userspace WireGuard, over IPv6 and over IPv4
. "$(dirname "$(realpath "$0")")/../lib.sh"
. "$top/tests/transcript.sh"
need wireguard-go jq tcpdump conntrack wg

is "the IPv4 file has no IPv6 endpoint left" \
	"$(grep -c 'endpoint: "203.0.113.10:' "$(transcript_file 4)")" 2
transcript userspace 6 "$(transcript_file 6)"
transcript userspace 4 "$(transcript_file 4)"

# once more on a lab that is up: nothing is done, and it is said
lab_up niransix "$top/topologies/niransix.yaml"
before=$(ns c00 ip -d link show)
run_status 0 warren up "$top/topologies/niransix.yaml"
is "up on a lab that is up changes nothing" "$(ns c00 ip -d link show)" "$before"
run_status 0 warren down niransix

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tunnels: `apply` is killed, fails and is interrupted at some of its instants while two tenants swap
# their ports, one comes, one goes, and peers change
. "$(dirname "$(realpath "$0")")/../../lib.sh"
. "$top/tests/crash.sh"
. "$top/tests/crash_apply.sh"
need wireguard-go socat wg nft ss jq

begin userspace
lab_up small --backend userspace "$old"
step=11
every_point "killed, then applied" killed_again 3
step=9
every_point "a failing apply" stopped fail 3
step=17
every_point "an interrupted apply" stopped int 3
lab_down small
every_point "killed, then down" then_down kill

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGKILL at every single instant of `up` of the niransix lab, and then `down`
. "$(dirname "$(realpath "$0")")/../../lib.sh"
. "$top/tests/crash.sh"
need wireguard-go

residue_snapshot
every_point "killed, then down" killed_then_down "$top/topologies/niransix.yaml"

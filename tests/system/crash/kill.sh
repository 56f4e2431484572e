#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGKILL at every single instant of `up`: `down` finds and removes all that was made
. "$(dirname "$(realpath "$0")")/../../lib.sh"
. "$top/tests/crash.sh"
need wireguard-go socat

residue_snapshot
every_point "killed, then down" killed_then_down "$small"

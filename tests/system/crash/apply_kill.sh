#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGKILL at every single instant of `apply`: one unit at most is half changed, and the next apply finishes
. "$(dirname "$(realpath "$0")")/../../lib.sh"
. "$top/tests/crash.sh"
. "$top/tests/crash_apply.sh"
need socat nft ss jq

begin none
lab_up small --backend none "$old"
every_point "killed, then applied" killed_again 5
lab_down small

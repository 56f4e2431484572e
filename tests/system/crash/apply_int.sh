#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Ctrl-C at every third instant of `apply`: each unit is as it was or as wanted, what is said of them is
# so, and the next apply finishes
. "$(dirname "$(realpath "$0")")/../../lib.sh"
. "$top/tests/crash.sh"
. "$top/tests/crash_apply.sh"
need socat nft ss jq

begin none
lab_up small --backend none "$old"
step=3
every_point "an interrupted apply" stopped int 5
lab_down small

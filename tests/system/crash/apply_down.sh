#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGKILL, and a failure, at every single instant of `apply`: `down` finds and removes all that there is
. "$(dirname "$(realpath "$0")")/../../lib.sh"
. "$top/tests/crash.sh"
. "$top/tests/crash_apply.sh"
need socat nft ss jq

begin none
every_point "killed, then down" then_down kill
step=4
every_point "failed, then down" then_down fail

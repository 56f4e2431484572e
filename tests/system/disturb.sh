#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A change of a running lab disturbs nobody else: see tests/disturb.sh.
. "$(dirname "$(realpath "$0")")/../lib.sh"
. "$top/tests/disturb.sh"
need wireguard-go wg conntrack jq nsenter

if [ "${1-}" ]; then disturb "$@"; exit; fi
disturb none 200 10 3
disturb userspace 20 20 1

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# write.sh FILE NAME REPORT - put REPORT into FILE between its two comment lines
#
#	<!-- NAME: made by ... -->
#	<!-- NAME: end -->
set -eu
file=$1 name=$2 report=$3
if ! grep -q "^<!-- $name: made by" "$file" || ! grep -q "^<!-- $name: end -->" "$file"; then
	echo "write.sh: $file has no place for $name" >&2
	exit 2
fi
new=$(mktemp)
trap 'rm -f "$new"' EXIT
awk -v name="$name" -v report="$report" '
	$0 == "<!-- " name ": end -->" {inside = 0}
	!inside {print}
	index($0, "<!-- " name ": made by") == 1 {
		inside = 1
		while ((getline line <report) > 0)
			print line
	}' "$file" >"$new"
cat "$new" >"$file"

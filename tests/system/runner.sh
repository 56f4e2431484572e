#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The runner itself: does it notice failures, leaks, hangs and skips?  It runs small tests that
# misbehave on purpose, from a tree of their own.
. "$(dirname "$(realpath "$0")")/../lib.sh"

tree=$tmp/tree
mkdir -p "$tree/tests/system/folder"
cp "$top"/tests/{lib.sh,residue.sh,run-system,sandbox} "$tree/tests/"
printf '## Tests that may be skipped\n\n- `listed`: for this test\n\n## Else\n\n- `skips`: no\n' \
	>"$tree/tests/README.md"

# small NAME: a test from standard input
small() {
	{
		echo '. "$(dirname "$(realpath "$0")")/../lib.sh"'
		cat
	} >"$tree/tests/system/$1.sh"
}
small good <<<'ok "true" true; ip netns add x; ip link add v0 type veth peer name v1; ip netns del x; ip link del v0'
small fails <<<'is "one line" "$(printf "a\nb")" "$(printf "a\nc")"; ok "fine" true'
small stops <<<'must false; ok "never reached" true'
small empty <<<':'
small hangs <<<'ok "true" true; read -r _ <&$never'
small process <<<'ok "true" true; setsid tail -f /dev/null & '
small namespace <<<'ok "true" true; ip netns add x'
small table <<<'ok "true" true; nft add table inet x'
small link <<<'ok "true" true; ip link add v0 type veth peer name v1'
small file <<<'ok "true" true; mkdir -p /run/warren/x'
small mount <<<'ok "true" true; mount -t tmpfs tmpfs /mnt'
small skips <<<'skip "no such thing"'
small listed <<<'need no-such-program'
small hides <<<'mkdir /var/lib/warren /etc/netns; ok "both are there" ls /var/lib/warren /etc/netns; rm -r /etc/netns'
small residue <<<'residue_snapshot; ip netns add x; residue_check; ip netns del x'
cp "$tree/tests/system/good.sh" "$tree/tests/system/folder/inner.sh"
sed -i 's,/\.\./lib,/../../lib,' "$tree/tests/system/folder/inner.sh"

export WARREN_LOGS=$tmp/logs WARREN=/bin/true
unset WARREN_SANDBOX TEST_TMP
out=$(WARREN_MUST_WORK='' "$tree/tests/run-system" -t 12 2>&1)
is "exit status with failures" $? 1
for name in good folder/inner hides; do like "$name passes" "$out" "^ok +$name +[0-9.]+ s  1 checks"; done
like "a failed check is counted" "$out" '^FAIL +fails .* 1 of 2 checks failed'
like "and its difference shown" "$out" '\| #   \+b$'
like "a failed step ends the test" "$out" '^FAIL +stops .* 1 of 1 checks failed'
like "a test without a check fails" "$out" '^FAIL +empty '
like "a test that hangs is ended" "$out" '^FAIL +hangs .* still running after 12 s'
for name in process namespace table link file mount; do
	like "left behind: $name" "$out" "^FAIL +$name .* left something behind"
	like "left behind: $name is named" "$out" "\| > $name "
done
like "residue_check sees a namespace" "$out" '^FAIL +residue .* 1 of 1 checks failed'
like "a skip says why" "$out" '^skip +skips .* no such thing'
like "the totals" "$out" '^system tests: 3 passed, 11 failed, 2 skipped'

out=$(WARREN_MUST_WORK=1 "$tree/tests/run-system" skips listed)
is "exit status where a skip is a failure" $? 1
like "a skip is a failure where everything must work" "$out" '^FAIL +skips '
like "but for the listed" "$out" '^skip +listed '
"$tree/tests/run-system" good folder >"$tmp/out"
is "exit status where all passes" $? 0
"$tree/tests/run-system" nonesuch >"$tmp/out" 2>&1
is "exit status for a test that is not there" $? 2
ok "nothing of it is on this side" test ! -e /etc/netns -a ! -e /run/warren

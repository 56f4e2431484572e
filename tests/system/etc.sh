#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A topology by its name: WORD is /etc/warren/WORD.yaml, or the folder /etc/warren/WORD, where no
# file or folder of that name is here.
. "$(dirname "$(realpath "$0")")/../lib.sh"
need jq

here=$tmp/here etc=/etc/warren
mkdir -p "$here" $etc
cd "$here" || exit
lab() { printf 'name: %s\nhosts:\n  %s: { bridges: { br0: { addresses: [10.0.0.%d/24] } } }\n' "$1" "$2" "$3"; }
# validates WORD: as which file, and the host it has
validates() { warren validate "$1" | sed 's/: .*//'; warren validate --expand "$1" | grep -oE '10\.0\.0\.[0-9]+'; }

# --- where ------------------------------------------------------------------------------

fails "a word that is nowhere" "$WARREN" validate office
is "both places are said" "$(cat "$tmp/.out")" \
	"warren: no such file: office, nor $etc/office.yaml or $etc/office/topology.yaml"
run_status 2 "$WARREN" up office
run_status 2 "$WARREN" plan office

lab office a 1 >$etc/office.yaml
is "a file of /etc/warren" "$(validates office)" "$etc/office.yaml
10.0.0.1"
mkdir office
is "a folder here that is no lab's is in nobody's way" "$(validates office)" "$etc/office.yaml
10.0.0.1"
lab office a 2 >office/topology.yaml
is "a lab's folder here goes first" "$(validates office)" "office
10.0.0.2"
rm -r office
lab other a 3 >office
is "and so does a file, which may have any name" "$(validates office)" "office
10.0.0.3"
rm office
mkdir $etc/office
is "a folder beside the file may be of other things" "$(validates office)" "$etc/office.yaml
10.0.0.1"
lab office a 4 >$etc/office/topology.yaml
run_status 2 "$WARREN" validate office
is "both are one too many" "$(cat "$tmp/err")" \
	"warren: there are both $etc/office.yaml and $etc/office/topology.yaml (keep one of them, or name one by its path)"
is "by its path each can be had" "$(validates $etc/office.yaml)" "$etc/office.yaml
10.0.0.1"
rm $etc/office.yaml
is "a folder of /etc/warren" "$(validates office)" "$etc/office
10.0.0.4"
run_status 2 "$WARREN" validate office.yaml
like "what has a dot is a path" "$(cat "$tmp/err")" '^warren: office\.yaml: No such file'
rm -r $etc/office
mkdir office
run_status 2 "$WARREN" validate office
like "a folder here, and nothing else: what it lacks is said" "$(cat "$tmp/err")" '^warren: office/topology\.yaml: No such file'
rmdir office

# --- the name within, errors within ---------------------------------------------------------

lab branch a 1 >$etc/office.yaml
run_status 2 "$WARREN" up office
like "another name in the file" "$(cat "$tmp/err")" "^warren: $etc/office.yaml: the lab in it has the name .branch., not .office. \("
ok "which a path may have" "$WARREN" validate $etc/office.yaml
lab office a 1 | sed 's/br0/bro: {}, br0/; s/bridges/bridgse/' >$etc/office.yaml
run_status 2 "$WARREN" validate office
like "errors are told with the file's path" "$(cat "$tmp/err")" "^$etc/office.yaml:3:8: error: .*bridges"
is "in JSON, too" "$(warren --json validate office 2>/dev/null | jq -r .file)" $etc/office.yaml

# somebody who may not look into the folder
lab office a 1 >$etc/office.yaml
chmod 700 $etc
chmod 711 "$tmp" "$here"
install -m 755 "$WARREN" "$tmp/warren"
if command -v setpriv >/dev/null; then
	fails "not root" setpriv --reuid=65534 --regid=65534 --clear-groups "$tmp/warren" validate office
	like "is told so" "$(cat "$tmp/.out")" "$etc/office.yaml: Permission denied \(use sudo\)"
fi

# --- all commands ------------------------------------------------------------------------------

residue_snapshot
run_status 1 "$WARREN" plan office
ok "up" "$WARREN" up office
run_status 0 "$WARREN" plan office
like "a graph of the lab" "$(warren graph office)" 10.0.0.1
like "status knows the file" "$(warren status office)" "$etc/office.yaml"
lab office a 9 >$etc/office.yaml
like "a graph is of what runs" "$(warren graph office)" 10.0.0.1
ok "apply" "$WARREN" apply office
like "it is made" "$(ns a ip -br addr show dev br0)" 10.0.0.9
echo nonsense >$etc/office.yaml
ok "down by the name, with a file that is broken by now" "$WARREN" down office
residue_check "down: nothing is left"
lab office a 5 >$etc/office.yaml
like "a graph of the file" "$(warren graph office)" 10.0.0.5
run_status 1 "$WARREN" down office
run_status 1 "$WARREN" status office
for c in validate up plan apply graph; do
	like "$c --help says so" "$(warren $c --help)" '/etc/warren/FILE\.yaml'
done
unlike "down --help does not: it takes what runs" "$(warren down --help)" /etc/warren

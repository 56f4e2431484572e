#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A folder as a topology: what is said of which file, what is refused, and files that are
# written while they are read.
. "$(dirname "$(realpath "$0")")/../lib.sh"
need jq python3

cd "$tmp" || exit
mkdir -p lab/tenants.d
cat >lab/topology.yaml <<-'YAML'
	name: folder
	hosts:
	  gw:
	    bridges: { br: [100.64.0.1/16] }
	    gateway: { bridge: br, private_key_file: keys/gw }
YAML
echo 'c17: { listen_port: 5017, napt_addresses: [100.64.0.17] }' >lab/tenants.d/c17.yaml
residue_snapshot

# --- what is said ------------------------------------------------------------------------

is "valid" "$(warren validate lab)" "lab: lab folder is valid: 0 networks, 1 host, 1 tenant, 0 checks"
printf '\nc18:\n  listen_port: 5017\n  napt_addresses: [100.64.0.17]\nc17: {}\n' >lab/tenants.d/c18.yaml
said() { # FOLDER AS-SHOWN
	run_status 2 warren validate "$1"
	is "both places are named, as the folder was: ${1#"$tmp/"}" "$(cat "$tmp/err")" "$(printf '%s\n' \
		"$2tenants.d/c18.yaml:3:16: error: port 5017 is used twice on host \`gw\` ($2tenants.d/c17.yaml:1:21 has it; all its tunnels and tenants share one set of ports)" \
		"$2tenants.d/c18.yaml:4:20: error: address 100.64.0.17 is used twice on br ($2tenants.d/c17.yaml:1:44 has it)" \
		"$2tenants.d/c18.yaml:5:1: error: tenant \`c17\` is given twice ($2tenants.d/c17.yaml:1:1 has it; take one out)")"
}
said lab lab/
said lab// lab/
said "$tmp/lab" "$tmp/lab/"
said ./lab ./lab/
run_status 2 warren --json validate lab
is "JSON: each error has its file" "$(jq -r '"\(.file) \(.line) \(.column)"' "$tmp/out")" \
	"$(printf 'lab/tenants.d/c18.yaml %s\n' '3 16' '4 20' '5 1')"
run_status 2 warren down lab
like "down names the first" "$(cat "$tmp/err")" 'lab/tenants\.d/c18\.yaml:3:16: port 5017'
run_status 2 warren up lab
like "up says them all" "$(cat "$tmp/err")" '^lab/tenants\.d/c18\.yaml:5:1: error: '
rm lab/tenants.d/c18.yaml

# --- what is refused ------------------------------------------------------------------------

# refused NAME MESSAGE: validate fails, at once, and says so
refused() {
	run_status 2 timeout 20 "$WARREN" validate lab
	is "$1" "$(cat "$tmp/err")" "warren: $2"
	rm -f lab/tenants.d/x.yaml
}
not_file="lab/tenants.d/x.yaml: not a file (a folder of tenants has files and symbolic links to files)"
mkfifo lab/tenants.d/x.yaml
refused "a pipe" "$not_file"
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("lab/tenants.d/x.yaml")'
refused "a socket" "$not_file"
ln -s /dev/zero lab/tenants.d/x.yaml
refused "a device" "$not_file"
ln -s nowhere lab/tenants.d/x.yaml
refused "a link to nothing" "lab/tenants.d/x.yaml: No such file or directory"
truncate -s 9M lab/tenants.d/x.yaml
refused "too large" "lab: File too large (all files of a topology have at most 8 MiB together)"

# somebody who is not root
echo 'x: {}' >lab/tenants.d/x.yaml
chmod 000 lab/tenants.d/x.yaml
cp "$WARREN" "$tmp/warren"
nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all "$@"; }
chmod 755 "$tmp" "$tmp/warren" lab lab/tenants.d
if nobody test -x "$tmp/warren" -a -r lab/topology.yaml; then
	run_status 2 nobody "$tmp/warren" validate lab
	is "a file that may not be read" "$(cat "$tmp/err")" "warren: lab/tenants.d/x.yaml: Permission denied"
else
	echo "# nobody gets at $tmp: the unit test of bundles has this as well"
fi
rm -f lab/tenants.d/x.yaml "$tmp/warren"
mkdir empty
run_status 2 warren validate empty
is "a folder without topology.yaml" "$(cat "$tmp/err")" \
	"warren: empty/topology.yaml: No such file or directory (a topology's folder has a topology.yaml)"

# --- paths, and the copy that is kept ------------------------------------------------------------

mkdir lab/keys
(umask 077 && warren key gen >lab/keys/gw)
echo 'c18: { private_key_file: keys/c18 }' >lab/tenants.d/c18.yaml
like "relative paths start from the folder, whatever file they are in" "$(warren validate --expand lab)" \
	"private_key_file: \"?$(re "$tmp")/lab/keys/c18\"?\$"
rm lab/tenants.d/c18.yaml
lab_up folder --backend none lab
is "what is kept is one text" "$(head -n1 /run/warren/folder/topology.yaml)" "#!warren bundle 1"
is "which stands for the same" \
	"$(warren validate --expand /run/warren/folder/topology.yaml | sed "s,/run/warren/folder/,$tmp/lab/,")" \
	"$(warren validate --expand lab)"
mv lab moved
like "the lab runs on without its folder" "$(warren status folder)" '^lab folder is up'
lab_down folder
mv moved lab

# --- written while it is read ------------------------------------------------------------------------

# a program writes all of a file again and again, now A and now B, until there is a file `stop`
cat >writer.py <<'PYTHON'
import os, sys
how, path = sys.argv[1:]
texts = [b"".join(b"c%04d: {labels: {v: %s}}\n" % (i, v) for i in range(1500)) for v in (b"A", b"B")]
def put(text):
    if how == "renamed":
        with open(path + ".new", "wb") as f:
            f.write(text)
        os.rename(path + ".new", path)
        return
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.pwrite(fd, text, 0)
    os.close(fd)
put(texts[0])
print("ready", flush=True)
n = 0
while not os.path.exists("stop"):
    n += 1
    put(texts[n % 2])
PYTHON
for how in renamed "in place"; do
	rm -f stop
	mkfifo ready
	python3 writer.py "$how" lab/tenants.d/many.yaml >ready &
	pid=$!
	read -r _ <ready
	rm ready
	whole=0 torn=0 other=''
	for _ in {1..60}; do
		if out=$(warren validate --expand lab 2>&1); then
			case $(grep -oE '^ +v: "?[AB]' <<<"$out" | sort | uniq -c | tr -d ' "\n') in
			1500v:A | 1500v:B) whole=$((whole + 1)) ;;
			*) torn=$((torn + 1)) ;;
			esac
		elif [ "$out" != "warren: lab/tenants.d/many.yaml changes while it is read: try again" ]; then
			other+="$out"
		fi
	done
	: >stop
	wait $pid
	echo "# $how: $whole whole, $torn torn, $((60 - whole - torn)) refused"
	is "$how: never half of one and half of the other" "$torn" 0
	is "$how: what cannot be read whole is said to change" "$other" ""
	rm -f lab/tenants.d/many.yaml lab/tenants.d/many.yaml.new
done

# --- many ---------------------------------------------------------------------------------------------

for n in {1..5000}; do echo "c$n: {}" >"lab/tenants.d/c$n.yaml"; done
like "5,000 files" "$(warren validate lab)" ' 5000 tenants,'
is "in the order of their numbers" \
	"$(warren validate --expand lab | sed -n 's/^ \{8\}c\([0-9]*\):$/\1/p')" "$(seq 5000)"
residue_check

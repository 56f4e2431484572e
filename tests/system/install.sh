#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make install and uninstall: below DESTDIR, whole, and gone again.
. "$(dirname "$(realpath "$0")")/../lib.sh"
need make mandoc

# a copy of the tree: install builds what is missing
cp -a "$top" "$tmp/tree"
rm -rf "$tmp/tree/.git" "$tmp/tree/build/logs" "$tmp/tree/build/sanitize"
dest=$tmp/dest
# of the make that runs the tests: not another build's flags
unset MAKEFLAGS MFLAGS BUILD BINARY CFLAGS SANITIZE
ok "make install" make -C "$tmp/tree" install DESTDIR="$dest" PREFIX=/usr
is "what is installed" "$(cd "$dest" && find . -type f -printf '%m %P\n' | grep -v topologies/ | sort)" "$(
	cat <<-E
		644 usr/lib/systemd/system/warren@.service
		644 usr/share/bash-completion/completions/warren
		644 usr/share/fish/vendor_completions.d/warren.fish
		644 usr/share/man/man1/warren.1
		644 usr/share/man/man5/warren-topology.5
		644 usr/share/zsh/site-functions/_warren
		755 usr/bin/warren
	E
)"
ok "the topologies and their schema" test -e "$dest/usr/share/warren/topologies/niransix.yaml" \
	-a -e "$dest/usr/share/warren/topologies/schema.json"
ok "the program works from there" "$dest/usr/bin/warren" validate "$dest/usr/share/warren/topologies/niransix.yaml"
ok "also with the folder of one" "$dest/usr/bin/warren" validate "$dest/usr/share/warren/topologies/branches"
is "a folder for the machine's own labs" "$(stat -c '%a %F' "$dest/etc/warren")" "700 directory"
like "the unit starts the program that was installed" "$(cat "$dest/usr/lib/systemd/system/warren@.service")" \
	'^ExecStart=/usr/bin/warren apply '
unlike "and nothing in it was forgotten" "$(cat "$dest/usr/lib/systemd/system/warren@.service")" '@[A-Z]+@'
like "the manual has the commands" "$(mandoc -Tascii "$dest/usr/share/man/man1/warren.1" | col -b)" 'warren conntrack list.*LAB'
like "a version" "$("$dest/usr/bin/warren" --version)" '^warren [0-9]+\.[0-9]+\.[0-9]+$'
ok "make uninstall" make -C "$tmp/tree" uninstall DESTDIR="$dest" PREFIX=/usr
is "nothing is left" "$(find "$dest" -type f; find "$dest/etc")" "$dest/etc"
mkdir -p "$dest/etc/warren"
: >"$dest/etc/warren/lab.yaml"
ok "make uninstall, with a lab in /etc/warren" make -s -C "$tmp/tree" uninstall DESTDIR="$dest" PREFIX=/usr
is "the lab stays" "$(find "$dest" -type f)" "$dest/etc/warren/lab.yaml"

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the benchmarks have in common; sourced by them.  $top: the tree.

# topology N: a gateway with N tenants, and nothing else
topology() {
	cat <<-YAML
		name: bench
		networks:
		  underlay: {prefixes: [203.0.113.0/24]}
		hosts:
		  gateway:
		    networks:
		      underlay: {interface: eth0, addresses: [203.0.113.10/24]}
		    bridges:
		      br-internal: {addresses: [100.64.255.1/16]}
		    gateway:
		      bridge: br-internal
		      tenants:
		        t{0001..$(printf %04d "$1")}: {}
	YAML
}

# build FOLDER: measure and bare, into it
build() {
	local libs="libnl-3.0 libnftnl libmnl libsodium"
	# shellcheck disable=SC2046,SC2086,SC2154 # flags are words
	(cd "$top" && cc -std=gnu11 -D_GNU_SOURCE -O2 -o "$1/measure" tests/bench/measure.c &&
		cc -std=gnu11 -D_GNU_SOURCE -O2 -I. $(pkg-config --cflags $libs) -o "$1/bare" \
			tests/bench/bare.c nat/*.c base/*.c $(pkg-config --libs $libs) -pthread)
}

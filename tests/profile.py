#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Another reader of wg-quick files, and of QR codes drawn with blocks: a witness for system tests.

usage: profile.py read FILE     one JSON object, lists sorted, names of keys in small letters
       profile.py blocks        standard input, a drawing of half blocks, as a PBM picture
"""
import configparser
import io
import json
import sys


def sections(text):
    """[Interface] and each [Peer], by configparser, which wants names that differ."""
    out, n = [], 0
    for line in text.splitlines():
        line = line.split("#")[0]
        if line.strip().lower() == "[peer]":
            n += 1
            line = f"[peer {n}]"
        out.append(line)
    parser = configparser.RawConfigParser(delimiters=("=",), strict=True)
    parser.read_file(io.StringIO("\n".join(out)))
    return parser


def value(key, text):
    if key in ("address", "allowedips", "dns"):
        return sorted(v.strip() for v in text.split(","))
    return text


def read(path):
    with open(path, encoding="utf-8") as f:
        parser = sections(f.read())
    everything = {name: {k: value(k, v) for k, v in parser[name].items()} for name in parser.sections()}
    peers = [v for name, v in everything.items() if name.startswith("peer ")]
    interface = {name.lower(): v for name, v in everything.items()}["interface"]
    print(json.dumps({"interface": interface, "peers": sorted(peers, key=lambda p: p["publickey"])}, sort_keys=True))


def blocks():
    upper, lower, scale = "\u2588\u2580", "\u2588\u2584", 4
    rows = []
    for line in io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8"):
        line = line.rstrip("\n")
        rows.append(["0" if c in upper else "1" for c in line])
        rows.append(["0" if c in lower else "1" for c in line])
    rows = rows[: len(rows[0])]  # the last line is half a one
    print(f"P1 {len(rows[0]) * scale} {len(rows) * scale}")
    for row in rows:
        for _ in range(scale):
            print(" ".join(" ".join([c] * scale) for c in row))


if __name__ == "__main__":
    if sys.argv[1:2] == ["read"] and len(sys.argv) == 3:
        read(sys.argv[2])
    elif sys.argv[1:] == ["blocks"]:
        blocks()
    else:
        sys.exit(__doc__)

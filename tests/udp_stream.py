#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbered UDP packets, to see whether any is lost while something else happens.

udp_stream.py echo PORT
    sends every packet back, with its sender's address behind it; prints "listening"
udp_stream.py stream ADDRESS PORT [new]
    sends to that, up to 32 ahead of the answers, from one socket, or each from a new one;
    prints "streaming" when the first is back; ends with its standard input, and prints how
    many were sent and lost, and the sender's address as it was seen there
"""
import select
import socket
import sys

AHEAD = 32
PATIENCE = 5  # seconds of silence; what is not back then is lost


def echo(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", port))
        print("listening", flush=True)
        while True:
            packet, sender = sock.recvfrom(64)
            sock.sendto(packet.split()[0] + b" " + sender[0].encode(), sender)


def new_socket(address, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((address, port))
    return sock


def stream(address, port, new):
    sock = new_socket(address, port)
    waiting, seen, sent, going = {}, set(), 0, True
    while going or waiting:
        while going and len(waiting) < AHEAD:
            if new:
                sock = new_socket(address, port)
            sock.send(b"%d" % sent)
            waiting[sent] = sock
            sent += 1
        ready = select.select([sys.stdin] * going + list(set(waiting.values())), [], [], PATIENCE)[0]
        if not ready and waiting:
            break
        for source in ready:
            if source is sys.stdin:
                going = False
                continue
            number, _, sender = source.recv(64).partition(b" ")
            if not seen:
                print("streaming", flush=True)
            seen.add(sender.decode())
            del waiting[int(number)]
            if new:
                source.close()
    print(f"{sent} sent, {len(waiting)} lost, from {' '.join(sorted(seen))}")


if sys.argv[1] == "echo":
    echo(int(sys.argv[2]))
else:
    stream(sys.argv[2], int(sys.argv[3]), sys.argv[4:] == ["new"])

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Going into a namespace of a lab for good, to execute a program there.
 */
#ifndef WARREN_LAB_ENTER_H
#define WARREN_LAB_ENTER_H

#include "lab/lab.h"

/*
 * lab_enter - put the calling process, which must have one thread, into the namespace of the
 * host or tenant @name, with a mount namespace of its own in which /sys shows that namespace's
 * interfaces, the files of /etc/netns/NAME cover those of /etc (resolv.conf …), as `ip netns
 * exec` has it, and /run/wireguard holds the sockets of that namespace's userspace tunnels, so that
 * `wg` finds them.  To be followed by execve(2).
 */
int lab_enter(const struct lab *l, const char *name, struct err *e);

#endif

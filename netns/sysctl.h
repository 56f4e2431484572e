/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network sysctls.  /proc/sys/net shows the namespace of the thread that opens it, so both
 * functions act in the calling thread's namespace (base/ns.h: ns_run()).
 *
 * Theory of operation.  In one instance of procfs, net/ipv4/ip_forward of every namespace is an
 * entry of the same name below the same folder: the kernel's cache of names keeps them all in one
 * chain and walks it, so the n-th namespace pays for n (0.02 ms for the first, 0.17 ms for the
 * thousandth).  Therefore a detached instance of our own is used, and a new one every some dozens
 * of settings; where it cannot be made (a container that masks /proc), /proc itself serves.
 */
#ifndef WARREN_NETNS_SYSCTL_H
#define WARREN_NETNS_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * sysctl_set - write @value.
 * @key: "net.ipv4.ip_forward" or "net/ipv4/conf/eth0.1/forwarding": the first separator decides
 *	 which one counts, as in sysctl(8).
 * -ENOENT: this kernel has no such setting.
 */
int sysctl_set(const char *key, const char *value, struct err *e);

/* sysctl_get - read into @buf of @size bytes, without the newline. */
int sysctl_get(const char *key, char *buf, size_t size, struct err *e);

/*
 * sysctl_path - what @key names, below /proc/sys: "net/ipv4/conf/eth0.1/forwarding".  Two keys with
 * one path are one setting.  -EINVAL: no key, or longer than @size bytes.
 */
int sysctl_path(const char *key, char *buf, size_t size);

/* sysctl_link - is the setting at @path that of a single link (net/FAMILY/conf/IF/…)?  Its name goes
 * to @name. */
bool sysctl_link(const char *path, char name[static 16]);

/* sysctl_view_end - a thread that has used the above calls this before it ends. */
void sysctl_view_end(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network sysctls.  /proc/sys/net shows the namespace of the thread that opens it, so both
 * functions act in the calling thread's namespace (base/ns.h: ns_run()).
 */
#ifndef WARREN_NETNS_SYSCTL_H
#define WARREN_NETNS_SYSCTL_H

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

#endif

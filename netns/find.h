/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a namespace still there, whatever its name?
 */
#ifndef WARREN_NETNS_FIND_H
#define WARREN_NETNS_FIND_H

#include <stdint.h>

#include "base/err.h"

/*
 * netns_is_alive - does a pinned name or a process hold the namespace whose cookie is @cookie?
 * Enters many namespaces: for helper threads, which it leaves in any of them.
 * Returns 1, 0 or -errno.  A namespace that only a file descriptor holds is not found.
 */
int netns_is_alive(uint64_t cookie, struct err *e);

#endif

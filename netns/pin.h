/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named network namespaces, pinned where `ip netns` looks for them.
 *
 * A name is an empty file in /run/netns with the namespace (nsfs) bind-mounted
 * over it.  Whoever makes one the way iproute2 does keeps every user's tools
 * working: `ip netns list`, `ip -n NAME …`, `ip netns exec NAME …`.
 * After iproute2's ip/ipnetns.c.
 */
#ifndef WARREN_NETNS_PIN_H
#define WARREN_NETNS_PIN_H

#include <stdbool.h>

#include "base/err.h"

#define NETNS_DIR "/run/netns"

/*
 * netns_dir_prepare - make /run/netns and make it a shared mount point, as `ip netns add` does:
 * a name that is removed in one mount namespace goes in all of them.
 * @ret_made: whether it was not such a mount point before; netns_dir_release() takes it back.
 */
int netns_dir_prepare(bool *ret_made, struct err *e);

/* netns_dir_is_mount - is /run/netns a mount point of its own? */
bool netns_dir_is_mount(void);

/* netns_dir_release - undo netns_dir_prepare(), if nobody has a name in there now. */
int netns_dir_release(struct err *e);

/*
 * netns_create_here - put the calling thread into a new, empty network namespace.
 * For helper threads only.  Returns an open descriptor of it or -errno.
 */
int netns_create_here(struct err *e);

/* netns_pin - give namespace @ns_fd the name @name.  -EEXIST: the name is taken. */
int netns_pin(const char *name, int ns_fd, struct err *e);

/* netns_unpin - take the name away; the namespace goes when nobody is in it any more.
 * A name that is not there is success. */
int netns_unpin(const char *name, struct err *e);

/* netns_exists - is there anything of that name, namespace or not? */
bool netns_exists(const char *name);

/*
 * netns_open - open the namespace named @name.
 * Returns a descriptor; -ENOENT: no such name; -EINVAL: a file, but no namespace on it.
 */
int netns_open(const char *name, struct err *e);

#endif

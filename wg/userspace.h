/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the userspace backend share.
 */
#ifndef WARREN_WG_USERSPACE_H
#define WARREN_WG_USERSPACE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/proc.h"

#define WIREGUARD_GO_MTU 1420 /* what wireguard-go sets when it starts, whatever it finds */

/*
 * hideaway_get - a mount namespace for wireguard-go, in which /run/wireguard is empty and its own.
 *
 * wireguard-go watches /run/wireguard/IF.sock and does not start without it, even when it is
 * handed its socket; it ends when that file is touched.  Two interfaces of one name in two
 * namespaces would share the file, and it would be left behind.  So all processes of this
 * backend live in a mount namespace where an empty tmpfs covers /run; it goes with the last of
 * them, and takes the files with it.  It is made once and used for all: a namespace for each
 * would be a copy of all mounts each time, and pinned namespaces are mounts.
 *
 * @ret_mnt_ns, @ret_dir: the namespace and its /run/wireguard; both stay ours.  Any thread.
 */
int hideaway_get(int *ret_mnt_ns, int *ret_dir, struct err *e);

/*
 * wg_userspace_calm - make wireguard-go @id survive whatever happens in its birth namespace; see
 * userspace_calm.c.  @elsewhere: its interface lives in another one.  Needs Linux 5.6 and the right
 * to ptrace(2) it; without, nothing is changed.  -ENOBUFS: it is too late.
 */
int wg_userspace_calm(const struct proc_id *id, int pidfd, bool elsewhere, struct err *e);

#endif

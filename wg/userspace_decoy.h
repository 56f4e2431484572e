/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TUN born at home, for a wireguard-go that looks it up elsewhere.
 *
 * wireguard-go looks for its TUN by name in the namespace it runs in, for an index to listen for
 * and an MTU to set; packets, and whether it is up, come from the descriptor.  So it is content
 * with any interface of that name: a decoy, which is a TUN of ours that is never raised and
 * answers to the names of those that are starting.  That saves the move of the real one, which
 * takes longer (20 ms, most of it waiting for grace periods) than all the rest.
 */
#ifndef WARREN_WG_USERSPACE_DECOY_H
#define WARREN_WG_USERSPACE_DECOY_H

#include "base/err.h"
#include "wg/device.h"

/*
 * decoy_add_name - let the decoy of @place->birth_ns, made when there is none, have the name
 * @place->ifname too.  -EEXIST: there is such an interface, or one that is starting.
 * It goes with this process.
 */
int decoy_add_name(const struct wg_place *place, struct err *e);

/* decoy_remove_name - the process has started. */
int decoy_remove_name(const struct wg_place *place, struct err *e);

#endif

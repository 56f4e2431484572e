/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the kernel's generic netlink family "wireguard": made and read, without a socket.
 * After linux/wireguard.h, which documents their layout.
 */
#ifndef WARREN_WG_KERNEL_MSG_H
#define WARREN_WG_KERNEL_MSG_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/nl.h"
#include "wg/device.h"

#define WG_FRAGMENT_BYTES ((size_t)16 * 1024) /* of a message: well below what a channel takes */

/*
 * wg_fragment - the WG_CMD_SET_DEVICE messages that make @config so, none longer than @max bytes.
 * @family: number of the family.  @max: at least 512.
 * @emit: called for each in turn, takes the message over; negative ends it and is returned.
 * The first message alone carries what belongs to the interface and the order to replace all
 * peers; the first that names a peer alone carries its settings and the order to replace its
 * allowed IPs.  So the messages, worked through one after the other, add up to one change.
 */
int wg_fragment(uint16_t family, const char *ifname, const struct wg_config *config, size_t max,
		int (*emit)(struct nl_msg *msg, void *arg, struct err *e), void *arg,
		struct err *e);

/*
 * wg_parse_device - add what a message of the answer to WG_CMD_GET_DEVICE says to @c.
 * A peer too long for one message goes on at the beginning of the next, under the same key.
 * @nlh: a message of the right family, its length checked.  -EPROTO: an attribute is malformed.
 */
int wg_parse_device(const struct nlmsghdr *nlh, struct wg_config *c, struct err *e);

#endif

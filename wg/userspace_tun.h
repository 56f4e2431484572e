/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TUN of a userspace WireGuard, from its birth to its home.
 */
#ifndef WARREN_WG_USERSPACE_TUN_H
#define WARREN_WG_USERSPACE_TUN_H

#include <net/if.h>

#include "base/err.h"
#include "wg/device.h"

/* how an interface comes to its home */
enum tun_way {
	TUN_IN_PLACE, /* home and birth namespace are the same: it has its name from the start */
	TUN_DECOY,    /* born at home while a decoy stands in for it; see userspace_decoy.h */
	TUN_MOVE,     /* born in the birth namespace under a name of its own, then moved */
};

struct tun {
	enum tun_way way;
	int fd;              /* the interface lives as long as somebody has it open */
	int ifindex;         /* in the namespace it is made in */
	char name[IFNAMSIZ]; /* there */
};

/*
 * tun_open - a TUN in @ns_fd, down.  @ifname NULL: a random name; @ifindex 0: the kernel's choice.
 * -EEXIST: the name is taken.
 */
int tun_open(int ns_fd, const char *ifname, uint32_t ifindex, struct tun *ret, struct err *e);

/* tun_create - the TUN of @place, wherever it is best born, raised. */
int tun_create(const struct wg_place *place, struct tun *ret, struct err *e);

/* tun_set_mtu - @rtnl: of the namespace it is in. */
int tun_set_mtu(struct chan *rtnl, int ifindex, uint32_t mtu, struct err *e);

/* tun_bring_home - now that its process is ready: as @place wants it, and up. */
int tun_bring_home(const struct wg_place *place, enum tun_way way, int ifindex, struct err *e);

#endif

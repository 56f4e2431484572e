/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A WireGuard interface, whoever implements it.
 *
 * Theory of operation.  An interface has a home, the namespace in which packets
 * enter and leave it, and a birth namespace, the underlay, in which its UDP
 * sockets live for good.  Two backends make one:
 *
 *   kernel     one RTM_NEWLINK on a socket of the birth namespace with the home
 *		as IFLA_NET_NS_FD: the device never was in the birth namespace, so
 *		its name clashes with nothing there.  Configured over genetlink.
 *   userspace  a TUN made in the birth namespace under a name of its own, given
 *		to a wireguard-go process, then moved to its home and renamed in
 *		one message.  Configured over its UAPI, on a unix socket of ours.
 */
#ifndef WARREN_WG_DEVICE_H
#define WARREN_WG_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/nl.h"
#include "base/proc.h"
#include "wg/key.h"

enum wg_kind { WG_KERNEL, WG_USERSPACE };

struct wg_peer {
	uint8_t public_key[WG_KEY_LEN];
	/* what is wanted (wg_set) and, unless marked, what is (wg_get) */
	bool remove;              /* wg_set: take this peer away */
	bool replace_allowed_ips; /* wg_set: these and no others */
	bool has_preshared_key;
	uint8_t preshared_key[WG_KEY_LEN];
	bool has_endpoint;
	struct ip_endpoint endpoint;
	bool has_keepalive;
	uint16_t keepalive; /* seconds, 0: off */
	struct ip_prefix *allowed_ips;
	size_t n_allowed_ips;
	/* wg_get only */
	int64_t latest_handshake; /* seconds since the epoch; 0: never */
	uint64_t rx_bytes, tx_bytes;
};

struct wg_config {
	bool has_private_key;
	uint8_t private_key[WG_KEY_LEN];
	uint8_t public_key[WG_KEY_LEN]; /* wg_get only; all zero: no key */
	bool has_listen_port;
	uint16_t listen_port; /* 0 in wg_set: the backend's choice */
	bool has_fwmark;
	uint32_t fwmark;
	bool replace_peers; /* wg_set: these peers and no others */
	struct wg_peer *peers;
	size_t n_peers;
};

/* where an interface is to be made */
struct wg_place {
	const char *ifname; /* in its home; at most 15 bytes */
	uint32_t ifindex;   /* in its home; 0: the kernel's choice (a userspace TUN ignores it) */
	uint32_t mtu;       /* bytes */
	int birth_ns;       /* open namespace: the underlay */
	int home_ns;        /* open namespace */
	struct chan *birth_rtnl; /* NETLINK_ROUTE channel of birth_ns; nothing queued */
	const char *uapi_path;   /* userspace: the unix socket to make */
	const char *log_path;    /* userspace: the process's output is appended; NULL: dropped */
};

/* where an interface is to be found */
struct wg_handle {
	enum wg_kind kind;
	const char *ifname;
	int home_ns;           /* kernel */
	const char *uapi_path; /* userspace */
};

/*
 * wg_kernel_available - can this kernel make WireGuard interfaces?  Found out by asking for the
 * genetlink family, which loads the module, in the caller's namespace.
 * Returns 0, or -errno with the reason in @e.
 */
int wg_kernel_available(struct err *e);

/* wg_userspace_available - is there a wireguard-go and /dev/net/tun?  Returns 0 or -errno. */
int wg_userspace_available(struct err *e);

/*
 * wg_kernel_create - make a kernel interface at @place: down, without a key.
 * Acts in @place->birth_ns (request) and @place->home_ns (device).  -EEXIST: the name is taken.
 */
int wg_kernel_create(const struct wg_place *place, struct err *e);

/*
 * wg_userspace_create - make a TUN, start wireguard-go on it, and move it home: there it is down.
 * The process is ready and its device is up in its own eyes, so that wg_set() reports a port
 * that is in use.  @record: see proc_start().  On failure nothing is left behind.
 */
int wg_userspace_create(const struct wg_place *place, struct proc_id *ret,
			int (*record)(const struct proc_id *id, void *arg, struct err *e),
			void *arg, struct err *e);

/*
 * wg_set - change an interface.  Only what @config has is changed; peers are added or updated by
 * their public key.  A large configuration goes in several messages (not atomic as a whole).
 * -EADDRINUSE: the port is taken in the birth namespace.
 */
int wg_set(const struct wg_handle *h, const struct wg_config *config, struct err *e);

/*
 * wg_get - read an interface.  *@ret is filled in and freed with wg_config_free().
 * -ENODEV: no such interface; -ECONNREFUSED or -ENOENT: its userspace process is gone.
 */
int wg_get(const struct wg_handle *h, struct wg_config *ret, struct err *e);

/* wg_config_free - frees what wg_get() filled in, not @c itself; keys are wiped. */
void wg_config_free(struct wg_config *c);

#endif

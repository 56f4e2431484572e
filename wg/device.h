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
 *   userspace  a TUN given to a wireguard-go process that runs in the birth
 *		namespace.  Configured over its UAPI, on a unix socket of ours.
 *		How the TUN comes to its home: see userspace.c.
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

#define WG_UAPI_DIR "/run/wireguard" /* where wg(8) looks for sockets of userspace interfaces */

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
	const char *ifname;      /* in its home; at most 15 bytes */
	uint32_t ifindex;        /* in its home; 0: the kernel's choice */
	uint32_t mtu;            /* bytes */
	int birth_ns;            /* open namespace: the underlay */
	int home_ns;             /* open namespace */
	struct chan *birth_rtnl; /* NETLINK_ROUTE channel of birth_ns; nothing queued */
	const char *uapi_path;   /* userspace: the unix socket to make */
	const char *log_path;    /* userspace: the process's output is appended; NULL: dropped */
	const char *mark;        /* userspace: an entry of the process's environment; or NULL */
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
 * genetlink family, which loads the module, and by making one in a throw-away namespace.
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
 * A userspace interface takes some milliseconds to be ready, most of which its process spends on
 * its own.  So it is made in two steps, between which others can be started: start does not wait.
 *
 * wg_userspace_start - make a TUN and start wireguard-go on it.
 * @record: see proc_start().  *@ret goes to wg_userspace_finish() or wg_userspace_abort().
 * On failure nothing is left behind.
 *
 * wg_userspace_finish - wait until the process is ready and its interface at home, and up there:
 * wireguard-go looks once a second whether it is up, and one that it finds down drops its
 * sockets until it looks again.  Its device is up in its own eyes, so that wg_set() reports a
 * port that is in use.  @place as it was for the start.  @b is freed in any case; on failure
 * process, interface and socket are gone.  -ENOBUFS: so much happened in the birth namespace that
 * the process would not have lived; another one may.
 *
 * wg_userspace_abort - end what was started.  NULL is allowed.
 *
 * The process holds on to the namespaces of its interface: they are not gone before it is ended,
 * with proc_end(), and then the socket at uapi_path is the caller's to unlink.
 *
 * More than about 100 of them need fs.inotify.max_user_instances above its default of 128.
 */
struct wg_birth;
int wg_userspace_start(const struct wg_place *place,
		       int (*record)(const struct proc_id *id, void *arg, struct err *e), void *arg,
		       struct wg_birth **ret, struct err *e);
int wg_userspace_finish(const struct wg_place *place, struct wg_birth *b, struct proc_id *ret,
			struct err *e);
void wg_userspace_abort(struct wg_birth *b);

/* wg_userspace_create - both steps. */
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

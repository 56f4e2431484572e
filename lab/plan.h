/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan: what has to be done, as data.
 *
 * Theory of operation.  plan_build() turns a model into a list of operations,
 * each a small change of one namespace, in the order in which they are to be
 * made; it touches nothing.  lab/apply.c carries a plan out, cmd/ prints it.
 * Interface numbers are part of the plan, so an operation can name a link that
 * does not exist yet.  The order makes a lab of n tenants cost n times one: all
 * that belongs to a namespace stands together (few sockets at a time), bridges
 * are raised when they have all their ports, and userspace tunnels are started
 * some dozens at a time and finished together, so that they get ready side by side.
 */
#ifndef WARREN_LAB_PLAN_H
#define WARREN_LAB_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "lab/model.h"
#include "netns/addr.h"
#include "netns/observe.h"

/*
 * A Linux bridge has 1,023 ports (BR_MAX_PORTS, net/bridge/br_private.h).  A gateway with more tenants
 * gets further bridges, each joined to the file's own by a veth pair whose end there is isolated: so
 * tenants on two of them reach each other no more than those on one.
 */
#define BRIDGE_PORTS 1023
#define BRIDGE_TENANTS \
	1000 /* on the file's own bridge: the rest is for the others, and for guests */
#define BRIDGE_UPLINKED (BRIDGE_PORTS - 1) /* tenants on each of the others */

/* kernels may put devices of their own (tunl0, sit0 …) into a new namespace: stay clear of them */
#define PLAN_FIRST_INDEX 16

enum backend { BACKEND_AUTO, BACKEND_KERNEL, BACKEND_USERSPACE, BACKEND_NONE };

/*
 * Units are what a change of a running lab is whole in: the segments, a host with its own links
 * and tunnels, a tenant.  Each has a namespace, and is called by its number.
 */
enum unit_kind { UNIT_NETWORKS, UNIT_HOST, UNIT_GATEWAY, UNIT_TENANT };

/* a namespace that the plan acts in */
struct plan_ns {
	const char *name;    /* NULL: the one the command runs in (host mode) */
	const char *subject; /* "host vpn-center", "tenant c00", "networks": for messages */
	enum unit_kind kind;
	const struct host *host;     /* that it is, or whose tenant it is; NULL: the segments */
	const struct tenant *tenant; /* that it is; NULL: none */
	uint64_t cookie; /* it is there already, and this one; 0: to be made, or not known yet */
	size_t last_op;  /* from this operation on it is not held open, only opened for one */
};

enum op_kind {
	OP_NETNS,        /* make and pin */
	OP_SYSCTL,       /* key = value */
	OP_BRIDGE,       /* make a bridge */
	OP_VETH,         /* make a pair, its ends in ns and peer_ns */
	OP_PORT,         /* put a link on a bridge and raise it */
	OP_ADDRESS,      /* add to a link */
	OP_LINK_UP,      /* raise */
	OP_ROUTE,        /* add */
	OP_TUNNEL_START, /* userspace: start the process */
	OP_TUNNEL,       /* make the interface (userspace: take it home) */
	OP_TUNNEL_SET,   /* key, port, peers */
	OP_NAPT,         /* the table */
	OP_FILE,         /* a file under /etc/netns/NAME */
	OP_RUN,          /* start a program and wait until it is ready */
	/* what only a change of a running lab needs */
	OP_MTU,         /* of a link */
	OP_LINK_DEL,    /* remove a link */
	OP_LINKS_DEL,   /* remove many, in one go */
	OP_ADDRESS_DEL, /* from a link */
	OP_ROUTE_DEL,
	OP_NAPT_DEL, /* our table */
	OP_UNDO,     /* take away what a record of the journal says */
	OP_KINDS
};

/* a tunnel as the plan knows it: of a plain host or of a tenant */
struct plan_tunnel {
	size_t number; /* its place in plan.tunnels */
	const struct ifname *ifname;
	size_t home, birth; /* indices into plan.ns */
	uint32_t index, mtu;
	const struct tunnel *tunnel; /* exactly one of these two */
	const struct tenant *tenant;
	const char *dir; /* below wg/: namespace name, for the UAPI socket */
};

/* what of a running tunnel is to be changed, and nothing else */
struct tunnel_change {
	bool private_key, listen_port, fwmark;
	bool release_port; /* let go of the port, which another tunnel is to have */
	struct peer_change {
		const struct peer *peer; /* NULL: remove the one with … */
		uint8_t public_key[KEY_LEN];
		bool preshared_key, endpoint, allowed_ips, keepalive;
	} * peers;
	size_t n_peers;
};

struct op {
	enum op_kind kind;
	size_t ns;          /* index into plan.ns: where it acts */
	size_t unit;        /* index into plan.ns: what it is part of */
	const char *ifname; /* the link it is about; NULL: none */
	uint32_t index;     /* that link's number; 0: look it up by its name */
	union {
		struct {
			const char *key;
			const char *value; /* NULL: as in a new namespace */
			bool append;       /* to what is there, with a comma */
		} sysctl;
		struct {
			const char *full; /* the file's name for it, or NULL */
			uint32_t mtu;
		} bridge;
		struct {
			size_t peer_ns;
			const char *peer;
			uint32_t peer_index, mtu;
		} veth;
		struct {
			const char *full; /* the file's name for the link */
			const char *bridge;
			uint32_t bridge_index;
			bool isolated;
			bool pooled; /* a tenant's: any bridge of its gateway will do */
			bool move;   /* it is on another bridge now */
			bool there;  /* the link is not new: it may be isolated */
		} port;
		struct {
			const char *full; /* a veth's end: the file's name for it; else NULL */
			uint32_t mtu;     /* 0: leave it */
			bool ipv6;        /* with a link-local address */
		} up;
		struct ip_prefix address;
		struct {
			struct route_spec route;
			bool replace_route; /* the one to the same prefix, with the same metric */
		};
		struct {
			const struct plan_tunnel *tunnel;
			const struct tunnel_change *change; /* OP_TUNNEL_SET; NULL: all of it */
		};
		struct {
			const struct host *host;     /* napt: of a plain host */
			const struct tenant *tenant; /* or a tenant */
			bool replace;                /* what is there */
		} napt;
		struct {
			const char *path, *text;
			bool replace; /* what is there */
		} file;
		const struct run *run;
		uint32_t mtu; /* OP_MTU: bytes */
		struct {
			uint32_t *indices;
			size_t *units; /* whose they are */
			size_t n;
		} links; /* OP_LINKS_DEL */
		struct {
			unsigned int record; /* its number in the journal */
			const char *what;    /* "namespace c17": for people */
		} undo;
	};
};

struct plan {
	struct arena *arena;
	const struct topology *topology;
	enum backend backend; /* never BACKEND_AUTO */
	struct plan_ns *ns;
	size_t n_ns;
	struct plan_tunnel **tunnels;
	size_t n_tunnels;
	struct op *ops;
	size_t n_ops;
	bool by_units;        /* the operations of a unit stand together */
	bool here;            /* host mode: ns[0] is the caller's own namespace … */
	uint32_t first_index; /* … and links below this number were there before */
};

struct plan_options {
	enum backend backend;           /* resolved */
	const struct host *host;        /* host mode: this one only; NULL: all, as namespaces */
	const struct links_seen *links; /* host mode: what is in the caller's namespace */
	uint32_t first_index;           /* host mode: interface numbers from here on */
};

/*
 * plan_build - the operations that make @t on a machine where nothing of it is there yet.
 * Pure.  *@ret is freed with plan_free() and borrows from @t.
 * -ENODEV: host mode, and an underlay interface is missing; -ENOMEM.
 */
int plan_build(const struct topology *t, const struct plan_options *o, struct plan **ret,
	       struct err *e);
void plan_free(struct plan *p);

/* op_describe - one line for people, without its newline: "address 100.64.0.20/24 on eth0". */
void op_describe(const struct plan *p, const struct op *op, FILE *out);

/*
 * plan_run_mark - what marks the processes of program @run in the namespace with @cookie, as an
 * entry of their environment: "WARREN_RUN=LAB.COOKIE.HASH".  The same for the same program, whatever
 * else stands in the file.
 */
const char *plan_run_mark(const struct topology *t, uint64_t cookie, const struct run *run,
			  char buf[static 128]);

/* op_kind_name - "namespace", "address" …: the word that JSON output uses. */
const char *op_kind_name(enum op_kind kind);

/*
 * plan_altname - the alternative name that marks @ifname as this lab's: "IF.LAB.warren".  What tells it from
 * others comes first: the kernel's table of names looks at 16 bytes only (dev_name_hash() in
 * net/core/dev.c), and puts all that begin alike into one chain.
 */
const char *plan_altname(const struct topology *t, const char *ifname,
			 char buf[static ALT_NAME_MAX + 1]);

#endif

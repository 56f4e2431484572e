/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the difference: what its parts share.  Only lab/diff*.c include this.
 */
#ifndef WARREN_LAB_DIFF_BUILD_H
#define WARREN_LAB_DIFF_BUILD_H

#include "base/table.h"
#include "lab/diff.h"

/* when in its unit an operation has its turn */
enum stage { STAGE_CLEAR, STAGE_MAKE, STAGE_TIDY, STAGE_END };

struct staged {
	struct op op;
	enum stage stage;
	bool late; /* others stand on it: when all units have had their turn */
	size_t seq;
};

struct diff {
	const struct diff_input *in;
	struct arena *arena; /* of the result's plan */
	struct plan *p;      /* the result */
	struct staged *ops;
	size_t n_ops;
	struct change *changes;
	size_t n_changes;
	struct table want_keys, had_keys, gone_links;
	struct table ipv6_anew;    /* links that lose what they are told about IPv6 in the course */
	struct table bare_links;   /* "NS IF" of those that lose their last IPv4 address */
	struct table last_sysctls; /* "NS PATH": the last of the operations that set it */
	struct table made_links;   /* "NS IF" of those that the plan makes, and their numbers */
	/* per namespace, per operation: a list of its addresses; n_ops of the plan ends it */
	size_t *first_address, *next_address;
	bool *disturbed;        /* per namespace: a setting was written that changes others */
	bool *is_set;           /* per wanted operation: a setting that will be written */
	struct table wanted_ns; /* names of the wanted namespaces */
	bool *is_new;           /* per namespace: it is made from nothing */
	bool *anew;             /* per tunnel: it is made, for the first time or again */
	size_t *far_ends; /* per namespace: place, from 1, of the op that removes ends there */
	bool no_memory;
};

/* diff.c */
struct op *diff_emit(struct diff *d, const struct op *like, enum stage stage);
struct change *diff_say(struct diff *d, char sign, size_t unit, const char *object);
const char *diff_words(struct diff *d, const struct plan *p, const struct op *op);
const char *diff_printf(struct diff *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* is the unit to be left alone? */
bool diff_skips(const struct diff *d, const struct plan *p, size_t unit);
/* does unit @a have its turn before unit @b? */
bool diff_is_before(const struct diff *d, size_t a, size_t b);
/* was @op's object wanted before? */
bool diff_had(struct diff *d, const struct plan *p, const struct op *op);
/* what tells an object from all others: "address c00 eth0 10.0.0.1/24" */
const char *op_key(const struct plan *p, const struct op *op, char *buf, size_t size);
/* a link that goes in the course of this, and what hangs on it with it */
void diff_link_goes(struct diff *d, size_t ns, const char *name);
bool diff_is_gone(const struct diff *d, size_t ns, const char *name);
void diff_undo(struct diff *d, size_t ns, unsigned int record, enum stage stage, const char *what);
const struct ns_seen *diff_ns(const struct diff *d, size_t ns);

/* diff_numbers.c */
/* does the plan make a link of this name? */
bool diff_makes_link(const struct diff *d, size_t ns, const char *name);
int diff_settle_ports(struct diff *d);
int diff_renumber(struct diff *d);

/* diff_sysctl.c */
int diff_sysctls_begin(struct diff *d);
void diff_sysctl(struct diff *d, size_t i);
/* settings that others have changed along with themselves are written again; when all else is done */
void diff_sysctls_end(struct diff *d);
/* one that is not wanted any more; says whether there is anything to do */
bool diff_sysctl_goes(struct diff *d, const struct op *op, size_t ns, size_t unit);
/* what two keys have in common that are one setting */
const char *sysctl_setting(const char *key, char *buf, size_t size);

/* diff_links.c: links, addresses, routes.  Each says what is to be done for a wanted operation. */
int diff_link_op(struct diff *d, const struct op *op, struct err *e);
void diff_mtu(struct diff *d, const struct op *op, size_t ns, const char *ifname,
	      const struct link_seen *l, uint32_t mtu);
/* what metric a route has, also where the file names none */
uint32_t diff_metric(const struct route_spec *r);
/* an address goes, and with it perhaps routes that are wanted; these are made again at the end */
void diff_address_goes(struct diff *d, const struct op *del);
void diff_routes_end(struct diff *d);
bool diff_is_ipv6_anew(const struct diff *d, size_t ns, const char *name);

/* diff_tunnel.c */
int diff_tunnel(struct diff *d, const struct op *op, struct err *e);
void diff_tunnel_set(struct diff *d, const struct op *op);

/* diff_gone.c: what was wanted before, and is not any more */
void diff_gone(struct diff *d);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of apply: what its parts share.  Only lab/apply*.c include this.
 */
#ifndef WARREN_LAB_APPLY_OPS_H
#define WARREN_LAB_APPLY_OPS_H

#include <stdbool.h>

#include "base/nl.h"
#include "lab/apply.h"

/* a namespace while the plan needs it */
struct apply_ns {
	int fd;            /* -1: not made yet, or done with */
	struct chan *rtnl; /* NULL likewise */
	uint64_t cookie;
};

struct apply {
	const struct plan *plan;
	struct journal *journal;
	const struct store *store;
	const struct apply_hooks *hooks;
	struct apply_timing *timing;
	struct apply_ns *ns;        /* as plan->ns */
	size_t at;                  /* operation under way */
	size_t current;             /* namespace of this thread; plan->n_ns: the caller's */
	struct chan *pending;       /* channel with queued requests, or NULL */
	double charged;             /* seconds of this operation that are accounted for already */
	uint32_t group;             /* host mode: of the links whose other end is elsewhere */
	int here;                   /* the caller's namespace */
	struct undo *undo;          /* for OP_UNDO; NULL until the first */
	struct wg_birth **starting; /* as plan->tunnels: userspace tunnels on their way */
};

/* apply_core.c */
int apply_enter(struct apply *a, size_t ns, struct err *e);
/* makes sure that a->ns[@ns].rtnl is open */
int apply_chan(struct apply *a, size_t ns, struct err *e);
/* makes sure that a->ns[@ns].fd is open */
int apply_open(struct apply *a, size_t ns, struct err *e);
int apply_flush(struct apply *a, struct err *e);
/* puts "tenant c17: address 100.64.0.20/24 on eth0: " before the error */
int apply_wrap(const struct apply *a, const struct op *op, struct err *e);
/* is namespace @ns the caller's own, in which every object needs a record? */
bool apply_is_here(const struct apply *a, size_t ns);
int apply_record(struct apply *a, enum record_kind kind, uint64_t number, uint32_t index,
		 const char *text, struct err *e);

/* the object of the last record could not be made, because there was one already: not ours */
int apply_unrecord(struct apply *a, struct err *e);

/* apply_links.c: everything that is a queue of rtnetlink requests */
bool op_is_link(const struct op *op);
int apply_link_op(struct apply *a, const struct op *op, struct err *e);
/* queues the alternative names of the link that @op is about, in namespace @ns */
int apply_altnames(struct apply *a, size_t ns, const struct op *op, const char *full,
		   struct err *e);

/* apply_things.c, apply_tunnels.c: the rest */
int apply_netns(struct apply *a, const struct op *op, struct err *e);
int apply_sysctl(struct apply *a, const struct op *op, struct err *e);
int apply_tunnel_start(struct apply *a, const struct op *op, struct err *e);
int apply_tunnel(struct apply *a, const struct op *op, struct err *e);
int apply_tunnel_set(struct apply *a, const struct op *op, struct err *e);
int apply_napt(struct apply *a, const struct op *op, struct err *e);
int apply_file(struct apply *a, const struct op *op, struct err *e);
/* makes a folder that is not there yet, and writes it down */
int apply_folder(struct apply *a, const char *path, struct err *e);
int apply_run(struct apply *a, const struct op *op, struct err *e);
int apply_napt_del(struct apply *a, const struct op *op, struct err *e);
int apply_undo(struct apply *a, const struct op *op, struct err *e);
/* gives up on userspace tunnels that were started and not finished */
void apply_tunnels_abandon(struct apply *a);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations on WireGuard interfaces, for both backends. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "lab/apply_ops.h"
#include "lab/tunnel.h"
#include "wg/device.h"

#define NEW_TRIES 5

/* paths of a userspace tunnel's socket and log below the lab's folder */
struct paths {
	char folder[256], uapi[320], log[320], mark[256];
};

static void paths_of(const struct apply *a, const struct plan_tunnel *k, struct paths *p)
{
	snprintf(p->folder, sizeof(p->folder), "%s/wg/%s", a->store->dir, k->dir);
	snprintf(p->uapi, sizeof(p->uapi), "%s/%s.sock", p->folder, k->ifname->name);
	snprintf(p->log, sizeof(p->log), "%s/%s.log", p->folder, k->ifname->name);
	snprintf(p->mark, sizeof(p->mark), TUNNEL_MARK "%s/%s/%s", a->plan->topology->name, k->dir,
		 k->ifname->name);
}

/* both namespaces, where they are not open yet */
static int open_place(struct apply *a, const struct plan_tunnel *k, struct err *e)
{
	int r = apply_chan(a, k->birth, e);

	return !r ? apply_open(a, k->home, e) : r;
}

static struct wg_place place_of(const struct apply *a, const struct plan_tunnel *k,
				const struct paths *p)
{
	return (struct wg_place){.ifname = k->ifname->name,
				 .ifindex = k->index,
				 .mtu = k->mtu,
				 .birth_ns = a->ns[k->birth].fd,
				 .home_ns = a->ns[k->home].fd,
				 .birth_rtnl = a->ns[k->birth].rtnl,
				 .uapi_path = p->uapi,
				 .log_path = p->log,
				 .mark = p->mark};
}

struct birth_record {
	struct apply *a;
	const struct plan_tunnel *k;
};

static int record_process(const struct proc_id *id, void *arg, struct err *e)
{
	const struct birth_record *b = arg;
	char text[128];

	snprintf(text, sizeof(text), TUNNEL_PROCESS "%s/%s", b->k->dir, b->k->ifname->name);
	return apply_record(b->a, REC_PROCESS, id->start, (uint32_t)id->pid, text, e);
}

int apply_tunnel_start(struct apply *a, const struct op *op, struct err *e)
{
	struct paths p;
	struct birth_record b = {a, op->tunnel};
	struct wg_place place;
	int r;

	paths_of(a, op->tunnel, &p);
	r = open_place(a, op->tunnel, e);
	if (r < 0)
		return r;
	place = place_of(a, op->tunnel, &p);
	/* `warren exec` lays the sockets over it, for wg(8) to find them */
	r = apply_folder(a, WG_UAPI_DIR, e);
	if (!r)
		r = io_mkdir_p(p.folder, 0700, e);
	if (r < 0)
		return r;
	/* of a run that was killed, and whose process has been ended since */
	(void)unlink(p.uapi);
	return wg_userspace_start(&place, record_process, &b, &a->starting[op->tunnel->number], e);
}

/* one that was started beside many others may have missed something: then once more, by itself */
static int finish_userspace(struct apply *a, const struct op *op, const struct wg_place *place,
			    struct err *e)
{
	struct wg_birth **b = &a->starting[op->tunnel->number];
	struct proc_id id;
	int r = wg_userspace_finish(place, *b, &id, e);

	*b = NULL;
	for (int i = 0; i < NEW_TRIES && r == -ENOBUFS; i++) {
		*e = (struct err)ERR_INIT;
		r = apply_tunnel_start(a, op, e);
		if (!r)
			r = wg_userspace_finish(place, *b, &id, e);
		*b = NULL;
	}
	return r;
}

int apply_tunnel(struct apply *a, const struct op *op, struct err *e)
{
	const struct plan_tunnel *k = op->tunnel;
	struct wg_place place;
	struct paths p;
	int r = 0;

	paths_of(a, k, &p);
	r = open_place(a, k, e);
	if (r < 0)
		return r;
	place = place_of(a, k, &p);
	if (apply_is_here(a, k->home))
		r = apply_record(a, REC_LINK, a->ns[k->home].cookie, k->index, k->ifname->name, e);
	if (r < 0)
		return r;
	r = a->plan->backend == BACKEND_KERNEL ? wg_kernel_create(&place, e)
					       : finish_userspace(a, op, &place, e);
	return !r ? apply_altnames(a, k->home, op, k->ifname->full, e) : r;
}

int apply_tunnel_set(struct apply *a, const struct op *op, struct err *e)
{
	const struct plan_tunnel *k = op->tunnel;
	struct wg_handle h = {.ifname = k->ifname->name};
	struct wg_config c = {0};
	struct paths p;
	int r;

	paths_of(a, k, &p);
	h.uapi_path = p.uapi;
	h.kind = a->plan->backend == BACKEND_KERNEL ? WG_KERNEL : WG_USERSPACE;
	r = h.kind == WG_KERNEL ? apply_open(a, k->home, e) : 0;
	if (!r)
		r = apply_open(a, k->birth, e); /* endpoints that are names are looked up there */
	h.home_ns = a->ns[k->home].fd;
	if (!r)
		r = op->change ? tunnel_change_config(k, op->change, a->ns[k->birth].fd, &c, e)
			       : tunnel_config(k, a->ns[k->birth].fd, &c, e);
	if (r < 0)
		return r;
	r = wg_set(&h, &c, e);
	if (r == -EADDRINUSE)
		err_hint(e,
			 "another program listens on UDP port %u there: choose another "
			 "listen_port, or stop it",
			 c.listen_port);
	wg_config_free(&c);
	return r;
}

void apply_tunnels_abandon(struct apply *a)
{
	for (size_t i = 0; i < a->plan->n_tunnels; i++) {
		wg_userspace_abort(a->starting[i]);
		a->starting[i] = NULL;
	}
}

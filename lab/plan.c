/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lab/names.h"
#include "lab/plan_build.h"

const char *plan_altname(const struct topology *t, const char *ifname,
			 char buf[static ALT_NAME_MAX + 1])
{
	snprintf(buf, ALT_NAME_MAX + 1, "%s.%s.warren", ifname, t->name);
	return buf;
}

const char *plan_run_mark(const struct topology *t, uint64_t cookie, const struct run *run,
			  char buf[static 128])
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a: a name, nothing that must be secret */

	for (const char *const *a = run->argv; *a; a++) {
		const char *c = *a;

		do
			hash = (hash ^ (unsigned char)*c) * 1099511628211u;
		while (*c++);
	}
	snprintf(buf, 128, "WARREN_RUN=%s.%" PRIu64 ".%016" PRIx64 ".%u", t->name, cookie, hash,
		 run->number);
	return buf;
}

/* --- networks ----------------------------------------------------------------------- */

/* one namespace of the lab's own holds a bridge for each segment */
static void build_networks(struct build *b)
{
	const struct topology *t = b->p->topology;

	b->networks_ns = build_ns(b, arena_printf(b->p->arena, "%s-networks", t->name),
				  UNIT_NETWORKS, NULL, NULL);
	b->unit = b->networks_ns;
	build_op(b, OP_NETNS, b->networks_ns);
	for (size_t i = 0; i < t->n_networks; i++) {
		struct ifname *name = arena_alloc(b->p->arena, sizeof(*name));
		struct op *op;

		if (!name) {
			b->no_memory = true;
			return;
		}
		name->full = t->networks[i].name;
		if (strlen(name->full) <= IF_NAME_MAX && name_is_interface(name->full))
			snprintf(name->name, sizeof(name->name), "%s", name->full);
		else
			build_segment_name(
				b, name,
				arena_printf(b->p->arena, "%s.network", t->networks[i].name));
		name->full = t->networks[i].name;
		op = build_op(b, OP_BRIDGE, b->networks_ns);
		op->ifname = name->name;
		op->index = build_index(b, b->networks_ns);
		op->bridge.full = name->full;
		op->bridge.mtu = t->networks[i].mtu;
		b->networks[i] = (struct known_if){name->name, op->index};
	}
}

static void raise_networks(struct build *b)
{
	const struct topology *t = b->p->topology;

	b->unit = b->networks_ns;
	for (size_t i = 0; i < t->n_networks; i++)
		build_link_up(b, b->networks_ns, b->networks[i].name, b->networks[i].index, 0,
			      false);
}

/* --- the whole ----------------------------------------------------------------------- */

static size_t count_ns(const struct topology *t)
{
	size_t n = 1 + t->n_hosts;

	for (size_t i = 0; i < t->n_hosts; i++)
		n += t->hosts[i].gateway ? t->hosts[i].gateway->n_tenants : 0;
	return n;
}

/*
 * Keys and peers come when packets can flow: a peer with a keepalive shakes hands at once, and
 * tries again five seconds later only.  The namespaces are opened once more for it.
 */
static void build_tunnels_set(struct build *b)
{
	for (size_t i = 0; i < b->p->n_tunnels && !b->no_memory; i++) {
		const struct plan_tunnel *k = b->p->tunnels[i];
		size_t last = b->p->ns[k->home].last_op;

		b->unit = k->home;
		build_tunnel_op(b, OP_TUNNEL_SET, k);
		b->p->ns[k->home].last_op = last;
	}
}

static int build_window(struct build *b, size_t first, size_t end, struct err *e)
{
	int r = 0;

	for (size_t i = first; i < end && !r; i++)
		r = build_host(b, i, e);
	for (size_t i = first; i < end && !r; i++)
		build_host_rest(b, i);
	return r;
}

static int build_all(struct build *b, struct err *e)
{
	const struct topology *t = b->p->topology;
	const struct host *only = b->o->host;
	size_t first = only ? (size_t)(only - t->hosts) : 0;
	size_t end = only ? first + 1 : t->n_hosts;
	int r = 0;

	if (!only && t->n_networks)
		build_networks(b);
	for (size_t i = first; i < end && !r && !b->no_memory; i += TUNNEL_WINDOW)
		r = build_window(b, i, i + TUNNEL_WINDOW < end ? i + TUNNEL_WINDOW : end, e);
	if (!only && t->n_networks)
		raise_networks(b);
	build_tunnels_set(b);
	for (size_t i = first; i < end && !r; i++)
		build_host_runs(b, i);
	return r;
}

int plan_build(const struct topology *t, const struct plan_options *o, struct plan **ret,
	       struct err *e)
{
	struct arena *arena = arena_new(0);
	struct plan *p = arena ? arena_alloc(arena, sizeof(*p)) : NULL;
	struct build b = {.p = p, .o = o};
	size_t n = count_ns(t);
	int r;

	if (!p) {
		arena_free(arena);
		return err_code(e, ENOMEM, "plan");
	}
	*p = (struct plan){.arena = arena,
			   .topology = t,
			   .backend = o->backend,
			   .here = o->host != NULL,
			   .first_index = o->first_index};
	p->ns = arena_alloc(arena, n * sizeof(*p->ns));
	b.next_index = arena_alloc(arena, n * sizeof(*b.next_index));
	b.networks = arena_alloc(arena, (t->n_networks + 1) * sizeof(*b.networks));
	b.hosts = arena_alloc(arena, t->n_hosts * sizeof(*b.hosts));
	b.no_memory = !p->ns || !b.next_index || !b.networks || !b.hosts;
	r = b.no_memory ? -ENOMEM : build_all(&b, e);
	table_free(&b.port_names);
	if (b.no_memory)
		r = err_code(e, ENOMEM, "plan");
	if (r < 0) {
		plan_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void plan_free(struct plan *p)
{
	if (p)
		arena_free(p->arena);
}

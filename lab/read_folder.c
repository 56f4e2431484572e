/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tenants that have files of their own, in a topology's folder (lab/bundle.h).
 *
 * Theory of operation.  When the topology file has been read, it is known which hosts are gateways;
 * the entries of each file are then read as if they stood there under `tenants`.  In which file a
 * tenant is must make no difference to the lab, so those of a gateway are sorted by name in the
 * end, behind the ones of the topology file, and the references that were written down meanwhile
 * follow them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/resolve.h"

struct filing {
	struct load *ld;
	size_t first, second; /* hosts with a gateway; NOT_FOUND: none */
	struct table hosts;   /* by name: index */
	struct table tenants; /* by host and name: where it stands, a const struct src * */
	size_t **moved;       /* for each host: from a tenant's index to its sorted one; or NULL */
	/* the file being read */
	const struct bundle_file *file;
	struct gateway *gateway;
};

/* --- tenants that are there already ------------------------------------------------------------ */

/* false: it is there, at *@ret_old, or memory is short */
static bool enter(struct filing *f, size_t host, const char *name, const struct src *src,
		  const struct src **ret_old)
{
	char *key = arena_printf(f->ld->work, "%zu/%s", host, name);
	size_t old = 0;
	int added = key ? table_add_str(&f->tenants, key, src_value(src), &old) : -ENOMEM;

	*ret_old = NULL;
	if (added < 0)
		too_big(f->ld, *src);
	else if (!added)
		*ret_old = src_from(old);
	return added > 0;
}

static void start(struct filing *f, struct load *ld)
{
	const struct topology *t = ld->t;
	const struct src *old;

	*f = (struct filing){.ld = ld, .first = NOT_FOUND, .second = NOT_FOUND};
	f->moved = arena_alloc(ld->work, (t->n_hosts + 1) * sizeof(*f->moved));
	if (!f->moved)
		too_big(ld, (struct src){.line = 1, .column = 1});
	/* the array of tenants will grow elsewhere; what it was stays, as arenas forget nothing */
	for (size_t i = 0; i < t->n_hosts && !ld->stop; i++) {
		const struct gateway *g = t->hosts[i].gateway;

		if (table_add_str(&f->hosts, t->hosts[i].name, i, NULL) < 0)
			too_big(ld, t->hosts[i].src);
		if (!g)
			continue;
		if (f->first == NOT_FOUND)
			f->first = i;
		else if (f->second == NOT_FOUND)
			f->second = i;
		for (size_t k = 0; k < g->n_tenants && !ld->stop; k++)
			enter(f, i, g->tenants[k].name, &g->tenants[k].src, &old);
	}
}

/* --- whose tenants they are ----------------------------------------------------------------------- */

/* the host that tenants.d/HOST/NAME.yaml names */
static size_t named_host(struct filing *f, struct src at)
{
	const struct topology *t = f->ld->t;
	const char *name = f->file->host;
	size_t host;

	if (!table_get_str(&f->hosts, name, &host)) {
		diag(f->ld, at, "there is no host `%s` for the folder " BUNDLE_TENANTS "/%s%s",
		     show(name).s, show(name).s,
		     nearest(f->ld, name, t->hosts, t->n_hosts, sizeof(*t->hosts),
			     offsetof(struct host, name), " (add it to `hosts`)")
			     .s);
		return NOT_FOUND;
	}
	if (t->hosts[host].gateway)
		return host;
	diag(f->ld, at, "host `%s` has no tenants (give it a `gateway`)", show(name).s);
	return NOT_FOUND;
}

static size_t only_host(struct filing *f, struct src at)
{
	const struct host *hosts = f->ld->t->hosts;

	if (f->first == NOT_FOUND)
		diag(f->ld, at, "no host has tenants (give one a `gateway`)");
	else if (f->second != NOT_FOUND)
		diag(f->ld, at,
		     "`%s` and `%s` are gateways: whose tenants are these? (move the file to "
		     "" BUNDLE_TENANTS "/%s/ or the like)",
		     show(hosts[f->first].name).s, show(hosts[f->second].name).s,
		     show(hosts[f->first].name).s);
	else
		return f->first;
	return NOT_FOUND;
}

/* --- reading -------------------------------------------------------------------------------------- */

static void read_filed(struct load *ld, const char *name, const struct node *key,
		       const struct node *value, void *obj)
{
	struct filing *f = obj;
	struct src at = src_of(key), *kept = arena_alloc(ld->work, sizeof(*kept));
	const struct src *old;

	if (!kept) {
		too_big(ld, at);
		return;
	}
	*kept = at;
	if (enter(f, ld->host, name, kept, &old))
		read_tenant(ld, name, key, value, f->gateway);
	else if (old)
		diag(ld, at, "tenant `%s` is given twice (%s has it; take one out)", show(name).s,
		     where(ld, at, old).s);
}

static void read_file(struct load *ld, const struct node *top, void *obj)
{
	struct filing *f = obj;
	struct src at = src_of(top);
	size_t host = f->file->host ? named_host(f, at) : only_host(f, at);

	if (host == NOT_FOUND)
		return;
	if (top->kind != NODE_MAP) {
		diag(ld, at, "a file of tenants has to be a mapping (lines of `TENANT: …`)");
		return;
	}
	ld->key = "tenants";
	ld->host = host;
	f->gateway = ld->t->hosts[host].gateway;
	ld->filed = true;
	read_named(ld, top, read_filed, f);
	ld->filed = false;
	ld->key = NULL;
}

/* --- sorting ----------------------------------------------------------------------------------------- */

struct sorting {
	struct tenant tenant;
	size_t was;
};

/* by name, numbers in it by their value: c2 before c10 */
static int by_name(const void *a, const void *b)
{
	const struct sorting *x = a, *y = b;
	int order = strverscmp(x->tenant.name, y->tenant.name);

	return order ? order : strcmp(x->tenant.name, y->tenant.name);
}

/* the tenants of @host from the @first on; where each went, to *@ret_moved */
static void sort_tenants(struct load *ld, size_t host, size_t first, size_t **ret_moved)
{
	struct gateway *g = ld->t->hosts[host].gateway;
	size_t n = g->n_tenants - first;
	struct sorting *v = n ? calloc(n, sizeof(*v)) : NULL;
	size_t *moved = v ? arena_alloc(ld->work, g->n_tenants * sizeof(*moved)) : NULL;

	if (n && !moved)
		too_big(ld, g->src);
	for (size_t i = 0; moved && i < n; i++)
		v[i] = (struct sorting){.tenant = g->tenants[first + i], .was = first + i};
	if (moved)
		qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 0; moved && i < first; i++)
		moved[i] = i;
	for (size_t i = 0; moved && i < n; i++) {
		g->tenants[first + i] = v[i].tenant;
		moved[v[i].was] = first + i;
	}
	*ret_moved = moved;
	free(v);
}

static void sort_all(struct filing *f)
{
	struct load *ld = f->ld;

	for (size_t i = 0; i < ld->n_pools && !ld->stop; i++)
		sort_tenants(ld, ld->pools[i].host, ld->pools[i].n_inline,
			     &f->moved[ld->pools[i].host]);
	for (size_t i = 0; i < ld->n_refs && !ld->stop; i++) {
		struct ref *ref = &ld->refs[i];
		const size_t *moved = ref->owner == NOT_A_TENANT ? NULL : f->moved[ref->host];

		if (moved)
			ref->owner = moved[ref->owner];
	}
}

int read_folder(struct load *ld)
{
	struct filing f;
	/* after an error of YAML nobody knows which gateways there are */
	bool known = ld->t->hosts;
	int r = 0;

	start(&f, ld);
	for (unsigned int i = 1; i < ld->files.n && !ld->stop && r != -ENOMEM; i++) {
		int q;

		f.file = &ld->files.files[i];
		q = read_tree(ld, i, " (it has lines of `TENANT: …`; one without tenants has {})",
			      known ? read_file : NULL, &f);
		r = r == 0 || q == -ENOMEM ? q : r;
	}
	if (!ld->stop)
		sort_all(&f);
	table_free(&f.hosts);
	table_free(&f.tenants);
	return r;
}

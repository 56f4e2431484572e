/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "lab/change_core.h"
#include "lab/diff_units.h"
#include "lab/lease.h"
#include "lab/load.h"
#include "lab/preflight.h"

/* --- the plans ---------------------------------------------------------------------------- */

static const struct host *find_host(const struct topology *t, const char *name)
{
	for (size_t i = 0; name && i < t->n_hosts; i++)
		if (!strcmp(t->hosts[i].name, name))
			return &t->hosts[i];
	return NULL;
}

static int no_host(const char *name, struct err *e)
{
	err_set(e, ENOENT, "the file has no host `%s`", name);
	return err_kind_set(e, ERR_INVALID);
}

/*
 * Host mode: the interfaces that are there, as if they were down and had no addresses, so that the
 * plan has all that is wanted of them; what is there already is found out by comparing.
 */
static int links_here(struct links_seen *ret, struct err *e)
{
	struct chan *c;
	int r = chan_open_here(NETLINK_ROUTE, &c, e);

	if (r < 0)
		return r;
	r = links_observe(c, ret, e);
	chan_close(c);
	for (size_t i = 0; !r && i < ret->n; i++) {
		ret->v[i].n_addresses = 0;
		ret->v[i].up = false;
	}
	return r;
}

int change_build(const struct comparison *c, const struct topology *t, const char *host,
		 enum backend backend, struct plan **ret, struct err *e)
{
	struct plan_options po = {.backend = backend, .host = find_host(t, host)};
	struct links_seen links = {0};
	int r = 0;

	if (host && !po.host)
		return no_host(host, e);
	if (host) {
		r = links_here(&links, e);
		po.links = &links;
		po.first_index = c->lab.meta.first_index;
	}
	if (!r)
		r = plan_build(t, &po, ret, e);
	links_seen_free(&links);
	return r;
}

/* tunnels stay with the backend that they have; the first ones get what this machine can do */
static int choose_backend(struct comparison *c, const struct lab_file *f,
			  const struct change_options *o, struct err *e)
{
	bool has_tunnels = c->is_up && topology_tunnels(c->lab.t, c->lab.host);

	if (!topology_tunnels(f->t, c->host)) {
		c->backend = BACKEND_NONE;
		return 0;
	}
	if (has_tunnels && (!o->has_backend || o->backend == c->lab.backend ||
			    (o->backend == BACKEND_AUTO && c->lab.backend != BACKEND_NONE))) {
		c->backend = c->lab.backend;
		return 0;
	}
	return preflight_backend(o->has_backend ? o->backend : BACKEND_AUTO, &c->backend, e);
}

/* --- former files ----------------------------------------------------------------------------- */

static int add_former(struct comparison *c, const char *dir, struct err *e)
{
	struct former *f = &c->formers[c->n_formers];
	_cleanup_free_ char *peers = NULL;
	struct lab_meta meta = {0};
	struct diags d = {0};
	enum backend backend = BACKEND_NONE;
	int r = store_load_former(&c->lab.store, dir, &f->file.text, &f->file.len, &meta, e);

	if (!r)
		r = store_load_leases(&c->lab.store, dir, &f->file.leases, e);
	if (!r)
		r = topology_load_leased(f->file.text, f->file.len, meta.dir, f->file.leases,
					 &f->file.t, &d, e);
	diags_free(&d);
	if (!r)
		r = store_load_peers(&c->lab.store, dir, &peers, e);
	if (!r)
		r = keys_recall(f->file.t, find_host(f->file.t, meta.host), peers, e);
	if (!r && backend_parse(meta.backend, &backend) < 0)
		r = err_set(e, EBADMSG, "backend %s", meta.backend);
	if (!r)
		r = change_build(c, f->file.t, meta.host, backend, &f->plan, e);
	lab_meta_clear(&meta);
	if (r < 0) {
		lab_file_clear(&f->file);
		err_wrap(e, "lab %s: what was applied before", c->lab.store.name);
		err_hint(e, "`warren down %s` removes what is left of it", c->lab.store.name);
		return err_kind_set(e, ERR_CANNOT);
	}
	c->had[c->n_formers++] = f->plan;
	return 0;
}

/* is it the recorded file, word for word, with the same keys and tunnels? */
static bool is_unchanged(const struct comparison *c, const struct lab_file *f)
{
	_cleanup_free_ char *was = NULL, *is = keys_remember(f->t), *leases = leases_write(f->t);
	struct err why = ERR_INIT;

	return c->lab.len == f->len && !memcmp(c->lab.text, f->text, f->len) && leases &&
	       !strcmp(c->lab.leases, leases) && !strcmp(c->lab.meta.dir, f->dir) &&
	       c->lab.backend == c->backend && is &&
	       store_load_peers(&c->lab.store, NULL, &was, &why) == 0 && !strcmp(was, is);
}

/* what may be there: the recorded file's, and that of applies that were cut short, newest first */
static int load_formers(struct comparison *c, const struct lab_file *f, struct err *e)
{
	_cleanup_free_ unsigned int *numbers = NULL;
	char dir[32];
	size_t n = 0;
	int r = store_formers(&c->lab.store, &numbers, &n, e);

	if (r < 0)
		return r;
	c->unchanged = !n && is_unchanged(c, f);
	if (c->unchanged)
		return 0;
	c->formers = calloc(n + 1, sizeof(*c->formers));
	c->had = calloc(n + 1, sizeof(const struct plan *));
	if (!c->formers || !c->had)
		return err_code(e, ENOMEM, "compare");
	r = add_former(c, NULL, e);
	for (size_t i = n; i-- > 0 && !r;) {
		snprintf(dir, sizeof(dir), "former.%u", numbers[i]);
		r = add_former(c, dir, e);
	}
	return r;
}

/* --- whom to look at -----------------------------------------------------------------------------------

 * Where the last apply was finished, the two files tell which units are to be changed.
 */
static int narrow(struct comparison *c, const struct journal *j, bool **ret_look, struct err *e)
{
	bool *look, all = false;
	int r;

	if (c->n_formers > 1 || journal_state(j) != LAB_UP || c->backend != c->lab.backend)
		return 0;
	look = calloc(c->want->n_ns + 1, sizeof(*look));
	r = look ? 0 : err_code(e, ENOMEM, "compare");
	if (!r && !c->unchanged)
		r = units_differing(c->want, c->had[0], &c->only, &all, e);
	if (!r && !c->unchanged)
		r = units_namespaces(c->want, &c->only, c->want, look, e);
	if (!r && !c->unchanged)
		r = units_namespaces(c->had[0], &c->only, c->want, look, e);
	c->is_narrow = !r && !all;
	if (c->is_narrow)
		*ret_look = look;
	else
		free(look);
	return r;
}

/* --- comparing ----------------------------------------------------------------------------------- */

static char *print_of(const struct topology *t)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	topology_print(t, SECRETS_SHOWN, f);
	return fclose(f) == 0 ? text : NULL;
}

/* the same keys are in both by now, wherever they came from */
static bool means_the_same(const struct topology *a, const struct topology *b)
{
	_cleanup_free_ char *was = print_of(a), *is = print_of(b);

	return was && is && !strcmp(was, is);
}

int change_open(struct comparison *c, const struct lab_file *f, const struct change_options *o,
		struct err *e)
{
	enum lab_state state;
	struct store s;
	int r;

	/* where there is no such lab, its name may be that of a file */
	store_init(&s, f->t->name);
	if (!store_exists(&s))
		return 0;
	r = lab_open(f->t->name, &c->lab, e);
	if (r == -ENOENT && e->kind == ERR_NO) {
		*e = (struct err)ERR_INIT;
		return 0;
	}
	if (r < 0)
		return r;
	state = journal_state(c->lab.journal);
	if (state != LAB_UP && state != LAB_CHANGING)
		return 0;
	c->is_up = true;
	if (o->host && (!c->lab.meta.host || strcmp(o->host, c->lab.meta.host))) {
		err_set(e, EEXIST, "lab %s is up as %s%s, not as host %s", f->t->name,
			c->lab.meta.host ? "host " : "namespaces of one machine",
			c->lab.meta.host ? c->lab.meta.host : "", o->host);
		err_hint(e, "`warren down %s` first", f->t->name);
		return err_kind_set(e, ERR_CANNOT);
	}
	return lab_is_here(&c->lab, e);
}

int change_compare(struct comparison *c, const struct lab_file *f, const struct change_options *o,
		   const struct journal *j, enum keys_make keys, struct err *e)
{
	_cleanup_free_ bool *look = NULL;
	struct diff_input in;
	double start;
	int r;

	c->host = find_host(f->t, c->lab.meta.host);
	/* or keys would be made for all of them */
	if (c->lab.meta.host && !c->host)
		return no_host(c->lab.meta.host, e);
	r = choose_backend(c, f, o, e);
	if (!r)
		r = keys_resolve(f->t, c->host, keys, e);
	if (!r)
		r = change_build(c, f->t, c->lab.meta.host, c->backend, &c->want, e);
	if (!r)
		r = load_formers(c, f, e);
	if (!r && o->only_changed)
		r = narrow(c, j, &look, e);
	start = clock_seconds();
	if (!r)
		r = observe(c->want, j, &c->lab.store, look, &c->seen, e);
	if (r < 0)
		return r;
	c->observing = clock_seconds() - start;
	in = (struct diff_input){.want = c->want,
				 .had = c->had,
				 .n_had = c->n_formers,
				 .unchanged = c->unchanged,
				 .seen = &c->seen,
				 .journal = j,
				 .only = c->is_narrow ? &c->only : NULL};
	r = diff_plans(&in, &c->diff, e);
	c->comparing = clock_seconds() - start - c->observing;
	if (!r && !c->diff.n_changes && !c->unchanged)
		c->file_only = !means_the_same(c->formers[0].file.t, f->t);
	return r;
}

int lab_compare(const struct lab_file *f, const struct change_options *o, struct comparison *ret,
		struct err *e)
{
	int r;

	*ret = (struct comparison){.lab.store.lock_fd = -1};
	r = change_open(ret, f, o, e);
	if (r < 0 || !ret->is_up)
		return r;
	return change_compare(ret, f, o, ret->lab.journal, KEYS_FIND, e);
}

void comparison_clear(struct comparison *c)
{
	difference_clear(&c->diff);
	observed_free(&c->seen);
	for (size_t i = 0; i < c->n_formers; i++) {
		difference_clear(&c->formers[i].lacks);
		observed_free(&c->formers[i].seen);
		plan_free(c->formers[i].plan);
		lab_file_clear(&c->formers[i].file);
	}
	free(c->formers);
	free(c->had);
	table_free(&c->only);
	plan_free(c->want);
	lab_close(&c->lab);
	*c = (struct comparison){.lab.store.lock_fd = -1};
}

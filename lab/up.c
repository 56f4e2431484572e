/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bringing a lab up and taking it down. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/ns.h"
#include "lab/ceilings.h"
#include "lab/clash.h"
#include "lab/keys.h"
#include "lab/lab.h"
#include "lab/lease.h"
#include "lab/preflight.h"
#include "netns/pin.h"

#define SPARE_FDS 6

/* what `up` works with */
struct up {
	const struct lab_file *f;
	const struct up_options *o;
	const struct host *host; /* host mode, or NULL */
	struct links_seen links; /* host mode */
	enum backend backend;    /* resolved */
	struct plan *plan;
};

static void up_clear(struct up *u)
{
	plan_free(u->plan);
	links_seen_free(&u->links);
}

static int find_host(struct up *u, struct err *e)
{
	const struct topology *t = u->f->t;

	if (!u->o->host)
		return 0;
	for (size_t i = 0; i < t->n_hosts; i++)
		if (!strcmp(t->hosts[i].name, u->o->host))
			u->host = &t->hosts[i];
	if (u->host)
		return 0;
	err_set(e, ENOENT, "%s has no host `%s`", u->f->path, u->o->host);
	for (size_t i = 0; i < t->n_hosts && i < 1; i++)
		err_hint(e, "one of the file's hosts, such as %s", t->hosts[i].name);
	return err_kind_set(e, ERR_INVALID);
}

static int observe_here(struct up *u, struct err *e)
{
	struct chan *c;
	int r;

	if (!u->host)
		return 0;
	r = chan_open_here(NETLINK_ROUTE, &c, e);
	if (r < 0)
		return r;
	r = links_observe(c, &u->links, e);
	chan_close(c);
	return r;
}

/* numbers for our links that nothing in this namespace has, and that the kernel would not give */
static uint32_t choose_first_index(const struct up *u)
{
	uint32_t random = 0, first;

	if (!u->host)
		return 0;
	(void)!getrandom(&random, sizeof(random), 0);
	first = 0x100000 + (random & 0x0fffffff);
	for (size_t i = 0; i < u->links.n; i++)
		if (u->links.v[i].index >= first)
			first = u->links.v[i].index + 1;
	return first;
}

static int make_plan(struct up *u, struct err *e)
{
	const struct plan_options po = {.backend = u->backend,
					.host = u->host,
					.links = u->host ? &u->links : NULL,
					.first_index = choose_first_index(u)};

	return plan_build(u->f->t, &po, &u->plan, e);
}

int lab_plan(const struct lab_file *f, const struct up_options *o, struct plan **ret, struct err *e)
{
	struct up u = {.f = f, .o = o};
	struct err why = ERR_INIT;
	int r = find_host(&u, e);

	if (!r)
		r = observe_here(&u, e);
	/* what cannot be found out without root is supposed to be there */
	if (!r && preflight_backend(o->backend, &u.backend, &why) < 0)
		u.backend = o->backend == BACKEND_AUTO ? BACKEND_USERSPACE : o->backend;
	if (!r)
		r = make_plan(&u, e);
	if (!r)
		*ret = steal_ptr(u.plan);
	up_clear(&u);
	return r;
}

int lab_plan_blind(const struct lab_file *f, const struct up_options *o, struct plan **ret,
		   struct err *e)
{
	struct up u = {.f = f, .o = o, .backend = o->backend};
	int r = find_host(&u, e);

	if (!r)
		r = observe_here(&u, e);
	if (!r)
		r = make_plan(&u, e);
	if (!r)
		*ret = steal_ptr(u.plan);
	up_clear(&u);
	return r;
}

/* --- is it up already? --------------------------------------------------------------- */

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

static bool same_string(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* a lab without tunnels is the same with any backend; one with, made without them, with none */
static bool same_backend(const struct lab *l, enum backend wanted)
{
	if (!topology_tunnels(l->t, l->host))
		return true;
	return wanted == BACKEND_AUTO ? l->backend != BACKEND_NONE : l->backend == wanted;
}

static bool means_the_same(const struct lab *l, const struct up *u)
{
	_cleanup_free_ char *was = NULL, *is = NULL;
	struct topology *fresh = NULL;
	struct diags d;
	struct err why = ERR_INIT;
	bool same = false;

	if (!same_string(l->meta.host, u->o->host) || !same_backend(l, u->o->backend))
		return false;
	/* both without the keys that were made: those are not the file's */
	if (topology_load_leased(u->f->text, u->f->len, u->f->dir, u->f->leases ? u->f->leases : "",
				 &fresh, &d, &why) == 0 &&
	    keys_resolve(fresh, u->host ? &fresh->hosts[u->host - u->f->t->hosts] : NULL, KEYS_FIND,
			 &why) == 0) {
		was = print_of(l->t);
		is = print_of(fresh);
		same = was && is && !strcmp(was, is);
	}
	diags_free(&d);
	topology_free(fresh);
	return same;
}

static void keep_first(const char *text, void *arg)
{
	struct err *e = arg;

	if (!e->msg[0])
		err_set(e, EEXIST, "%s", text);
}

/* -EEXIST: it is up and is something else, or is broken; 0: it is up, and as wanted */
static int compare_running(const struct up *u, struct err *e)
{
	struct err first = ERR_INIT;
	struct lab l;
	int r = lab_open(u->f->t->name, &l, e);

	if (!r)
		r = lab_is_here(&l, e);
	if (!r && !means_the_same(&l, u)) {
		r = err_set(e, EEXIST, "lab %s is up, made from another file or with other options",
			    u->f->t->name);
		err_hint(e, "`warren plan` shows the difference, `warren apply` makes it so");
	} else if (!r) {
		r = lab_problems(&l, keep_first, &first, e);
		if (r > 0) {
			r = err_set(e, EEXIST, "lab %s is up, but %s", u->f->t->name, first.msg);
			err_hint(e, "`warren apply` mends it");
		}
	}
	lab_close(&l);
	return r < 0 ? err_kind_set(e, ERR_CANNOT) : 0;
}

/* --- up ------------------------------------------------------------------------------- */

static int prepare_netns_dir(struct journal *j, struct err *e)
{
	struct record rec = {.kind = REC_NETNS_DIR};
	bool made;
	int r = 0;

	if (!netns_dir_is_mount())
		r = journal_add(j, &rec, e);
	if (!r)
		r = fault_point("folder of namespaces", e);
	if (!r)
		r = netns_dir_prepare(&made, e);
	if (r == -EROFS || r == -EACCES)
		err_kind_set(e, ERR_CANNOT);
	return r;
}

static int save(const struct up *u, const struct store *s, struct err *e)
{
	struct lab_meta m = {.file = u->f->path,
			     .dir = u->f->dir,
			     .host = (char *)u->o->host,
			     .backend = (char *)backend_name(u->backend)};

	_cleanup_free_ char *peers = keys_remember(u->f->t), *leases = leases_write(u->f->t);
	int r = u->host ? ns_own_cookie(&m.cookie, e) : 0;

	m.first_index = u->plan->first_index;
	if (!peers || !leases)
		return err_code(e, ENOMEM, "keys");
	if (!r)
		r = store_save(s, u->f->text, u->f->len, &m, e);
	if (!r)
		r = store_save_leases(s, leases, e);
	return !r && peers[0] ? store_save_peers(s, peers, strlen(peers), e) : r;
}

static const char *journal_path(const struct store *s, char buf[static 256])
{
	return store_path(s, "journal", buf, 256);
}

static int finish(struct journal *j, const struct store *s, const struct apply_hooks *hooks,
		  struct err *e)
{
	int r = fault_point("up", e);

	if (!r && hooks->stop && *hooks->stop)
		r = err_set(e, EINTR, "interrupted");
	if (!r)
		r = journal_set_state(j, LAB_UP, e);
	return r < 0 ? err_wrap(e, "lab %s", s->name) : 0;
}

/*
 * Descriptors that are kept free for the undoing: where there are too few of them, that must show
 * in making.
 */
static int spare_get(int fds[static SPARE_FDS], struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < SPARE_FDS; i++) {
		fds[i] = open("/", O_PATH | O_CLOEXEC);
		if (fds[i] < 0 && !r)
			r = err_errno(e, "keep file descriptors free");
	}
	return r;
}

static void spare_release(const int fds[static SPARE_FDS])
{
	for (size_t i = 0; i < SPARE_FDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* from here on the system is changed; on failure it is changed back */
static int make(struct up *u, struct store *s, const struct apply_hooks *hooks,
		struct apply_timing *timing, struct err *e)
{
	const struct apply_hooks quiet = {.note = hooks->note, .arg = hooks->arg};
	struct err undo_why = ERR_INIT;
	struct journal *j;
	char path[256];
	int spare[SPARE_FDS];
	int r = journal_open(journal_path(s, path), true, &j, e);

	if (r < 0) {
		(void)store_remove(s, &undo_why);
		return r;
	}
	r = spare_get(spare, e);
	if (!r)
		r = journal_set_state(j, LAB_MAKING, e);
	if (!r)
		r = prepare_netns_dir(j, e);
	if (r < 0)
		err_wrap(e, "lab %s", s->name);
	if (!r)
		r = apply_plan(u->plan, j, s, hooks, timing, e);
	if (!r)
		r = finish(j, s, hooks, e);
	spare_release(spare);
	if (r < 0 && undo_journal(j, &quiet, &undo_why) < 0) {
		e->hint[0] = '\0';
		err_hint(e, "not all could be undone (%.120s): `warren down %s`", undo_why.msg,
			 s->name);
		journal_close(j);
		return r;
	}
	journal_close(j);
	if (r < 0) {
		(void)store_remove(s, &undo_why);
		if (r != -EINTR)
			preflight_explain(u->f->t, u->host, e);
	}
	return r < 0 ? -e->code : 0;
}

/* all that can be known to go wrong before anything is made */
static int prepare(struct up *u, const struct apply_hooks *hooks, struct err *e)
{
	struct demand demand;
	int r = observe_here(u, e);

	if (!r)
		r = preflight_topology(u->f->t, u->host, u->o->backend, &u->backend, e);
	if (!r) {
		demand_of(u->f->t, u->host, u->backend, &demand);
		r = ceilings_check("/proc", &demand, hooks->note, hooks->arg, e);
	}
	if (!r)
		r = keys_resolve(u->f->t, u->host, KEYS_MAKE, e);
	if (!r)
		r = make_plan(u, e);
	if (!r)
		r = clash_check(u->plan, u->host ? &u->links : NULL, e);
	return r;
}

/* what a killed run left: UP means that it is complete */
static int former_state(const struct store *s, enum lab_state *ret, struct err *e)
{
	struct journal *j;
	char path[256];
	int r = journal_open(journal_path(s, path), false, &j, e);

	if (r < 0)
		return r;
	*ret = journal_state(j);
	journal_close(j);
	return 0;
}

static int undo_rest(struct store *s, const struct apply_hooks *hooks, struct err *e)
{
	struct journal *j;
	char path[256];
	int r = journal_open(journal_path(s, path), true, &j, e);

	if (r < 0)
		return r;
	r = undo_journal(j, hooks, e);
	journal_close(j);
	return r;
}

int lab_up(const struct lab_file *f, const struct up_options *o, const struct apply_hooks *hooks,
	   struct apply_timing *timing, enum up_result *ret, struct err *e)
{
	struct up u = {.f = f, .o = o};
	struct err why = ERR_INIT;
	enum lab_state state;
	bool undone = false;
	struct store s;
	int spare[SPARE_FDS];
	int r = preflight_privilege(e);

	store_init(&s, f->t->name);
	if (!r) {
		r = spare_get(spare, e);
		spare_release(spare);
		if (r < 0)
			err_kind_set(e, ERR_CANNOT);
	}
	if (!r)
		r = find_host(&u, e);
	if (!r)
		r = store_lock(&s, true, e);
	if (r < 0)
		return r;
	r = former_state(&s, &state, &why);
	if (r < 0 && r != -ENOENT) {
		*e = why;
		goto out;
	}
	if (!r && state == LAB_CHANGING) {
		r = err_set(e, EEXIST, "lab %s is up, and an apply of it was cut short",
			    f->t->name);
		err_hint(e, "`warren apply` finishes it; `warren down %s` takes all of it away",
			 f->t->name);
		err_kind_set(e, ERR_CANNOT);
		goto out;
	}
	if (!r && state == LAB_UP) {
		*ret = UP_UNCHANGED;
		r = compare_running(&u, e);
		goto out;
	}
	if (!r) {
		if (hooks->note)
			hooks->note("a former run was cut short: removing what it left",
				    hooks->arg);
		r = undo_rest(&s, hooks, e);
		undone = !r;
		if (r < 0) {
			err_wrap(e, "remove what a former run left");
			goto out;
		}
	}
	r = prepare(&u, hooks, e);
	if (!r)
		r = save(&u, &s, e);
	if (r < 0) {
		/* of a former run nothing is left by now; of one that is not recorded there may be */
		(void)(undone ? store_remove(&s, &why) : store_forget(&s, &why));
		goto out;
	}
	*ret = UP_MADE;
	r = make(&u, &s, hooks, timing, e);
out:
	up_clear(&u);
	store_unlock(&s);
	return r;
}

/* --- down ------------------------------------------------------------------------------- */

int lab_down(const char *name, const struct apply_hooks *hooks, struct err *e)
{
	struct store s;
	int r = preflight_privilege(e);

	if (r < 0)
		return r;
	store_init(&s, name);
	/* it may also go while we wait for the lock */
	r = store_lock(&s, false, e);
	if (r == -ENOENT) {
		err_set(e, ENOENT, "lab %s is not up", name);
		err_hint(e, "`warren ls` lists those that are");
		return err_kind_set(e, ERR_NO);
	}
	if (!r)
		r = undo_rest(&s, hooks, e);
	if (!r)
		r = fault_point("record", e);
	if (!r)
		r = store_remove(&s, e);
	store_unlock(&s);
	return r;
}

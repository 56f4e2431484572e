/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/observe.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/ns.h"
#include "base/proc.h"
#include "lab/tunnel.h"
#include "netns/pin.h"
#include "netns/sysctl.h"

#define VALUE_MAX     4096      /* bytes of a setting */
#define TEXT_MAX      (1 << 20) /* bytes of a file */
#define NS_PER_THREAD 64        /* fewer namespaces are looked at by one thread */
#define THREADS_MAX   OBSERVE_THREADS

/* what all threads of one look share */
struct task {
	struct observed *o;
	const struct journal *j;
	const struct store *s;
	const bool *only;
	size_t *first_op, *next_op; /* per namespace, per operation: a list, n_ops ends it */
	atomic_size_t next;         /* namespace to be looked at */
	int here;                   /* the caller's namespace */
};

/* one of its threads */
struct observer {
	struct observed *o;
	const struct journal *j;
	const struct store *s;
	struct task *task;
	struct arena *arena;
	struct err err;
	int result;
	pthread_t thread;
};

/* --- the journal ------------------------------------------------------------------------ */

static int index_journal(struct observed *o, const struct journal *j)
{
	struct table *const tables[REC_KINDS] = {[REC_NETNS] = &o->netns,
						 [REC_PROCESS] = &o->processes,
						 [REC_FILE] = &o->files,
						 [REC_FOLDER] = &o->folders,
						 [REC_PROGRAMS] = &o->programs};
	size_t n;
	const struct record *recs = journal_records(j, &n);

	for (size_t i = 0; i < n; i++) {
		struct table *t = tables[recs[i].kind];

		if (t && recs[i].live &&
		    table_set(t, recs[i].text, strlen(recs[i].text), recs[i].id) < 0)
			return -ENOMEM;
	}
	return 0;
}

unsigned int journal_find(const struct table *t, const char *text)
{
	size_t id;

	return table_get_str(t, text, &id) ? (unsigned int)id : 0;
}

/* --- operations ---------------------------------------------------------------------------- */

static void see_sysctl(struct observer *v, const struct op *op, struct op_seen *s)
{
	struct err why = ERR_INIT;
	char value[VALUE_MAX];

	if (sysctl_get(op->sysctl.key, value, sizeof(value), &why) == 0)
		s->value = arena_strdup(v->arena, value);
}

static int see_napt(struct observer *v, const struct op *op, struct op_seen *s, struct err *e)
{
	_cleanup_close_ int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	struct nat_ruleset *rs = NULL;
	int r;

	if (sock < 0)
		return err_errno(e, "open a netfilter socket");
	r = napt_ruleset(v->o->plan->topology, op->napt.tenant, op->napt.host, &rs, e);
	if (!r)
		r = nat_compare(sock, rs, &s->napt, e);
	nat_ruleset_free(rs);
	return r;
}

static void see_file(struct observer *v, const struct op *op, struct op_seen *s)
{
	_cleanup_free_ char *text = NULL;
	struct err why = ERR_INIT;
	struct stat st;
	size_t len;

	/* a link or the like in its place is not our file */
	if (!journal_find(&v->o->files, op->file.path) || lstat(op->file.path, &st) < 0 ||
	    !S_ISREG(st.st_mode) || io_read_file(op->file.path, TEXT_MAX, &text, &len, &why) < 0)
		return;
	s->there = true;
	s->same = len == strlen(op->file.text) && !memcmp(text, op->file.text, len);
}

/*
 * A program that has ended may have done its work, unless it is to answer.  The first look is at
 * what was started itself, which is the record after that of its mark; then at what that has left.
 */
static void see_run(struct observer *v, const struct op *op, struct op_seen *s)
{
	size_t n;
	const struct record *recs = journal_records(v->j, &n);
	char mark[128];
	unsigned int id = journal_find(
		&v->o->programs,
		plan_run_mark(v->o->plan->topology, v->o->ns[op->ns].cookie, op->run, mark));

	if (!id)
		return;
	s->there = true;
	s->same = !op->run->has_ready;
	if (!s->same && id < n && recs[id].live && recs[id].kind == REC_PROCESS &&
	    !strcmp(recs[id].text, op->run->argv[0])) {
		const struct proc_id leader = {.pid = (pid_t)recs[id].index,
					       .start = recs[id].number};

		s->same = proc_alive(&leader);
	}
	s->same = s->same || proc_marked_alive(mark);
}

static void see_tunnel(struct observer *v, const struct op *op, int ns_fd)
{
	struct tunnel_seen *t = &v->o->tunnels[op->tunnel->number];
	char uapi[320];
	const struct wg_handle h = {
		.kind = v->o->plan->backend == BACKEND_KERNEL ? WG_KERNEL : WG_USERSPACE,
		.ifname = op->ifname,
		.home_ns = ns_fd,
		.uapi_path = uapi,
	};
	struct err why = ERR_INIT;
	int r;

	snprintf(uapi, sizeof(uapi), "%s/wg/%s/%s.sock", v->s->dir, op->tunnel->dir, op->ifname);
	r = wg_get(&h, &t->config, &why);
	t->answers = !r;
	if (r == -ECONNREFUSED || r == -ENOENT || r == -ECONNRESET || r == -EPIPE)
		snprintf(t->why, sizeof(t->why), "its wireguard-go has ended");
	else if (r < 0)
		snprintf(t->why, sizeof(t->why), "%.150s", why.msg);
}

static int see_op(struct observer *v, size_t i, int ns_fd, struct err *e)
{
	const struct op *op = &v->o->plan->ops[i];
	struct op_seen *s = &v->o->ops[i];

	switch (op->kind) {
	case OP_SYSCTL:
		see_sysctl(v, op, s);
		return 0;
	case OP_NAPT:
		return see_napt(v, op, s, e);
	case OP_FILE:
		see_file(v, op, s);
		return 0;
	case OP_RUN:
		see_run(v, op, s);
		return 0;
	case OP_TUNNEL:
		see_tunnel(v, op, ns_fd);
		return 0;
	default:
		return 0;
	}
}

/* --- namespaces ----------------------------------------------------------------------------- */

static int index_links(struct ns_seen *ns)
{
	for (size_t i = 0; i < ns->net.links.n; i++)
		if (table_add_str(&ns->by_name, ns->net.links.v[i].name, i, NULL) < 0)
			return -ENOMEM;
	return 0;
}

static bool is_recorded(const struct observer *v, size_t i)
{
	size_t n;
	const struct record *recs = journal_records(v->j, &n);
	const char *name = v->o->plan->ns[i].name;
	unsigned int id = name ? journal_find(&v->o->netns, name) : 0;

	/* host mode: that it is the right one has been looked at */
	return !name || (id && recs[id - 1].number == v->o->ns[i].cookie);
}

static int see_inside(struct observer *v, size_t i, int fd, struct err *e)
{
	struct ns_seen *ns = &v->o->ns[i];
	struct chan *c = NULL;
	int r = ns_enter(fd, e);

	if (!r)
		r = chan_open_here(NETLINK_ROUTE, &c, e);
	if (!r)
		r = ns_cookie(chan_fd(c), &ns->cookie, e);
	ns->ours = !r && is_recorded(v, i);
	if (!r && ns->ours)
		r = netns_observe(c, v->arena, &ns->net, e);
	chan_close(c);
	if (!r && index_links(ns) < 0)
		r = err_code(e, ENOMEM, "observe");
	for (size_t k = v->task->first_op[i]; !r && ns->ours && k < v->o->plan->n_ops;
	     k = v->task->next_op[k])
		r = see_op(v, k, fd, e);
	return r;
}

static int see_ns(struct observer *v, size_t i, struct err *e)
{
	const char *name = v->o->plan->ns[i].name;
	struct ns_seen *ns = &v->o->ns[i];
	struct err why = ERR_INIT;
	_cleanup_close_ int fd = name ? netns_open(name, &why) : dup(v->task->here);
	int r;

	ns->looked = true;
	/* gone; or a name that is no namespace, which is found out in making */
	if (fd < 0)
		return 0;
	ns->taken = true;
	r = see_inside(v, i, fd, e);
	return r < 0 ? err_wrap(e, "%s", v->o->plan->ns[i].subject) : 0;
}

/* takes one namespace after the other, until there is none left or one cannot be looked at */
static void *see_some(void *arg)
{
	struct observer *v = arg;
	struct task *t = v->task;
	size_t i;

	while (!v->result && (i = atomic_fetch_add(&t->next, 1)) < t->o->plan->n_ns)
		if (!t->only || t->only[i])
			v->result = see_ns(v, i, &v->err);
	sysctl_view_end();
	if (v->result)
		atomic_store(&t->next, t->o->plan->n_ns);
	return NULL;
}

/* half of the time is the kernel's, which answers several at once */
static size_t count_threads(const struct plan *p)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (p->n_ns < NS_PER_THREAD || cpus < 2)
		return 1;
	return cpus < THREADS_MAX ? (size_t)cpus : THREADS_MAX;
}

/* in a helper thread, which may go into other namespaces; the others are its own */
static int see_all(void *arg, struct err *e)
{
	struct task *t = arg;
	struct observer workers[THREADS_MAX];
	size_t n = count_threads(t->o->plan), started = 1;
	int r = 0;

	t->here = ns_open_self(e);
	if (t->here < 0)
		return t->here;
	for (size_t i = 0; i < n; i++)
		workers[i] = (struct observer){
			.o = t->o, .j = t->j, .s = t->s, .task = t, .arena = t->o->arenas[i]};
	while (started < n &&
	       pthread_create(&workers[started].thread, NULL, see_some, &workers[started]) == 0)
		started++;
	see_some(&workers[0]);
	for (size_t i = 0; i < started; i++) {
		if (i)
			pthread_join(workers[i].thread, NULL);
		if (workers[i].result && !r) {
			r = workers[i].result;
			*e = workers[i].err;
		}
	}
	close(t->here);
	return r;
}

/* --- the whole --------------------------------------------------------------------------------- */

/* the operations of each namespace that need more than a look at its links */
static int list_ops(struct task *v)
{
	const struct plan *p = v->o->plan;

	v->first_op = arena_alloc(v->o->arenas[0], (p->n_ns + 1) * sizeof(*v->first_op));
	v->next_op = arena_alloc(v->o->arenas[0], (p->n_ops + 1) * sizeof(*v->next_op));
	if (!v->first_op || !v->next_op)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_ns; i++)
		v->first_op[i] = p->n_ops;
	for (size_t i = p->n_ops; i-- > 0;) {
		v->next_op[i] = v->first_op[p->ops[i].ns];
		v->first_op[p->ops[i].ns] = i;
	}
	return 0;
}

int observe(const struct plan *p, const struct journal *j, const struct store *s, const bool *only,
	    struct observed *ret, struct err *e)
{
	struct task v = {.o = ret, .j = j, .s = s, .only = only};
	bool memory = true;
	int r;

	*ret = (struct observed){.plan = p};
	for (size_t i = 0; i < THREADS_MAX; i++)
		memory = (ret->arenas[i] = arena_new(0)) && memory;
	if (memory) {
		ret->ns = arena_alloc(ret->arenas[0], (p->n_ns + 1) * sizeof(*ret->ns));
		ret->tunnels =
			arena_alloc(ret->arenas[0], (p->n_tunnels + 1) * sizeof(*ret->tunnels));
		ret->ops = arena_alloc(ret->arenas[0], (p->n_ops + 1) * sizeof(*ret->ops));
	}
	if (!ret->ns || !ret->tunnels || !ret->ops || index_journal(ret, j) < 0 || list_ops(&v) < 0)
		r = err_code(e, ENOMEM, "observe");
	else
		r = ns_run(-1, see_all, &v, e);
	if (r < 0)
		observed_free(ret);
	return r;
}

void observed_free(struct observed *o)
{
	for (size_t i = 0; o->ns && i < o->plan->n_ns; i++)
		table_free(&o->ns[i].by_name);
	for (size_t i = 0; o->tunnels && i < o->plan->n_tunnels; i++)
		wg_config_free(&o->tunnels[i].config);
	table_free(&o->netns);
	table_free(&o->processes);
	table_free(&o->files);
	table_free(&o->folders);
	table_free(&o->programs);
	for (size_t i = 0; i < THREADS_MAX; i++)
		arena_free(o->arenas[i]);
	*o = (struct observed){0};
}

const struct link_seen *seen_link(const struct observed *o, size_t ns, const char *name)
{
	size_t i;

	return table_get_str(&o->ns[ns].by_name, name, &i) ? &o->ns[ns].net.links.v[i] : NULL;
}

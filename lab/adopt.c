/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/adopt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/ns.h"
#include "base/proc.h"
#include "lab/keys.h"
#include "lab/lease.h"
#include "lab/preflight.h"
#include "lab/tunnel.h"
#include "nat/rules.h"
#include "netns/pin.h"

struct adopter {
	const struct lab_file *f;
	const char *host; /* host mode, or NULL */
	const struct plan *p;
	struct journal *j;
	const struct apply_hooks *hooks;
	struct adopt_report *report;
	uint64_t *cookies; /* per namespace of the plan; 0: not adopted */
	uint32_t first_index;
	enum backend backend; /* seen */
};

static int record(struct adopter *a, enum record_kind kind, uint64_t number, uint32_t index,
		  const char *text, struct err *e)
{
	struct record r = {.kind = kind, .number = number, .index = index, .text = text};

	return journal_add(a->j, &r, e);
}

static void note(const struct adopter *a, const char *what, const char *name)
{
	char text[256];

	snprintf(text, sizeof(text), "%s %s is there, without a mark of this lab: left alone", what,
		 name);
	if (a->hooks->note)
		a->hooks->note(text, a->hooks->arg);
}

/* --- links and namespaces ---------------------------------------------------------------------- */

static bool is_marked(const struct adopter *a, const struct link_seen *l)
{
	char mark[ALT_NAME_MAX + 1];

	for (size_t i = 0; i < l->n_altnames; i++)
		if (!strcmp(l->altnames[i], plan_altname(a->f->t, l->name, mark)))
			return true;
	return false;
}

/* tunnels tell by their kind who serves them */
static void take_backend(struct adopter *a, size_t ns, const struct link_seen *l)
{
	for (size_t i = 0; i < a->p->n_tunnels; i++) {
		const struct plan_tunnel *k = a->p->tunnels[i];

		if (k->home != ns || strcmp(k->ifname->name, l->name))
			continue;
		a->backend = !strcmp(l->kind, "wireguard") ? BACKEND_KERNEL : BACKEND_USERSPACE;
	}
}

/* host mode: links of ours in the machine's own namespace; ends of pairs go with the other end's */
static int adopt_links(struct adopter *a, size_t ns, const struct links_seen *links, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < links->n && !r; i++) {
		const struct link_seen *l = &links->v[i];

		if (!is_marked(a, l))
			continue;
		if (!a->first_index || l->index < a->first_index)
			a->first_index = l->index;
		if (!strcmp(l->kind, "veth"))
			continue;
		r = record(a, REC_LINK, a->cookies[ns], l->index, l->name, e);
		a->report->links++;
	}
	return r;
}

static int adopt_table(struct adopter *a, size_t ns, struct err *e)
{
	_cleanup_close_ int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	enum nat_found found = NAT_NONE;
	struct err why = ERR_INIT;
	char owner[64];

	if (sock < 0 || nat_find(sock, napt_owner(a->f->t, owner), &found, &why) < 0 ||
	    found != NAT_OURS)
		return 0;
	return record(a, REC_TABLE, a->cookies[ns], 0, owner, e);
}

static int adopt_namespace(struct adopter *a, size_t ns, int fd, struct err *e)
{
	const char *name = a->p->ns[ns].name;
	struct links_seen links = {0};
	struct chan *c = NULL;
	uint64_t cookie = 0;
	bool ours = !name;
	int r = ns_enter(fd, e);

	if (!r)
		r = chan_open_here(NETLINK_ROUTE, &c, e);
	if (!r)
		r = ns_cookie(chan_fd(c), &cookie, e);
	if (!r)
		r = links_observe(c, &links, e);
	chan_close(c);
	for (size_t i = 0; i < links.n; i++) {
		ours |= is_marked(a, &links.v[i]);
		take_backend(a, ns, &links.v[i]);
	}
	if (!r && !ours)
		note(a, "namespace", name);
	if (!r && ours) {
		a->cookies[ns] = cookie;
		r = name ? record(a, REC_NETNS, cookie, 0, name, e) : adopt_links(a, ns, &links, e);
		a->report->namespaces += name != NULL;
	}
	if (!r && !name)
		r = adopt_table(a, ns, e);
	links_seen_free(&links);
	return r;
}

static int adopt_namespaces(void *arg, struct err *e)
{
	struct adopter *a = arg;
	_cleanup_close_ int here = ns_open_self(e);
	int r = here < 0 ? here : 0;

	for (size_t i = 0; i < a->p->n_ns && !r; i++) {
		const char *name = a->p->ns[i].name;
		struct err why = ERR_INIT;
		_cleanup_close_ int fd = name ? netns_open(name, &why) : dup(here);

		if (fd >= 0)
			r = adopt_namespace(a, i, fd, e);
	}
	return r;
}

/* --- processes ------------------------------------------------------------------------------------- */

static int adopt_tunnel(const struct proc_id *id, const char *entry, void *arg, struct err *e)
{
	struct adopter *a = arg;
	char text[256];

	/* WARREN_TUNNEL=LAB/NS/IF */
	entry = strchr(entry, '/');
	if (!entry)
		return 0;
	snprintf(text, sizeof(text), TUNNEL_PROCESS "%s", entry + 1);
	a->report->processes++;
	return record(a, REC_PROCESS, id->start, (uint32_t)id->pid, text, e);
}

/* several processes may have one mark: the record is about the mark */
static int adopt_program(const struct proc_id *id, const char *entry, void *arg, struct err *e)
{
	struct adopter *a = arg;
	size_t n;
	const struct record *recs = journal_records(a->j, &n);

	(void)id;
	for (size_t i = 0; i < n; i++)
		if (recs[i].kind == REC_PROGRAMS && !strcmp(recs[i].text, entry))
			return 0;
	a->report->processes++;
	return record(a, REC_PROGRAMS, 0, 0, entry, e);
}

static int adopt_processes(struct adopter *a, struct err *e)
{
	char prefix[64 + LAB_NAME_MAX];
	int r;

	snprintf(prefix, sizeof(prefix), TUNNEL_MARK "%s/", a->f->t->name);
	r = proc_each_marked(prefix, adopt_tunnel, a, e);
	snprintf(prefix, sizeof(prefix), "WARREN_RUN=%s.", a->f->t->name);
	return !r ? proc_each_marked(prefix, adopt_program, a, e) : r;
}

/* --- files --------------------------------------------------------------------------------------------- */

static int adopt_file(struct adopter *a, const struct op *op, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	struct err why = ERR_INIT;
	char folder[256];
	size_t first;
	int r;

	if (io_read_file(op->file.path, 65536, &text, NULL, &why) < 0)
		return 0;
	first = strcspn(op->file.text, "\n");
	if (strncmp(text, op->file.text, first + 1)) {
		note(a, "file", op->file.path);
		return 0;
	}
	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(op->file.path, '/') - op->file.path),
		 op->file.path);
	r = a->report->files++ ? 0 : record(a, REC_FOLDER, 0, 0, "/etc/netns", e);
	if (!r)
		r = record(a, REC_FOLDER, 0, 0, folder, e);
	return !r ? record(a, REC_FILE, 0, 0, op->file.path, e) : r;
}

static int adopt_files(struct adopter *a, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < a->p->n_ops && !r; i++)
		if (a->p->ops[i].kind == OP_FILE)
			r = adopt_file(a, &a->p->ops[i], e);
	return r;
}

/* --- the whole -------------------------------------------------------------------------------------------- */

static int save(struct adopter *a, const struct store *s, struct err *e)
{
	const struct lab_file *f = a->f;
	struct lab_meta m = {.file = f->path,
			     .dir = f->dir,
			     .host = (char *)a->host,
			     .backend = (char *)backend_name(a->backend),
			     .first_index = a->first_index};
	_cleanup_free_ char *peers = keys_remember(f->t), *leases = leases_write(f->t);
	int r = a->host ? ns_own_cookie(&m.cookie, e) : 0;

	if (!peers || !leases)
		return err_code(e, ENOMEM, "adopt");
	if (!r)
		r = store_save(s, f->text, f->len, &m, e);
	if (!r)
		r = store_save_leases(s, leases, e);
	return !r ? store_save_peers(s, peers, strlen(peers), e) : r;
}

static int adopt_all(struct adopter *a, const struct store *s, struct err *e)
{
	int r = journal_set_state(a->j, LAB_CHANGING, e);

	if (!r)
		r = ns_run(-1, adopt_namespaces, a, e);
	if (!r)
		r = adopt_processes(a, e);
	if (!r)
		r = adopt_files(a, e);
	if (!r && !a->report->namespaces && !a->report->processes && !a->report->links) {
		err_set(e, ENOENT, "nothing of lab %s is there", a->f->t->name);
		err_hint(e, "`warren up` makes it");
		r = err_kind_set(e, ERR_NO);
	}
	if (!r)
		r = save(a, s, e);
	return !r ? journal_set_state(a->j, LAB_UP, e) : r;
}

static int plan_for(struct adopter *a, const struct change_options *o, struct plan **ret,
		    struct err *e)
{
	/* tunnels are looked for, whoever serves them */
	const struct up_options up = {.host = o->host,
				      .backend = o->has_backend ? o->backend : BACKEND_KERNEL};
	int r = lab_plan_blind(a->f, &up, ret, e);

	a->p = *ret;
	a->backend = BACKEND_NONE;
	if (r < 0)
		return r;
	a->cookies = calloc((*ret)->n_ns + 1, sizeof(*a->cookies));
	return a->cookies ? 0 : err_code(e, ENOMEM, "adopt");
}

int lab_adopt(const struct lab_file *f, const struct change_options *o,
	      const struct apply_hooks *hooks, struct adopt_report *ret, struct err *e)
{
	struct adopter a = {.f = f, .host = o->host, .hooks = hooks, .report = ret};
	struct err why = ERR_INIT;
	struct plan *p = NULL;
	struct store s;
	char path[256];
	int r = preflight_privilege(e);

	*ret = (struct adopt_report){0};
	store_init(&s, f->t->name);
	if (!r)
		r = plan_for(&a, o, &p, e);
	if (!r)
		r = store_lock(&s, true, e);
	if (r < 0)
		goto out;
	store_path(&s, "journal", path, sizeof(path));
	if (access(path, F_OK) == 0) {
		err_set(e, EEXIST, "lab %s has a record: there is nothing to adopt", f->t->name);
		err_hint(e, "`warren status %s` shows it", f->t->name);
		r = err_kind_set(e, ERR_CANNOT);
		goto out;
	}
	r = journal_open(path, true, &a.j, e);
	if (!r)
		r = keys_resolve(f->t, NULL, KEYS_FIND, e);
	if (!r)
		r = adopt_all(&a, &s, e);
	if (r < 0)
		(void)store_remove(&s, &why);
out:
	journal_close(a.j);
	store_unlock(&s);
	plan_free(p);
	free(a.cookies);
	return r;
}

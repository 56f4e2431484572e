/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/ns.h"
#include "base/proc.h"
#include "lab/keys.h"
#include "lab/preflight.h"
#include "netns/pin.h"

/* --- files -------------------------------------------------------------------------- */

int lab_file_read(const char *path, struct lab_file *ret, struct diags *diags, struct err *e)
{
	char *slash;
	int r;

	*ret = (struct lab_file){0};
	*diags = (struct diags){0};
	r = io_read_file(path, LAB_FILE_MAX, &ret->text, &ret->len, e);
	if (r == -EFBIG)
		err_hint(e, "a topology file has at most %zu MiB", LAB_FILE_MAX >> 20);
	if (r < 0)
		return err_kind_set(e, ERR_INVALID);
	ret->path = realpath(path, NULL);
	if (!ret->path) /* a pipe */
		ret->path = strdup(path);
	ret->dir = ret->path ? strdup(ret->path) : NULL;
	if (!ret->dir)
		return err_code(e, ENOMEM, "%s", path);
	slash = strrchr(ret->dir, '/');
	if (slash)
		slash[slash == ret->dir] = '\0';
	r = topology_load(ret->text, ret->len, slash ? ret->dir : ".", &ret->t, diags, e);
	return r < 0 ? err_kind_set(e, ERR_INVALID) : 0;
}

void lab_file_clear(struct lab_file *f)
{
	free(f->path);
	free(f->dir);
	free(f->text);
	topology_free(f->t);
	*f = (struct lab_file){0};
}

/* --- recorded labs -------------------------------------------------------------------- */

static bool looks_like_file(const char *s)
{
	size_t len = strlen(s);

	return strchr(s, '/') || (len > 5 && !strcmp(s + len - 5, ".yaml")) ||
	       (len > 4 && !strcmp(s + len - 4, ".yml"));
}

int lab_name(const char *name_or_file, char buf[static LAB_NAME_MAX + 1], struct err *e)
{
	struct lab_file f;
	struct diags d;
	int r;

	if (!looks_like_file(name_or_file)) {
		if (strlen(name_or_file) > LAB_NAME_MAX || !name_or_file[0] ||
		    name_or_file[0] == '.')
			return err_set(e, ENOENT, "no lab of the name `%s`", name_or_file);
		memcpy(buf, name_or_file, strlen(name_or_file) + 1);
		return 0;
	}
	r = lab_file_read(name_or_file, &f, &d, e);
	if (!r)
		memcpy(buf, f.t->name, strlen(f.t->name) + 1);
	else if (d.n)
		r = err_set(e, EINVAL, "%s:%d:%d: %s", name_or_file, d.v[0].line, d.v[0].column,
			    d.v[0].text);
	if (r < 0)
		err_kind_set(e, ERR_INVALID);
	lab_file_clear(&f);
	diags_free(&d);
	return r;
}

static const struct host *find_host(const struct topology *t, const char *name)
{
	for (size_t i = 0; name && i < t->n_hosts; i++)
		if (!strcmp(t->hosts[i].name, name))
			return &t->hosts[i];
	return NULL;
}

int lab_open(const char *name_or_file, struct lab *ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	char name[LAB_NAME_MAX + 1], path[256];
	struct diags d = {0};
	size_t len;
	int r;

	*ret = (struct lab){.store.lock_fd = -1};
	r = lab_name(name_or_file, name, e);
	if (r < 0)
		return r;
	store_init(&ret->store, name);
	if (!store_exists(&ret->store)) {
		err_set(e, ENOENT, "lab %s is not up", name);
		err_hint(e, "`warren ls` lists those that are");
		return err_kind_set(e, ERR_NO);
	}
	r = store_load(&ret->store, &text, &len, &ret->meta, e);
	if (!r)
		r = journal_open(store_path(&ret->store, "journal", path, sizeof(path)), false,
				 &ret->journal, e);
	if (!r)
		r = topology_load(text, len, ret->meta.dir, &ret->t, &d, e);
	diags_free(&d);
	if (r < 0) {
		err_wrap(e, "lab %s: its record is damaged", name);
		return err_hint(e, "`warren down %s` removes what is left of it", name);
	}
	ret->host = find_host(ret->t, ret->meta.host);
	(void)backend_parse(ret->meta.backend, &ret->backend);
	return keys_resolve(ret->t, ret->host, KEYS_FIND, e);
}

void lab_close(struct lab *l)
{
	journal_close(l->journal);
	topology_free(l->t);
	lab_meta_clear(&l->meta);
	store_unlock(&l->store);
}

/* --- namespaces ------------------------------------------------------------------------- */

static const char *netns_of(const struct topology *t, const char *name, bool *ret_host)
{
	for (size_t i = 0; i < t->n_hosts; i++) {
		const struct gateway *gw = t->hosts[i].gateway;

		*ret_host = true;
		if (!strcmp(t->hosts[i].name, name) || !strcmp(t->hosts[i].netns, name))
			return t->hosts[i].netns;
		*ret_host = false;
		for (size_t k = 0; gw && k < gw->n_tenants; k++)
			if (!strcmp(gw->tenants[k].name, name) ||
			    !strcmp(gw->tenants[k].netns, name))
				return gw->tenants[k].netns;
	}
	return NULL;
}

int lab_ns_open(const struct lab *l, const char *name, const char **ret_netns, struct err *e)
{
	bool is_host = false;
	const char *netns = netns_of(l->t, name, &is_host);
	int fd;

	if (!netns) {
		size_t n = strlen(l->t->name);

		/* the segments' own namespace is not in the file, but is worth a look */
		if (!strncmp(name, l->t->name, n) && !strcmp(name + n, "-networks"))
			netns = name;
	}
	if (!netns) {
		err_set(e, ENOENT, "lab %s has no host or tenant `%s`", l->t->name, name);
		err_hint(e, "`warren status %s` lists them", l->t->name);
		return err_kind_set(e, ERR_INVALID);
	}
	if (l->host && is_host) {
		*ret_netns = NULL;
		return ns_open_self(e);
	}
	fd = netns_open(netns, e);
	if (fd >= 0)
		*ret_netns = netns;
	return fd;
}

/* --- health ------------------------------------------------------------------------------- */

struct health {
	const struct lab *l;
	void (*fn)(const char *text, void *arg);
	void *arg;
	int problems;
};

static void problem(struct health *h, const char *kind, const char *name, const char *what)
{
	char text[512];

	snprintf(text, sizeof(text), "%s %s %s", kind, name, what);
	h->problems++;
	if (h->fn)
		h->fn(text, h->arg);
}

static bool is_same_netns(const struct record *rec)
{
	struct err why = ERR_INIT;
	_cleanup_close_ int fd = netns_open(rec->text, &why);
	_cleanup_close_ int sock = -1;
	uint64_t cookie;

	if (fd < 0 || ns_enter(fd, &why) < 0)
		return false;
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return sock >= 0 && ns_cookie(sock, &cookie, &why) == 0 && cookie == rec->number;
}

static int check_records(void *arg, struct err *e)
{
	struct health *h = arg;
	size_t n;
	const struct record *recs = journal_records(h->l->journal, &n);

	(void)e;
	for (size_t i = 0; i < n; i++) {
		struct proc_id id = {.pid = (pid_t)recs[i].index, .start = recs[i].number};

		if (!recs[i].live)
			continue;
		if (recs[i].kind == REC_NETNS && !is_same_netns(&recs[i]))
			problem(h, "namespace", recs[i].text, "is gone");
		if (recs[i].kind == REC_PROCESS && !proc_alive(&id))
			problem(h, "process", recs[i].text, "has ended");
	}
	return h->problems;
}

int lab_problems(const struct lab *l, void (*fn)(const char *text, void *arg), void *arg,
		 struct err *e)
{
	struct health h = {l, fn, arg, 0};

	return ns_run(-1, check_records, &h, e);
}

const char *lab_state_name(const struct lab *l)
{
	struct err why = ERR_INIT;

	switch (journal_state(l->journal)) {
	case LAB_UP:
		return lab_problems(l, NULL, NULL, &why) ? "degraded" : "up";
	case LAB_REMOVING:
		return "removing";
	default:
		return "making";
	}
}

const struct tenant *lab_tenant(const struct lab *l, size_t i)
{
	for (size_t h = 0; h < l->t->n_hosts; h++) {
		const struct gateway *gw = l->t->hosts[h].gateway;

		if (!gw || (l->host && l->host != &l->t->hosts[h]))
			continue;
		if (i < gw->n_tenants)
			return &gw->tenants[i];
		i -= gw->n_tenants;
	}
	return NULL;
}

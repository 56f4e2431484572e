/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/ns.h"
#include "lab/bundle.h"
#include "lab/etc.h"
#include "lab/keys.h"
#include "lab/lease.h"
#include "lab/preflight.h"
#include "netns/pin.h"

/* --- files -------------------------------------------------------------------------- */

/* once the lab's name is known, what its pools have given before can be looked up */
static int use_leases(struct lab_file *f, const char *shown, const char *dir, struct diags *diags,
		      struct err *e)
{
	int r = store_kept_leases(f->t->name, &f->leases, e);

	if (r < 0 || !f->leases[0] || !topology_has_leases(f->t))
		return r;
	topology_free(f->t);
	f->t = NULL;
	diags_free(diags);
	return topology_load_as(shown, f->text, f->len, dir, f->leases, &f->t, diags, e);
}

int lab_file_read(const char *word, struct lab_file *ret, struct diags *diags, struct err *e)
{
	const char *path;
	bool folder;
	char *slash;
	bool etc;
	int r;

	*ret = (struct lab_file){0};
	*diags = (struct diags){0};
	r = etc_find(word, &ret->shown, &etc, e);
	if (r < 0)
		return r;
	path = ret->shown;
	r = bundle_read(path, &ret->text, &ret->len, &folder, e);
	if (r < 0)
		return err_kind_set(e, ERR_INVALID);
	ret->path = realpath(path, NULL);
	if (!ret->path) /* a pipe */
		ret->path = strdup(path);
	ret->dir = ret->path ? strdup(ret->path) : NULL;
	if (!ret->dir)
		return err_code(e, ENOMEM, "%s", path);
	slash = strrchr(ret->dir, '/');
	if (slash && !folder)
		slash[slash == ret->dir] = '\0';
	r = topology_load_as(path, ret->text, ret->len, slash ? ret->dir : ".", "", &ret->t, diags,
			     e);
	if (!r)
		r = use_leases(ret, path, slash ? ret->dir : ".", diags, e);
	if (!r && etc)
		r = etc_check_name(word, path, ret->t->name, e);
	return r < 0 ? err_kind_set(e, ERR_INVALID) : 0;
}

void lab_file_clear(struct lab_file *f)
{
	free(f->shown);
	free(f->path);
	free(f->dir);
	free(f->text);
	free(f->leases);
	topology_free(f->t);
	*f = (struct lab_file){0};
}

/* --- recorded labs -------------------------------------------------------------------- */

static bool is_up(const char *name)
{
	struct store store;

	store_init(&store, name);
	return store_exists(&store);
}

/* a lab's name has no slash and no dot; and where no lab has it, a file or folder may */
static bool is_path(const char *s)
{
	if (strchr(s, '/') || strchr(s, '.') || strlen(s) > LAB_NAME_MAX)
		return true;
	return !is_up(s) && etc_is_here(s);
}

bool lab_is_file(const char *s)
{
	return is_path(s) || (!is_up(s) && etc_has(s));
}

int lab_name(const char *name_or_file, char buf[static LAB_NAME_MAX + 1], struct err *e)
{
	struct lab_file f;
	struct diags d;
	int r;

	/* a file of /etc/warren has its lab's name: no need to read it, it may be broken by now */
	if (!is_path(name_or_file)) {
		if (!name_or_file[0]) {
			err_set(e, EINVAL, "the name of a lab is not empty");
			return err_kind_set(e, ERR_INVALID);
		}
		memcpy(buf, name_or_file, strlen(name_or_file) + 1);
		return 0;
	}
	r = lab_file_read(name_or_file, &f, &d, e);
	if (!r)
		memcpy(buf, f.t->name, strlen(f.t->name) + 1);
	else if (d.n)
		r = err_set(e, EINVAL, "%s:%d:%d: %s", d.v[0].file ? d.v[0].file : f.shown,
			    d.v[0].line, d.v[0].column, d.v[0].text);
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
	char name[LAB_NAME_MAX + 1], path[256];
	struct diags d = {0};
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
	r = store_load(&ret->store, &ret->text, &ret->len, &ret->meta, e);
	if (!r)
		r = journal_open(store_path(&ret->store, "journal", path, sizeof(path)), false,
				 &ret->journal, e);
	if (!r)
		r = store_load_leases(&ret->store, NULL, &ret->leases, e);
	if (!r)
		r = topology_load_leased(ret->text, ret->len, ret->meta.dir, ret->leases, &ret->t,
					 &d, e);
	diags_free(&d);
	if (r == -EACCES || r == -EPERM) {
		err_set(e, EACCES, "lab %s: only root may look at it", name);
		err_hint(e, "use sudo");
		return err_kind_set(e, ERR_CANNOT);
	}
	if (r == -ENOENT) {
		err_set(e, ENOENT, "lab %s is being made, or was cut short while it was", name);
		err_hint(e, "`warren down %s` removes what is left of it", name);
		return err_kind_set(e, ERR_NO);
	}
	if (r < 0) {
		err_wrap(e, "lab %s%s", name,
			 r == -EPROTONOSUPPORT ? "" : ": its record is damaged");
		err_hint(e, "`warren down %s` removes what is left of it", name);
		return err_kind_set(e, ERR_CANNOT);
	}
	ret->host = find_host(ret->t, ret->meta.host);
	(void)backend_parse(ret->meta.backend, &ret->backend);
	return keys_resolve(ret->t, ret->host, KEYS_FIND, e);
}

void lab_close(struct lab *l)
{
	journal_close(l->journal);
	topology_free(l->t);
	free(l->text);
	free(l->leases);
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

int lab_is_here(const struct lab *l, struct err *e)
{
	uint64_t cookie;
	int r = ns_own_cookie(&cookie, e);

	if (r < 0 || !l->host || cookie == l->meta.cookie)
		return r;
	err_set(e, EXDEV, "lab %s: host %s is another network namespace than this one", l->t->name,
		l->host->name);
	err_hint(e, "run the command where `warren up --host` was run");
	return err_kind_set(e, ERR_CANNOT);
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
		return lab_is_here(l, e) < 0 ? -e->code : ns_open_self(e);
	}
	fd = netns_open(netns, e);
	if (fd >= 0)
		*ret_netns = netns;
	return fd;
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

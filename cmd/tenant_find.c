/* SPDX-License-Identifier: GPL-2.0-or-later */
/* the topology that LAB or FILE means, its hosts and tenants, and the file that one is in */
#include "cmd/tenant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/suggest.h"
#include "cmd/out.h"
#include "cmd/read.h"

static int no_memory(struct tenant_job *job)
{
	err_code(&job->c->err, ENOMEM, "%s", job->lab);
	return cmd_fail(job->c);
}

static int invalid(struct tenant_job *job)
{
	err_kind_set(&job->c->err, ERR_INVALID);
	return cmd_fail(job->c);
}

/* --- the topology ---------------------------------------------------------------------------- */

int tenant_find_topology(struct tenant_job *job)
{
	struct stat st;
	struct lab l;
	int r = 0;

	if (lab_is_file(job->lab)) {
		job->topology = strdup(job->lab);
	} else {
		r = lab_open(job->lab, &l, &job->c->err);
		job->topology = r < 0 ? NULL : strdup(l.meta.file);
		lab_close(&l);
	}
	if (r < 0)
		return cmd_fail(job->c);
	if (!job->topology)
		return no_memory(job);
	job->folder = stat(job->topology, &st) == 0 && S_ISDIR(st.st_mode);
	return STATUS_DONE;
}

/* a path in the folder, as it is shown */
static char *path_in(const struct tenant_job *job, const char *name)
{
	size_t n = strlen(job->topology);
	char *path;

	if (asprintf(&path, "%s%s%s", job->topology, n && job->topology[n - 1] == '/' ? "" : "/",
		     name) < 0)
		return NULL;
	return path;
}

/* which files the whole is made of */
static int take_apart(struct tenant_job *job)
{
	struct yaml_error error;

	if (!bundle_is(job->whole.text, job->whole.len))
		return STATUS_DONE;
	job->arena = arena_new(0);
	if (!job->arena ||
	    bundle_split(job->whole.text, job->whole.len, job->arena, &job->bundle, &error) < 0)
		return no_memory(job); /* it has been loaded: nothing else can be wrong with it */
	return STATUS_DONE;
}

int tenant_look(struct tenant_job *job)
{
	int status = read_file(job->c, job->topology, &job->whole);

	return status ? status : take_apart(job);
}

/* what was read of the file, and what the whole has of it, are one */
static int check_same(struct tenant_job *job, const char *text, size_t len)
{
	if (job->f.len == len && !memcmp(job->f.text, text, len))
		return STATUS_DONE;
	err_set(&job->c->err, ESTALE, "%s: somebody else is changing it; nothing was written",
		job->shown);
	err_hint(&job->c->err, "try again");
	return cmd_fail(job->c);
}

int tenant_open(struct tenant_job *job)
{
	int status;

	job->shown = job->folder ? path_in(job, BUNDLE_TOPOLOGY) : strdup(job->topology);
	if (!job->shown)
		return no_memory(job);
	if (edit_file_open(job->shown, job->folder ? job->topology : NULL, &job->f, &job->c->err) <
	    0)
		return cmd_fail(job->c);
	status = tenant_look(job);
	if (status)
		return status;
	if (!job->bundle.n)
		return check_same(job, job->whole.text, job->whole.len);
	if (!job->folder) {
		err_set(&job->c->err, EINVAL, "%s is the record of a folder", job->topology);
		err_hint(&job->c->err, "edit the folder itself");
		return invalid(job);
	}
	job->part = job->bundle.files[0].name;
	return check_same(job, job->bundle.files[0].text, job->bundle.files[0].len);
}

/* --- hosts and tenants ------------------------------------------------------------------------ */

int tenant_find_gateway(struct tenant_job *job)
{
	const char *name = cmd_value(job->c, "host");
	struct err *e = &job->c->err;
	struct topology *t = job->whole.t;
	size_t n = 0;

	for (size_t i = 0; i < t->n_hosts; i++) {
		struct host *h = &t->hosts[i];

		if (name ? strcmp(name, h->name) != 0 : !h->gateway)
			continue;
		if (n++ == 0)
			job->host = h;
	}
	if (!n && name)
		err_set(e, ENOENT, "%s has no host `%s`", job->topology, name);
	else if (!n || !job->host->gateway)
		err_set(e, ENOENT, "%s: %s has %s `gateway`", job->topology,
			name ? name : "no host", name ? "no" : "a");
	else if (n == 1)
		return STATUS_DONE;
	else
		err_set(e, EINVAL, "%s has %zu gateways", job->topology, n);
	if (n > 1)
		err_hint(e, "say which by --host, such as `--host %s`", job->host->name);
	return invalid(job);
}

static int no_tenant(struct tenant_job *job)
{
	const struct topology *t = job->whole.t;
	struct suggest s = suggest_start(job->name, 100000);

	for (size_t i = 0; i < t->n_hosts; i++) {
		const struct gateway *g = t->hosts[i].gateway;

		for (size_t k = 0; g && k < g->n_tenants; k++)
			suggest_try(&s, g->tenants[k].name);
	}
	err_set(&job->c->err, ENOENT, "%s has no tenant `%s`", job->topology, job->name);
	if (s.best)
		err_hint(&job->c->err, "did you mean `%s`?", s.best);
	else
		err_hint(&job->c->err, "`warren tenant list %s` lists them", job->lab);
	return invalid(job);
}

int tenant_find(struct tenant_job *job)
{
	const char *host = cmd_value(job->c, "host");
	struct topology *t = job->whole.t;
	size_t n = 0;

	for (size_t i = 0; i < t->n_hosts; i++) {
		struct host *h = &t->hosts[i];

		for (size_t k = 0; h->gateway && k < h->gateway->n_tenants; k++) {
			if (strcmp(h->gateway->tenants[k].name, job->name) != 0 ||
			    (host && strcmp(host, h->name) != 0))
				continue;
			n++;
			job->host = h;
			job->tenant = &h->gateway->tenants[k];
		}
	}
	if (!n)
		return no_tenant(job);
	if (n == 1)
		return STATUS_DONE;
	err_set(&job->c->err, EINVAL, "%s has %zu tenants `%s`", job->topology, n, job->name);
	err_hint(&job->c->err, "say which by --host, such as `--host %s`", job->host->name);
	return invalid(job);
}

/* --- files ------------------------------------------------------------------------------------- */

/* the name of the file for a new tenant: of several gateways each has a folder */
static const char *new_part(const struct tenant_job *job)
{
	const struct topology *t = job->whole.t;
	size_t gateways = 0;

	for (size_t i = 0; i < t->n_hosts; i++)
		gateways += t->hosts[i].gateway != NULL;
	if (gateways > 1)
		return arena_printf(job->arena, BUNDLE_TENANTS "/%s/%s.yaml", job->host->name,
				    job->name);
	return arena_printf(job->arena, BUNDLE_TENANTS "/%s.yaml", job->name);
}

static int choose_new(struct tenant_job *job)
{
	job->part = new_part(job);
	job->is_new = job->tenants_file = true;
	free(job->shown);
	job->shown = job->part ? path_in(job, job->part) : NULL;
	if (!job->shown)
		return no_memory(job);
	for (size_t i = 0; i < job->bundle.n; i++) {
		if (strcmp(job->bundle.files[i].name, job->part) != 0)
			continue;
		err_set(&job->c->err, EEXIST, "%s: there is such a file already", job->shown);
		return invalid(job);
	}
	return STATUS_DONE;
}

int tenant_choose_file(struct tenant_job *job)
{
	unsigned int file = job->tenant ? job->tenant->src.file : 0;

	if (!job->folder || (job->tenant && !file))
		return STATUS_DONE;
	if (!job->tenant)
		return choose_new(job);
	job->part = job->bundle.files[file].name;
	job->tenants_file = true;
	free(job->shown);
	job->shown = path_in(job, job->part);
	if (!job->shown)
		return no_memory(job);
	if (edit_file_switch(&job->f, job->shown, &job->c->err) < 0)
		return cmd_fail(job->c);
	return check_same(job, job->bundle.files[file].text, job->bundle.files[file].len);
}

const char *tenant_file_name(const struct tenant_job *job, struct src src,
			     char buf[static PATH_MAX])
{
	size_t n = strlen(job->topology);

	if (src.file >= job->bundle.n)
		return job->topology;
	snprintf(buf, PATH_MAX, "%s%s%s", job->topology,
		 n && job->topology[n - 1] == '/' ? "" : "/", job->bundle.files[src.file].name);
	return buf;
}

struct edit_source tenant_source(const struct tenant_job *job)
{
	return (struct edit_source){job->shown, job->f.text, job->f.len};
}

const char *tenant_edit_host(const struct tenant_job *job)
{
	return job->tenants_file ? NULL : job->host->name;
}

const char *tenant_public_key(const struct tenant *t, char buf[static WG_KEY_BASE64_LEN])
{
	uint8_t public[WG_KEY_LEN];

	if (!t->private_key.present)
		return NULL;
	wg_key_public(t->private_key.bytes, public);
	return wg_key_format(public, buf);
}

void tenant_job_clear(struct tenant_job *job)
{
	edit_file_close(&job->f);
	lab_file_clear(&job->whole);
	arena_free(job->arena);
	free(job->shown);
	free(job->topology);
}

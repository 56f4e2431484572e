/* SPDX-License-Identifier: GPL-2.0-or-later */
/* the file that LAB or FILE means, and the tenants in it */
#include "cmd/tenant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/suggest.h"
#include "cmd/out.h"
#include "wg/key.h"

/* --- the file ----------------------------------------------------------------------------- */

/* of a folder it is topology.yaml that is read; false: out of memory */
static bool enter_folder(struct tenant_job *job)
{
	struct stat st;

	if (stat(job->shown, &st) < 0 || !S_ISDIR(st.st_mode))
		return true;
	job->folder = job->shown;
	if (asprintf(&job->shown, "%s/topology.yaml", job->folder) < 0)
		job->shown = NULL;
	return job->shown;
}

int tenant_find_file(struct tenant_job *job)
{
	struct lab l;
	int r = 0;

	if (lab_is_file(job->lab)) {
		job->shown = strdup(job->lab);
	} else {
		r = lab_open(job->lab, &l, &job->c->err);
		job->shown = r < 0 ? NULL : strdup(l.meta.file);
		lab_close(&l);
	}
	if (r < 0)
		return cmd_fail(job->c);
	if (job->shown && enter_folder(job))
		return STATUS_DONE;
	err_code(&job->c->err, ENOMEM, "%s", job->lab);
	return cmd_fail(job->c);
}

int tenant_open(struct tenant_job *job)
{
	struct diags d = {0};
	int status = STATUS_DONE;

	if (edit_file_open(job->shown, &job->f, &job->c->err) < 0)
		return cmd_fail(job->c);
	if (topology_load(job->f.text, job->f.len, job->f.dir, &job->t, &d, &job->c->err) < 0) {
		out_diags(job->c, job->shown, &d);
		status = d.n ? STATUS_USAGE : cmd_fail(job->c);
	}
	diags_free(&d);
	return status;
}

/* --- hosts and tenants ------------------------------------------------------------------------ */

static int invalid(struct tenant_job *job)
{
	err_kind_set(&job->c->err, ERR_INVALID);
	return cmd_fail(job->c);
}

int tenant_find_gateway(struct tenant_job *job)
{
	const char *name = cmd_value(job->c, "host");
	struct err *e = &job->c->err;
	size_t n = 0;

	for (size_t i = 0; i < job->t->n_hosts; i++) {
		struct host *h = &job->t->hosts[i];

		if (name ? strcmp(name, h->name) != 0 : !h->gateway)
			continue;
		if (n++ == 0)
			job->host = h;
	}
	if (!n && name) {
		err_set(e, ENOENT, "%s has no host `%s`", job->shown, name);
		return invalid(job);
	}
	if (!n || !job->host->gateway) {
		err_set(e, ENOENT, "%s: %s%s no `gateway`", job->shown, name ? name : "no host",
			name ? " has" : " has a");
		return invalid(job);
	}
	if (n > 1) {
		err_set(e, EINVAL, "%s has %zu gateways", job->shown, n);
		err_hint(e, "say which by --host, such as `--host %s`", job->host->name);
		return invalid(job);
	}
	return STATUS_DONE;
}

static int no_tenant(struct tenant_job *job)
{
	struct suggest s = suggest_start(job->name, 100000);

	for (size_t i = 0; i < job->t->n_hosts; i++)
		for (size_t k = 0;
		     job->t->hosts[i].gateway && k < job->t->hosts[i].gateway->n_tenants; k++)
			suggest_try(&s, job->t->hosts[i].gateway->tenants[k].name);
	err_set(&job->c->err, ENOENT, "%s has no tenant `%s`", job->shown, job->name);
	if (s.best)
		err_hint(&job->c->err, "did you mean `%s`?", s.best);
	else
		err_hint(&job->c->err, "`warren tenant list %s` lists them", job->lab);
	return invalid(job);
}

int tenant_find(struct tenant_job *job)
{
	const char *host = cmd_value(job->c, "host");
	size_t n = 0;

	for (size_t i = 0; i < job->t->n_hosts; i++) {
		struct host *h = &job->t->hosts[i];

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
	err_set(&job->c->err, EINVAL, "%s has %zu tenants `%s`", job->shown, n, job->name);
	err_hint(&job->c->err, "say which by --host, such as `--host %s`", job->host->name);
	return invalid(job);
}

const char *tenant_public_key(const struct tenant *t, char buf[static WG_KEY_BASE64_LEN])
{
	uint8_t public[WG_KEY_LEN];

	if (!t->private_key.present)
		return NULL;
	wg_key_public(t->private_key.bytes, public);
	return wg_key_format(public, buf);
}

struct edit_source tenant_source(const struct tenant_job *job)
{
	return (struct edit_source){job->shown, job->f.text, job->f.len};
}

void tenant_job_clear(struct tenant_job *job)
{
	edit_file_close(&job->f);
	topology_free(job->t);
	free(job->shown);
	free(job->folder);
}

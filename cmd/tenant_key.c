/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keys of tenants: of their own, and other ones */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/out.h"
#include "cmd/tenant.h"
#include "lab/keys.h"

static int key_failed(struct tenant_job *job)
{
	struct err *e = &job->c->err;

	if (e->code == EACCES || e->code == EPERM || e->code == EROFS) {
		err_hint(e, "keys that warren keeps are root's: use sudo");
		err_kind_set(e, ERR_CANNOT);
	}
	err_wrap(e, "key of tenant %s", job->name);
	return cmd_fail(job->c);
}

/* --- a key of its own ----------------------------------------------------------------------- */

void own_key_choose(const struct tenant_job *job, struct own_key *ret)
{
	*ret = (struct own_key){.path = ""};
	if (!job->host->gateway->private_key.present) {
		keys_path(job->whole.t->name, job->host->name, job->name, ret->path);
		return;
	}
	/* who has put the gateway's key into the file takes the file to other machines with it */
	wg_key_generate_private(ret->key.bytes);
	ret->key.present = true;
	wg_key_format(ret->key.bytes, ret->text);
}

int own_key_keep(struct tenant_job *job, bool anew, struct own_key *k)
{
	int r;

	if (!k->path[0])
		return STATUS_DONE;
	k->made = access(k->path, F_OK) < 0;
	r = anew ? keys_replace(k->path, NULL, &k->key, &job->c->err)
		 : keys_keep(k->path, &k->key, &job->c->err);
	return r < 0 ? key_failed(job) : STATUS_DONE;
}

void own_key_forget(const struct own_key *k)
{
	if (k->made)
		(void)unlink(k->path);
}

/* --- rotate-key ------------------------------------------------------------------------------- */

static bool same_path(const char *a, const char *b)
{
	return b && strcmp(a, b) == 0;
}

/* who else has the key that is in the tenant's file */
static const char *other_user(const struct tenant_job *job)
{
	const char *path = job->tenant->private_key_file;

	for (size_t i = 0; i < job->whole.t->n_hosts; i++) {
		const struct host *h = &job->whole.t->hosts[i];
		const struct gateway *g = h->gateway;

		for (size_t k = 0; k < h->n_tunnels; k++)
			if (same_path(path, h->tunnels[k].private_key_file))
				return h->tunnels[k].ifname.full;
		if (g && same_path(path, g->private_key_file))
			return h->name;
		for (size_t k = 0; g && k < g->n_tenants; k++)
			if (&g->tenants[k] != job->tenant &&
			    same_path(path, g->tenants[k].private_key_file))
				return g->tenants[k].name;
	}
	return NULL;
}

/* the key is in a file that the topology names */
static int rotate_file(struct tenant_job *job)
{
	const char *path = job->tenant->private_key_file, *other = other_user(job);
	struct err *e = &job->c->err;
	char old[PATH_MAX];

	if (other) {
		err_set(e, EBUSY, "%s: the key of tenant %s is the key of %s, too", path, job->name,
			other);
		err_hint(e, "give one of the two a `private_key_file` of its own");
		err_kind_set(e, ERR_INVALID);
		return cmd_fail(job->c);
	}
	if (cmd_value(job->c, "dry-run")) {
		if (!job->c->quiet)
			printf("the key in %s would be replaced\n", path);
		return STATUS_DONE;
	}
	snprintf(old, sizeof(old), "%.*s.old", PATH_MAX - 8, path);
	if (keys_replace(path, cmd_value(job->c, "keep-old") ? old : NULL,
			 &job->tenant->private_key, e) < 0)
		return key_failed(job);
	return STATUS_DONE;
}

/* the key that is in the topology file, where others are kept */
static int keep_old(struct tenant_job *job)
{
	char path[PATH_MAX], old[PATH_MAX];

	if (!cmd_value(job->c, "keep-old") || !job->tenant->has_own_key)
		return STATUS_DONE;
	keys_path(job->whole.t->name, job->host->name, job->name, path);
	snprintf(old, sizeof(old), "%.*s.old", PATH_MAX - 8, path);
	if (keys_write(old, &job->tenant->private_key, &job->c->err) < 0)
		return key_failed(job);
	return STATUS_DONE;
}

/* the change of the topology file, and the key that it is about */
static int rotate_text(struct tenant_job *job, struct tenant_change *ch, struct own_key *k)
{
	const struct edit_source src = tenant_source(job);
	const bool kept = k->path[0];
	int status;

	if (edit_set(&src, tenant_edit_host(job), job->name,
		     kept ? "private_key_file" : "private_key", kept ? k->path : k->text, &ch->text,
		     &job->c->err) < 0)
		return cmd_fail(job->c);
	status = tenant_check(job, ch);
	if (!status && cmd_value(job->c, "dry-run"))
		return tenant_dry_run(job, ch);
	if (!status)
		status = keep_old(job);
	if (!status)
		status = own_key_keep(job, true, k);
	if (!status) {
		status = tenant_write(job, ch);
		if (status)
			own_key_forget(k);
	}
	job->tenant->private_key = k->key;
	return status;
}

int tenant_rotate_key(struct tenant_job *job, struct tenant_change *ch)
{
	struct own_key k;

	if (job->tenant->private_key_file)
		return rotate_file(job);
	own_key_choose(job, &k);
	if (job->tenant->has_own_key && k.path[0]) {
		/* it has been in the topology file, whatever its gateway does */
		k.path[0] = '\0';
		wg_key_generate_private(k.key.bytes);
		k.key.present = true;
		wg_key_format(k.key.bytes, k.text);
	}
	return rotate_text(job, ch, &k);
}

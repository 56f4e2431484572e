/* SPDX-License-Identifier: GPL-2.0-or-later */
/* a topology that is a folder: each new tenant gets a file of its own */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "cmd/out.h"
#include "cmd/tenant.h"
#include "cmd/text_diff.h"
#include "lab/edit_entry.h"

bool tenant_is_folder(const struct tenant_job *job)
{
	return job->folder != NULL;
}

/* DIR/tenants.d/NAME.yaml; of several gateways, DIR/tenants.d/HOST/NAME.yaml */
static char *path_of(const struct tenant_job *job)
{
	size_t gateways = 0;
	char *path;

	for (size_t i = 0; i < job->t->n_hosts; i++)
		gateways += job->t->hosts[i].gateway != NULL;
	if (asprintf(&path, "%s/tenants.d/%s%s%s.yaml", job->folder,
		     gateways > 1 ? job->host->name : "", gateways > 1 ? "/" : "", job->name) < 0)
		return NULL;
	return path;
}

static char *text_of(const struct edit_tenant *t, size_t *ret_len)
{
	const struct style style = {.step = 2, .eol = {"\n", 1}};
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);

	if (!f)
		return NULL;
	entry_tenant(f, &style, t);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

/* is the folder good with the new file in it?  A folder that cannot be loaded has been checked as
 * if the entry stood in its topology.yaml. */
static int check_folder(struct tenant_job *job, struct tenant_change *ch)
{
	struct lab_file f;
	struct diags d;
	int r = lab_file_read(job->folder, &f, &d, &job->c->err), status = STATUS_DONE;

	if (!r) {
		topology_free(ch->after);
		ch->after = steal_ptr(f.t);
	} else if (r != -EISDIR) {
		out_diags(job->c, job->folder, &d);
		if (d.n)
			err_set(&job->c->err, EINVAL,
				"%s: nothing was written: so changed, it would not be valid",
				job->folder);
		status = cmd_fail(job->c);
	}
	lab_file_clear(&f);
	diags_free(&d);
	return status;
}

/* a file that is not there yet, with the mode of topology.yaml */
static int create(struct tenant_job *job, const char *path, const char *text, size_t len)
{
	char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = strndup(path, (size_t)(slash - path));
	struct err *e = &job->c->err;
	mode_t mode = job->f.was.st_mode & 0666;
	int r = dir ? io_mkdir_p(dir, 0755, e) : err_code(e, ENOMEM, "%s", path);

	if (!r)
		r = io_create_file(path, text, len, mode, e);
	if (r == -EOPNOTSUPP) /* no files without a name; the folder is locked */
		r = access(path, F_OK) == 0 ? err_code(e, EEXIST, "%s", path)
					    : io_write_file(path, text, len, mode, e);
	if (r == -EEXIST || r == -ENOTDIR)
		err_kind_set(e, ERR_INVALID);
	else if (r == -EACCES || r == -EPERM || r == -EROFS)
		err_kind_set(e, ERR_CANNOT);
	return r < 0 ? cmd_fail(job->c) : STATUS_DONE;
}

int tenant_write_folder(struct tenant_job *job, const struct edit_tenant *t,
			struct tenant_change *ch)
{
	_cleanup_free_ char *path = path_of(job), *text = NULL;
	size_t len = 0;
	int status;

	text = text_of(t, &len);
	if (!path || !text) {
		err_code(&job->c->err, ENOMEM, "%s", job->folder);
		return cmd_fail(job->c);
	}
	status = create(job, path, text, len);
	if (status)
		return status;
	status = check_folder(job, ch);
	if (status)
		(void)unlink(path);
	return status;
}

int tenant_dry_run_folder(struct tenant_job *job, const struct edit_tenant *t)
{
	_cleanup_free_ char *path = path_of(job), *text = NULL, *shown = NULL;
	struct diff_text was = {"", "", 0}, is = {.len = 0};

	text = text_of(t, &is.len);
	if (text) {
		const struct edit_source src = {"", text, is.len};

		shown = edit_mask(&src);
	}
	if (!path || !shown) {
		err_code(&job->c->err, ENOMEM, "%s", job->folder);
		return cmd_fail(job->c);
	}
	is.text = text;
	is.shown = shown;
	text_diff_print(path, &was, &is, stdout);
	return STATUS_DONE;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An edited file: what does the whole mean with it, and into its place with it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "cmd/out.h"
#include "cmd/tenant.h"
#include "cmd/text_diff.h"
#include "lab/edit_entry.h"
#include "lab/store.h"

static int no_memory(struct tenant_job *job)
{
	err_code(&job->c->err, ENOMEM, "%s", job->topology);
	return cmd_fail(job->c);
}

int tenant_entry(struct tenant_job *job, const struct edit_tenant *t, struct edited *ret)
{
	const struct style style = {.step = 2, .eol = {"\n", 1}};
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return no_memory(job);
	entry_tenant(f, &style, t);
	if (fclose(f) != 0) {
		free(text);
		return no_memory(job);
	}
	*ret = (struct edited){text, len};
	return STATUS_DONE;
}

/* --- the whole, with the file as it will be ---------------------------------------------------- */

static void write_part(FILE *out, const struct bundle_file *f)
{
	char head[BUNDLE_HEAD_MAX];
	size_t n = bundle_head(head, f->name, f->len);

	fwrite(head, 1, n, out);
	fwrite(f->text, 1, f->len, out);
	fputc('\n', out);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct bundle_file *)a)->name, ((const struct bundle_file *)b)->name);
}

/* in a bundle's text files are in the order of their names; false: out of memory */
static bool write_parts(const struct tenant_job *job, const struct edited *text, FILE *out)
{
	struct bundle_file *v _cleanup_free_ = calloc(job->bundle.n + 1, sizeof(*v));
	size_t n = 0;

	if (!v)
		return false;
	for (size_t i = 0; i < job->bundle.n; i++)
		if (strcmp(job->bundle.files[i].name, job->part) != 0)
			v[n++] = job->bundle.files[i];
	if (text->len)
		v[n++] = (struct bundle_file){
			.name = job->part, .text = text->text, .len = text->len};
	qsort(v, n, sizeof(*v), by_name);
	fputs(BUNDLE_MARK, out);
	for (size_t i = 0; i < n; i++)
		write_part(out, &v[i]);
	return true;
}

/* the whole's text, to be freed */
static char *whole_with(const struct tenant_job *job, const struct edited *text, size_t *ret_len)
{
	char *whole = NULL;
	FILE *out = open_memstream(&whole, ret_len);
	bool done = true;

	if (!out)
		return NULL;
	if (job->part)
		done = write_parts(job, text, out);
	else
		fwrite(text->text, 1, text->len, out);
	if (fclose(out) == 0 && done)
		return whole;
	free(whole);
	return NULL;
}

/* --- is it good? --------------------------------------------------------------------------------- */

/* the place of the file that is edited among those of the whole */
static bool is_of_file(const struct tenant_job *job, const struct diag *d)
{
	return !job->part ||
	       (d->nth < job->bundle.n && !strcmp(job->bundle.files[d->nth].name, job->part));
}

/* what is wrong with the text after, at the lines of the file as it is */
static void say_errors(struct tenant_job *job, const struct tenant_change *ch, struct diags *d)
{
	const struct diff_text was = {job->f.text, job->f.text, job->f.len};
	const struct diff_text is = {ch->text.text, ch->text.text, ch->text.len};
	struct text_diff k = text_diff(&was, &is);

	/* where a file comes or goes there is nothing to be told apart */
	for (size_t i = 0; i < d->n && !job->is_new && ch->text.len; i++)
		if (is_of_file(job, &d->v[i]))
			d->v[i].line = text_diff_line(&k, d->v[i].line);
	out_diags(job->c, job->topology, d);
	if (d->n)
		err_set(&job->c->err, EINVAL,
			"%s: nothing was written: so changed, it would not be valid", job->shown);
	err_kind_set(&job->c->err, ERR_INVALID);
}

/* what the pools have given is not for this user to read: whom they would move is not known */
static bool knows_leases(const struct tenant_job *job)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/leases", WARREN_STATE_DIR, job->whole.t->name);
	return access(path, R_OK) == 0 || errno != EACCES;
}

int tenant_check(struct tenant_job *job, struct tenant_change *ch)
{
	struct diags d = {0};
	size_t len;
	char *whole _cleanup_free_ = whole_with(job, &ch->text, &len);
	int r, status = STATUS_DONE;

	if (!whole)
		return no_memory(job);
	r = topology_load_as(job->topology, whole, len, job->whole.dir,
			     job->whole.leases ? job->whole.leases : "", &ch->after, &d,
			     &job->c->err);
	if (r < 0) {
		ch->after = NULL;
		say_errors(job, ch, &d);
		status = cmd_fail(job->c);
	}
	diags_free(&d);
	if (!status && knows_leases(job))
		ch->others = note_others(job, ch->after);
	return status;
}

/* --- dry run ---------------------------------------------------------------------------------------- */

static char *shown_of(const struct tenant_job *job, const char *text, size_t len)
{
	const struct edit_source src = {job->shown, text, len};

	return edit_mask(&src);
}

static int print_diff(struct tenant_job *job, const struct diff_text *was,
		      const struct diff_text *is)
{
	char *text _cleanup_free_ = NULL;
	size_t len;
	FILE *f;

	if (!job->c->json) {
		text_diff_print(job->shown, was, is, stdout);
		return STATUS_DONE;
	}
	f = open_memstream(&text, &len);
	if (f) {
		text_diff_print(job->shown, was, is, f);
		fclose(f);
	}
	return out_json(job->c,
			json_pack("{s:s, s:s, s:s, s:b, s:s}", "lab", job->whole.t->name, "tenant",
				  job->name, "file", job->shown, "changed", 0, "diff", text));
}

int tenant_dry_run(struct tenant_job *job, const struct tenant_change *ch)
{
	const char *before = job->is_new ? "" : job->f.text;
	size_t len = job->is_new ? 0 : job->f.len;
	char *was_shown _cleanup_free_ = shown_of(job, before, len);
	char *is_shown _cleanup_free_ = shown_of(job, ch->text.text, ch->text.len);
	const struct diff_text was = {before, was_shown, len};
	const struct diff_text is = {ch->text.text, is_shown, ch->text.len};

	return was_shown && is_shown ? print_diff(job, &was, &is) : no_memory(job);
}

/* --- writing ------------------------------------------------------------------------------------------ */

/* a file that is not there yet, with the mode of the topology file */
static int create(struct tenant_job *job, const struct edited *text)
{
	_cleanup_free_ char *dir =
		strndup(job->shown, (size_t)(strrchr(job->shown, '/') - job->shown));
	struct err *e = &job->c->err;
	mode_t mode = job->f.was.st_mode & 0666;
	int r = dir ? io_mkdir_p(dir, 0755, e) : err_code(e, ENOMEM, "%s", job->shown);

	if (!r)
		r = io_create_file(job->shown, text->text, text->len, mode, e);
	if (r == -EOPNOTSUPP) /* no files without a name; the folder is locked */
		r = access(job->shown, F_OK) == 0
			    ? err_code(e, EEXIST, "%s", job->shown)
			    : io_write_file(job->shown, text->text, text->len, mode, e);
	if (r == -EEXIST || r == -ENOTDIR)
		err_kind_set(e, ERR_INVALID);
	else if (r == -EACCES || r == -EPERM || r == -EROFS)
		err_kind_set(e, ERR_CANNOT);
	return r;
}

int tenant_write(struct tenant_job *job, const struct tenant_change *ch)
{
	struct err *e = &job->c->err;
	int r = job->is_new    ? create(job, &ch->text)
		: ch->text.len ? edit_file_write(&job->f, ch->text.text, ch->text.len, e)
			       : edit_file_remove(&job->f, e);

	if (r < 0)
		return cmd_fail(job->c);
	if (!job->is_new && job->f.was.st_nlink > 1 && !job->c->quiet)
		fprintf(stderr,
			"warren: note: %s had another name (a hard link), which keeps what it was\n",
			job->shown);
	return STATUS_DONE;
}

void tenant_change_clear(struct tenant_change *ch)
{
	free(ch->text.text);
	topology_free(ch->after);
}

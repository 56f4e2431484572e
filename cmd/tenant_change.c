/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An edited file: is it one, what does it mean, and into its place with it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cmd/out.h"
#include "cmd/tenant.h"
#include "cmd/text_diff.h"

static struct text_diff difference(const struct tenant_job *job, const struct tenant_change *ch)
{
	const struct diff_text was = {job->f.text, job->f.text, job->f.len};
	const struct diff_text is = {ch->text.text, ch->text.text, ch->text.len};

	return text_diff(&was, &is);
}

/* what is wrong with the text after, at the lines of the file as it is */
static void say_errors(struct tenant_job *job, const struct tenant_change *ch, struct diags *d)
{
	struct text_diff k = difference(job, ch);

	for (size_t i = 0; i < d->n; i++)
		d->v[i].line = text_diff_line(&k, d->v[i].line);
	out_diags(job->c, job->shown, d);
}

int tenant_check(struct tenant_job *job, struct tenant_change *ch)
{
	struct diags d = {0};
	int status = STATUS_DONE;

	if (topology_load(ch->text.text, ch->text.len, job->f.dir, &ch->after, &d, &job->c->err) <
	    0) {
		ch->after = NULL;
		say_errors(job, ch, &d);
		if (d.n)
			err_set(&job->c->err, EINVAL,
				"%s: nothing was written: so changed, it would not be valid",
				job->shown);
		err_kind_set(&job->c->err, ERR_INVALID);
		status = cmd_fail(job->c);
	}
	diags_free(&d);
	if (!status)
		ch->others = note_others(job, ch->after);
	return status;
}

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
			json_pack("{s:s, s:s, s:s, s:b, s:s}", "lab", job->t->name, "tenant",
				  job->name, "file", job->shown, "changed", 0, "diff", text));
}

int tenant_dry_run(struct tenant_job *job, const struct tenant_change *ch)
{
	char *was_shown _cleanup_free_ = shown_of(job, job->f.text, job->f.len);
	char *is_shown _cleanup_free_ = shown_of(job, ch->text.text, ch->text.len);
	const struct diff_text was = {job->f.text, was_shown, job->f.len};
	const struct diff_text is = {ch->text.text, is_shown, ch->text.len};

	if (was_shown && is_shown)
		return print_diff(job, &was, &is);
	err_code(&job->c->err, ENOMEM, "%s", job->shown);
	return cmd_fail(job->c);
}

int tenant_write(struct tenant_job *job, const struct tenant_change *ch)
{
	if (edit_file_write(&job->f, ch->text.text, ch->text.len, &job->c->err) < 0)
		return cmd_fail(job->c);
	if (job->f.was.st_nlink > 1 && !job->c->quiet)
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan, apply, adopt */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/apply.h"
#include "cmd/cmd.h"
#include "cmd/out.h"
#include "cmd/out_plan.h"
#include "cmd/read.h"
#include "lab/adopt.h"
#include "lab/change.h"
#include "lab/preflight.h"

static int read_options(struct cmd *c, struct change_options *o)
{
	const char *backend = cmd_value(c, "backend");

	*o = (struct change_options){.host = cmd_value(c, "host"),
				     .has_backend = backend != NULL,
				     .only_changed = cmd_value(c, "only-changed") != NULL};
	if (backend && backend_parse(backend, &o->backend) < 0)
		return cmd_usage(c, "no backend `%s`: auto, kernel, userspace or none", backend);
	return STATUS_DONE;
}

/* @is_narrow: only what the file says something else about was looked at */
static void say_no_difference(const struct lab_file *f, bool is_narrow)
{
	if (is_narrow)
		printf("lab %s: the file says nothing else; only what it changes was looked at\n",
		       f->t->name);
	else
		printf("lab %s is as the file says\n", f->t->name);
}

/* --- plan -------------------------------------------------------------------------------- */

/* a lab that is not up: every unit comes */
static int plan_of_all(struct cmd *c, const struct lab_file *f, const struct change_options *o)
{
	const struct up_options up = {.host = o->host,
				      .backend = o->has_backend ? o->backend : BACKEND_AUTO};
	struct difference d = {0};
	struct change k;
	struct plan *p;
	int status = STATUS_DONE;

	if (lab_plan(f, &up, &p, &c->err) < 0)
		return cmd_fail(c);
	d = (struct difference){.plan = p, .changes = &k, .n_changes = 1};
	for (size_t i = 0; i < p->n_ns && status == STATUS_DONE; i++) {
		k = (struct change){.sign = '+', .unit = i};
		status = out_difference(c, &d);
	}
	if (status == STATUS_DONE && !c->json && !c->quiet)
		printf("lab %s is not up; `warren apply` makes it\n", f->t->name);
	plan_free(p);
	return status == STATUS_DONE ? STATUS_NO : status;
}

static int say_file_only(struct cmd *c, const struct lab_file *f)
{
	if (c->json)
		return out_json(c, json_pack("{s:s, s:s, s:s}", "lab", f->t->name, "change", "~",
					     "object", "checks, labels or settings of watch"));
	puts("~ checks, labels or settings of watch: nothing in the system");
	return STATUS_DONE;
}

static int plan_of_change(struct cmd *c, const struct lab_file *f, const struct comparison *k)
{
	bool half_done = k->n_formers > 1;
	int status = out_difference(c, &k->diff);

	if (status == STATUS_DONE && k->file_only)
		status = say_file_only(c, f);
	if (status != STATUS_DONE)
		return status;
	if (!c->json && !c->quiet && half_done)
		puts("an apply was cut short: `warren apply` finishes it");
	if (k->diff.n_changes && !c->json && !c->quiet)
		printf("%zu change%s; `warren apply` makes %s\n", k->diff.n_changes,
		       out_plural(k->diff.n_changes), k->diff.n_changes == 1 ? "it" : "them");
	if (k->diff.n_changes || k->file_only || half_done)
		return STATUS_NO;
	if (!c->json && !c->quiet)
		say_no_difference(f, k->is_narrow);
	return STATUS_DONE;
}

static int show_plan(struct cmd *c, const struct lab_file *f, const struct change_options *o)
{
	struct comparison k;
	int status;

	if (lab_compare(f, o, &k, &c->err) < 0)
		status = cmd_fail(c);
	else
		status = k.is_up ? plan_of_change(c, f, &k) : plan_of_all(c, f, o);
	comparison_clear(&k);
	return status;
}

static int run_plan(struct cmd *c, size_t argc, char **argv)
{
	struct change_options o;
	struct lab_file f;
	int status = read_options(c, &o);

	(void)argc;
	if (status)
		return status;
	status = read_file(c, argv[0], &f);
	if (!status)
		status = show_plan(c, &f, &o);
	lab_file_clear(&f);
	return status;
}

static const struct option_spec plan_options[] = {
	{"host", 'H', "HOST", "this host's part only, as with up", NULL},
	{"backend", 'b', "BACKEND", "WireGuard by auto, kernel, userspace or none",
	 "auto|kernel|userspace|none"},
	{"only-changed", 'c', NULL, "look only at what the file says something else about", NULL},
	{0},
};

const struct command cmd_plan = {
	.name = "plan",
	.args = "FILE",
	.summary = "show what apply would change",
	.details =
		"Compares the topology file with what runs: namespaces, links, addresses, routes,\n"
		"settings, tunnels and their peers, NAPT rules, files and programs.  Prints a line for\n"
		"each difference, + for what comes, - for what goes, ~ for what is changed, and why\n"
		"where the file is not the reason.  Changes nothing.\n"
		"\n"
		"With --only-changed the two files tell what is different, and only that is looked at:\n"
		"quick with thousands of tenants, but what was changed by hand elsewhere stays unseen.\n"
		"\n"
		"Status 0: there is no difference; 1: there is.",
	.options = plan_options,
	.complete = COMPLETE_FILE,
	.min_args = 1,
	.max_args = 1,
	.run = run_plan,
};

/* --- apply -------------------------------------------------------------------------------- */

static int say_applied(struct cmd *c, const struct lab_file *f, const struct apply_report *r,
		       double seconds)
{
	if (c->json)
		return out_json(c, json_pack("{s:s, s:s, s:b, s:I, s:I, s:f}", "lab", f->t->name,
					     "state", "up", "changed",
					     r->was_down || r->n_changes || r->n_units, "changes",
					     (json_int_t)r->n_changes, "units",
					     (json_int_t)r->n_units, "duration_ms", seconds * 1e3));
	if (c->quiet)
		return STATUS_DONE;
	if (r->was_down)
		printf("lab %s is up, in %.2f s\n", f->t->name, seconds);
	else if (!r->n_changes)
		say_no_difference(f, r->is_narrow);
	else
		printf("lab %s: %zu change%s made, in %.2f s\n", f->t->name, r->n_changes,
		       out_plural(r->n_changes), seconds);
	return STATUS_DONE;
}

static int apply_file_of(struct cmd *c, const struct lab_file *f, const struct change_options *o)
{
	struct apply_timing timing = {0};
	struct apply_report report;
	struct apply_hooks hooks;
	double start = clock_seconds(), end;
	int r;

	cmd_catch_signals();
	out_hooks(c, "changing", &hooks);
	if (c->verbose) {
		hooks.did = out_operation;
		hooks.progress = NULL;
	}
	r = lab_apply(f, o, &hooks, &timing, &report, &c->err);
	end = clock_seconds();
	out_progress_end();
	if (r < 0)
		return cmd_fail(c);
	if (cmd_value(c, "timing"))
		out_timing(&timing, end - start);
	return say_applied(c, f, &report, end - start);
}

int apply_path(struct cmd *c, const char *path, bool only_changed)
{
	const struct change_options as_it_is = {.only_changed = only_changed};
	struct lab_file f;
	int status = read_file(c, path, &f);

	if (!status)
		status = apply_file_of(c, &f, &as_it_is);
	lab_file_clear(&f);
	return status;
}

static int run_apply(struct cmd *c, size_t argc, char **argv)
{
	struct change_options o;
	struct lab_file f;
	int status = read_options(c, &o);

	(void)argc;
	if (status)
		return status;
	status = read_file(c, argv[0], &f);
	if (!status)
		status = cmd_value(c, "dry-run") ? show_plan(c, &f, &o) : apply_file_of(c, &f, &o);
	lab_file_clear(&f);
	return status;
}

static const struct option_spec apply_options[] = {
	{"host", 'H', "HOST", "this host's part only, as with up", NULL},
	{"backend", 'b', "BACKEND", "WireGuard by auto, kernel, userspace or none",
	 "auto|kernel|userspace|none"},
	{"only-changed", 'c', NULL, "look only at what the file says something else about", NULL},
	{"timing", 0, NULL, "print where the time went", NULL},
	{"dry-run", 'n', NULL, "what plan prints", NULL},
	{0},
};

const struct command cmd_apply = {
	.name = "apply",
	.args = "FILE",
	.summary = "make what runs as the file says, in place",
	.details =
		"Does what `warren plan` shows, and disturbs nothing that is not in it.  What was\n"
		"changed by hand is mended; what somebody added beside it is left alone.  A lab that\n"
		"is not up is brought up.  With --only-changed no more is looked at than what the file\n"
		"says something else about: quick with thousands of tenants, but nothing else is mended.\n"
		"\n"
		"Each tenant and each host is changed whole or left as it was: one that cannot be\n"
		"changed is put back and named, and the others go on (status 4).  An apply that was\n"
		"killed is finished by the next one.",
	.options = apply_options,
	.complete = COMPLETE_FILE,
	.changes = true,
	.min_args = 1,
	.max_args = 1,
	.run = run_apply,
};

/* --- adopt -------------------------------------------------------------------------------- */

static int adopt(struct cmd *c, const struct lab_file *f, const struct change_options *o)
{
	struct adopt_report r;
	struct apply_hooks hooks;

	out_hooks(c, "adopting", &hooks);
	if (lab_adopt(f, o, &hooks, &r, &c->err) < 0)
		return cmd_fail(c);
	if (c->json)
		return out_json(c, json_pack("{s:s, s:I, s:I, s:I, s:I}", "lab", f->t->name,
					     "namespaces", (json_int_t)r.namespaces, "processes",
					     (json_int_t)r.processes, "links", (json_int_t)r.links,
					     "files", (json_int_t)r.files));
	if (!c->quiet)
		printf("lab %s adopted: %zu namespace%s, %zu process%s; `warren plan` shows what is "
		       "missing\n",
		       f->t->name, r.namespaces, out_plural(r.namespaces), r.processes,
		       r.processes == 1 ? "" : "es");
	return STATUS_DONE;
}

static int run_adopt(struct cmd *c, size_t argc, char **argv)
{
	struct change_options o;
	struct lab_file f;
	int status = read_options(c, &o);

	(void)argc;
	if (status)
		return status;
	status = read_file(c, argv[0], &f);
	if (!status)
		status = adopt(c, &f, &o);
	lab_file_clear(&f);
	return status;
}

static const struct option_spec adopt_options[] = {
	{"host", 'H', "HOST", "the lab was made with --host HOST", NULL},
	{0},
};

const struct command cmd_adopt = {
	.name = "adopt",
	.args = "FILE",
	.summary = "take up a lab whose record was lost",
	.details =
		"For a lab that runs while its record, /run/warren/LAB, is gone.  Looks for what the\n"
		"file names, takes what carries the lab's marks (alternative names of links, comments\n"
		"of tables, environments of processes), and writes the record anew.  Changes nothing\n"
		"else: `warren plan` shows what is missing, `warren apply` mends it, `warren down`\n"
		"takes it away.  wireguard-go processes whose sockets were lost are replaced then.\n"
		"\n"
		"Addresses, routes and settings of the machine itself (--host) have no mark: `down`\n"
		"leaves them.",
	.options = adopt_options,
	.complete = COMPLETE_FILE,
	.changes = true,
	.min_args = 1,
	.max_args = 1,
	.run = run_adopt,
};

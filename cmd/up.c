/* SPDX-License-Identifier: GPL-2.0-or-later */
/* up and down */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/out.h"
#include "cmd/out_plan.h"
#include "cmd/read.h"
#include "lab/preflight.h"

/* --- up ------------------------------------------------------------------------------- */

static int dry_run(struct cmd *c, const struct lab_file *f, const struct up_options *o)
{
	struct plan *p = NULL;
	int status;

	if (lab_plan(f, o, &p, &c->err) < 0)
		return cmd_fail(c);
	status = out_plan(c, p);
	if (!c->json && !c->quiet)
		printf("%zu operations in %zu namespaces; nothing was changed\n", p->n_ops,
		       p->n_ns);
	plan_free(p);
	return status;
}

static void say_result(const struct cmd *c, const struct topology *t, const char *host,
		       enum up_result result, double seconds)
{
	size_t tenants = 0, hosts = 0;

	if (c->quiet)
		return;
	for (size_t i = 0; i < t->n_hosts; i++) {
		if (host && strcmp(host, t->hosts[i].name))
			continue;
		hosts++;
		tenants += t->hosts[i].gateway ? t->hosts[i].gateway->n_tenants : 0;
	}
	if (host)
		printf("host %s of ", host);
	printf("lab %s is up", t->name);
	if (result == UP_UNCHANGED) {
		puts(" already, and unchanged");
		return;
	}
	printf(": ");
	if (!host)
		printf("%zu host%s, ", hosts, out_plural(hosts));
	printf("%zu tenant%s, in %.2f s\n", tenants, out_plural(tenants), seconds);
}

static int make_lab(struct cmd *c, const struct lab_file *f, const struct up_options *o)
{
	struct apply_timing timing = {0};
	struct apply_hooks hooks;
	enum up_result result;
	double start = clock_seconds(), end;
	int r;

	cmd_catch_signals();
	out_hooks(c, "making", &hooks);
	if (c->verbose) {
		hooks.did = out_operation;
		hooks.progress = NULL;
	}
	r = lab_up(f, o, &hooks, &timing, &result, &c->err);
	end = clock_seconds();
	out_progress_end();
	if (r < 0) {
		return cmd_fail(c);
	}
	if (cmd_value(c, "timing"))
		out_timing(&timing, end - start);
	if (c->json)
		return out_json(c, json_pack("{s:s, s:s, s:b, s:f}", "lab", f->t->name, "state",
					     "up", "changed", result == UP_MADE, "duration_ms",
					     (end - start) * 1e3));
	say_result(c, f->t, o->host, result, end - start);
	return STATUS_DONE;
}

static int run_up(struct cmd *c, size_t argc, char **argv)
{
	const char *backend = cmd_value(c, "backend");
	struct up_options o = {.host = cmd_value(c, "host"), .backend = BACKEND_AUTO};
	struct lab_file f;
	int status;

	(void)argc;
	if (backend && backend_parse(backend, &o.backend) < 0)
		return cmd_usage(c, "no backend `%s`: auto, kernel, userspace or none", backend);
	status = read_file(c, argv[0], &f);
	if (!status)
		status = cmd_value(c, "dry-run") ? dry_run(c, &f, &o) : make_lab(c, &f, &o);
	lab_file_clear(&f);
	return status;
}

static const struct option_spec up_options_list[] = {
	{"host", 'H', "HOST", "make this host's part only, in the namespace the command runs in",
	 NULL},
	{"backend", 'b', "BACKEND", "WireGuard by auto (default), kernel, userspace or none",
	 "auto|kernel|userspace|none"},
	{"timing", 0, NULL, "print where the time went", NULL},
	{"dry-run", 'n', NULL, "print what would be done, and do nothing", NULL},
	{0},
};

const struct command cmd_up = {
	.name = "up",
	.args = "FILE",
	.summary = "make a lab",
	.details =
		"Makes everything that the topology file describes, or nothing: after any failure,\n"
		"and on Ctrl-C, all that was made is removed again (status 4).  A lab that is up\n"
		"and unchanged is left alone.  What a run that was killed has left is removed first.\n"
		"\n"
		"With --host, the host of that name is this machine itself: its underlay interfaces\n"
		"are there already and get the addresses they lack.\n"
		"\n"
		"--backend none leaves out the tunnels and the routes into them.",
	.options = up_options_list,
	.complete = COMPLETE_FILE,
	.changes = true,
	.min_args = 1,
	.max_args = 1,
	.run = run_up,
};

/* --- down -------------------------------------------------------------------------------- */

static int down_one(struct cmd *c, const char *name)
{
	struct apply_hooks hooks;
	int r;

	out_hooks(c, "removing", &hooks);
	r = lab_down(name, &hooks, &c->err);
	out_progress_end();
	if (r < 0) {
		if (c->err.kind != ERR_NO)
			err_wrap(&c->err, "lab %s", name);
		return cmd_fail(c);
	}
	if (c->json)
		return out_json(c, json_pack("{s:s, s:s}", "lab", name, "state", "down"));
	if (!c->quiet)
		printf("lab %s is down\n", name);
	return STATUS_DONE;
}

static int down_all(struct cmd *c)
{
	int status = STATUS_DONE;
	char **names;
	size_t n;

	if (store_list(&names, &n, &c->err) < 0)
		return cmd_fail(c);
	for (size_t i = 0; i < n; i++) {
		int s = down_one(c, names[i]);

		if (s > status)
			status = s;
	}
	store_list_free(names, n);
	return status;
}

static int run_down(struct cmd *c, size_t argc, char **argv)
{
	char name[LAB_NAME_MAX + 1];
	bool all = cmd_value(c, "all");

	if (all == (argc > 0))
		return cmd_usage(c, all ? "--all needs no LAB" : "needs LAB, or --all");
	if (all)
		return down_all(c);
	if (lab_name(argv[0], name, &c->err) < 0)
		return cmd_fail(c);
	return down_one(c, name);
}

static const struct option_spec down_options[] = {
	{"all", 'a', NULL, "every lab that is recorded on this machine", NULL},
	{0},
};

const struct command cmd_down = {
	.name = "down",
	.args = "LAB",
	.summary = "take a lab down",
	.details =
		"Removes exactly what was recorded when the lab was made, also after a crash, or with\n"
		"half of it gone already.  Something else that has taken one of the names is left\n"
		"alone.",
	.options = down_options,
	.complete = COMPLETE_LAB_OR_FILE,
	.changes = true,
	.max_args = 1,
	.run = run_down,
};

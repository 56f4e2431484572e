/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/out.h"
#include "cmd/read.h"

int read_file(struct cmd *c, const char *file, struct lab_file *ret)
{
	struct diags d;
	int status = STATUS_DONE;

	if (lab_file_read(file, ret, &d, &c->err) < 0) {
		out_diags(c, ret->shown, &d);
		status = d.n ? STATUS_USAGE : cmd_fail(c);
	}
	diags_free(&d);
	return status;
}

static size_t count_tenants(const struct topology *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_hosts; i++)
		n += t->hosts[i].gateway ? t->hosts[i].gateway->n_tenants : 0;
	return n;
}

static void say_valid(const char *file, const struct topology *t)
{
	size_t tenants = count_tenants(t);

	printf("%s: lab %s is valid: %zu network%s, %zu host%s, %zu tenant%s, %zu check%s\n", file,
	       t->name, t->n_networks, out_plural(t->n_networks), t->n_hosts,
	       out_plural(t->n_hosts), tenants, out_plural(tenants), t->n_checks,
	       out_plural(t->n_checks));
}

static int run(struct cmd *c, size_t argc, char **argv)
{
	struct lab_file f;
	int status = read_file(c, argv[0], &f);

	(void)argc;
	if (!status && cmd_value(c, "expand"))
		topology_print(f.t, SECRETS_MASKED, stdout);
	else if (!status && c->json)
		status =
			out_json(c, json_pack("{s:s, s:b, s:i, s:i, s:i, s:i}", "lab", f.t->name,
					      "valid", 1, "networks", (int)f.t->n_networks, "hosts",
					      (int)f.t->n_hosts, "tenants", (int)count_tenants(f.t),
					      "checks", (int)f.t->n_checks));
	else if (!status && !c->quiet)
		say_valid(f.shown, f.t);
	lab_file_clear(&f);
	return status;
}

static const struct option_spec options[] = {
	{"expand", 0, NULL,
	 "print what the file stands for: ranges, pools and defaults written out", NULL},
	{0},
};

const struct command cmd_validate = {
	.name = "validate",
	.args = "FILE",
	.summary = "check a topology file",
	.details =
		"Reports every error of the file at once, as FILE:LINE:COLUMN: error: TEXT.\n"
		"Changes nothing and needs no privilege.\n"
		"\n"
		"FILE may be a folder, with a topology.yaml and with tenants in tenants.d/*.yaml:\n"
		"here, and with every command that takes a topology file.",
	.options = options,
	.complete = COMPLETE_FILE,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/out.h"
#include "lab/lab.h"
#include "lab/preflight.h"

struct row {
	const char *lab, *state, *backend, *file;
	size_t hosts, tenants;
};

static void print_row(struct cmd *c, struct out_table *t, const struct row *r)
{
	if (c->json) {
		out_json(c, json_pack("{s:s, s:s, s:s, s:i, s:i, s:s}", "lab", r->lab, "state",
				      r->state, "backend", r->backend, "hosts", (int)r->hosts,
				      "tenants", (int)r->tenants, "file", r->file));
		return;
	}
	out_cell(t, COLOUR_NONE, "%s", r->lab);
	out_cell(t, r->state[0] == 'u' ? COLOUR_GOOD : COLOUR_BAD, "%s", r->state);
	out_cell(t, COLOUR_NONE, "%s", r->backend);
	out_cell(t, COLOUR_NONE, "%zu", r->hosts);
	out_cell(t, COLOUR_NONE, "%zu", r->tenants);
	out_cell(t, COLOUR_NONE, "%s", r->file);
}

static void list_one(struct cmd *c, struct out_table *t, const char *name)
{
	struct row row = {name, "damaged", "-", "-", 0, 0};
	struct err why = ERR_INIT;
	struct lab l;
	int r = lab_open(name, &l, &why);

	if (r == -EACCES)
		row.state = "needs root";
	else if (r == -ENOENT)
		row.state = "making";
	if (!r) {
		row.state = lab_state_name(&l);
		row.backend = backend_name(l.backend);
		row.file = l.meta.file;
		row.hosts = l.host ? 1 : l.t->n_hosts;
		for (size_t i = 0; i < l.t->n_hosts; i++)
			if (l.t->hosts[i].gateway && (!l.host || l.host == &l.t->hosts[i]))
				row.tenants += l.t->hosts[i].gateway->n_tenants;
	}
	print_row(c, t, &row);
	lab_close(&l);
}

static int run(struct cmd *c, size_t argc, char **argv)
{
	static const char *const heads[] = {"LAB", "STATE", "BACKEND", "HOSTS", "TENANTS", "FILE"};
	struct out_table *t;
	char **names;
	size_t n;

	(void)argc;
	(void)argv;
	if (store_list(&names, &n, &c->err) < 0)
		return cmd_fail(c);
	t = out_table_new(heads, 6);
	for (size_t i = 0; i < n; i++)
		list_one(c, t, names[i]);
	out_table_print(t);
	if (!n && !c->json && !c->quiet && isatty(STDOUT_FILENO))
		puts("no lab is up");
	store_list_free(names, n);
	return STATUS_DONE;
}

const struct command cmd_ls = {
	.name = "ls",
	.args = "",
	.summary = "list the labs on this machine",
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tenant: tenants come, go and get other keys, in the file and where it runs */
#include "cmd/tenant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmd/apply.h"
#include "cmd/out.h"
#include "lab/keys.h"

/* --- what runs ---------------------------------------------------------------------------- */

/* is the lab up that was made from the topology at @path?  Who may not look takes it for up. */
static bool is_up(const char *path, const char *lab)
{
	struct err why = ERR_INIT;
	struct lab l;
	int r = lab_open(lab, &l, &why);
	bool up = r == -EACCES || (!r && !strcmp(l.meta.file, path));

	lab_close(&l);
	return up;
}

/* once it has been written; whoever waits for the lock need not wait for this */
static int follow(struct tenant_job *job, const struct tenant_change *ch, bool only_changed)
{
	_cleanup_free_ char *path = realpath(job->topology, NULL);
	const char *lab = job->whole.t->name;

	edit_file_close(&job->f);
	if (cmd_value(job->c, "no-apply") || !path || !is_up(path, lab))
		return STATUS_DONE;
	if (!ch->others)
		return apply_path(job->c, path, only_changed);
	fprintf(stderr,
		"warren: %s is up, and stays as it is, since other tenants would be moved: `warren "
		"plan %s` shows it, `warren apply %s` does it\n",
		lab, path, path);
	return STATUS_DONE;
}

/* --- saying what was done ------------------------------------------------------------------- */

static json_t *addresses_json(const struct prefix_list *list)
{
	json_t *out = json_array();
	char text[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(out, json_string(ip_prefix_format(&list->v[i], text)));
	return out;
}

/* @t: the tenant as it is now; NULL: it is no more.  @all: not its key alone */
static int say(struct tenant_job *job, const char *did, const struct tenant *t, bool all)
{
	char text[WG_KEY_BASE64_LEN], address[IP_PREFIX_STRLEN];
	const char *key = t ? tenant_public_key(t, text) : NULL;

	if (job->c->json)
		return out_json(job->c,
				json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:s*, s:o*, s:o*}", "lab",
					  job->whole.t->name, "host", job->host->name, "tenant",
					  job->name, "file", job->shown, "changed", 1, "action",
					  did, "public_key", key, "listen_port",
					  t ? json_integer(t->listen_port) : NULL, "napt_addresses",
					  t ? addresses_json(&t->napt_addresses) : NULL));
	if (job->c->quiet)
		return STATUS_DONE;
	printf("tenant %s of %s %s", job->name, job->host->name, did);
	if (t && all) {
		printf(": UDP port %u", t->listen_port);
		for (size_t i = 0; i < t->napt_addresses.n; i++)
			printf(", NAPT address %s",
			       ip_prefix_format(&t->napt_addresses.v[i], address));
	}
	putchar('\n');
	if (key)
		printf("public key: %s\n", key);
	return STATUS_DONE;
}

/* --- add -------------------------------------------------------------------------------------- */

static const struct tenant *find_in(const struct topology *t, const char *host, const char *name)
{
	for (size_t i = 0; i < t->n_hosts; i++) {
		const struct gateway *g = t->hosts[i].gateway;

		for (size_t k = 0; g && !strcmp(t->hosts[i].name, host) && k < g->n_tenants; k++)
			if (!strcmp(g->tenants[k].name, name))
				return &g->tenants[k];
	}
	return NULL;
}

static int say_added(struct tenant_job *job, const struct tenant_change *ch)
{
	struct err why = ERR_INIT;

	/* for the public key; without it where the key is not known here */
	(void)keys_resolve(ch->after, NULL, KEYS_FIND, &why);
	return say(job, "added", find_in(ch->after, job->host->name, job->name), true);
}

static int edit_added(struct tenant_job *job, const struct edit_tenant *t, struct tenant_change *ch)
{
	const struct edit_source src = tenant_source(job);
	int status = STATUS_DONE;

	if (job->is_new)
		status = tenant_entry(job, t, &ch->text);
	else if (edit_add(&src, job->host->name, t, &ch->text, &job->c->err) < 0)
		status = cmd_fail(job->c);
	return status ? status : tenant_check(job, ch);
}

static int write_added(struct tenant_job *job, struct own_key *own, struct tenant_change *ch)
{
	int status = own_key_keep(job, false, own);

	if (status)
		return status;
	status = tenant_write(job, ch);
	if (status)
		own_key_forget(own);
	return status;
}

static int add(struct tenant_job *job)
{
	struct tenant_change ch = {.others = 0};
	struct own_key own = {.path = ""};
	struct tenant_options *o;
	int status = tenant_options_read(job, &o);

	if (!status)
		status = tenant_open(job);
	if (!status)
		status = tenant_find_gateway(job);
	if (!status)
		status = tenant_choose_file(job);
	if (!status && cmd_value(job->c, "own-key")) {
		own_key_choose(job, &own);
		o->tenant.private_key = own.text[0] ? own.text : NULL;
		o->tenant.private_key_file = own.path[0] ? own.path : NULL;
	}
	if (!status)
		status = edit_added(job, &o->tenant, &ch);
	if (!status && cmd_value(job->c, "dry-run")) {
		status = tenant_dry_run(job, &ch);
	} else if (!status) {
		status = write_added(job, &own, &ch);
		if (!status)
			status = say_added(job, &ch);
		if (!status)
			status = follow(job, &ch, true);
	}
	tenant_change_clear(&ch);
	tenant_options_free(o);
	return status;
}

/* --- remove, rotate-key ---------------------------------------------------------------------- */

static int remove_one(struct tenant_job *job)
{
	struct tenant_change ch = {.others = 0};
	int status = tenant_open(job);

	if (!status)
		status = tenant_find(job);
	if (!status)
		status = tenant_choose_file(job);
	if (!status) {
		const struct edit_source src = tenant_source(job);

		note_references(job);
		if (edit_remove(&src, tenant_edit_host(job), job->name, &ch.text, &job->c->err) < 0)
			status = cmd_fail(job->c);
	}
	if (!status)
		status = tenant_check(job, &ch);
	if (!status && cmd_value(job->c, "dry-run")) {
		status = tenant_dry_run(job, &ch);
	} else if (!status) {
		status = tenant_write(job, &ch);
		if (!status)
			status = say(job, "removed", NULL, false);
		if (!status)
			status = follow(job, &ch, true);
	}
	tenant_change_clear(&ch);
	return status;
}

static int rotate_key(struct tenant_job *job)
{
	struct tenant_change ch = {.others = 0};
	int status = tenant_open(job);

	if (!status)
		status = tenant_find(job);
	if (!status)
		status = tenant_choose_file(job);
	if (!status)
		status = tenant_rotate_key(job, &ch);
	if (!status && !cmd_value(job->c, "dry-run")) {
		status = say(job, "has a new key", job->tenant, false);
		if (!status && !job->c->json && !job->c->quiet)
			printf("its clients need the new public key: `warren config %s %s`\n",
			       job->lab, job->name);
		if (!status)
			status = follow(job, &ch, false); /* the file may say nothing of it */
	}
	tenant_change_clear(&ch);
	return status;
}

/* --- the command ------------------------------------------------------------------------------ */

static const struct option_spec options[] = {
	{"host", 'H', "HOST", "the gateway, where the file has several", NULL},
	{"peer-key", 0, "KEY", "add: public key of its peer", NULL},
	{"peer-name", 0, "TEXT", "add: what people call that peer", NULL},
	{"allowed-ips", 0, "NETWORKS", "add: what is sent to it, with commas between; all", NULL},
	{"endpoint", 0, "HOST:PORT", "add: where it is", NULL},
	{"preshared-key-file", 0, "PATH", "add: a file, from the topology's folder on", NULL},
	{"keepalive", 0, "SECONDS", "add: a packet to it every so often", NULL},
	{"listen-port", 0, "PORT", "add: UDP port; from the pool", NULL},
	{"napt-address", 0, "ADDRESS", "add: address on the bridge, may be repeated; from the pool",
	 NULL},
	{"dns", 0, "ADDRESS", "add: a name server, may be repeated", NULL},
	{"label", 0, "KEY=VALUE", "add: a label, may be repeated", NULL},
	{"own-key", 0, NULL, "add: a private key of its own, not the gateway's", NULL},
	{"keep-old", 0, NULL, "rotate-key: keep the former key beside the new one", NULL},
	{"dry-run", 'n', NULL, "print how the file would differ, and do nothing", NULL},
	{"no-apply", 0, NULL, "change the file, and not what runs", NULL},
	{0},
};

static const struct action {
	const char *name;
	int (*run)(struct tenant_job *job);
	bool names;    /* a tenant */
	bool edits;    /* the file */
	size_t option; /* the first of its own, */
	size_t n;      /* and how many */
} actions[] = {
	{"add", add, true, true, 1, 11},           {"remove", remove_one, true, true, 0, 0},
	{"show", tenant_show, true, false, 0, 0},  {"rotate-key", rotate_key, true, true, 12, 1},
	{"list", tenant_list, false, false, 0, 0},
};

#define OPTION_DRY_RUN 13 /* from here on those of all that edit */

/* options that another action has */
static int check_options(const struct cmd *c, const struct action *a)
{
	for (size_t i = 0; i < c->n_given; i++) {
		size_t o = c->given[i].option;

		if (o == 0 || (o >= a->option && o < a->option + a->n) ||
		    (o >= OPTION_DRY_RUN && a->edits))
			continue;
		return cmd_usage(c, "`--%s` does not go with `tenant %s`", options[o].name,
				 a->name);
	}
	return STATUS_DONE;
}

static int run_action(struct cmd *c, const struct action *a, size_t argc, char **argv)
{
	struct tenant_job job = {.c = c, .lab = argv[1], .f.lock_fd = -1};
	int status = check_options(c, a);

	if (status)
		return status;
	if (argc != 2U + a->names)
		return cmd_usage(c, a->names ? "%s needs LAB and NAME" : "%s needs LAB", a->name);
	job.name = a->names ? argv[2] : NULL;
	if (a->edits)
		cmd_catch_signals();
	status = tenant_find_topology(&job);
	if (!status)
		status = a->run(&job);
	tenant_job_clear(&job);
	return status;
}

static int run(struct cmd *c, size_t argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (!strcmp(actions[i].name, argv[0]))
			return run_action(c, &actions[i], argc, argv);
	return cmd_usage(c, "no such thing as `tenant %s`: add, remove, show, rotate-key or list",
			 argv[0]);
}

const struct command cmd_tenant = {
	.name = "tenant",
	.args = "add|remove|show|rotate-key|list LAB [NAME]",
	.summary = "add, change and remove tenants",
	.details =
		"Edits the topology file in place: only what changes is touched; comments, order,\n"
		"indentation and line ends stay.  What comes out is checked before it is written, and\n"
		"written whole or not at all.  LAB is a lab that is up, or the file.\n"
		"\n"
		"add appends a tenant to the gateway; what is not said comes from the pools.  In a\n"
		"folder the tenant gets a file of its own below tenants.d, which goes with it.\n"
		"\n"
		"remove takes its entry out, with the comments in the lines above it.  Of a range such\n"
		"as t{001..100} only the first or the last can be removed.\n"
		"\n"
		"rotate-key makes a new private key: in the file if the tenant's is there, or in the\n"
		"file that is named there.  One that has shared the gateway's gets one of its own, in\n"
		"the file if the gateway's is there, and else kept in /var/lib/warren.  Its clients\n"
		"need the new public key.\n"
		"\n"
		"show says all about one, list about each in a line; no private key is shown.",
	.options = options,
	.complete = COMPLETE_LAB_OR_FILE,
	.words = "add|remove|show|rotate-key|list",
	.changes = true,
	.min_args = 2,
	.max_args = 3,
	.run = run,
};

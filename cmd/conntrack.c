/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "base/cleanup.h"
#include "base/ns.h"
#include "cmd/cmd.h"
#include "cmd/out.h"
#include "lab/lab.h"
#include "nat/conntrack.h"

struct listing {
	struct cmd *c;
	const struct lab *l;
	const struct tenant *tenant;
	size_t n;
};

/* --- JSON ---------------------------------------------------------------------------- */

static json_t *tuple_json(const struct ct_tuple *t)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	json_t *o = json_pack("{s:s, s:s}", "src", ip_addr_format(&t->src, src), "dst",
			      ip_addr_format(&t->dst, dst));

	if (t->has_ports) {
		json_object_set_new(o, "sport", json_integer(t->sport));
		json_object_set_new(o, "dport", json_integer(t->dport));
	}
	if (t->has_icmp) {
		json_object_set_new(o, "type", json_integer(t->icmp_type));
		json_object_set_new(o, "code", json_integer(t->icmp_code));
		json_object_set_new(o, "id", json_integer(t->icmp_id));
	}
	return o;
}

static json_t *entry_json(const struct listing *v, const struct ct_entry *ct)
{
	const char *proto = ct_proto_name(ct->l4proto);
	const char *state = ct->has_tcp_state ? ct_tcp_state_name(ct->tcp_state) : NULL;
	json_t *o = json_pack("{s:s, s:s, s:s, s:o, s:s*, s:o, s:o}", "lab", v->l->t->name,
			      "tenant", v->tenant->name, "netns", v->tenant->netns, "proto",
			      proto ? json_string(proto) : json_integer(ct->l4proto), "state",
			      state, "orig", tuple_json(&ct->orig), "reply",
			      tuple_json(&ct->reply));

	if (ct->has_timeout)
		json_object_set_new(o, "timeout", json_integer(ct->timeout));
	if (ct->has_counters[0] && ct->has_counters[1]) {
		json_object_set_new(
			o, "packets",
			json_integer((json_int_t)ct->packets[0] + (json_int_t)ct->packets[1]));
		json_object_set_new(
			o, "bytes",
			json_integer((json_int_t)ct->bytes[0] + (json_int_t)ct->bytes[1]));
	}
	if (ct->has_mark)
		json_object_set_new(o, "mark", json_integer(ct->mark));
	return o;
}

/* --- the listing ----------------------------------------------------------------------- */

static int print_entry(const struct ct_entry *ct, void *arg, struct err *e)
{
	struct listing *v = arg;

	(void)e;
	v->n++;
	if (v->c->json) {
		out_json(v->c, entry_json(v, ct));
		return 0;
	}
	printf("%s ", v->tenant->name);
	ct_print(ct, stdout);
	putchar('\n');
	return 0;
}

static int list_tenant(struct listing *v, struct err *e)
{
	const char *netns;
	_cleanup_close_ int ns = lab_ns_open(v->l, v->tenant->netns, &netns, e);
	_cleanup_close_ int sock = -1;
	int r;

	if (ns < 0)
		return err_wrap(e, "tenant %s", v->tenant->name);
	sock = ns_socket(ns, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, e);
	if (sock < 0)
		return err_wrap(e, "tenant %s", v->tenant->name);
	r = ct_dump(sock, print_entry, v, e);
	return r < 0 ? err_wrap(e, "tenant %s", v->tenant->name) : 0;
}

static int list(struct cmd *c, const struct lab *l, const char *only)
{
	struct listing v = {.c = c, .l = l};
	bool found = false;

	for (size_t i = 0; (v.tenant = lab_tenant(l, i)); i++) {
		if (only && strcmp(only, v.tenant->name))
			continue;
		found = true;
		if (list_tenant(&v, &c->err) < 0)
			return cmd_fail(c);
	}
	if (only && !found)
		return cmd_usage(c, "lab %s has no tenant `%s`", l->t->name, only);
	if (!c->json && c->verbose)
		fprintf(stderr, "%zu entries\n", v.n);
	return STATUS_DONE;
}

static int run(struct cmd *c, size_t argc, char **argv)
{
	struct lab l;
	int status;

	(void)argc;
	if (strcmp(argv[0], "list"))
		return cmd_usage(c, "there is `conntrack list` and no `conntrack %s`", argv[0]);
	if (lab_open(argv[1], &l, &c->err) < 0)
		status = cmd_fail(c);
	else
		status = list(c, &l, cmd_value(c, "tenant"));
	lab_close(&l);
	return status;
}

static const struct option_spec options[] = {
	{"tenant", 't', "TENANT", "this tenant's entries only", NULL},
	{0},
};

const struct command cmd_conntrack = {
	.name = "conntrack",
	.args = "list LAB",
	.summary = "show the sessions that are translated",
	.details = "Every line is what `conntrack -L` prints, behind the tenant's name.",
	.options = options,
	.complete = COMPLETE_LAB,
	.words = "list",
	.min_args = 2,
	.max_args = 2,
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conntrack list: the sessions themselves */
#include <errno.h>
#include <stdio.h>

#include "cmd/conntrack.h"
#include "cmd/out.h"

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

json_t *ct_entry_json(const struct ct_view *v, const struct tenant *t, const struct ct_entry *ct)
{
	const char *proto = ct_proto_name(ct->l4proto);
	json_t *o = json_pack("{s:s, s:s, s:s, s:o, s:s*, s:o, s:o}", "lab", v->l->t->name,
			      "tenant", t->name, "netns", t->netns, "proto",
			      proto ? json_string(proto) : json_integer(ct->l4proto), "state",
			      ct_state_name(ct), "orig", tuple_json(&ct->orig), "reply",
			      tuple_json(&ct->reply));

	if (ct->has_timeout)
		json_object_set_new(o, "timeout", json_integer(ct->timeout));
	if (ct_counted(ct)) {
		json_object_set_new(
			o, "packets",
			json_integer((json_int_t)ct->packets[0] + (json_int_t)ct->packets[1]));
		json_object_set_new(
			o, "bytes",
			json_integer((json_int_t)ct->bytes[0] + (json_int_t)ct->bytes[1]));
	}
	if (ct->has_mark)
		json_object_set_new(o, "mark", json_integer(ct->mark));
	if (ct->has_start)
		json_object_set_new(o, "start_epoch_s",
				    json_integer((json_int_t)(ct->start / 1000000000)));
	return o;
}

/* --- the listing ----------------------------------------------------------------------- */

static void print_entry(const struct ct_view *v, const struct tenant *t, const struct ct_entry *ct)
{
	if (v->c->json) {
		out_json(v->c, ct_entry_json(v, t, ct));
		return;
	}
	printf("%s ", t->name);
	ct_print(ct, stdout);
	putchar('\n');
}

struct listing {
	struct ct_top top;
	size_t n;
};

static int on_entry(struct ct_view *v, const struct tenant *t, const struct ct_entry *ct, void *arg,
		    struct err *e)
{
	struct listing *l = arg;

	l->n++;
	v->n_blind += v->has_sort && !(v->sort == CT_BY_AGE ? ct->has_start : ct_counted(ct));
	if (!v->has_sort)
		print_entry(v, t, ct);
	else if (ct_top_add(&l->top, ct, t) < 0)
		return err_code(e, ENOMEM, "sort %zu sessions (--top N keeps N of them)", l->n);
	return 0;
}

int conntrack_list(struct ct_view *v)
{
	struct listing l = {.top = {.order = v->sort, .max = v->top}};
	int r = 0;

	for (size_t i = 0; i < v->n_tenants && r >= 0; i++)
		r = ct_view_each(v, v->tenants[i], on_entry, &l, &v->c->err);
	if (r >= 0 && v->has_sort) {
		ct_top_sort(&l.top);
		for (size_t i = 0; i < l.top.n; i++)
			print_entry(v, l.top.v[i].tag, &l.top.v[i].ct);
	}
	ct_top_free(&l.top);
	if (r < 0)
		return cmd_fail(v->c);
	if (!v->c->json && v->c->verbose)
		fprintf(stderr, "%zu entries\n", l.n);
	ct_view_notes(v, v->has_sort ? "left out or last" : "left out");
	return STATUS_DONE;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/out_plan.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "cmd/out.h"

static json_t *op_json(const struct plan *p, const struct op *op)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	op_describe(p, op, f);
	fclose(f);
	return json_pack("{s:s, s:s*, s:s, s:s}", "operation", op_kind_name(op->kind), "netns",
			 p->ns[op->ns].name, "in", p->ns[op->ns].subject, "what", text);
}

int out_plan(struct cmd *c, const struct plan *p)
{
	for (size_t i = 0; i < p->n_ops; i++) {
		const struct op *op = &p->ops[i];

		if (c->json) {
			if (out_json(c, op_json(p, op)) != STATUS_DONE)
				return STATUS_CANNOT;
			continue;
		}
		printf("%s+%s %s: ", out_colour(COLOUR_GOOD), out_plain(), p->ns[op->ns].subject);
		op_describe(p, op, stdout);
		putchar('\n');
	}
	return STATUS_DONE;
}

void out_timing(const struct apply_timing *t, double total)
{
	static const struct {
		const char *name;
		enum op_kind first, last;
	} phases[] = {
		{"namespaces", OP_NETNS, OP_NETNS},
		{"sysctls", OP_SYSCTL, OP_SYSCTL},
		{"links, addresses, routes", OP_BRIDGE, OP_ROUTE},
		{"tunnels", OP_TUNNEL_START, OP_TUNNEL_SET},
		{"NAPT rules", OP_NAPT, OP_NAPT},
		{"files", OP_FILE, OP_FILE},
		{"programs", OP_RUN, OP_RUN},
		{"other changes", OP_MTU, OP_UNDO},
	};
	double rest = total - t->observing - t->comparing;

	fprintf(stderr, "%-26s %10s %12s\n", "phase", "operations", "ms");
	if (t->observed)
		fprintf(stderr, "%-26s %10zu %12.2f\n", "observing namespaces", t->observed,
			t->observing * 1e3);
	if (t->observed)
		fprintf(stderr, "%-26s %10s %12.2f\n", "comparing", "", t->comparing * 1e3);
	for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
		double seconds = 0;
		size_t count = 0;

		for (enum op_kind k = phases[i].first; k <= phases[i].last; k++) {
			seconds += t->seconds[k];
			count += t->count[k];
		}
		rest -= seconds;
		if (count)
			fprintf(stderr, "%-26s %10zu %12.2f\n", phases[i].name, count,
				seconds * 1e3);
	}
	fprintf(stderr, "%-26s %10s %12.2f\n", "reading and checking", "", rest * 1e3);
	fprintf(stderr, "%-26s %10s %12.2f\n", "all", "", total * 1e3);
}

void out_operation(const struct plan *p, const struct op *op, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s: ", p->ns[op->ns].subject);
	op_describe(p, op, stderr);
	fputc('\n', stderr);
}

/* --- differences --------------------------------------------------------------------------- */

static int json_change(struct cmd *c, const struct difference *d, const struct change *k)
{
	const char sign[2] = {k->sign, '\0'};

	return out_json(c, json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:s*, s:s*}", "lab",
				     d->plan->topology->name, "change", sign, "unit",
				     d->plan->ns[k->unit].subject, "object", k->object, "from",
				     k->from, "to", k->to, "because", k->because));
}

static void print_change(const struct difference *d, const struct change *k)
{
	enum colour colour = k->sign == '+'   ? COLOUR_GOOD
			     : k->sign == '-' ? COLOUR_BAD
					      : COLOUR_HEAD;

	printf("%s%c%s %s", out_colour(colour), k->sign, out_plain(), d->plan->ns[k->unit].subject);
	if (k->object)
		printf(": %s", k->object);
	if (k->from && k->to)
		printf(" %s → %s", k->from, k->to);
	if (k->because)
		printf(": %s", k->because);
	putchar('\n');
}

int out_difference(struct cmd *c, const struct difference *d)
{
	for (size_t i = 0; i < d->n_changes; i++) {
		if (!c->json)
			print_change(d, &d->changes[i]);
		else if (json_change(c, d, &d->changes[i]) != STATUS_DONE)
			return STATUS_CANNOT;
	}
	return STATUS_DONE;
}

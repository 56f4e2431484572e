/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conntrack count, conntrack stats: how many sessions, and of what kind, a line for each tenant */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/conntrack.h"
#include "cmd/out.h"
#include "nat/ct_stats.h"

struct row {
	const struct tenant *t; /* NULL: all together */
	struct ct_count count;
	struct ct_totals totals; /* of what matches; of `count` without filters the sessions only */
	struct ct_faults faults;
};

/* --- reading --------------------------------------------------------------------------- */

static int on_entry(struct ct_view *v, const struct tenant *t, const struct ct_entry *ct, void *arg,
		    struct err *e)
{
	(void)v;
	(void)t;
	(void)e;
	ct_totals_add(arg, ct);
	return 0;
}

/* entries are looked at only where the kernel's own counter does not say it */
static int read_row(struct ct_view *v, struct row *row, bool entries, struct err *e)
{
	_cleanup_close_ int sock = ct_view_socket(v, row->t, e);
	int r = sock;

	if (r >= 0)
		r = ct_count(sock, &row->count, e);
	if (r >= 0 && entries)
		r = ct_faults(sock, &row->faults, e);
	if (r < 0)
		return sock < 0 ? r : err_wrap(e, "tenant %s", row->t->name);
	if (row->t->limits.sessions) {
		row->count.has_max = true;
		row->count.max = row->t->limits.sessions;
	}
	if (entries || !ct_filter_empty(&v->filter))
		return ct_view_each(v, row->t, on_entry, &row->totals, e);
	row->totals.sessions = row->count.sessions;
	return 0;
}

static void join(struct row *all, const struct row *row)
{
	ct_totals_join(&all->totals, &row->totals);
	all->faults.invalid += row->faults.invalid;
	all->faults.insert_failed += row->faults.insert_failed;
	all->faults.drop += row->faults.drop;
	all->faults.early_drop += row->faults.early_drop;
	all->faults.error += row->faults.error;
}

static uint64_t key_of(const struct row *row, enum ct_order order)
{
	const struct ct_totals *t = &row->totals;

	return order == CT_BY_BYTES     ? t->bytes[0] + t->bytes[1]
	       : order == CT_BY_PACKETS ? t->packets[0] + t->packets[1]
					: t->sessions;
}

static int compare(const void *a, const void *b, void *order)
{
	const struct row *x = a, *y = b;
	uint64_t i = key_of(x, *(const enum ct_order *)order);
	uint64_t k = key_of(y, *(const enum ct_order *)order);

	/* of two alike, the file's order */
	return i != k ? (i < k ? 1 : -1) : x->t->src.line - y->t->src.line;
}

/* rows for all tenants, sorted, and what they make together.  The caller frees them.  NULL: failed. */
static struct row *read_rows(struct ct_view *v, bool entries, struct row *ret_all)
{
	_cleanup_free_ struct row *rows = calloc(v->n_tenants + 1, sizeof(*rows));

	if (!rows) {
		err_code(&v->c->err, ENOMEM, "count sessions");
		return NULL;
	}
	for (size_t i = 0; i < v->n_tenants; i++) {
		rows[i].t = v->tenants[i];
		if (read_row(v, &rows[i], entries, &v->c->err) < 0)
			return NULL;
		join(ret_all, &rows[i]);
	}
	if (v->has_sort)
		qsort_r(rows, v->n_tenants, sizeof(*rows), compare, &v->sort);
	return steal_ptr(rows);
}

static size_t shown_rows(const struct ct_view *v)
{
	return v->top && v->top < v->n_tenants ? v->top : v->n_tenants;
}

static double percent(const struct row *row)
{
	return 100.0 * (double)row->totals.sessions / (double)row->count.max;
}

/* --- JSON --------------------------------------------------------------------------------- */

static json_t *row_json(const struct ct_view *v, const struct row *row)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:I}", "lab", v->l->t->name, "tenant", row->t->name,
			      "netns", row->t->netns, "sessions", (json_int_t)row->totals.sessions);

	if (row->count.has_max) {
		json_object_set_new(o, "cap", json_integer((json_int_t)row->count.max));
		json_object_set_new(o, "cap_percent", json_real(percent(row)));
	}
	return o;
}

static void add_numbers(json_t *o, const struct row *row)
{
	const struct ct_totals *t = &row->totals;
	const struct {
		const char *key;
		uint64_t n;
	} numbers[] = {
		{"tcp", t->tcp},
		{"udp", t->udp},
		{"icmp", t->icmp},
		{"other", t->other},
		{"unreplied", t->unreplied},
		{"assured", t->assured},
		{"snat", t->snat},
		{"dnat", t->dnat},
		{"counted", t->counted},
		{"orig_packets", t->packets[0]},
		{"reply_packets", t->packets[1]},
		{"orig_bytes", t->bytes[0]},
		{"reply_bytes", t->bytes[1]},
		{"invalid", row->faults.invalid},
		{"insert_failed", row->faults.insert_failed},
		{"drop", row->faults.drop},
		{"early_drop", row->faults.early_drop},
		{"error", row->faults.error},
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		json_object_set_new(o, numbers[i].key, json_integer((json_int_t)numbers[i].n));
}

/* --- tables ---------------------------------------------------------------------------------- */

static void cap_cell(struct out_table *t, const struct row *row)
{
	if (row->t && row->count.has_max)
		out_cell(t, percent(row) >= 80 ? COLOUR_BAD : COLOUR_NONE, "%.1f%%", percent(row));
	else
		out_cell(t, COLOUR_NONE, "%s", "");
}

static void count_cells(struct out_table *t, const struct row *row)
{
	out_cell(t, row->t ? COLOUR_NONE : COLOUR_HEAD, "%s", row->t ? row->t->name : "all");
	out_cell(t, COLOUR_NONE, "%" PRIu64, row->totals.sessions);
	cap_cell(t, row);
}

static void number_cells(struct out_table *t, const struct row *row)
{
	const struct ct_totals *n = &row->totals;
	const uint64_t numbers[] = {n->sessions, n->tcp, n->udp, n->icmp, n->other, n->unreplied};
	char orig[16], reply[16];

	out_cell(t, row->t ? COLOUR_NONE : COLOUR_HEAD, "%s", row->t ? row->t->name : "all");
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		out_cell(t, COLOUR_NONE, "%" PRIu64, numbers[i]);
	out_cell(t, COLOUR_NONE, "%s", n->counted ? out_bytes(n->bytes[0], orig) : "-");
	out_cell(t, COLOUR_NONE, "%s", n->counted ? out_bytes(n->bytes[1], reply) : "-");
	out_cell(t, row->faults.drop ? COLOUR_BAD : COLOUR_NONE, "%" PRIu64,
		 row->faults.drop + row->faults.early_drop);
	out_cell(t, COLOUR_NONE, "%" PRIu64, row->faults.insert_failed);
	cap_cell(t, row);
}

static void print_rows(struct ct_view *v, const struct row *rows, const struct row *all,
		       struct out_table *t, void (*cells)(struct out_table *t, const struct row *r))
{
	for (size_t i = 0; i < shown_rows(v); i++)
		cells(t, &rows[i]);
	if (v->n_tenants > 1)
		cells(t, all);
	out_table_print(t);
}

/* --- the verbs ---------------------------------------------------------------------------------- */

int conntrack_count(struct ct_view *v)
{
	static const char *const heads[] = {"TENANT", "SESSIONS", "OF CAP"};
	struct row all = {.t = NULL};
	_cleanup_free_ struct row *rows = read_rows(v, false, &all);

	if (!rows)
		return cmd_fail(v->c);
	for (size_t i = 0; i < shown_rows(v) && v->c->json; i++)
		out_json(v->c, row_json(v, &rows[i]));
	if (!v->c->json)
		print_rows(v, rows, &all, out_table_new(heads, ARRAY_SIZE(heads)), count_cells);
	ct_view_notes(v, "left out");
	return STATUS_DONE;
}

int conntrack_stats(struct ct_view *v)
{
	static const char *const heads[] = {"TENANT",      "SESSIONS", "TCP",       "UDP",
					    "ICMP",        "OTHER",    "UNREPLIED", "ORIG BYTES",
					    "REPLY BYTES", "DROPPED",  "FAILED",    "OF CAP"};
	struct row all = {.t = NULL};
	_cleanup_free_ struct row *rows = read_rows(v, true, &all);

	if (!rows)
		return cmd_fail(v->c);
	for (size_t i = 0; i < shown_rows(v) && v->c->json; i++) {
		json_t *o = row_json(v, &rows[i]);

		add_numbers(o, &rows[i]);
		out_json(v->c, o);
	}
	if (!v->c->json)
		print_rows(v, rows, &all, out_table_new(heads, ARRAY_SIZE(heads)), number_cells);
	ct_view_notes(v, "left out");
	return STATUS_DONE;
}

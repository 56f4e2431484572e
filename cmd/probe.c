/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe: one probe, or all of the file's checks */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/out.h"
#include "lab/lab.h"
#include "probe/probe.h"

#define RETRIES_DEFAULT CHECK_RETRIES
#define RETRIES_MAX     1000
#define TIMEOUT_DEFAULT 1000 /* ms */
#define TIMEOUT_MAX     3600000

/* the options */
struct wishes {
	const char *from, *source; /* NULL: not given */
	bool has_retries, has_timeout;
	unsigned int retries, timeout_ms;
};

/* a check with the probe that carries it out */
struct item {
	struct probe *probe; /* in the batch's */
	const char *name;    /* of the check */
	const char *from, *target, *source;
	bool expect_ok;
};

struct batch {
	/* room for n_max; those to be carried out from the front, those whose namespace is gone
	 * from the end */
	struct probe *probes;
	struct item *items; /* in the file's order */
	size_t n, n_ready, n_max;
};

static const char *method_name(enum probe_method m)
{
	return m == PROBE_ICMP ? "icmp" : "tcp";
}

/* where nothing was sent, silence says nothing */
static bool as_expected(const struct item *i)
{
	return i->probe->ok == i->expect_ok && !i->probe->broken;
}

static int set_target(struct probe *p, const char *target, struct err *e)
{
	int r = p->method == PROBE_ICMP ? ip_addr_parse(target, &p->target.addr)
					: ip_endpoint_parse(target, &p->target);

	if (!r)
		return 0;
	err_set(e, EINVAL, "%s target `%s`: not %s", method_name(p->method), target,
		p->method == PROBE_ICMP ? "an address" : "ADDRESS:PORT");
	return err_kind_set(e, ERR_INVALID);
}

static int set_source(struct probe *p, const char *source, struct err *e)
{
	if (!source)
		return 0;
	if (ip_addr_parse(source, &p->source) < 0) {
		err_set(e, EINVAL, "source `%s`: not an address", source);
		return err_kind_set(e, ERR_INVALID);
	}
	p->has_source = true;
	return 0;
}

/* --- output --------------------------------------------------------------------------- */

static void print_json(struct cmd *c, const struct lab *l, const struct item *i)
{
	const struct probe *p = i->probe;
	json_t *o = json_pack("{s:s, s:s?, s:s, s:s, s:s, s:s?, s:s, s:s, s:i, s:s, s:b, s:b}",
			      "lab", l->t->name, "name", i->name, "from", i->from, "method",
			      method_name(p->method), "target", i->target, "source", i->source,
			      "result", p->ok ? "ok" : "error", "message", p->message, "attempts",
			      (int)p->attempts, "expect", i->expect_ok ? "ok" : "fail", "broken",
			      p->broken, "as_expected", as_expected(i));

	json_object_set_new(o, "rtt_ms", p->ok ? json_real(p->rtt_ms) : json_null());
	out_json(c, o);
}

static void print_table(const struct batch *b)
{
	static const char *const heads[] = {"", "FROM", "METHOD", "TARGET", "EXPECT", "RESULT"};
	struct out_table *t = out_table_new(heads, 6);

	for (size_t i = 0; i < b->n; i++) {
		const struct item *k = &b->items[i];
		const struct probe *p = k->probe;
		bool good = as_expected(k);

		out_cell(t, good ? COLOUR_GOOD : COLOUR_BAD, "%s", good ? "ok" : "FAIL");
		out_cell(t, COLOUR_NONE, "%s%s%s", k->from, k->source ? " as " : "",
			 k->source ? k->source : "");
		out_cell(t, COLOUR_NONE, "%s", method_name(p->method));
		out_cell(t, COLOUR_NONE, "%s", k->target);
		out_cell(t, COLOUR_NONE, "%s", k->expect_ok ? "answer" : "silence");
		out_cell(t, COLOUR_NONE, "%s", p->message);
	}
	out_table_print(t);
}

static int report(struct cmd *c, const struct lab *l, const struct batch *b)
{
	size_t good = 0;

	for (size_t i = 0; i < b->n; i++) {
		good += as_expected(&b->items[i]);
		if (c->json)
			print_json(c, l, &b->items[i]);
	}
	if (!c->json && !c->quiet) {
		print_table(b);
		if (b->n > 1)
			printf("%zu of %zu as expected\n", good, b->n);
	}
	return good == b->n ? STATUS_DONE : STATUS_NO;
}

/* --- what is to be probed ------------------------------------------------------------------ */

static int open_from(const struct lab *l, struct probe *p, const char *from, struct err *e)
{
	const char *netns;

	p->ns_fd = lab_ns_open(l, from, &netns, e);
	return p->ns_fd < 0 ? p->ns_fd : 0;
}

static const char *check_netns(const struct lab *l, const struct check *k)
{
	const struct host *h = &l->t->hosts[k->from_host];

	return k->from_tenant ? h->gateway->tenants[k->from_tenant_index].netns : h->netns;
}

/*
 * A namespace that is gone is the result of this check, and no reason not to look at the others.
 * Returns 1 for one that is.
 */
static int open_check(const struct lab *l, const struct check *k, struct probe *p, struct err *e)
{
	int r = open_from(l, p, check_netns(l, k), e);

	/* ENOENT: nothing of that name; EINVAL: no namespace pinned there any more */
	if (r != -ENOENT && r != -EINVAL)
		return r;
	p->broken = true;
	snprintf(p->message, sizeof(p->message), "nothing was sent: %.*s",
		 (int)sizeof(p->message) - 20, e->msg);
	return 1;
}

static int add_check(const struct lab *l, const struct check *k, const struct wishes *w,
		     struct batch *b, struct err *e)
{
	struct item *item = &b->items[b->n];
	struct probe new = {.method = k->method == CHECK_ICMP ? PROBE_ICMP : PROBE_TCP,
			    .ns_fd = -1,
			    /* silence is believed the second time: no need to wait for more */
			    .retries = k->expect_ok || !k->retries ? k->retries : 1,
			    .timeout_ms = w->has_timeout ? w->timeout_ms : k->timeout_ms};
	int r;

	if (k->method == CHECK_DNS || k->method == CHECK_HTTP) {
		err_set(e, EOPNOTSUPP, "check %s: %s probes are not supported yet", k->name,
			k->method == CHECK_DNS ? "dns" : "http");
		return err_kind_set(e, ERR_INVALID);
	}
	if (w->has_retries)
		new.retries = w->retries;
	if (set_target(&new, k->target, e) < 0 || set_source(&new, k->source, e) < 0)
		return err_wrap(e, "check %s", k->name);
	r = open_check(l, k, &new, e);
	if (r < 0)
		return err_wrap(e, "check %s", k->name);
	*item = (struct item){.name = k->name,
			      .from = k->from,
			      .target = k->target,
			      .source = k->source,
			      .expect_ok = k->expect_ok};
	b->n++;
	item->probe = &b->probes[r ? b->n_max - (b->n - b->n_ready) : b->n_ready++];
	*item->probe = new;
	return 0;
}

static int add_checks(const struct lab *l, const struct wishes *w, struct batch *b, struct err *e)
{
	const char *from = w->from;
	int r = 0;

	probe_raise_limits(l->t->n_checks);

	for (size_t i = 0; i < l->t->n_checks && !r; i++) {
		const struct check *k = &l->t->checks[i];

		if (from && strcmp(from, k->from))
			continue;
		/* in host mode the other hosts' checks are run where those hosts are */
		if (l->host && l->host != &l->t->hosts[k->from_host])
			continue;
		r = add_check(l, k, w, b, e);
	}
	if (!r && !b->n) {
		err_set(e, ENOENT, "%s has no checks%s%s", l->t->name, from ? " from " : "",
			from ? from : "");
		err_hint(e, "add some to the file, or name a method and a target");
		r = err_kind_set(e, ERR_INVALID);
	}
	return r;
}

/* @scale: what the number is counted in; it has to be a whole number of them */
static int parse_number(struct cmd *c, const char *option, unsigned int scale, unsigned int min,
			unsigned int max, bool *ret_given, unsigned int *ret)
{
	const char *s = cmd_value(c, option);
	char *end;
	double v;

	if (!s)
		return 0;
	v = strtod(s, &end) * scale;
	if (end == s || *end || !isfinite(v) || round(v) < min || v > max ||
	    fabs(v - round(v)) > 1e-6)
		return cmd_usage(c, "--%s `%s`: not a %snumber from %g to %g", option, s,
				 scale == 1 ? "whole " : "", (double)min / scale,
				 (double)max / scale);
	*ret_given = true;
	*ret = (unsigned int)round(v);
	return 0;
}

static int parse_options(struct cmd *c, bool single, struct wishes *w)
{
	int status;

	*w = (struct wishes){.from = cmd_value(c, "from"),
			     .source = cmd_value(c, "source"),
			     .retries = RETRIES_DEFAULT,
			     .timeout_ms = TIMEOUT_DEFAULT};
	status = parse_number(c, "retries", 1, 0, RETRIES_MAX, &w->has_retries, &w->retries);
	if (!status)
		status = parse_number(c, "timeout", 1000, 1, TIMEOUT_MAX, &w->has_timeout,
				      &w->timeout_ms);
	if (status)
		return status;
	if (single && !w->from)
		return cmd_usage(c, "needs --from NS for a single probe");
	if (!single && w->source)
		return cmd_usage(c, "--source needs a method and a target: each of the file's "
				    "checks has its own");
	return 0;
}

static int add_one(struct cmd *c, const struct lab *l, char **argv, const struct wishes *w,
		   struct batch *b)
{
	static const char *const methods[] = {"icmp", "tcp"};
	struct probe *p = &b->probes[0];
	size_t m = 0;

	while (m < 2 && strcmp(argv[0], methods[m]))
		m++;
	if (m == 2 && (!strcmp(argv[0], "dns") || !strcmp(argv[0], "http")))
		return cmd_usage(c, "%s probes are not supported yet", argv[0]);
	if (m == 2)
		return cmd_usage(c, "no method `%s`: icmp or tcp", argv[0]);
	*p = (struct probe){.method = (enum probe_method)m,
			    .ns_fd = -1,
			    .retries = w->retries,
			    .timeout_ms = w->timeout_ms};
	b->items[b->n++] = (struct item){.probe = p,
					 .from = w->from,
					 .target = argv[1],
					 .source = w->source,
					 .expect_ok = true};
	b->n_ready = 1;
	if (set_target(p, argv[1], &c->err) < 0 || set_source(p, w->source, &c->err) < 0 ||
	    open_from(l, p, w->from, &c->err) < 0)
		return cmd_fail(c);
	return 0;
}

/* @method: and its target; NULL: all of the file's checks */
static int probe_lab(struct cmd *c, const struct lab *l, char **method, const struct wishes *w,
		     struct batch *b)
{
	int r;

	if (method) {
		int status = add_one(c, l, method, w, b);

		if (status)
			return status;
	} else if (add_checks(l, w, b, &c->err) < 0) {
		return cmd_fail(c);
	}
	cmd_catch_signals();
	r = probe_run(b->probes, b->n_ready, &cmd_stop, NULL, NULL, &c->err);
	return r < 0 ? cmd_fail(c) : report(c, l, b);
}

static int run(struct cmd *c, size_t argc, char **argv)
{
	struct batch b = {0};
	struct wishes w;
	struct lab l;
	int status;

	if (argc == 2)
		return cmd_usage(c, "method `%s` needs a target", argv[1]);
	status = parse_options(c, argc > 1, &w);
	if (status)
		return status;
	if (lab_open(argv[0], &l, &c->err) < 0) {
		lab_close(&l);
		return cmd_fail(c);
	}
	b.n_max = l.t->n_checks + 1;
	b.probes = calloc(b.n_max, sizeof(*b.probes));
	b.items = calloc(b.n_max, sizeof(*b.items));
	if (!b.probes || !b.items) {
		err_code(&c->err, ENOMEM, "probe");
		status = cmd_fail(c);
	} else {
		status = probe_lab(c, &l, argc > 1 ? argv + 1 : NULL, &w, &b);
	}
	for (size_t i = 0; i < b.n; i++)
		if (b.items[i].probe->ns_fd >= 0)
			close(b.items[i].probe->ns_fd);
	free(b.probes);
	free(b.items);
	lab_close(&l);
	return status;
}

static const struct option_spec options[] = {
	{"from", 'f', "NS", "the host or tenant to probe from", NULL},
	{"source", 's', "ADDRESS", "address to send from, with a method and a target", NULL},
	{"retries", 'r', "N", "attempts after the first (11, or the check's)", NULL},
	{"timeout", 't', "SECONDS", "how long an attempt may take (1, or the check's)", NULL},
	{0},
};

const struct command cmd_probe = {
	.name = "probe",
	.args = "LAB [icmp|tcp TARGET]",
	.summary = "test who reaches whom",
	.details =
		"With a method and a target, one probe from the namespace given by --from; without,\n"
		"all of the file's checks at once, each from its own namespace.  TARGET is an address\n"
		"for icmp, ADDRESS:PORT for tcp.  Status 1 if anything came out otherwise than\n"
		"expected; a check that could not send anything (its namespace or its source is\n"
		"not there) never is as expected.  --retries and --timeout go before the file's.\n"
		"\n"
		"  warren probe niransix\n"
		"  warren probe niransix --from vpn-client00 --source 192.168.1.10 icmp 100.64.0.10",
	.options = options,
	.complete = COMPLETE_LAB,
	.words = NULL,
	.min_args = 1,
	.max_args = 3,
	.run = run,
};

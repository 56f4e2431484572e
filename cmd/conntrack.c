/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conntrack: the sessions of the tenants; each verb has a file of its own */
#include "cmd/conntrack.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/ns.h"
#include "base/suggest.h"
#include "base/text.h"
#include "cmd/out.h"
#include "nat/ct_stats.h"

/* --- what the verbs share -------------------------------------------------------------- */

int ct_view_socket(const struct ct_view *v, const struct tenant *t, struct err *e)
{
	const char *netns;
	_cleanup_close_ int ns = lab_ns_open(v->l, t->netns, &netns, e);
	int sock;

	if (ns < 0)
		return err_wrap(e, "tenant %s", t->name);
	sock = ns_socket(ns, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, e);
	return sock < 0 ? err_wrap(e, "tenant %s", t->name) : sock;
}

struct each {
	struct ct_view *v;
	const struct tenant *t;
	ct_view_fn *fn;
	void *arg;
};

static int on_entry(const struct ct_entry *ct, void *arg, struct err *e)
{
	const struct each *each = arg;
	struct ct_view *v = each->v;

	if (!ct_filter_match(&v->filter, ct)) {
		v->n_blind += ct_filter_blind(&v->filter, ct);
		return 0;
	}
	return each->fn(v, each->t, ct, each->arg, e);
}

int ct_view_each(struct ct_view *v, const struct tenant *t, ct_view_fn *fn, void *arg,
		 struct err *e)
{
	_cleanup_close_ int sock = ct_view_socket(v, t, e);
	struct each each = {v, t, fn, arg};
	struct ct_count count;
	int r;

	if (sock < 0)
		return sock;
	r = ct_count(sock, &count, e);
	if (!r && count.sessions)
		r = ct_dump(sock, &v->filter, on_entry, &each, e);
	return r < 0 ? err_wrap(e, "tenant %s", t->name) : 0;
}

void ct_view_notes(const struct ct_view *v, const char *what)
{
	if (!v->n_blind || v->c->quiet)
		return;
	fprintf(stderr,
		"warren: note: %zu session%s %s: the kernel did not count, or note the time, when "
		"they began (it does for new ones after `warren exec %s TENANT -- sysctl -w "
		"net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_timestamp=1`)\n",
		v->n_blind, out_plural(v->n_blind), what, v->l->t->name);
}

/* --- which tenants ------------------------------------------------------------------------ */

static bool is_meant(const struct cmd *c, const char *name)
{
	const char *wanted;

	for (size_t i = 0; (wanted = cmd_each_value(c, "tenant", i)); i++)
		if (!strcmp(wanted, name))
			return true;
	return !cmd_each_value(c, "tenant", 0);
}

/* 0, or STATUS_USAGE, said: is there a tenant called @name? */
static int check_tenant(const struct ct_view *v, const char *name)
{
	struct suggest s = suggest_start(name, 4096);
	const struct tenant *t;

	for (size_t i = 0; (t = lab_tenant(v->l, i)); i++) {
		if (!strcmp(t->name, name))
			return 0;
		suggest_try(&s, t->name);
	}
	if (s.best)
		return cmd_usage(v->c, "lab %s has no tenant `%s` (did you mean `%s`?)",
				 v->l->t->name, show(name).s, s.best);
	return cmd_usage(v->c, "lab %s has no tenant `%s`", v->l->t->name, show(name).s);
}

/* returns 0, or the exit status */
static int choose_tenants(struct ct_view *v)
{
	const struct tenant *t;
	const char *wanted;
	size_t n = 0;

	for (size_t i = 0; (wanted = cmd_each_value(v->c, "tenant", i)); i++)
		if (check_tenant(v, wanted))
			return STATUS_USAGE;
	while (lab_tenant(v->l, n))
		n++;
	/* NOLINTNEXTLINE(bugprone-sizeof-expression) pointers are what it holds */
	v->tenants = calloc(n + 1, sizeof(*v->tenants));
	if (!v->tenants) {
		err_code(&v->c->err, ENOMEM, "lab %s", v->l->t->name);
		return cmd_fail(v->c);
	}
	for (size_t i = 0; (t = lab_tenant(v->l, i)); i++)
		if (is_meant(v->c, t->name))
			v->tenants[v->n_tenants++] = t;
	return 0;
}

/* --- the command ----------------------------------------------------------------------------- */

static const struct verb {
	const char *name;
	int (*run)(struct ct_view *v);
	const char *takes;  /* "|a|b|": options beside those of all */
	const char *orders; /* "a|b": what --sort takes, the first of them unless said */
	bool no_filters;    /* not even those of all but --tenant and --proto */
	const char *word;   /* what has to stand after LAB; NULL: nothing */
} verbs[] = {
	{"list", conntrack_list, "|sort|top|", "bytes|packets|age", false, NULL},
	{"count", conntrack_count, "|sort|top|", "sessions", false, NULL},
	{"stats", conntrack_stats, "|sort|top|", "sessions|bytes|packets", false, NULL},
	{"who", conntrack_who, "|tenant|proto|", "", true, "ADDRESS:PORT"},
	{"watch", conntrack_watch, "|buffer-size|", "", false, NULL},
	{"flush", conntrack_flush, "", "", false, NULL},
};

/* those that every verb with filters takes */
static const char common[] = "|tenant|proto|src|dst|address|sport|dport|port|state|snat|dnat|mark|"
			     "min-bytes|older|";

static bool takes(const char *list, const char *option)
{
	const size_t len = strlen(option);

	for (const char *at = list; (at = strstr(at, option)); at++)
		if (at > list && at[-1] == '|' && at[len] == '|')
			return true;
	return false;
}

static const struct verb *find_verb(const struct cmd *c, const char *name)
{
	struct suggest s = suggest_start(name, 16);

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		suggest_try(&s, verbs[i].name);
		if (!strcmp(name, verbs[i].name))
			return &verbs[i];
	}
	if (s.best)
		cmd_usage(c, "no `conntrack %s` (did you mean `%s`?)", show(name).s, s.best);
	else
		cmd_usage(c, "no `conntrack %s`", show(name).s);
	return NULL;
}

static int check_options(const struct cmd *c, const struct verb *verb)
{
	for (size_t i = 0; i < c->n_given; i++) {
		const char *name = c->command->options[c->given[i].option].name;

		if ((verb->no_filters || !takes(common, name)) && !takes(verb->takes, name))
			return cmd_usage(c, "`conntrack %s` takes no --%s", verb->name, name);
	}
	return 0;
}

static int check_word(const struct cmd *c, const struct verb *verb, const char *word)
{
	if (verb->word && !word)
		return cmd_usage(c, "`conntrack %s` needs LAB %s", verb->name, verb->word);
	if (!verb->word && word)
		return cmd_usage(c, "too many arguments: `%s`", show(word).s);
	return 0;
}

static int run(struct cmd *c, size_t argc, char **argv)
{
	const struct verb *verb = find_verb(c, argv[0]);
	struct ct_view v = {.c = c};
	struct lab l;
	int status;

	if (!verb || check_options(c, verb) || check_word(c, verb, argc > 2 ? argv[2] : NULL) ||
	    ct_view_filter(&v, verb->orders))
		return STATUS_USAGE;
	v.l = &l;
	v.word = argv[2]; /* NULL behind the last */
	if (lab_open(argv[1], &l, &c->err) < 0)
		status = cmd_fail(c);
	else
		status = choose_tenants(&v);
	if (!status)
		status = verb->run(&v);
	free(v.tenants);
	lab_close(&l);
	return status;
}

#define STATES                                                                                \
	"ESTABLISHED|SYN_SENT|SYN_RECV|FIN_WAIT|CLOSE_WAIT|LAST_ACK|TIME_WAIT|CLOSE|ASSURED|" \
	"REPLIED|UNREPLIED"

static const struct option_spec options[] = {
	{"tenant", 't', "TENANT", "this tenant's sessions only; may be given more than once", NULL},
	{"proto", 'p', "PROTO", "tcp, udp, icmp, icmpv6, sctp, gre ... or a number",
	 "tcp|udp|icmp|icmpv6|sctp|gre|dccp|udplite"},
	{"src", 's', "PREFIX", "address or prefix that the session began from, the inside", NULL},
	{"dst", 'd', "PREFIX", "address or prefix that it asked for", NULL},
	{"address", 0, "PREFIX", "address or prefix at any of its ends, before or after NAPT",
	 NULL},
	{"sport", 0, "PORT", "port that it began from; 1024-65535 is a range", NULL},
	{"dport", 0, "PORT", "port that it asked for", NULL},
	{"port", 0, "PORT", "port at any end, with --address the port there; of ICMP its id", NULL},
	{"state", 0, "STATE", "ESTABLISHED, time-wait ..., or ASSURED, REPLIED, UNREPLIED", STATES},
	{"snat", 0, NULL, "sessions whose source is translated", NULL},
	{"dnat", 0, NULL, "sessions whose destination is translated", NULL},
	{"mark", 'm', "MARK", "connection mark; 0x10/0xf0 compares the bits of a mask", NULL},
	{"min-bytes", 0, "BYTES", "at least so many, both directions together", NULL},
	{"older", 0, "SECONDS", "begun at least so long ago", NULL},
	{"sort", 0, "KEY", "bytes, packets, age (list), sessions (stats, count)",
	 "bytes|packets|age|sessions"},
	{"top", 0, "N",
	 "the first N: of list by bytes, of tenants by sessions, unless --sort says otherwise",
	 NULL},
	{"buffer-size", 'b', "BYTES", "watch: room for events that wait (8388608)", NULL},
	{0},
};

const struct command cmd_conntrack = {
	.name = "conntrack",
	.args = "list|count|stats|watch|flush LAB | who LAB ADDRESS:PORT",
	.summary = "show, count, watch and end the sessions of tenants, and say whose they are",
	.details =
		"list prints what `conntrack -L` prints, behind the tenant's name.  count asks the kernel's\n"
		"counters, and looks at sessions only to filter them.  stats adds sessions up: by protocol,\n"
		"those that nobody answered, bytes of both directions; with what the kernel dropped, and\n"
		"could not enter, since the namespace was made.  The cap is the tenant's limit of\n"
		"sessions, or, without one, net.netfilter.nf_conntrack_max, which each namespace has for\n"
		"itself.\n"
		"\n"
		"who tells who is behind an address and port outside (an ICMP id, for icmp) at this moment:\n"
		"the tenant, the address and port inside, the WireGuard peer that has it among its allowed\n"
		"IPs, whom it talks to and since when.  Status 1: nobody.\n"
		"\n"
		"watch prints what `conntrack -E` prints, behind the tenant's name, for all tenants that there\n"
		"are when it starts: [NEW], [UPDATE], [DESTROY].  Of sessions that began before, the kernel\n"
		"may tell nothing.  Where it has to wait too long for its output, events are lost: it says\n"
		"so, and lists all that there is then, as [SYNC].\n"
		"\n"
		"flush ends sessions: those that match, or all; without --tenant, of all tenants.  A packet\n"
		"that comes later begins a new one.\n"
		"\n"
		"Filters add up: what is shown matches all of them.  Bytes and packets are those that the\n"
		"kernel counts with net.netfilter.nf_conntrack_acct=1 in the tenant's namespace, ages need\n"
		"net.netfilter.nf_conntrack_timestamp=1; neither is set by default, and both work for\n"
		"sessions that begin afterwards:\n"
		"\n"
		"  warren exec LAB TENANT -- sysctl -w net.netfilter.nf_conntrack_acct=1",
	.options = options,
	.complete = COMPLETE_LAB,
	.words = "list|count|stats|who|watch|flush",
	.min_args = 2,
	.max_args = 3,
	.run = run,
};

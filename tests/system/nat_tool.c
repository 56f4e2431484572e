/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nat room at the command line, for tests/system/nat.sh.
 *
 *	nat_tool cases | print CASE | apply CASE [OWNER] | replace CASE [OWNER] | remove OWNER
 *	nat_tool bulk print|apply COUNT | available | refused | conntrack 4|6 | stop COUNT | bench COUNT
 *
 * Exit status: 0 done, 1 failed (the error on stderr), 2 usage.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "base/ns.h"
#include "nat/conntrack.h"
#include "nat/kernel.h"
#include "nat/ruleset.h"
#include "tests/unit/nat_cases.h"

static int nf_socket(struct err *e)
{
	return ns_socket(-1, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, e);
}

static int do_rules(const char *verb, const char *name, const char *owner, struct err *e)
{
	const struct nat_case *c = nat_case_find(name);
	_cleanup_close_ int sock = -1;
	struct nat_ruleset *rs;
	int r;

	if (!c)
		return err_set(e, ENOENT, "no case %s", name);
	r = nat_case_build(c, owner ? owner : NAT_CASE_OWNER, &rs, e);
	if (r < 0)
		return r;
	if (!strcmp(verb, "print")) {
		nat_ruleset_print(rs, stdout);
	} else {
		r = sock = nf_socket(e);
		if (r >= 0)
			r = nat_apply(sock, rs, !strcmp(verb, "apply"), e);
	}
	nat_ruleset_free(rs);
	return r;
}

static int do_remove(const char *owner, struct err *e)
{
	_cleanup_close_ int sock = nf_socket(e);
	int r = sock < 0 ? sock : nat_remove(sock, owner, e);

	if (r >= 0)
		printf("%d\n", r);
	return r;
}

/* a masquerade of @count sources with gaps between them, from 10.0.0.0 on */
static int do_bulk(const char *verb, const char *count, struct err *e)
{
	size_t n = strtoul(count, NULL, 10), i;
	_cleanup_free_ struct ip_prefix *sources = calloc(n, sizeof(*sources));
	const struct nat_plain plain = {.out = "wan", .sources = sources, .n_sources = n};
	const struct nat_spec spec = {.owner = "bulk", .plain = &plain, .n_plain = 1};
	const struct ip_addr first = nat_case_addr("10.0.0.0");
	_cleanup_close_ int sock = nf_socket(e);
	struct nat_ruleset *rs;
	int r;

	for (i = 0; i < n; i++) {
		sources[i].len = 32;
		ip_addr_add(&first, 2 * i, &sources[i].addr);
	}
	r = sock < 0 ? sock : nat_ruleset_build(&spec, &rs, e);
	if (r < 0)
		return r;
	if (!strcmp(verb, "print"))
		nat_ruleset_print(rs, stdout);
	else
		r = nat_apply(sock, rs, true, e);
	nat_ruleset_free(rs);
	return r;
}

/* a rule that no kernel takes: translation in a filter chain */
static int do_refused(struct err *e)
{
	static const struct chain chain = {
		.name = "forward", .type = "filter", .hook = NF_INET_FORWARD, .policy = NF_ACCEPT};
	struct nat_ruleset rs = {.arena = arena_new(0), .owner = NAT_CASE_OWNER};
	struct ip_addr address = nat_case_addr("192.0.2.1");
	_cleanup_close_ int sock = nf_socket(e);
	int r = sock;

	chain_begin(&rs, &chain);
	rule_begin(&rs);
	stmt_plain(&rs, STMT_L4_PORTS);
	stmt_plain(&rs, STMT_ACCEPT);
	rule_begin(&rs);
	stmt_plain(&rs, STMT_COUNTER);
	stmt_nat(&rs, &address, 1, false, 0, 0);
	rule_begin(&rs);
	stmt_plain(&rs, STMT_DROP);
	if (sock >= 0)
		r = nat_apply(sock, &rs, true, e);
	arena_free(rs.arena);
	return r;
}

static int show(const struct ct_entry *ct, void *arg, struct err *e)
{
	(void)e;
	if (ct->orig.src.family == *(const int *)arg) {
		ct_print(ct, stdout);
		putchar('\n');
	}
	return 0;
}

static int do_conntrack(const char *which, struct err *e)
{
	_cleanup_close_ int sock = nf_socket(e);
	int family = *which == '6' ? AF_INET6 : AF_INET;

	return sock < 0 ? sock : ct_dump(sock, show, &family, e);
}

/* @arg: how many entries are wanted; then -ECANCELED */
static int count_down(const struct ct_entry *ct, void *arg, struct err *e)
{
	int *left = arg;

	(void)ct;
	return --*left > 0 ? 0 : err_set(e, ECANCELED, "enough");
}

/* a dump that is stopped early, then a whole one on the same socket */
static int do_stop(const char *count, struct err *e)
{
	_cleanup_close_ int sock = nf_socket(e);
	int left = (int)strtol(count, NULL, 10), family = AF_INET, r;

	if (sock < 0)
		return sock;
	r = ct_dump(sock, count_down, &left, e);
	if (r != -ECANCELED || left != 0)
		return err_set(e, EPROTO, "stopped with %d, %d left", r, left);
	return ct_dump(sock, show, &family, e);
}

/* a namespace, rules in it, its end with the thread */
static int apply_once(void *arg, struct err *e)
{
	struct timespec *spent = arg, from, to;
	_cleanup_close_ int sock = -1;
	struct nat_ruleset *rs;
	int r;

	if (unshare(CLONE_NEWNET) < 0)
		return err_errno(e, "unshare");
	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (sock < 0)
		return err_errno(e, "socket");
	clock_gettime(CLOCK_MONOTONIC, &from);
	r = nat_case_build(nat_case_find("tenant-dual"), NAT_CASE_OWNER, &rs, e);
	if (r < 0)
		return r;
	r = nat_apply(sock, rs, true, e);
	nat_ruleset_free(rs);
	clock_gettime(CLOCK_MONOTONIC, &to);
	spent->tv_nsec += (to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec;
	return r;
}

static int do_bench(const char *count, struct err *e)
{
	struct timespec spent = {.tv_nsec = 0};
	long n = strtol(count, NULL, 10), i;
	int r = 0;

	for (i = 0; !r && i < n; i++)
		r = ns_run(-1, apply_once, &spent, e);
	if (!r)
		printf("%.1f us each\n", (double)spent.tv_nsec / 1000.0 / (double)n);
	return r;
}

static int usage(void)
{
	fputs("usage: nat_tool cases | print CASE | apply CASE [OWNER] | replace CASE [OWNER] | "
	      "remove OWNER | bulk print|apply COUNT | available | refused | conntrack 4|6 | stop COUNT | "
	      "bench COUNT\n",
	      stderr);
	return 2;
}

static int run(int argc, char **argv, struct err *e)
{
	const char *verb = argv[1];
	size_t i;

	if (!strcmp(verb, "cases")) {
		for (i = 0; i < ARRAY_SIZE(nat_cases); i++)
			puts(nat_cases[i].name);
		return 0;
	}
	if (!strcmp(verb, "available"))
		return nat_available(e);
	if (!strcmp(verb, "refused"))
		return do_refused(e);
	if (argc < 3)
		return err_set(e, EINVAL, "%s what?", verb);
	if (!strcmp(verb, "print") || !strcmp(verb, "apply") || !strcmp(verb, "replace"))
		return do_rules(verb, argv[2], argc > 3 ? argv[3] : NULL, e);
	if (!strcmp(verb, "remove"))
		return do_remove(argv[2], e);
	if (!strcmp(verb, "conntrack"))
		return do_conntrack(argv[2], e);
	if (!strcmp(verb, "bulk") && argc > 3)
		return do_bulk(argv[2], argv[3], e);
	if (!strcmp(verb, "stop"))
		return do_stop(argv[2], e);
	if (!strcmp(verb, "bench"))
		return do_bench(argv[2], e);
	return err_set(e, EINVAL, "%s: no such verb", verb);
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;

	if (argc < 2)
		return usage();
	if (run(argc, argv, &e) >= 0)
		return 0;
	fprintf(stderr, "nat_tool: %s%s%s%s\n", e.msg, e.hint[0] ? " (" : "", e.hint,
		e.hint[0] ? ")" : "");
	return 1;
}

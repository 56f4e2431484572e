/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nat room at the command line, for tests/system/nat.sh.
 *
 *	nat_tool cases | print CASE | apply CASE [OWNER] | replace CASE [OWNER] | compare CASE [OWNER]
 *	nat_tool mend CASE [OWNER]
 *	nat_tool loop CASE CASE COUNT | watch CASE COUNT | bench CASE COUNT | bulk print|apply|compare COUNT
 *	nat_tool remove OWNER | available | refused | conntrack 4|6 | stop COUNT
 *
 * mend compares, replaces, and compares again.  loop replaces by one and the other in turn; watch compares, and prints what is not "same".
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

/* the rules of one and the sources of the other make a third: nobody may see that one */
static const struct nat_case mixed[] = {
	{.name = "mixed-a", .plain = {{.out = "wan", .sources = {"10.0.0.0/8", "12.0.0.0/8"}}}},
	{.name = "mixed-b", .plain = {{.out = "wan2", .sources = {"10.0.0.0/8", "14.0.0.0/8"}}}},
	{.name = "mixed-ab", .plain = {{.out = "wan", .sources = {"10.0.0.0/8", "14.0.0.0/8"}}}},
};

static const struct nat_case *find_case(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mixed); i++)
		if (!strcmp(mixed[i].name, name))
			return &mixed[i];
	return nat_case_find(name);
}

static int nf_socket(struct err *e)
{
	return ns_socket(-1, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, e);
}

static int compare(int sock, const struct nat_ruleset *rs, const char **ret, struct err *e)
{
	static const char *const names[] = {
		[NAT_STATE_NONE] = "none",
		[NAT_STATE_SAME] = "same",
		[NAT_STATE_DIFFERENT] = "different",
		[NAT_STATE_FOREIGN] = "foreign",
	};
	enum nat_state state;
	int r = nat_compare(sock, rs, &state, e);

	if (!r)
		*ret = names[state];
	return r;
}

static int show_state(int sock, const struct nat_ruleset *rs, struct err *e)
{
	const char *state;
	int r = compare(sock, rs, &state, e);

	if (!r)
		puts(state);
	return r;
}

/* the state before and after a replacement, on one line */
static int mend(int sock, const struct nat_ruleset *rs, struct err *e)
{
	const char *before, *after;
	int r = compare(sock, rs, &before, e) ?:
		nat_apply(sock, rs, false, e) ?:
		compare(sock, rs, &after, e);

	if (!r)
		printf("%s %s\n", before, after);
	return r;
}

static int do_rules(const char *verb, const char *name, const char *owner, struct err *e)
{
	const struct nat_case *c = find_case(name);
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
			r = !strcmp(verb, "compare") ? show_state(sock, rs, e)
			    : !strcmp(verb, "mend")
				    ? mend(sock, rs, e)
				    : nat_apply(sock, rs, !strcmp(verb, "apply"), e);
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
	else if (!strcmp(verb, "compare"))
		r = show_state(sock, rs, e);
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

	return sock < 0 ? sock : ct_dump(sock, NULL, show, &family, e);
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
	r = ct_dump(sock, NULL, count_down, &left, e);
	if (r != -ECANCELED || left != 0)
		return err_set(e, EPROTO, "stopped with %d, %d left", r, left);
	return ct_dump(sock, NULL, show, &family, e);
}

/*
 * @count times on one socket: replace @first and @second in turn; or, where they are the same one
 * and @verb is "watch", compare with it and print what differs from "same"
 */
static int do_loop(const char *verb, const char *first, const char *second, const char *count,
		   struct err *e)
{
	const struct nat_case *c[2] = {find_case(first), find_case(second)};
	long n = strtol(count, NULL, 10), i;
	_cleanup_close_ int sock = nf_socket(e);
	struct nat_ruleset *rs[2] = {NULL, NULL};
	const char *state = "same";
	int r = sock;

	if (!c[0] || !c[1])
		return err_set(e, ENOENT, "no case %s, or no %s", first, second);
	for (i = 0; r >= 0 && i < 2; i++)
		r = nat_case_build(c[i], NAT_CASE_OWNER, &rs[i], e);
	for (i = 0; r >= 0 && i < n; i++) {
		r = !strcmp(verb, "watch") ? compare(sock, rs[0], &state, e)
					   : nat_apply(sock, rs[i % 2], false, e);
		if (strcmp(state, "same"))
			puts(state);
	}
	nat_ruleset_free(rs[0]);
	nat_ruleset_free(rs[1]);
	return r;
}

/* --- how long it takes ---------------------------------------------------------------- */

/* a namespace that lives as long as the socket in it, which is returned */
static int socket_in_new_ns(void *arg, struct err *e)
{
	int sock;

	(void)arg;
	if (unshare(CLONE_NEWNET) < 0)
		return err_errno(e, "unshare");
	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	return sock < 0 ? err_errno(e, "socket") : sock;
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int must_be_same(int sock, const struct nat_ruleset *rs, struct err *e)
{
	enum nat_state state;
	int r = nat_compare(sock, rs, &state, e);

	return !r && state != NAT_STATE_SAME ? err_set(e, EPROTO, "not the same") : r;
}

/* for each of @n namespaces: build the rules, put them in, compare, replace */
static int bench(int *socks, size_t n, const struct nat_case *c, struct err *e)
{
	static const char *const steps[] = {"build", "apply", "compare", "replace"};
	_cleanup_free_ struct nat_ruleset **rs = calloc(n, sizeof(*rs));
	size_t step, i;
	double from;
	int r = 0;

	for (step = 0; !r && step < ARRAY_SIZE(steps); step++) {
		from = now_us();
		for (i = 0; !r && i < n; i++)
			r = step == 0   ? nat_case_build(c, NAT_CASE_OWNER, &rs[i], e)
			    : step == 1 ? nat_apply(socks[i], rs[i], true, e)
			    : step == 2 ? must_be_same(socks[i], rs[i], e)
					: nat_apply(socks[i], rs[i], false, e);
		printf("%s %.1f us\n", steps[step], (now_us() - from) / (double)n);
	}
	for (i = 0; i < n; i++)
		nat_ruleset_free(rs[i]);
	return r;
}

static int do_bench(const char *name, const char *count, struct err *e)
{
	const struct nat_case *c = find_case(name);
	size_t n = strtoul(count, NULL, 10), i;
	_cleanup_free_ int *socks = calloc(n, sizeof(*socks));
	int r = 0;

	if (!c)
		return err_set(e, ENOENT, "no case %s", name);
	for (i = 0; r >= 0 && i < n; i++)
		r = socks[i] = ns_run(-1, socket_in_new_ns, NULL, e);
	return r < 0 ? r : bench(socks, n, c, e);
}

static int usage(void)
{
	fputs("usage: nat_tool cases | print CASE | apply CASE [OWNER] | replace CASE [OWNER] | "
	      "compare CASE [OWNER] | mend CASE [OWNER] | loop CASE CASE COUNT | watch CASE COUNT | bench CASE COUNT | "
	      "bulk print|apply|compare COUNT | remove OWNER | available | refused | "
	      "conntrack 4|6 | stop COUNT\n",
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
	if (!strcmp(verb, "print") || !strcmp(verb, "apply") || !strcmp(verb, "replace") ||
	    !strcmp(verb, "compare") || !strcmp(verb, "mend"))
		return do_rules(verb, argv[2], argc > 3 ? argv[3] : NULL, e);
	if (!strcmp(verb, "remove"))
		return do_remove(argv[2], e);
	if (!strcmp(verb, "conntrack"))
		return do_conntrack(argv[2], e);
	if (!strcmp(verb, "bulk") && argc > 3)
		return do_bulk(argv[2], argv[3], e);
	if (!strcmp(verb, "stop"))
		return do_stop(argv[2], e);
	if (!strcmp(verb, "loop") && argc > 4)
		return do_loop(verb, argv[2], argv[3], argv[4], e);
	if (!strcmp(verb, "watch") && argc > 3)
		return do_loop(verb, argv[2], argv[2], argv[3], e);
	if (!strcmp(verb, "bench") && argc > 3)
		return do_bench(argv[2], argv[3], e);
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is what the kernel lists what we would send: every rule against every other one, and each with
 * one bit changed.  tests/system/nat_compare.sh asks the kernel.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nat/kernel.h"
#include "nat/match.h"
#include "nat/messages.h"
#include "nat/query.h"
#include "tests/unit/nat_cases.h"

#define RULES_MAX 64

/* a ruleset and its messages */
struct fixture {
	struct nat_ruleset *rs;
	struct subject *subjects;
	struct batch batch;
	struct {
		const struct nlmsghdr *msg;
		const struct rule *rule;
	} rules[RULES_MAX];
	size_t n_rules;
};

static const struct nlmsghdr *first_message(const struct batch *b)
{
	return (const struct nlmsghdr *)b->buf;
}

static void fixture_make(struct fixture *f, const struct nat_case *c)
{
	const struct nlmsghdr *nlh;
	struct err e = ERR_INIT;
	const struct subject *s;
	int left;

	memset(f, 0, sizeof(*f));
	assert_int_equal(nat_case_build(c, NAT_CASE_OWNER, &f->rs, &e), 0);
	f->subjects = subjects_new(f->rs);
	batch_begin(&f->batch);
	assert_int_equal(ruleset_put(&f->batch, f->rs, f->subjects), 0);
	left = (int)f->batch.len;
	for (nlh = first_message(&f->batch); mnl_nlmsg_ok(nlh, left);
	     nlh = mnl_nlmsg_next(nlh, &left)) {
		if (msg_type(nlh) != NFT_MSG_NEWRULE)
			continue;
		assert_true(f->n_rules < RULES_MAX);
		s = f->batch.tags[nlh->nlmsg_seq - f->batch.first_seq];
		f->rules[f->n_rules].rule = s->rule;
		f->rules[f->n_rules++].msg = nlh;
	}
}

static void fixture_free(struct fixture *f)
{
	batch_free(&f->batch);
	free(f->subjects);
	nat_ruleset_free(f->rs);
}

/* the first message of a type after @from (NULL: the first of all) */
static const struct nlmsghdr *message(const struct fixture *f, const struct nlmsghdr *from,
				      uint8_t type)
{
	const struct nlmsghdr *nlh = from ? from : first_message(&f->batch);
	int left = (int)(f->batch.len - (size_t)((const uint8_t *)nlh - f->batch.buf));

	while (mnl_nlmsg_ok(nlh, left)) {
		if (nlh != from && nlh->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES &&
		    msg_type(nlh) == type)
			return nlh;
		nlh = mnl_nlmsg_next(nlh, &left);
	}
	return NULL;
}

static void count_lookup(uint32_t set_id, const char *name, void *arg)
{
	assert_true(set_id > 0);
	assert_true(*name);
	++*(size_t *)arg;
}

static bool match(const struct nlmsghdr *want, const struct nlmsghdr *have)
{
	size_t n = 0;

	return match_rule(want, have, count_lookup, &n);
}

/* the text of a rule without what is in its sets, which its message does not hold either */
static char *rule_text(const struct rule *r)
{
	char *text, *from, *to;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	rule_print(r, out);
	fclose(out);
	while ((from = strchr(text, '{')) && (to = strchr(from, '}')))
		memmove(from, to + 1, strlen(to + 1) + 1);
	return text;
}

/* rules match if, and only if, they read the same */
static void each_other(void **state)
{
	static struct fixture a, b;
	size_t x, y, i, j, same = 0;

	(void)state;
	for (x = 0; x < ARRAY_SIZE(nat_cases); x++) {
		fixture_make(&a, &nat_cases[x]);
		for (y = 0; y < ARRAY_SIZE(nat_cases); y++) {
			fixture_make(&b, &nat_cases[y]);
			for (i = 0; i < a.n_rules * b.n_rules; i++) {
				_cleanup_free_ char *s = rule_text(a.rules[i / b.n_rules].rule);
				_cleanup_free_ char *t = rule_text(b.rules[i % b.n_rules].rule);

				j = i % b.n_rules;
				if (match(a.rules[i / b.n_rules].msg, b.rules[j].msg) !=
				    !strcmp(s, t))
					fail_msg("%s and %s", s, t);
				same += !strcmp(s, t);
			}
			fixture_free(&b);
		}
		fixture_free(&a);
	}
	assert_true(same > ARRAY_SIZE(nat_cases));
}

static struct nlmsghdr *copy_of(const struct nlmsghdr *nlh)
{
	struct nlmsghdr *copy = malloc(nlh->nlmsg_len);

	assert_non_null(copy);
	return memcpy(copy, nlh, nlh->nlmsg_len);
}

/* changes each bit of each value in @nest, which is in @have; @skip: attributes of a look-up */
static size_t change_bits(const struct nlmsghdr *want, struct nlmsghdr *have,
			  const struct nlattr *nest, uint32_t skip)
{
	const struct nlattr *attr, *name = NULL;
	size_t n = 0, bit;
	uint8_t *bytes;

	for (attr = nest_first(nest); attr; attr = nest_next(nest, attr)) {
		if (attr_type(attr) < 32 && skip & 1u << attr_type(attr))
			continue;
		if (attr->nla_type & NLA_F_NESTED) {
			/* the data of an expression, whose name stands before it */
			bool lookup = name && !strcmp(attr_value(name), "lookup");

			n += change_bits(want, have, attr,
					 lookup ? 1u << NFTA_LOOKUP_SET | 1u << NFTA_LOOKUP_SET_ID
						: 0);
			continue;
		}
		name = attr;
		bytes = (uint8_t *)attr_value(attr);
		for (bit = 0; bit < 8 * attr_len(attr); bit++, n++) {
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (match(want, have))
				fail_msg("bit %zu of attribute %u", bit, attr_type(attr));
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
	return n;
}

static void each_bit(void **state)
{
	static struct fixture f;
	size_t i, j, n = 0;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(nat_cases); i++) {
		fixture_make(&f, &nat_cases[i]);
		for (j = 0; j < f.n_rules; j++) {
			_cleanup_free_ struct nlmsghdr *have = copy_of(f.rules[j].msg);

			n += change_bits(f.rules[j].msg, have,
					 msg_attr(have, NFTA_RULE_EXPRESSIONS), 0);
			assert_true(match(f.rules[j].msg, have));
		}
		fixture_free(&f);
	}
	assert_true(n > 10000);
}

/* messages that end too early, or whose lengths lie, are no match and do no harm */
static void broken(void **state)
{
	static struct fixture f;
	size_t i, j, len;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(nat_cases); i++) {
		fixture_make(&f, &nat_cases[i]);
		for (j = 0; j < f.n_rules; j++) {
			const struct nlmsghdr *want = f.rules[j].msg;

			for (len = sizeof(*want) + sizeof(struct nfgenmsg); len < want->nlmsg_len;
			     len++) {
				/* a copy as short as that, so that a sanitizer sees what is behind */
				_cleanup_free_ struct nlmsghdr *have = malloc(len);

				memcpy(have, want, len);
				have->nlmsg_len = (uint32_t)len;
				assert_false(match(want, have));
			}
			for (len = 20; len < want->nlmsg_len; len++) {
				_cleanup_free_ struct nlmsghdr *have = copy_of(want);

				((uint8_t *)have)[len] ^= 0xff;
				(void)match(want, have);
			}
		}
		fixture_free(&f);
	}
}

/* --- as the kernel writes it -------------------------------------------------------------- */

/* puts the attributes of @nest, the last one first, unmarked, with what the kernel fills in */
static void put_as_kernel(struct nlmsghdr *nlh, const struct nlattr *nest, bool list, int depth)
{
	const struct nlattr *attrs[64], *attr;
	size_t n = 0, i;

	for (attr = nest_first(nest); attr; attr = nest_next(nest, attr))
		attrs[n++] = attr;
	for (i = 0; i < n; i++) {
		struct nlattr *into;

		/* lists keep their order */
		attr = attrs[list ? i : n - 1 - i];
		if (!(attr->nla_type & NLA_F_NESTED)) {
			mnl_attr_put(nlh, attr_type(attr), attr_len(attr), attr_value(attr));
			continue;
		}
		into = mnl_attr_nest_start(nlh, attr_type(attr));
		put_as_kernel(nlh, attr, false, depth + 1);
		/* flags that nobody gave, in the expression's own attributes */
		if (depth == 1)
			mnl_attr_put_u32(nlh, 30, 0);
		mnl_attr_nest_end(nlh, into);
		into->nla_type &= NLA_TYPE_MASK;
	}
}

static struct nlmsghdr *as_kernel(const struct nlmsghdr *want)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(calloc(1, 16384));
	struct nlattr *list;

	nlh->nlmsg_type = want->nlmsg_type;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
	mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, 7);
	list = mnl_attr_nest_start(nlh, NFTA_RULE_EXPRESSIONS);
	put_as_kernel(nlh, msg_attr(want, NFTA_RULE_EXPRESSIONS), true, 0);
	mnl_attr_nest_end(nlh, list);
	list->nla_type &= NLA_TYPE_MASK;
	return nlh;
}

static void kernels_way(void **state)
{
	static struct fixture f;
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(nat_cases); i++) {
		fixture_make(&f, &nat_cases[i]);
		for (j = 0; j < f.n_rules; j++) {
			_cleanup_free_ struct nlmsghdr *have = as_kernel(f.rules[j].msg);
			size_t n = 0;

			assert_true(match_rule(f.rules[j].msg, have, count_lookup, &n));
			mnl_attr_put_strz(have, NFTA_RULE_USERDATA, "a comment");
			assert_true(match(f.rules[j].msg, have));
			mnl_attr_put_strz(have, NFTA_RULE_COMPAT, "iptables'");
			assert_false(match(f.rules[j].msg, have));
		}
		fixture_free(&f);
	}
}

/* one more attribute in the data of the only expression; @len: 0 or 4 */
static bool match_with_more(const struct nlmsghdr *want, uint32_t value, size_t len)
{
	_cleanup_free_ struct nlmsghdr *nlh = mnl_nlmsg_put_header(calloc(1, 1024));
	const struct nlattr *expr = nest_first(msg_attr(want, NFTA_RULE_EXPRESSIONS));
	struct nlattr *list, *elem, *data;

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
	list = mnl_attr_nest_start(nlh, NFTA_RULE_EXPRESSIONS);
	elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	mnl_attr_put_strz(nlh, NFTA_EXPR_NAME, attr_str(nest_find(expr, NFTA_EXPR_NAME)));
	data = mnl_attr_nest_start(nlh, NFTA_EXPR_DATA);
	put_as_kernel(nlh, nest_find(expr, NFTA_EXPR_DATA), false, 5);
	mnl_attr_put(nlh, 30, len, &value);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, elem);
	mnl_attr_nest_end(nlh, list);
	return match(want, nlh);
}

/* what only the kernel has is no difference if it is zero */
static void more_than_wanted(void **state)
{
	static const struct chain chain = {.name = "c", .type = "nat"};
	struct nat_ruleset rs = {.arena = arena_new(0)};
	struct fixture f = {.rs = &rs};

	(void)state;
	chain_begin(&rs, &chain);
	rule_begin(&rs);
	stmt_nat(&rs, NULL, 0, false, 0, 0);
	f.subjects = subjects_new(&rs);
	batch_begin(&f.batch);
	assert_int_equal(ruleset_put(&f.batch, &rs, f.subjects), 0);
	f.rules[0].msg = message(&f, NULL, NFT_MSG_NEWRULE);
	assert_true(match_with_more(f.rules[0].msg, 0, 4));
	assert_false(match_with_more(f.rules[0].msg, 1, 4));
	assert_false(match_with_more(f.rules[0].msg, htonl(1), 4));
	/* a flag without a value is one that is set */
	assert_false(match_with_more(f.rules[0].msg, 0, 0));
	batch_free(&f.batch);
	free(f.subjects);
	arena_free(rs.arena);
}

/* --- chains and sets ------------------------------------------------------------------- */

static void chains(void **state)
{
	const struct nat_case *c = nat_case_find("tenant-v4");
	const struct nlmsghdr *forward;
	static struct fixture f;
	struct chain want;

	(void)state;
	fixture_make(&f, c);
	forward = message(&f, NULL, NFT_MSG_NEWCHAIN);
	want = f.rs->chains[0];
	assert_true(match_chain(&want, forward, true));
	assert_false(match_chain(&f.rs->chains[1], forward, true));
	want.policy = NF_ACCEPT;
	assert_false(match_chain(&want, forward, true));
	assert_true(match_chain(&want, forward, false));
	want = f.rs->chains[0];
	want.priority++;
	assert_false(match_chain(&want, forward, false));
	want = f.rs->chains[0];
	want.hook = NF_INET_LOCAL_IN;
	assert_false(match_chain(&want, forward, false));
	want = f.rs->chains[0];
	want.type = "route";
	assert_false(match_chain(&want, forward, false));
	want = f.rs->chains[0];
	want.name = "forwarD";
	assert_false(match_chain(&want, forward, false));
	fixture_free(&f);
}

static void set_kinds(void **state)
{
	static struct fixture f, g;
	const struct nlmsghdr *protocols, *v4, *v6;

	(void)state;
	fixture_make(&f, nat_case_find("tenant-v4"));
	protocols = message(&f, NULL, NFT_MSG_NEWSET);
	fixture_make(&g, nat_case_find("tenant-pool"));
	assert_true(match_set(protocols, message(&g, NULL, NFT_MSG_NEWSET)));
	v4 = message(&g, message(&g, NULL, NFT_MSG_NEWSET), NFT_MSG_NEWSET);
	v6 = message(&g, v4, NFT_MSG_NEWSET);
	assert_true(match_set(v4, v4));
	assert_false(match_set(protocols, v4));
	assert_false(match_set(v4, protocols));
	assert_false(match_set(v4, v6));
	fixture_free(&f);
	fixture_free(&g);
}

/* a message with @n elements 0, 1, 2 … of a map, from @first on; @data of number @odd is another */
static struct nlmsghdr *element_message(uint32_t first, uint32_t n, uint32_t odd, uint32_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(calloc(1, 16384));
	struct nlattr *list, *elem, *nest;
	uint32_t i, value;

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (i = first; i < first + n; i++) {
		elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
		nest = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
		/* not in the order of their bytes */
		value = i * 2654435761u;
		mnl_attr_put(nlh, NFTA_DATA_VALUE, sizeof(value), &value);
		mnl_attr_nest_end(nlh, nest);
		nest = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_DATA);
		value = i == odd ? ~i : i;
		mnl_attr_put(nlh, NFTA_DATA_VALUE, sizeof(value), &value);
		mnl_attr_nest_end(nlh, nest);
		if (flags)
			mnl_attr_put_u32(nlh, NFTA_SET_ELEM_FLAGS, htonl(flags));
		mnl_attr_nest_end(nlh, elem);
	}
	mnl_attr_nest_end(nlh, list);
	return nlh;
}

#define NOT_ODD UINT32_MAX

/* are 100 wanted elements those of the message, taken twice over if @twice? */
static bool see(uint32_t first, uint32_t n, uint32_t odd, uint32_t flags, bool twice)
{
	_cleanup_free_ struct nlmsghdr *want = element_message(0, 60, NOT_ODD, 0);
	_cleanup_free_ struct nlmsghdr *want2 = element_message(60, 40, NOT_ODD, 0);
	_cleanup_free_ struct nlmsghdr *have = element_message(first, n, odd, flags);
	struct elements es = {.all = NULL};
	bool same;

	assert_int_equal(elements_add(&es, want2), 0);
	assert_int_equal(elements_add(&es, want), 0);
	elements_sort(&es);
	assert_int_equal(es.n, 100);
	same = elements_see(&es, have) && (!twice || elements_see(&es, have));
	same = same && es.n_seen == es.n;
	elements_free(&es);
	return same;
}

static void elements(void **state)
{
	(void)state;
	assert_true(see(0, 100, NOT_ODD, 0, false));
	assert_false(see(0, 99, NOT_ODD, 0, false));
	assert_false(see(1, 99, NOT_ODD, 0, false));
	assert_false(see(0, 101, NOT_ODD, 0, false));
	assert_false(see(1, 100, NOT_ODD, 0, false));
	assert_false(see(0, 100, 50, 0, false));
	assert_false(see(0, 100, NOT_ODD, NFT_SET_ELEM_INTERVAL_END, false));
	assert_false(see(0, 100, NOT_ODD, 0, true));
	assert_false(see(0, 0, NOT_ODD, 0, false));
}

/* the elements of every case's sets are those of themselves, and of no other kind */
static void elements_of_cases(void **state)
{
	static struct fixture f;
	size_t i, n = 0;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(nat_cases); i++) {
		const struct nlmsghdr *nlh = NULL;

		fixture_make(&f, &nat_cases[i]);
		while ((nlh = message(&f, nlh, NFT_MSG_NEWSETELEM))) {
			struct elements es = {.all = NULL};

			assert_int_equal(elements_add(&es, nlh), 0);
			elements_sort(&es);
			assert_true(es.n > 1);
			assert_true(elements_see(&es, nlh));
			assert_int_equal(es.n_seen, es.n);
			elements_free(&es);
			n++;
		}
		fixture_free(&f);
	}
	assert_true(n > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_other),
		cmocka_unit_test(each_bit),
		cmocka_unit_test(broken),
		cmocka_unit_test(kernels_way),
		cmocka_unit_test(more_than_wanted),
		cmocka_unit_test(chains),
		cmocka_unit_test(set_kinds),
		cmocka_unit_test(elements),
		cmocka_unit_test(elements_of_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

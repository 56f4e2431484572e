/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is the kernel's table what is wanted?
 *
 * Theory of operation.  The messages that would make the ruleset are built as for nat_apply(), but
 * not sent: they are what is wanted.  What there is comes in three lists, of chains, rules and
 * sets, and a list of elements for each set.  Each message of a list is held against the wanted
 * one as it arrives, and nothing of it is kept: rules come in their order, so that each chain
 * has a place up to which it has been seen.  A set has another name in the kernel than in our
 * messages; the rule that looks something up in it says which.  All lists must be of one
 * generation of the rules, or it is begun again.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "nat/kernel.h"
#include "nat/match.h"
#include "nat/messages.h"
#include "nat/query.h"
#include "nat/table.h"

/* nobody commits that often unless he does nothing else: a comparison takes a tenth of a commit */
#define TRIES 100

struct wanted_rule {
	const struct nlmsghdr *msg;
	uint64_t handle; /* the kernel's, of the one that was seen in its place */
};

struct wanted_chain {
	const struct chain *chain;
	struct wanted_rule *rules;
	size_t n_seen; /* of chain->n_rules */
	bool seen;
};

struct wanted_set {
	uint32_t id;
	const struct nlmsghdr *msg;
	struct elements elements;
	char name[NFT_SET_MAXNAMELEN]; /* the kernel's */
	bool seen, different;
};

struct comparison {
	int sock;
	struct generation generation;
	struct table_found table;
	struct wanted_chain *chains;
	size_t n_chains;
	struct wanted_rule *rules; /* of all chains, one after the other */
	struct wanted_set *sets;
	size_t n_sets;
	bool different;
};

/* --- what is wanted ------------------------------------------------------------------ */

static void want_free(struct comparison *c)
{
	size_t i;

	for (i = 0; i < c->n_sets; i++)
		elements_free(&c->sets[i].elements);
	free(c->sets);
	free(c->rules);
	free(c->chains);
}

static int want_set(struct comparison *c, const struct nlmsghdr *msg)
{
	struct wanted_set *sets;

	sets = reallocarray(c->sets, c->n_sets + 1, sizeof(*sets));
	if (!sets)
		return -ENOMEM;
	c->sets = sets;
	sets[c->n_sets++] = (struct wanted_set){.id = msg_u32(msg, NFTA_SET_ID), .msg = msg};
	return 0;
}

/* the messages by chain, rule and set; elements stand behind their set */
static int want_messages(struct comparison *c, const struct batch *b)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)b->buf;
	size_t n_rules = 0, i;
	int left = (int)b->len, r = 0;

	for (; !r && mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
			continue;
		if (msg_type(nlh) == NFT_MSG_NEWRULE)
			c->rules[n_rules++].msg = nlh;
		else if (msg_type(nlh) == NFT_MSG_NEWSET)
			r = want_set(c, nlh);
		else if (msg_type(nlh) == NFT_MSG_NEWSETELEM)
			r = elements_add(&c->sets[c->n_sets - 1].elements, nlh);
	}
	for (i = 0; i < c->n_sets; i++)
		elements_sort(&c->sets[i].elements);
	return r;
}

static int want(struct comparison *c, const struct nat_ruleset *rs, const struct batch *b)
{
	size_t n_rules = 0, i;

	for (i = 0; i < rs->n_chains; i++)
		n_rules += rs->chains[i].n_rules;
	c->chains = calloc(rs->n_chains + 1, sizeof(*c->chains));
	c->rules = calloc(n_rules + 1, sizeof(*c->rules));
	if (!c->chains || !c->rules)
		return -ENOMEM;
	for (i = n_rules = 0; i < rs->n_chains; i++) {
		c->chains[i].chain = &rs->chains[i];
		c->chains[i].rules = c->rules + n_rules;
		n_rules += rs->chains[i].n_rules;
	}
	c->n_chains = rs->n_chains;
	return want_messages(c, b);
}

/* --- what there is -------------------------------------------------------------------- */

static bool is_in_table(const struct nlmsghdr *nlh, uint16_t table_attr)
{
	const char *table = msg_str(nlh, table_attr);

	return ((const struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->nfgen_family ==
		       NFPROTO_INET &&
	       table && !strcmp(table, NAT_TABLE);
}

static struct wanted_chain *find_chain(struct comparison *c, const char *name)
{
	size_t i;

	for (i = 0; name && i < c->n_chains; i++)
		if (!strcmp(c->chains[i].chain->name, name))
			return &c->chains[i];
	return NULL;
}

static int see_chain(struct comparison *c, const struct nlmsghdr *nlh)
{
	struct wanted_chain *wanted;

	/* the kernel lists those of all tables */
	if (!is_in_table(nlh, NFTA_CHAIN_TABLE))
		return 0;
	wanted = find_chain(c, msg_str(nlh, NFTA_CHAIN_NAME));
	if (wanted && wanted->seen)
		return -EINTR;
	if (wanted && match_chain(wanted->chain, nlh, true))
		wanted->seen = true;
	else
		c->different = true;
	return 0;
}

/* a look-up of set number @id, which the kernel calls @name */
static void see_lookup(uint32_t id, const char *name, void *arg)
{
	struct comparison *c = arg;
	size_t i;

	for (i = 0; i < c->n_sets; i++) {
		/* ours belong to one rule each */
		if (!strcmp(c->sets[i].name, name))
			c->different = true;
		if (c->sets[i].id == id)
			snprintf(c->sets[i].name, sizeof(c->sets[i].name), "%s", name);
	}
}

static int see_rule(struct comparison *c, const struct nlmsghdr *nlh)
{
	struct wanted_chain *in = find_chain(c, msg_str(nlh, NFTA_RULE_CHAIN));
	uint64_t handle = msg_u64(nlh, NFTA_RULE_HANDLE);
	size_t i;

	for (i = 0; in && i < in->n_seen; i++)
		if (in->rules[i].handle == handle)
			return -EINTR;
	if (in && i < in->chain->n_rules && match_rule(in->rules[i].msg, nlh, see_lookup, c))
		in->rules[in->n_seen++].handle = handle;
	else
		c->different = true;
	return 0;
}

static int see_set(struct comparison *c, const struct nlmsghdr *nlh)
{
	const char *name = msg_str(nlh, NFTA_SET_NAME);
	size_t i;

	for (i = 0; i < c->n_sets; i++)
		if (name && !strcmp(c->sets[i].name, name))
			break;
	if (i < c->n_sets && c->sets[i].seen)
		return -EINTR;
	if (i < c->n_sets)
		c->sets[i].seen = true;
	if (i == c->n_sets || !match_set(c->sets[i].msg, nlh))
		c->different = true;
	return 0;
}

static int on_answer(const struct nlmsghdr *nlh, void *arg)
{
	struct comparison *c = arg;

	switch (msg_type(nlh)) {
	case NFT_MSG_NEWTABLE:
		return table_parse(nlh, &c->table);
	case NFT_MSG_NEWCHAIN:
		return see_chain(c, nlh);
	case NFT_MSG_NEWRULE:
		return see_rule(c, nlh);
	case NFT_MSG_NEWSET:
		return see_set(c, nlh);
	}
	return 0;
}

static int list(struct comparison *c, uint16_t type, uint16_t table_attr, struct err *e)
{
	struct query q;

	query_begin(&q);
	if (type == NFT_MSG_GETCHAIN)
		query_ask(&q, NFT_MSG_GETTABLE, 0, NFTA_TABLE_NAME);
	query_ask(&q, type, NLM_F_DUMP, table_attr);
	return query_run(&q, c->sock, &c->generation, on_answer, c, e);
}

static int on_elements(const struct nlmsghdr *nlh, void *arg)
{
	struct wanted_set *set = arg;

	if (!elements_see(&set->elements, nlh))
		set->different = true;
	return 0;
}

static int compare_elements(struct comparison *c, struct wanted_set *set, struct err *e)
{
	struct query q;
	int r;

	query_begin(&q);
	mnl_attr_put_strz(query_ask(&q, NFT_MSG_GETSETELEM, NLM_F_DUMP, NFTA_SET_ELEM_LIST_TABLE),
			  NFTA_SET_ELEM_LIST_SET, set->name);
	r = query_run(&q, c->sock, &c->generation, on_elements, set, e);
	/* it was there a moment ago */
	if (!r && q.missing)
		return -EINTR;
	c->different |= set->different || set->elements.n_seen < set->elements.n;
	return r;
}

static int compare_table_and_chains(struct comparison *c, struct err *e)
{
	int r = list(c, NFT_MSG_GETCHAIN, NFTA_CHAIN_TABLE, e);
	size_t i;

	c->different |= c->table.flags != 0;
	for (i = 0; i < c->n_chains; i++)
		c->different |= !c->chains[i].seen;
	return r;
}

static int compare_rules(struct comparison *c, struct err *e)
{
	int r = list(c, NFT_MSG_GETRULE, NFTA_RULE_TABLE, e);
	size_t i;

	for (i = 0; i < c->n_chains; i++)
		c->different |= c->chains[i].n_seen < c->chains[i].chain->n_rules;
	return r;
}

static int compare_sets(struct comparison *c, struct err *e)
{
	int r = list(c, NFT_MSG_GETSET, NFTA_SET_TABLE, e);
	size_t i;

	for (i = 0; !r && !c->different && i < c->n_sets; i++)
		/* a rule uses it, and it was not listed: so it went between the two */
		if (!c->sets[i].seen)
			return -EINTR;
	for (i = 0; !r && !c->different && i < c->n_sets; i++)
		r = compare_elements(c, &c->sets[i], e);
	return r;
}

static int compare_once(int sock, const struct nat_ruleset *rs, const struct batch *b,
			enum nat_state *ret, struct err *e)
{
	struct comparison c = {.sock = sock, .table.owner = rs->owner};
	int r = want(&c, rs, b);

	if (r < 0)
		err_code(e, -r, "table inet %s", NAT_TABLE);
	r = r ?: compare_table_and_chains(&c, e);
	if (!r && c.table.ours && !c.different)
		r = compare_rules(&c, e);
	if (!r && c.table.ours && !c.different)
		r = compare_sets(&c, e);
	if (!r)
		*ret = !c.table.any    ? NAT_STATE_NONE
		       : !c.table.ours ? NAT_STATE_FOREIGN
		       : c.different   ? NAT_STATE_DIFFERENT
				       : NAT_STATE_SAME;
	want_free(&c);
	return r;
}

int nat_compare(int sock, const struct nat_ruleset *rs, enum nat_state *ret, struct err *e)
{
	_cleanup_free_ struct subject *subjects = subjects_new(rs);
	int tries = TRIES, r;
	struct batch b;

	if (!subjects)
		return err_code(e, ENOMEM, "table inet %s", NAT_TABLE);
	batch_begin(&b);
	r = ruleset_put(&b, rs, subjects);
	if (r < 0)
		err_code(e, -r, "table inet %s", NAT_TABLE);
	else
		do
			r = compare_once(sock, rs, &b, ret, e);
		while (r == -EINTR && --tries);
	batch_free(&b);
	return r == -EINTR ? err_code(e, EBUSY, "table inet %s is being changed", NAT_TABLE) : r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/messages.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <stdlib.h>

#include "nat/expr.h"
#include "nat/kernel.h"

static int put_chain(struct batch *b, const struct chain *c, const struct subject *about)
{
	struct nftnl_chain *nc = nftnl_chain_alloc();
	struct nlmsghdr *nlh = nc ? batch_message(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE, about) : NULL;

	if (!nlh) {
		if (nc)
			nftnl_chain_free(nc);
		return -ENOMEM;
	}
	nftnl_chain_set_str(nc, NFTNL_CHAIN_TABLE, NAT_TABLE);
	nftnl_chain_set_str(nc, NFTNL_CHAIN_NAME, c->name);
	nftnl_chain_set_str(nc, NFTNL_CHAIN_TYPE, c->type);
	nftnl_chain_set_u32(nc, NFTNL_CHAIN_HOOKNUM, c->hook);
	nftnl_chain_set_s32(nc, NFTNL_CHAIN_PRIO, c->priority);
	nftnl_chain_set_u32(nc, NFTNL_CHAIN_POLICY, c->policy);
	nftnl_chain_nlmsg_build_payload(nlh, nc);
	batch_close(b, nlh);
	nftnl_chain_free(nc);
	return 0;
}

/* the elements go in as many messages as they need: an attribute holds 64 KiB */
static int put_elements(struct batch *b, const struct nftnl_set *set, const struct subject *about)
{
	struct nftnl_set_elems_iter *iter = nftnl_set_elems_iter_create(set);
	struct nlmsghdr *nlh;
	int more;

	if (!iter)
		return -ENOMEM;
	do {
		nlh = batch_message(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE, about);
		if (!nlh)
			break;
		more = nftnl_set_elems_nlmsg_build_payload_iter(nlh, iter);
		batch_close(b, nlh);
	} while (more > 0);
	nftnl_set_elems_iter_destroy(iter);
	return nlh ? 0 : -ENOMEM;
}

/* the set of a statement, if it has one, before the rule that uses it */
static int put_set(struct batch *b, const struct stmt *s, uint32_t set_id,
		   const struct subject *about)
{
	struct nftnl_set *set;
	struct nlmsghdr *nlh;
	int r;

	r = stmt_set(s, set_id, &set);
	if (r < 0 || !set)
		return r;
	nlh = batch_message(b, NFT_MSG_NEWSET, NLM_F_CREATE, about);
	if (nlh) {
		nftnl_set_nlmsg_build_payload(nlh, set);
		batch_close(b, nlh);
	}
	r = nlh ? put_elements(b, set, about) : -ENOMEM;
	nftnl_set_free(set);
	return r;
}

static int put_rule(struct batch *b, const char *chain, const struct rule *rule,
		    uint32_t *next_set_id, const struct subject *about)
{
	struct nftnl_rule *nr = nftnl_rule_alloc();
	struct nlmsghdr *nlh;
	int r = nr ? 0 : -ENOMEM;
	size_t i;

	/* each statement has a number for its set, needed or not */
	for (i = 0; !r && i < rule->n_stmts; i++)
		r = put_set(b, &rule->stmts[i], *next_set_id + (uint32_t)i, about)
			    ?: stmt_expressions(&rule->stmts[i], *next_set_id + (uint32_t)i, nr);
	*next_set_id += (uint32_t)rule->n_stmts;
	if (r < 0)
		goto out;
	nftnl_rule_set_str(nr, NFTNL_RULE_TABLE, NAT_TABLE);
	nftnl_rule_set_str(nr, NFTNL_RULE_CHAIN, chain);
	nlh = batch_message(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, about);
	if (nlh) {
		nftnl_rule_nlmsg_build_payload(nlh, nr);
		batch_close(b, nlh);
	} else {
		r = -ENOMEM;
	}
out:
	if (nr)
		nftnl_rule_free(nr);
	return r;
}

struct subject *subjects_new(const struct nat_ruleset *rs)
{
	size_t n = rs->n_chains + 1, i;

	for (i = 0; i < rs->n_chains; i++)
		n += rs->chains[i].n_rules;
	return calloc(n, sizeof(struct subject));
}

int ruleset_put(struct batch *b, const struct nat_ruleset *rs, struct subject *subjects)
{
	uint32_t next_set_id = 1;
	const struct chain *c;
	size_t i, j;
	int r;

	for (i = 0; i < rs->n_chains; i++, subjects++) {
		subjects->chain = &rs->chains[i];
		r = put_chain(b, &rs->chains[i], subjects);
		if (r < 0)
			return r;
	}
	for (i = 0; i < rs->n_chains; i++) {
		c = &rs->chains[i];
		for (j = 0; j < c->n_rules; j++, subjects++) {
			subjects->chain = c;
			subjects->rule = &c->rules[j];
			r = put_rule(b, c->name, &c->rules[j], &next_set_id, subjects);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

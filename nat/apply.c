/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ruleset as one transaction.
 */
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "nat/batch.h"
#include "nat/expr.h"
#include "nat/kernel.h"
#include "nat/table.h"

/* what a message is about, for the error that names it */
struct subject {
	const struct chain *chain; /* NULL: the table */
	const struct rule *rule;   /* NULL: the chain */
};

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

static size_t count_subjects(const struct nat_ruleset *rs)
{
	size_t n = rs->n_chains, i;

	for (i = 0; i < rs->n_chains; i++)
		n += rs->chains[i].n_rules;
	return n;
}

/* chains first, then their rules */
static int put_chains(struct batch *b, const struct nat_ruleset *rs, struct subject *subjects)
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

/* the rule as text before the message, so that the reader finds it in `nft list` */
static void name_rule(const struct rule *rule, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	rule_print(rule, f);
	if (fclose(f) == 0)
		err_wrap(e, "rule '%s'", text);
}

static bool is_unsupported(int code)
{
	return code == ENOENT || code == EOPNOTSUPP || code == EPROTONOSUPPORT ||
	       code == EAFNOSUPPORT;
}

/* which part of the kernel may be missing */
static void hint_options(const struct subject *about, struct err *e)
{
	const char *option;
	size_t i;

	if (!about) {
		err_hint(e, "the kernel needs CONFIG_NF_TABLES and CONFIG_NF_TABLES_INET");
		return;
	}
	for (i = 0; about->rule && i < about->rule->n_stmts; i++) {
		option = stmt_kernel_option(&about->rule->stmts[i]);
		if (option)
			err_hint(e, "the kernel needs %s", option);
	}
	err_hint(e, "the kernel needs CONFIG_NF_TABLES, CONFIG_NF_CONNTRACK and CONFIG_NF_NAT");
}

static int refused(const struct subject *about, struct err *e)
{
	if (is_unsupported(e->code)) {
		hint_options(about, e);
		err_kind_set(e, ERR_CANNOT);
	} else if (e->code == EPERM) {
		err_hint(e, "this needs CAP_NET_ADMIN: run it as root");
		err_kind_set(e, ERR_CANNOT);
	} else if (e->code == EEXIST && !about) {
		err_hint(e, "somebody made it before: look with 'nft list table inet %s'",
			 NAT_TABLE);
	}
	if (about && about->rule)
		name_rule(about->rule, e);
	if (about)
		err_wrap(e, "chain %s", about->chain->name);
	return err_wrap(e, "table inet %s", NAT_TABLE);
}

int nat_apply(int sock, const struct nat_ruleset *rs, bool create, struct err *e)
{
	_cleanup_free_ struct subject *subjects = calloc(count_subjects(rs) + 1, sizeof(*subjects));
	const void *about;
	struct batch b;
	int r;

	if (!subjects)
		return err_code(e, ENOMEM, "table inet %s", NAT_TABLE);
	batch_begin(&b);
	if (create) {
		r = table_put_new(&b, rs->owner, NLM_F_CREATE | NLM_F_EXCL);
	} else {
		/* deleting needs one that is there: so make it first, which changes none */
		r = table_put_new(&b, NULL, NLM_F_CREATE) ?:
		    table_put_delete(&b, 0) ?:
		    table_put_new(&b, rs->owner, NLM_F_CREATE);
	}
	r = r ?: put_chains(&b, rs, subjects);
	if (r < 0) {
		err_code(e, -r, "table inet %s", NAT_TABLE);
	} else {
		r = batch_commit(&b, sock, &about, e);
		if (r < 0)
			r = refused(about, e);
	}
	batch_free(&b);
	return r;
}

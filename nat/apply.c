/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ruleset as one transaction.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "nat/batch.h"
#include "nat/expr.h"
#include "nat/kernel.h"
#include "nat/match.h"
#include "nat/messages.h"
#include "nat/query.h"
#include "nat/table.h"

/* how often a change in place begins again because somebody else changed the rules meanwhile */
#define TRIES 20

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

/* --- replacing ------------------------------------------------------------------------ */

struct replacement {
	const struct nat_ruleset *rs;
	struct table_found table;
	uint32_t generation;
	struct batch batch;
};

static int on_table(const struct nlmsghdr *nlh, void *arg)
{
	struct replacement *rp = arg;

	if (msg_type(nlh) == NFT_MSG_NEWGEN)
		rp->generation = msg_u32(nlh, NFTA_GEN_ID);
	else if (msg_type(nlh) == NFT_MSG_NEWTABLE)
		return table_parse(nlh, &rp->table);
	return 0;
}

/* @name: NULL: all there are */
static int put_delete(struct batch *b, uint16_t type, uint16_t table_attr, uint16_t name_attr,
		      const char *name)
{
	struct nlmsghdr *nlh = batch_message(b, type, 0, NULL);

	if (!nlh)
		return -ENOMEM;
	mnl_attr_put_strz(nlh, table_attr, NAT_TABLE);
	if (name)
		mnl_attr_put_strz(nlh, name_attr, name);
	batch_close(b, nlh);
	return 0;
}

/* anonymous sets go with their rules, the others have to be told */
static int on_set(const struct nlmsghdr *nlh, void *arg)
{
	const char *name = msg_str(nlh, NFTA_SET_NAME);
	struct replacement *rp = arg;

	if (!name || msg_u32(nlh, NFTA_SET_FLAGS) & NFT_SET_ANONYMOUS)
		return 0;
	return put_delete(&rp->batch, NFT_MSG_DELSET, NFTA_SET_TABLE, NFTA_SET_NAME, name);
}

/* a chain stays if it is wanted and has the same hook: its policy can be changed */
static int on_chain(const struct nlmsghdr *nlh, void *arg)
{
	const char *table = msg_str(nlh, NFTA_CHAIN_TABLE), *name = msg_str(nlh, NFTA_CHAIN_NAME);
	struct replacement *rp = arg;
	size_t i;

	/* the kernel lists those of all tables */
	if (!name || !table || strcmp(table, NAT_TABLE))
		return 0;
	for (i = 0; i < rp->rs->n_chains; i++)
		if (match_chain(&rp->rs->chains[i], nlh, false))
			return 0;
	return put_delete(&rp->batch, NFT_MSG_DELCHAIN, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, name);
}

/* what goes: rules first, then what they used, then what that used */
static int put_removals(struct replacement *rp, int sock, struct generation *g, struct err *e)
{
	struct query sets, chains;
	int r;

	r = put_delete(&rp->batch, NFT_MSG_DELRULE, NFTA_RULE_TABLE, 0, NULL);
	if (r < 0)
		return err_code(e, -r, "table inet %s", NAT_TABLE);
	query_begin(&sets);
	query_ask(&sets, NFT_MSG_GETSET, NLM_F_DUMP, NFTA_SET_TABLE);
	r = query_run(&sets, sock, g, on_set, rp, e);
	if (r < 0)
		return r;
	query_begin(&chains);
	query_ask(&chains, NFT_MSG_GETCHAIN, NLM_F_DUMP, NFTA_CHAIN_TABLE);
	return query_run(&chains, sock, g, on_chain, rp, e);
}

static int commit(struct batch *b, int sock, const struct nat_ruleset *rs, struct err *e)
{
	_cleanup_free_ struct subject *subjects = subjects_new(rs);
	const struct subject *about;
	const void *tag;
	int r;

	r = subjects ? ruleset_put(b, rs, subjects) : -ENOMEM;
	if (r < 0)
		return err_code(e, -r, "table inet %s", NAT_TABLE);
	r = batch_commit(b, sock, &tag, e);
	about = tag;
	/* the rules are others by now, or one that goes was listed twice (query.h) */
	if (r == -ERESTART || (r == -ENOENT && b->expects && !about)) {
		*e = (struct err)ERR_INIT;
		return -EINTR;
	}
	return r < 0 ? refused(about, e) : 0;
}

/* whatever is there: the table goes and comes again */
static int remake(int sock, const struct nat_ruleset *rs, struct err *e)
{
	struct batch b;
	int r;

	batch_begin(&b);
	/* deleting needs one that is there: so make it first, which changes none */
	r = table_put_new(&b, NULL, NLM_F_CREATE) ?:
	    table_put_delete(&b, 0) ?:
	    table_put_new(&b, rs->owner, NLM_F_CREATE);
	r = r < 0 ? err_code(e, -r, "table inet %s", NAT_TABLE) : commit(&b, sock, rs, e);
	batch_free(&b);
	return r;
}

/* 1: changed; 0: there is none that could be; -EINTR: it is another one by now; -errno */
static int change_in_place(int sock, const struct nat_ruleset *rs, struct err *e)
{
	struct replacement rp = {.rs = rs, .table.owner = rs->owner};
	struct generation g = {.has = false};
	struct query q;
	int r;

	query_begin(&q);
	query_ask(&q, NFT_MSG_GETGEN, 0, 0);
	query_ask(&q, NFT_MSG_GETTABLE, 0, NFTA_TABLE_NAME);
	r = query_run(&q, sock, &g, on_table, &rp, e);
	if (r < 0 || !rp.table.ours || rp.table.flags)
		return r;
	batch_begin(&rp.batch);
	batch_expect(&rp.batch, rp.generation);
	r = put_removals(&rp, sock, &g, e) ?: commit(&rp.batch, sock, rs, e);
	batch_free(&rp.batch);
	return r < 0 ? r : 1;
}

static int replace(int sock, const struct nat_ruleset *rs, struct err *e)
{
	int tries = TRIES, r;

	do
		r = change_in_place(sock, rs, e);
	while (r == -EINTR && --tries);
	if (r && r != -EINTR)
		return r < 0 ? r : 0;
	return remake(sock, rs, e);
}

static int create_new(int sock, const struct nat_ruleset *rs, struct err *e)
{
	struct batch b;
	int r;

	batch_begin(&b);
	r = table_put_new(&b, rs->owner, NLM_F_CREATE | NLM_F_EXCL);
	r = r < 0 ? err_code(e, -r, "table inet %s", NAT_TABLE) : commit(&b, sock, rs, e);
	batch_free(&b);
	return r;
}

int nat_apply(int sock, const struct nat_ruleset *rs, bool create, struct err *e)
{
	return create ? create_new(sock, rs, e) : replace(sock, rs, e);
}

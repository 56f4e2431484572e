/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ruleset as one transaction.
 */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "nat/batch.h"
#include "nat/expr.h"
#include "nat/kernel.h"
#include "nat/messages.h"
#include "nat/table.h"

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
	_cleanup_free_ struct subject *subjects = subjects_new(rs);
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
	r = r ?: ruleset_put(&b, rs, subjects);
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/match.h"

#include <string.h>

#include "base/cleanup.h"
#include "nat/kernel.h"
#include "nat/query.h"

/* what the kernel filled in; an attribute without a value means something by being there */
static bool is_default(const struct nlattr *attr)
{
	const uint8_t *bytes = attr_value(attr);
	size_t len = attr_len(attr), i;

	for (i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return len > 0;
}

static bool match_attr(const struct nlattr *want, const struct nlattr *have);

static bool is_skipped(const struct nlattr *attr, uint32_t skip)
{
	uint16_t type = attr_type(attr);

	return type < 32 && skip & 1u << type;
}

/* @skip: bits of attributes that are not compared */
static bool match_nested(const struct nlattr *want, const struct nlattr *have, uint32_t skip)
{
	const struct nlattr *attr, *other;

	for (attr = nest_first(want); attr; attr = nest_next(want, attr)) {
		other = nest_find(have, attr_type(attr));
		if (!is_skipped(attr, skip) && (!other || !match_attr(attr, other)))
			return false;
	}
	for (attr = nest_first(have); attr; attr = nest_next(have, attr)) {
		if (!is_skipped(attr, skip) && !nest_find(want, attr_type(attr)) &&
		    !is_default(attr))
			return false;
	}
	return true;
}

static bool same_bytes(const struct nlattr *a, const struct nlattr *b)
{
	size_t len = attr_len(a);

	return attr_len(b) == len && !memcmp(attr_value(a), attr_value(b), len);
}

static bool match_attr(const struct nlattr *want, const struct nlattr *have)
{
	/* libnftnl marks what is nested; the kernel does not */
	return want->nla_type & NLA_F_NESTED ? match_nested(want, have, 0) : same_bytes(want, have);
}

/* --- rules -------------------------------------------------------------------------- */

struct lookups {
	void (*fn)(uint32_t set_id, const char *name, void *arg);
	void *arg;
};

static bool match_lookup(const struct nlattr *want, const struct nlattr *have,
			 const struct lookups *l)
{
	const char *name = attr_str(nest_find(have, NFTA_LOOKUP_SET));
	uint32_t id;

	if (!match_nested(want, have, 1u << NFTA_LOOKUP_SET | 1u << NFTA_LOOKUP_SET_ID))
		return false;
	if (!name || !attr_u32(nest_find(want, NFTA_LOOKUP_SET_ID), &id))
		return false;
	l->fn(id, name, l->arg);
	return true;
}

static bool match_expression(const struct nlattr *want, const struct nlattr *have,
			     const struct lookups *l)
{
	const char *name = attr_str(nest_find(want, NFTA_EXPR_NAME));
	const char *have_name = attr_str(nest_find(have, NFTA_EXPR_NAME));
	const struct nlattr *data = nest_find(want, NFTA_EXPR_DATA);
	const struct nlattr *have_data = nest_find(have, NFTA_EXPR_DATA);

	if (!name || !have_name || strcmp(name, have_name))
		return false;
	if (!strcmp(name, "counter"))
		return true;
	if (!data || !have_data)
		return false;
	if (!strcmp(name, "lookup"))
		return match_lookup(data, have_data, l);
	return match_nested(data, have_data, 0);
}

bool match_rule(const struct nlmsghdr *want, const struct nlmsghdr *have,
		void (*lookup)(uint32_t set_id, const char *name, void *arg), void *arg)
{
	const struct nlattr *list = msg_attr(want, NFTA_RULE_EXPRESSIONS), *w;
	const struct nlattr *have_list = msg_attr(have, NFTA_RULE_EXPRESSIONS), *h;
	const struct lookups l = {lookup, arg};

	/* iptables' are others */
	if (!list || !have_list || msg_attr(have, NFTA_RULE_COMPAT))
		return false;
	w = nest_first(list);
	h = nest_first(have_list);
	while (w && h && match_expression(w, h, &l)) {
		w = nest_next(list, w);
		h = nest_next(have_list, h);
	}
	return !w && !h;
}

/* --- chains and sets ---------------------------------------------------------------- */

static bool is_u32(const struct nlattr *attr, uint32_t wanted)
{
	uint32_t value;

	return attr_u32(attr, &value) && value == wanted;
}

static bool match_hook(const struct chain *want, const struct nlattr *hook)
{
	const struct nlattr *attr;

	if (!hook)
		return false;
	for (attr = nest_first(hook); attr; attr = nest_next(hook, attr)) {
		/* any other is a device */
		if (attr_type(attr) != NFTA_HOOK_HOOKNUM && attr_type(attr) != NFTA_HOOK_PRIORITY)
			return false;
	}
	return is_u32(nest_find(hook, NFTA_HOOK_HOOKNUM), want->hook) &&
	       is_u32(nest_find(hook, NFTA_HOOK_PRIORITY), (uint32_t)want->priority);
}

bool match_chain(const struct chain *want, const struct nlmsghdr *have, bool policy)
{
	const char *name = msg_str(have, NFTA_CHAIN_NAME), *type = msg_str(have, NFTA_CHAIN_TYPE);

	return name && !strcmp(name, want->name) && type && !strcmp(type, want->type) &&
	       match_hook(want, msg_attr(have, NFTA_CHAIN_HOOK)) &&
	       /* such as that for hardware */
	       !(msg_u32(have, NFTA_CHAIN_FLAGS) & ~NFT_CHAIN_BASE) &&
	       (!policy || is_u32(msg_attr(have, NFTA_CHAIN_POLICY), want->policy));
}

bool match_set(const struct nlmsghdr *want, const struct nlmsghdr *have)
{
	static const uint16_t kind[] = {NFTA_SET_FLAGS, NFTA_SET_KEY_TYPE, NFTA_SET_KEY_LEN,
					NFTA_SET_DATA_TYPE, NFTA_SET_DATA_LEN};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kind); i++)
		if (msg_u32(want, kind[i]) != msg_u32(have, kind[i]))
			return false;
	return true;
}

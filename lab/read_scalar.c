/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/read.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "wg/key.h"

#define URL_MAX 2048 /* bytes */

/*
 * The text of a value.  YAML reads `{50000+n}` as a mapping with one key and nothing for it;
 * where a single value is wanted it is taken for what it was meant to be.
 */
static const char *scalar_text(struct load *ld, const struct node *n)
{
	const struct node *key = n->child;
	const char *text = n->text;

	if (n->kind == NODE_MAP && n->below == 2 && key->kind == NODE_SCALAR && key->plain &&
	    yaml_is_null(key->next) && key->next->len == 0) {
		text = arena_printf(ld->work, "{%s}", key->text);
		if (!text)
			too_big(ld, src_of(n));
	} else if (n->kind != NODE_SCALAR) {
		diag(ld, src_of(n), "`%s` has to be a single value, not a %s", ld->key,
		     n->kind == NODE_LIST ? "list" : "mapping");
		return NULL;
	} else if (yaml_is_null(n)) {
		diag(ld, src_of(n), "`%s` has no value (give one, or take the key out)", ld->key);
		return NULL;
	}
	ld->steps += n->len / STEP_BYTES;
	return text;
}

/* worked out; in ld->work or the tree, where it need not last */
static const char *passing_text(struct load *ld, const struct node *n)
{
	const char *text = scalar_text(ld, n), *out = NULL;
	char error[EXPAND_ERROR_MAX];
	int r;

	if (!text)
		return NULL;
	r = expand_text(text, &ld->scope, NULL, EXPAND_VALUE, ld->work, &out, error);
	if (r == -EINVAL)
		diag(ld, src_of(n), "%s", error);
	else if (r < 0)
		too_big(ld, src_of(n));
	return r < 0 ? NULL : out;
}

const char *read_text(struct load *ld, const struct node *n, enum expand_mode mode)
{
	const char *text = scalar_text(ld, n), *out = NULL;
	char error[EXPAND_ERROR_MAX];
	int r;

	if (!text)
		return NULL;
	r = expand_text(text, &ld->scope, NULL, mode, ld->out, &out, error);
	if (r == -EINVAL) {
		diag(ld, src_of(n), "%s", error);
		return NULL;
	}
	if (r == 0 && out == text)
		out = arena_strdup(ld->out, text);
	if (r < 0 || !out)
		too_big(ld, src_of(n));
	return r < 0 ? NULL : out;
}

/* C0, DEL, and C1 as UTF-8 has it: they would steer a terminal that they are shown on */
static bool has_control(const char *text, bool lines)
{
	const unsigned char *s = (const unsigned char *)text;

	for (; *s; s++)
		if ((*s < ' ' && !(lines && (*s == '\t' || *s == '\n'))) || *s == 0x7f ||
		    (*s == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0))
			return true;
	return false;
}

const char *read_words(struct load *ld, const struct node *n, enum expand_mode mode)
{
	const char *text = read_text(ld, n, mode);

	if (!text || !has_control(text, mode == EXPAND_COMMAND))
		return text;
	diag(ld, src_of(n), "a control character in `%s` (leave it out)", ld->key);
	return NULL;
}

const char *read_literal(struct load *ld, const struct node *n)
{
	const char *text = NULL;

	if (n->kind != NODE_SCALAR || yaml_is_null(n)) {
		diag(ld, src_of(n), "`%s` has to be a single value", ld->key);
		return NULL;
	}
	text = arena_strndup(ld->out, n->text, n->len);
	if (!text)
		too_big(ld, src_of(n));
	return text;
}

/* decimal digits, no leading zeros; false: none, or more than @max */
static bool parse_decimal(const char *s, size_t len, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (len == 0 || len > 19 || (s[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	if (v > max)
		return false;
	*ret = v;
	return true;
}

bool read_number(struct load *ld, const struct node *n, uint64_t min, uint64_t max, uint64_t *ret)
{
	const char *text = passing_text(ld, n);
	uint64_t v;

	if (!text)
		return false;
	if (!parse_decimal(text, strlen(text), max, &v) || v < min) {
		diag(ld, src_of(n), "`%s` has to be a number from %llu to %llu, not `%s`", ld->key,
		     (unsigned long long)min, (unsigned long long)max, show(text).s);
		return false;
	}
	*ret = v;
	return true;
}

bool read_u32(struct load *ld, const struct node *n, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint64_t v;

	if (!read_number(ld, n, min, max, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

bool read_port(struct load *ld, const struct node *n, uint16_t *ret)
{
	uint64_t v;

	if (!read_number(ld, n, 1, UINT16_MAX, &v))
		return false;
	*ret = (uint16_t)v;
	return true;
}

bool read_ports(struct load *ld, const struct node *n, uint16_t *ret_first, uint16_t *ret_last)
{
	const char *text = passing_text(ld, n), *dash, *second;
	uint64_t a, b;

	if (!text)
		return false;
	dash = strchr(text, '-');
	second = dash ? dash + 1 : text;
	if (!parse_decimal(text, dash ? (size_t)(dash - text) : strlen(text), UINT16_MAX, &a) ||
	    !parse_decimal(second, strlen(second), UINT16_MAX, &b) || a == 0 || a > b) {
		diag(ld, src_of(n), "`%s` has to be ports such as 50000-50999, not `%s`", ld->key,
		     show(text).s);
		return false;
	}
	*ret_first = (uint16_t)a;
	*ret_last = (uint16_t)b;
	return true;
}

bool read_bool(struct load *ld, const struct node *n, bool *ret)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
	const char *text = passing_text(ld, n);

	if (!text)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*ret = i % 2;
			return true;
		}
	}
	diag(ld, src_of(n), "`%s` has to be true or false, not `%s`", ld->key, show(text).s);
	return false;
}

/* never shows what it was given: it may be half of a secret */
bool read_key(struct load *ld, const struct node *n, struct key *ret)
{
	if (n->kind != NODE_SCALAR) {
		diag(ld, src_of(n), "`%s` has to be a key: 44 characters of base64", ld->key);
		return false;
	}
	if (n->len != WG_KEY_BASE64_LEN - 1) {
		diag(ld, src_of(n),
		     "`%s` is not a key: 44 characters of base64 are wanted, here are %u "
		     "(`warren key gen` makes one)",
		     ld->key, n->len);
		return false;
	}
	if (wg_key_parse(n->text, ret->bytes) < 0) {
		diag(ld, src_of(n),
		     "`%s` is not a key: it is not base64 of 32 bytes (`warren key gen` makes one)",
		     ld->key);
		return false;
	}
	ret->present = true;
	return true;
}

bool read_address(struct load *ld, const struct node *n, struct ip_addr *ret)
{
	const char *text = passing_text(ld, n);

	if (!text)
		return false;
	if (ip_addr_parse(text, ret) < 0) {
		diag(ld, src_of(n), "`%s` has to be an address such as 192.0.2.1, not `%s`%s",
		     ld->key, show(text).s,
		     strchr(text, '/') ? " (leave out the prefix length)" : "");
		return false;
	}
	return true;
}

bool read_endpoint(struct load *ld, const struct node *n, struct ip_endpoint *ret)
{
	const char *text = passing_text(ld, n);

	if (!text)
		return false;
	if (ip_endpoint_parse(text, ret) < 0 || ret->port == 0) {
		diag(ld, src_of(n),
		     "`%s` has to be ADDRESS:PORT such as 127.0.0.1:80 or \"[::1]:80\", not `%s`",
		     ld->key, show(text).s);
		return false;
	}
	return true;
}

struct choices {
	char s[160];
};

static struct choices list_choices(const char *const *choices)
{
	struct choices out = {.s = ""};
	size_t len = 0;

	for (size_t i = 0; choices[i] && len < sizeof(out.s); i++)
		len += (size_t)snprintf(out.s + len, sizeof(out.s) - len, "%s%s", i ? ", " : "",
					choices[i]);
	return out;
}

bool read_choice(struct load *ld, const struct node *n, const char *const *choices, size_t *ret)
{
	const char *text = passing_text(ld, n);
	struct suggest s;

	if (!text)
		return false;
	for (size_t i = 0; choices[i]; i++) {
		if (strcmp(text, choices[i]) == 0) {
			*ret = i;
			return true;
		}
	}
	s = suggest_start(text, ld->suggestions);
	for (size_t i = 0; choices[i]; i++)
		suggest_try(&s, choices[i]);
	ld->suggestions = s.budget;
	if (s.best)
		diag(ld, src_of(n), "`%s` cannot be `%s` (did you mean `%s`?)", ld->key,
		     show(text).s, s.best);
	else
		diag(ld, src_of(n), "`%s` cannot be `%s` (it is one of %s)", ld->key, show(text).s,
		     list_choices(choices).s);
	return false;
}

const char *read_path(struct load *ld, const struct node *n)
{
	const char *text = read_text(ld, n, EXPAND_VALUE);
	const char *path;

	if (!text)
		return NULL;
	while (strncmp(text, "./", 2) == 0)
		text += 2;
	if (!*text || strlen(text) + strlen(ld->dir) + 2 > PATH_MAX) {
		diag(ld, src_of(n), "`%s` has to be the path of a file", ld->key);
		return NULL;
	}
	if (*text == '/')
		return text;
	path = arena_printf(ld->out, "%s%s%s", ld->dir,
			    ld->dir[0] && ld->dir[strlen(ld->dir) - 1] == '/' ? "" : "/", text);
	if (!path)
		too_big(ld, src_of(n));
	return path;
}

/* what stands between "//" and the path: HOST, HOST:PORT, [ADDRESS]:PORT, with USER@ before */
static bool is_authority(const char *s, size_t len)
{
	const char *at = memrchr(s, '@', len);
	const char *host = at ? at + 1 : s;
	size_t left = len - (size_t)(host - s);
	const char *close = left && host[0] == '[' ? memchr(host, ']', left) : NULL;
	const char *port = close ? close + 1 : memchr(host, ':', left);
	uint64_t v;

	if (left == 0 || host == port || (host[0] == '[' && !close))
		return false;
	if (!port || port == host + left)
		return true;
	return *port == ':' &&
	       parse_decimal(port + 1, left - (size_t)(port + 1 - host), UINT16_MAX, &v) && v > 0;
}

const char *read_url(struct load *ld, const struct node *n)
{
	const char *text = read_text(ld, n, EXPAND_VALUE);
	const char *rest;

	if (!text)
		return NULL;
	rest = strncmp(text, "http://", 7) == 0    ? text + 7
	       : strncmp(text, "https://", 8) == 0 ? text + 8
						   : NULL;
	if (!rest || strlen(text) > URL_MAX || !is_authority(rest, strcspn(rest, "/?#")) ||
	    strpbrk(text, " \t\r\n\"<>\\")) {
		/* not shown: there may be a password or a token in it */
		diag(ld, src_of(n), "`%s` has to be a URL such as http://192.0.2.1:8080/path",
		     ld->key);
		return NULL;
	}
	return text;
}

static const char *prefix_problem(enum prefix_rule rule, const char *text,
				  const struct ip_prefix *p, char hint[static IP_PREFIX_STRLEN])
{
	struct ip_prefix net = ip_prefix_network(p);

	hint[0] = '\0';
	if (rule == PREFIX_NETWORK && ip_prefix_has_host_bits(p)) {
		ip_prefix_format(&net, hint);
		return "is an address where a network is wanted";
	}
	if (rule == PREFIX_HOST && !strchr(text, '/')) {
		net = *p;
		net.len = p->addr.family == AF_INET ? 24 : 64;
		ip_prefix_format(&net, hint);
		return "has no prefix length";
	}
	return NULL;
}

bool read_prefix(struct load *ld, const struct node *n, enum prefix_rule rule,
		 struct ip_prefix *ret)
{
	const char *text = passing_text(ld, n);
	const char *problem;
	char hint[IP_PREFIX_STRLEN];
	struct ip_prefix p;

	if (!text)
		return false;
	if (ip_prefix_parse(text, &p) < 0) {
		diag(ld, src_of(n), "`%s` in `%s` is not an address (write %s)", show(text).s,
		     ld->key, rule == PREFIX_NETWORK ? "192.0.2.0/24" : "192.0.2.1/24");
		return false;
	}
	problem = prefix_problem(rule, text, &p, hint);
	if (problem) {
		diag(ld, src_of(n), "`%s` in `%s` %s (write %s)", show(text).s, ld->key, problem,
		     hint);
		return false;
	}
	*ret = p;
	return true;
}

void prefix_add(struct load *ld, struct prefix_list *list, struct src src,
		const struct ip_prefix *p)
{
	struct ip_prefix *v = grow(ld, src, list->v, list->n, sizeof(*v));
	struct src *s = v ? grow(ld, src, list->src, list->n, sizeof(*s)) : NULL;

	if (!s)
		return;
	list->v = v;
	list->src = s;
	list->v[list->n] = *p;
	list->src[list->n++] = src;
}

struct prefixes {
	struct prefix_list *list;
	enum prefix_rule rule;
};

static void read_one_prefix(struct load *ld, const struct node *n, void *obj)
{
	struct prefixes *ps = obj;
	struct ip_prefix p;

	if (read_prefix(ld, n, ps->rule, &p))
		prefix_add(ld, ps->list, src_of(n), &p);
}

void read_prefixes(struct load *ld, const struct node *n, enum prefix_rule rule,
		   struct prefix_list *ret)
{
	struct prefixes ps = {.list = ret, .rule = rule};

	read_list(ld, n, read_one_prefix, &ps);
}

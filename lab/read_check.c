/* SPDX-License-Identifier: GPL-2.0-or-later */
/* what must be reachable, and what must not */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "lab/read.h"

#define RETRIES_MAX    100
#define TIMEOUT_MAX_MS 600000

struct checking {
	const struct range *range; /* in `from`; NULL: none */
	struct check c;
	struct src src_source, src_from;
	bool has_target, has_source;
	struct ip_addr target, source; /* the addresses in them; target AF_UNSPEC: a URL */
};

static const char *const methods[] = {
	[CHECK_ICMP] = "icmp", [CHECK_DNS] = "dns", [CHECK_TCP] = "tcp", [CHECK_HTTP] = "http"};

static void check_name(struct load *ld, const struct node *n, void *obj)
{
	((struct checking *)obj)->c.name = read_words(ld, n, EXPAND_NAME);
}

/* the only place where a value, not a key, has a range: the check stands for that many */
static void check_from(struct load *ld, const struct node *n, void *obj)
{
	struct checking *ck = obj;
	char error[EXPAND_ERROR_MAX];
	int r;

	ck->src_from = src_of(n);
	if (!ck->range) {
		ck->c.from = read_text(ld, n, EXPAND_NAME);
		return;
	}
	ld->steps += n->len / STEP_BYTES;
	r = expand_text(n->text, &ld->scope, ck->range, EXPAND_NAME, ld->out, &ck->c.from, error);
	if (r == -EINVAL)
		diag(ld, src_of(n), "%s", error);
	else if (r < 0)
		too_big(ld, src_of(n));
}

static void set_target(struct checking *ck, enum check_method method, const char *target,
		       const struct ip_addr *a)
{
	ck->c.method = method;
	ck->c.target = target;
	ck->has_target = true;
	ck->target = a ? *a : (struct ip_addr){.family = AF_UNSPEC};
}

static void check_icmp(struct load *ld, const struct node *n, void *obj)
{
	struct ip_addr a;
	char buf[INET6_ADDRSTRLEN];

	if (read_address(ld, n, &a))
		set_target(obj, CHECK_ICMP, arena_strdup(ld->out, ip_addr_format(&a, buf)), &a);
}

static void check_tcp(struct load *ld, const struct node *n, void *obj)
{
	struct ip_endpoint e;
	char buf[IP_ENDPOINT_STRLEN];

	if (read_endpoint(ld, n, &e))
		set_target(obj, CHECK_TCP, arena_strdup(ld->out, ip_endpoint_format(&e, buf)),
			   &e.addr);
}

static void check_dns(struct load *ld, const struct node *n, void *obj)
{
	const char *text = read_text(ld, n, EXPAND_VALUE);
	struct ip_endpoint e;

	if (!text)
		return;
	if (ip_addr_parse(text, &e.addr) < 0 && (ip_endpoint_parse(text, &e) < 0 || !e.port))
		diag(ld, src_of(n), "`dns` has to be a server's ADDRESS or ADDRESS:PORT, not `%s`",
		     show(text).s);
	else
		set_target(obj, CHECK_DNS, text, &e.addr);
}

static void check_http(struct load *ld, const struct node *n, void *obj)
{
	const char *url = read_url(ld, n);

	if (url)
		set_target(obj, CHECK_HTTP, url, NULL);
}

static void check_source(struct load *ld, const struct node *n, void *obj)
{
	struct checking *ck = obj;
	char buf[INET6_ADDRSTRLEN];

	ck->src_source = src_of(n);
	ck->has_source = read_address(ld, n, &ck->source);
	if (ck->has_source)
		ck->c.source = arena_strdup(ld->out, ip_addr_format(&ck->source, buf));
}

static void check_expect(struct load *ld, const struct node *n, void *obj)
{
	static const char *const words[] = {"fail", "ok", NULL};
	size_t i;

	if (read_choice(ld, n, words, &i))
		((struct checking *)obj)->c.expect_ok = i;
}

static void check_retries(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, 0, RETRIES_MAX, &((struct checking *)obj)->c.retries);
}

/* "2", "1.5", "2s" are seconds, "500ms" are milliseconds; false: none of them */
static bool parse_duration(const char *s, unsigned int *ret_ms)
{
	static const char *const units[] = {"", "s", "ms"};
	unsigned int whole = 0, thousandths = 0, scale = 100;
	const char *digits = s;
	bool fraction;

	for (; *s >= '0' && *s <= '9' && whole <= TIMEOUT_MAX_MS; s++)
		whole = whole * 10 + (unsigned int)(*s - '0');
	if (s == digits)
		return false;
	fraction = *s == '.';
	if (fraction) {
		for (s++; *s >= '0' && *s <= '9'; s++, scale /= 10)
			thousandths += (unsigned int)(*s - '0') * scale;
		if (s[-1] == '.')
			return false;
	}
	if (whole > TIMEOUT_MAX_MS ||
	    (strcmp(s, units[0]) && strcmp(s, units[1]) && (fraction || strcmp(s, units[2]))))
		return false;
	*ret_ms = strcmp(s, units[2]) == 0 ? whole : whole * 1000 + thousandths;
	return *ret_ms > 0 && *ret_ms <= TIMEOUT_MAX_MS;
}

static void check_timeout(struct load *ld, const struct node *n, void *obj)
{
	const char *text = read_text(ld, n, EXPAND_VALUE);

	if (text && !parse_duration(text, &((struct checking *)obj)->c.timeout_ms))
		diag(ld, src_of(n),
		     "`timeout` has to be up to 600 seconds such as 2, 1.5 or 500ms, not `%s`",
		     show(text).s);
}

static const struct field check_fields[] = {
	/* the methods first, in the order of enum check_method */
	{"icmp", check_icmp, OPTIONAL},       {"dns", check_dns, OPTIONAL},
	{"tcp", check_tcp, OPTIONAL},         {"http", check_http, OPTIONAL},
	{"name", check_name, OPTIONAL},       {"from", check_from, NEEDED},
	{"source", check_source, OPTIONAL},   {"expect", check_expect, OPTIONAL},
	{"retries", check_retries, OPTIONAL}, {"timeout", check_timeout, OPTIONAL},
};

/* what is wrong with the check as a whole; makes up its name */
static void check_whole(struct load *ld, struct checking *ck, uint64_t seen)
{
	int n = __builtin_popcountll(seen & 0xf);

	if (n != 1)
		diag(ld, ck->c.src, "a check needs %s of `icmp`, `dns`, `tcp` and `http`",
		     n ? "no more than one" : "one");
	if (ck->has_source && ck->has_target && ck->target.family &&
	    ck->source.family != ck->target.family)
		diag(ld, ck->src_source, "`source` is IPv%d, the target is IPv%d",
		     ck->source.family == AF_INET ? 4 : 6, ck->target.family == AF_INET ? 4 : 6);
	if (!ck->c.name && ck->c.from && ck->c.target)
		ck->c.name = arena_printf(ld->out, "%s %s %s", ck->c.from, methods[ck->c.method],
					  ck->c.target);
	if (!ck->c.name)
		ck->c.name = "";
}

static void read_one_check(struct load *ld, const struct node *n, const struct range *range)
{
	struct checking ck = {
		.range = range,
		.c = {.src = src_of(n),
		      .expect_ok = true,
		      .retries = CHECK_RETRIES,
		      .timeout_ms = 1000},
	};
	struct topology *t = ld->t;
	struct check *v;
	uint64_t seen = read_map(ld, n, "a check", check_fields, ARRAY_SIZE(check_fields), &ck);

	check_whole(ld, &ck, seen);
	v = grow(ld, ck.c.src, t->checks, t->n_checks, sizeof(*v));
	if (!v)
		return;
	t->checks = v;
	if (ck.c.from)
		ref_add(ld, REF_FROM, ck.src_from, ck.c.from, t->n_checks, 0);
	t->checks[t->n_checks++] = ck.c;
}

/* a range in `from`: all of the check is read for each number */
static void read_check(struct load *ld, const struct node *n, void *obj)
{
	struct scope outer = ld->scope;
	char error[EXPAND_ERROR_MAX];
	struct range range = {.present = false};

	(void)obj;
	for (const struct node *key = n->kind == NODE_MAP ? n->child : NULL; key;
	     key = key->next->next) {
		if (strcmp(key->text, "from") != 0 || key->next->kind != NODE_SCALAR)
			continue;
		if (expand_range(key->next->text, &range, error) < 0) {
			diag(ld, src_of(key->next), "%s", error);
			return;
		}
		break;
	}
	if (!range.present) {
		read_one_check(ld, n, NULL);
		return;
	}
	for (range.now = range.first; range.now <= range.last && !ld->stop; range.now++) {
		ld->scope = (struct scope){.set = true, .n = range.now, .width = range.width};
		read_one_check(ld, n, &range);
	}
	ld->scope = outer;
}

void read_checks(struct load *ld, const struct node *n, void *obj)
{
	read_list(ld, n, read_check, obj);
}

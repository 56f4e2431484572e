/* SPDX-License-Identifier: GPL-2.0-or-later */
/* the filters of `warren conntrack`, from its options */
#include <ctype.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "base/text.h"
#include "cmd/conntrack.h"

/* "did you mean": wrong, and said */
static int unknown(const struct ct_view *v, const char *option, const char *word,
		   const struct suggest *s)
{
	if (s->best)
		return cmd_usage(v->c, "--%s: there is no `%s` (did you mean `%s`?)", option,
				 show(word).s, s->best);
	return cmd_usage(v->c, "--%s: there is no `%s`", option, show(word).s);
}

/* all of @s, of @base (0: as it begins), at most @max */
static bool number(const char *s, int base, uint64_t max, uint64_t *ret)
{
	char *end;
	unsigned long long n;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	n = strtoull(s, &end, base);
	if (errno || *end || n > max)
		return false;
	*ret = n;
	return true;
}

static int take_proto(struct ct_view *v, const char *word)
{
	struct suggest s = suggest_start(word, UINT8_MAX + 1);
	uint64_t n;

	for (unsigned int i = 0; i <= UINT8_MAX; i++) {
		const char *name = ct_proto_name((uint8_t)i);

		if (!name)
			continue;
		suggest_try(&s, name);
		if (!strcasecmp(word, name)) {
			v->filter.proto = (uint8_t)i;
			v->filter.has_proto = true;
			return 0;
		}
	}
	if (!number(word, 10, UINT8_MAX, &n))
		return unknown(v, "proto", word, &s);
	v->filter.proto = (uint8_t)n;
	v->filter.has_proto = true;
	return 0;
}

static int take_prefix(struct ct_view *v, const char *option, const char *word, enum ct_where where)
{
	struct ct_filter *f = &v->filter;

	if (ip_prefix_parse(word, &f->prefix[where]) < 0)
		return cmd_usage(v->c,
				 "--%s: `%s` is no address and no prefix such as 192.0.2.0/24",
				 option, show(word).s);
	for (enum ct_where w = 0; w < CT_WHERES; w++)
		if (f->has_prefix[w] && f->prefix[w].addr.family != f->prefix[where].addr.family)
			return cmd_usage(v->c,
					 "--%s: `%s` is of another family than the address "
					 "before it",
					 option, show(word).s);
	f->has_prefix[where] = true;
	return 0;
}

/* "53", "1024-65535" */
static int take_ports(struct ct_view *v, const char *option, const char *word, enum ct_where where)
{
	const char *dash = strchr(word, '-');
	char first[8] = "";
	uint64_t a = 0, b = 0;
	bool good;

	if (dash && dash - word < (ptrdiff_t)sizeof(first))
		memcpy(first, word, (size_t)(dash - word));
	good = number(dash ? first : word, 10, UINT16_MAX, &a) &&
	       number(dash ? dash + 1 : word, 10, UINT16_MAX, &b) && a <= b;
	if (!good)
		return cmd_usage(v->c, "--%s: `%s` is no port and no range such as 1024-65535",
				 option, show(word).s);
	v->filter.ports[where] = (struct ct_ports){(uint16_t)a, (uint16_t)b};
	v->filter.has_ports[where] = true;
	return 0;
}

/* TIME_WAIT, time-wait */
static bool same_state(const char *word, const char *name)
{
	for (; *word && *name; word++, name++)
		if (toupper((unsigned char)(*word == '-' ? '_' : *word)) != *name)
			return false;
	return !*word && !*name;
}

static int take_state(struct ct_view *v, const char *word)
{
	static const char *const statuses[] = {"ASSURED", "REPLIED", "UNREPLIED"};
	struct suggest s = suggest_start(word, 64);
	const char *name;

	for (size_t i = 0; (name = ct_state_word(i)); i++) {
		suggest_try(&s, name);
		if (same_state(word, name)) {
			v->filter.state = name;
			return 0;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		const uint32_t bit = i ? IPS_SEEN_REPLY : IPS_ASSURED;

		suggest_try(&s, statuses[i]);
		if (!same_state(word, statuses[i]))
			continue;
		v->filter.status_mask |= bit;
		v->filter.status |= i == 2 ? 0 : bit;
		return 0;
	}
	return unknown(v, "state", word, &s);
}

/* "7", "0x10/0xf0" */
static int take_mark(struct ct_view *v, const char *word)
{
	const char *slash = strchr(word, '/');
	char value[16] = "";
	uint64_t mark = 0, mask = UINT32_MAX;

	if (slash && slash - word < (ptrdiff_t)sizeof(value))
		memcpy(value, word, (size_t)(slash - word));
	if (!number(slash ? value : word, 0, UINT32_MAX, &mark) ||
	    (slash && !number(slash + 1, 0, UINT32_MAX, &mask)))
		return cmd_usage(v->c, "--mark: `%s` is no MARK and no MARK/MASK such as 0x10/0xf0",
				 show(word).s);
	v->filter.has_mark = true;
	v->filter.mark = (uint32_t)(mark & mask);
	v->filter.mark_mask = (uint32_t)mask;
	return 0;
}

/* a number of bytes, seconds or entries */
static int take_number(struct ct_view *v, const char *option, bool *has, uint64_t *ret)
{
	const char *word = cmd_value(v->c, option);

	if (!word)
		return 0;
	if (!number(word, 10, UINT32_MAX, ret))
		return cmd_usage(v->c, "--%s: `%s` is no number", option, show(word).s);
	*has = true;
	return 0;
}

/* is @word one of "a|b|c"? */
static bool is_among(const char *list, const char *word)
{
	const size_t len = strlen(word);

	for (;; list++) {
		if (!strncmp(list, word, len) && (!list[len] || list[len] == '|'))
			return true;
		list = strchr(list, '|');
		if (!list)
			return false;
	}
}

static int take_order(struct ct_view *v, const char *orders)
{
	static const char *const names[] = {[CT_BY_BYTES] = "bytes",
					    [CT_BY_PACKETS] = "packets",
					    [CT_BY_AGE] = "age",
					    [CT_BY_SESSIONS] = "sessions"};
	const char *word = cmd_value(v->c, "sort");
	struct suggest s = suggest_start(word ? word : "", 8);

	for (size_t i = ARRAY_SIZE(names); i-- > 0;) {
		if (!is_among(orders, names[i]))
			continue;
		suggest_try(&s, names[i]);
		if (word ? !strcmp(word, names[i]) : !strncmp(orders, names[i], strlen(names[i]))) {
			v->sort = (enum ct_order)i;
			return 0;
		}
	}
	return word ? unknown(v, "sort", word, &s) : 0;
}

static int take_top(struct ct_view *v)
{
	uint64_t top = 0;
	bool has_top = false;

	if (take_number(v, "top", &has_top, &top))
		return STATUS_USAGE;
	if (has_top && !top)
		return cmd_usage(v->c, "--top: `0` would show nothing");
	v->top = (size_t)top;
	v->has_sort = has_top || cmd_value(v->c, "sort");
	return 0;
}

#define BUFFER_DEFAULT (8 * 1024 * 1024)
#define BUFFER_MAX     (1024 * 1024 * 1024)

static int take_buffer(struct ct_view *v)
{
	uint64_t size = BUFFER_DEFAULT;
	bool given = false;

	if (take_number(v, "buffer-size", &given, &size))
		return STATUS_USAGE;
	if (!size || size > BUFFER_MAX)
		return cmd_usage(v->c, "--buffer-size: 1 to %d bytes", BUFFER_MAX);
	v->buffer = (int)size;
	return 0;
}

/* options that name a place of an entry */
static const struct {
	const char *option;
	enum ct_where where;
	bool port;
} places[] = {
	{"src", CT_ORIG_SRC, false},  {"dst", CT_ORIG_DST, false},  {"address", CT_ANYWHERE, false},
	{"sport", CT_ORIG_SRC, true}, {"dport", CT_ORIG_DST, true}, {"port", CT_ANYWHERE, true},
};

static int take_places(struct ct_view *v)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places) && !r; i++) {
		const char *word = cmd_value(v->c, places[i].option);

		if (word)
			r = places[i].port
				    ? take_ports(v, places[i].option, word, places[i].where)
				    : take_prefix(v, places[i].option, word, places[i].where);
	}
	return r;
}

int ct_view_filter(struct ct_view *v, const char *orders)
{
	struct ct_filter *f = &v->filter;
	const char *proto = cmd_value(v->c, "proto"), *mark = cmd_value(v->c, "mark"), *state;
	struct timespec now;

	if (proto && take_proto(v, proto))
		return STATUS_USAGE;
	for (size_t i = 0; (state = cmd_each_value(v->c, "state", i)); i++)
		if (take_state(v, state))
			return STATUS_USAGE;
	if ((mark && take_mark(v, mark)) || take_places(v) ||
	    take_number(v, "min-bytes", &f->has_bytes, &f->bytes) ||
	    take_number(v, "older", &f->has_age, &f->age_s) || take_top(v) || take_buffer(v) ||
	    take_order(v, orders))
		return STATUS_USAGE;
	if (cmd_value(v->c, "snat"))
		f->status_mask |= IPS_SRC_NAT;
	if (cmd_value(v->c, "dnat"))
		f->status_mask |= IPS_DST_NAT;
	f->status |= f->status_mask & IPS_NAT_MASK;
	clock_gettime(CLOCK_REALTIME, &now);
	f->now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	return 0;
}

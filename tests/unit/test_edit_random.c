/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing files as text: files made at random, in every style, are changed and loaded; what they
 * mean then is worked out from the print of what they meant before.  A failure says its number, and
 * WARREN_SEED=NUMBER tries that one alone.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "lab/edit.h"
#include "lab/load.h"

#define FILES       3000
#define TENANTS_MAX 6
#define KEY         "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="

/* --- files at random --------------------------------------------------------------------- */

enum shape { BLOCK, FLOW, FLOW_LINES, EMPTY, NOTHING, TILDE, MISSING, SHAPES };

struct maker {
	uint64_t state;
	FILE *out;
	const char *eol;
	int step; /* of indentation */
	enum shape shape;
	size_t tenants;
	bool range, alias; /* the last tenant is a range; an alias is there */
	bool wide;         /* a second host, and checks behind it */
	bool cut;          /* the file's last line has no break */
	bool scalar;       /* a comment that is indented would belong to a value */
};

static uint32_t below(struct maker *m, uint32_t n)
{
	m->state = m->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(m->state >> 33) % n;
}

static bool one_in(struct maker *m, uint32_t n)
{
	return below(m, n) == 0;
}

static void indent(struct maker *m, int depth)
{
	fprintf(m->out, "%*s", depth * m->step, "");
}

/* the end of a line, with a comment or without */
static void end(struct maker *m)
{
	static const char *const comments[] = {" # c", "   # \xc3\xa9 \xf0\x9f\x99\x82 #",
					       "\t#\ttab", " #", " # }, {"};

	fprintf(m->out, "%s%s", one_in(m, 4) ? comments[below(m, 5)] : "", m->eol);
}

/* lines without a meaning */
static void idle(struct maker *m)
{
	while (one_in(m, 3)) {
		if (!one_in(m, 3))
			fprintf(m->out, "%*s# %s\xe6\x97\xa5 a: {b: c}, -",
				(int)below(m, m->scalar ? 2 : 16), "", one_in(m, 2) ? "x" : "");
		else if (one_in(m, 3))
			fputs("   ", m->out);
		fputs(m->eol, m->out);
	}
	m->scalar = false;
}

static void line(struct maker *m, int depth, const char *text)
{
	idle(m);
	indent(m, depth);
	fputs(text, m->out);
	end(m);
}

static void name_of(struct maker *m, size_t i, char buf[static 32])
{
	snprintf(buf, 32, m->range && i + 1 == m->tenants ? "t%zu{1..3}" : "t%zu", i);
}

/* ports and addresses of their own: nothing moves when one goes */
static void values_of(struct maker *m, size_t i, char port[static 64], char address[static 64])
{
	bool range = m->range && i + 1 == m->tenants;

	snprintf(port, 64, range ? "{51000+n}" : "%zu", 50000 + i);
	snprintf(address, 64, range ? "[\"10.0.9.{n}\"]" : "[10.0.1.%zu]", i + 1);
}

static void flow_value(struct maker *m, size_t i, bool lines, int depth)
{
	char port[64], address[64];

	values_of(m, i, port, address);
	fprintf(m->out, "{%slisten_port: %s,", one_in(m, 2) ? " " : "", port);
	if (lines && one_in(m, 3)) {
		end(m);
		indent(m, depth + 1);
	}
	fprintf(m->out, " napt_addresses: %s%s}", address,
		one_in(m, 2)   ? " "
		: one_in(m, 2) ? ","
			       : "");
}

static void block_value(struct maker *m, size_t i, int depth)
{
	char port[64], address[64], text[128];

	values_of(m, i, port, address);
	end(m);
	snprintf(text, sizeof(text), "listen_port: %s", port);
	line(m, depth, text);
	snprintf(text, sizeof(text), "napt_addresses: %s", address);
	line(m, depth, text);
	if (one_in(m, 5)) {
		line(m, depth, "labels:");
		idle(m);
		indent(m, depth + 1);
		fprintf(m->out, one_in(m, 2) ? "k: >-%s" : "k: |-%s", m->eol);
		indent(m, depth + 2);
		fprintf(m->out, "some # text%s", m->eol);
		m->scalar = true;
	} else if (m->alias && i > 0 && one_in(m, 3)) {
		line(m, depth, "labels: *labels");
	} else if (one_in(m, 6)) {
		idle(m);
		indent(m, depth);
		fprintf(m->out, "labels: { a: \"b%s", m->eol);
		indent(m, depth - 1);
		fprintf(m->out, "# not a comment\" }");
		end(m);
	}
}

static void block_tenants(struct maker *m, int depth)
{
	fprintf(m->out, "tenants:%s", one_in(m, 6) ? " &tenants" : "");
	end(m);
	for (size_t i = 0; i < m->tenants; i++) {
		char name[32];
		bool quoted = one_in(m, 4);

		name_of(m, i, name);
		idle(m);
		indent(m, depth + 1);
		fprintf(m->out, quoted ? "\"%s\":" : "%s:", name);
		if (i == 0 && m->alias) {
			fprintf(m->out, " {listen_port: 50000, napt_addresses: [10.0.1.1], "
					"labels: &labels {x: y}}");
			end(m);
		} else if (one_in(m, 3)) {
			fputc(' ', m->out);
			flow_value(m, i, true, depth + 1);
			end(m);
		} else {
			block_value(m, i, depth + 2);
		}
	}
}

static void flow_tenants(struct maker *m, int depth)
{
	bool lines = m->shape == FLOW_LINES, comma = one_in(m, 3), close = one_in(m, 3);

	fputs("tenants: {", m->out);
	if (lines)
		end(m);
	for (size_t i = 0; i < m->tenants; i++) {
		char name[32];
		bool last = i + 1 == m->tenants;

		name_of(m, i, name);
		if (lines) {
			idle(m);
			indent(m, depth + 1);
		} else if (one_in(m, 2)) {
			fputc(' ', m->out);
		}
		fprintf(m->out, "\"%s\": ", name); /* a brace needs quotes here */
		flow_value(m, i, lines, depth + 1);
		if (!last || comma)
			fputs(one_in(m, 5) ? " ," : ",", m->out);
		if (lines && !(last && close))
			end(m);
	}
	if (lines && !close) {
		idle(m);
		indent(m, depth);
	}
	fputc('}', m->out);
	end(m);
}

static void tenants(struct maker *m, int depth)
{
	if (m->shape == MISSING)
		return;
	idle(m);
	indent(m, depth);
	switch (m->shape) {
	case BLOCK:
		block_tenants(m, depth);
		return;
	case FLOW:
	case FLOW_LINES:
		flow_tenants(m, depth);
		return;
	case EMPTY:
		fputs("tenants: {}", m->out);
		break;
	case TILDE:
		fputs("tenants:   ~", m->out);
		break;
	default:
		fputs("tenants:", m->out);
	}
	end(m);
}

static void gateway(struct maker *m)
{
	line(m, 2, "gateway:");
	if (one_in(m, 2))
		line(m, 3, "bridge: br");
	else
		line(m, 3, "\"bridge\": 'br'");
	if (one_in(m, 2)) {
		line(m, 3, "pools:");
		line(m, 4, "listen_port: 50000-59999");
	}
	tenants(m, 3);
	if (one_in(m, 3))
		line(m, 3, "mtu: 1400");
}

static char *make_file(struct maker *m, size_t *ret_len)
{
	static const char *const eols[] = {"\n", "\n", "\n", "\r\n", "\r", "\xe2\x80\xa8"};
	char *text = NULL;

	m->out = open_memstream(&text, ret_len);
	assert_non_null(m->out);
	m->eol = eols[below(m, 6)];
	m->step = 1 + (int)below(m, 4);
	m->shape = below(m, 2) ? BLOCK : below(m, SHAPES);
	m->tenants = m->shape <= FLOW_LINES ? 1 + below(m, TENANTS_MAX) : 0;
	m->alias = m->shape == BLOCK && m->tenants > 1 && one_in(m, 3);
	m->range = m->tenants > 1 && one_in(m, 3);
	m->wide = one_in(m, 2);
	if (one_in(m, 6))
		fputs("\xef\xbb\xbf", m->out);
	line(m, 0, "name: x");
	line(m, 0, "hosts:");
	line(m, 1, "gw:");
	line(m, 2, "bridges: { br: [10.0.0.1/8, \"fd00::1/64\"] }");
	gateway(m);
	if (m->wide) {
		line(m, 1, "other: {}");
		line(m, 0, "checks:");
		line(m, 0, "- { from: gw, icmp: 10.0.0.1 }");
	}
	idle(m);
	fclose(m->out);
	m->cut = one_in(m, 4);
	if (m->cut && *ret_len > strlen(m->eol) &&
	    !memcmp(text + *ret_len - strlen(m->eol), m->eol, strlen(m->eol)))
		*ret_len -= strlen(m->eol);
	text[*ret_len] = '\0';
	return text;
}

/* --- what they mean ------------------------------------------------------------------------ */

static char *describe(const char *text, size_t len, bool may_fail)
{
	struct topology *t = NULL;
	struct err e = ERR_INIT;
	struct diags d;
	char *out = NULL;
	size_t size;
	FILE *f;

	if (topology_load(text, len, "/dir", &t, &d, &e) < 0) {
		if (!may_fail)
			fail_msg("%d:%d: %s, in:\n%s", d.v[0].line, d.v[0].column, d.v[0].text,
				 text);
		diags_free(&d);
		return NULL;
	}
	f = open_memstream(&out, &size);
	assert_non_null(f);
	topology_print(t, SECRETS_SHOWN, f);
	fclose(f);
	topology_free(t);
	diags_free(&d);
	return out;
}

/* tenants are numbered by their place: that of the later ones changes */
static void drop_numbers(char *print)
{
	char *to = print;

	for (char *from = print, *next; *from; from = next) {
		next = strchr(from, '\n') + 1;
		if (strncmp(from, "          number: ", 18) == 0)
			continue;
		memmove(to, from, (size_t)(next - from));
		to += next - from;
	}
	*to = '\0';
}

static const struct edit_tenant *some_tenant(struct maker *m)
{
	static const char *const addresses[] = {"10.0.2.1", "fd00::2"};
	static const char *const prefixes[] = {"192.168.1.0/24", "fd01::/64"};
	static const char *const keys[] = {"a", "b: c"}, *const values[] = {"1", "# d"};
	static struct edit_tenant t;

	t = (struct edit_tenant){
		.name = "new", .listen_port = "59000", .napt_addresses = {addresses, 2}};
	if (one_in(m, 2)) {
		t.peer.public_key = KEY;
		t.peer.allowed_ips = (struct edit_strings){prefixes, 2};
	}
	if (one_in(m, 3)) {
		t.label_keys = (struct edit_strings){keys, 2};
		t.label_values = (struct edit_strings){values, 2};
	}
	return &t;
}

/* how that tenant is printed */
static void print_wanted(const struct edit_tenant *t, FILE *out)
{
	fputs("        new:\n"
	      "          netns: new\n"
	      "          listen_port: 59000\n"
	      "          napt_addresses: [10.0.2.1/8, \"fd00::2/64\"]\n",
	      out);
	if (t->peer.public_key)
		fputs("          peers:\n"
		      "            - public_key: \"" KEY "\"\n"
		      "              allowed_ips: [192.168.1.0/24, \"fd01::/64\"]\n",
		      out);
	if (t->label_keys.n)
		fputs("          labels:\n"
		      "            a: \"1\"\n"
		      "            \"b: c\": \"# d\"\n",
		      out);
}

/* the print of a file with @t behind the others: the gateway is what its host is printed with last */
static char *with(const char *before, const struct edit_tenant *t)
{
	const char *end = strstr(before, "\n  other:\n");
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	assert_non_null(f);
	end = end ? end + 1 : before + strlen(before);
	fwrite(before, 1, (size_t)(end - before), f);
	if (!strstr(before, "\n      tenants:\n"))
		fputs("      tenants:\n", f);
	print_wanted(t, f);
	fputs(end, f);
	fclose(f);
	return out;
}

/* the print of a file without @name */
static char *without(const char *before, const char *name)
{
	char *out = strdup(before), head[64], *from, *to;

	assert_non_null(out);
	snprintf(head, sizeof(head), "\n        %s:\n", name);
	from = strstr(out, head);
	assert_non_null(from);
	from++;
	for (to = strchr(from, '\n') + 1; strncmp(to, "         ", 9) == 0;)
		to = strchr(to, '\n') + 1;
	memmove(from, to, strlen(to) + 1);
	/* no tenant is left */
	from = strstr(out, "\n      tenants:\n");
	if (from && strncmp(from + 16, "        ", 8) != 0)
		memmove(from + 1, from + 16, strlen(from + 16) + 1);
	return out;
}

static void same_print(char *got, char *want, const char *text)
{
	drop_numbers(got);
	drop_numbers(want);
	if (strcmp(got, want) != 0)
		fail_msg("it means\n%s\nand not\n%s\nin:\n%s", got, want, text);
}

/* --- the properties -------------------------------------------------------------------------- */

static struct edit_source source(const char *text, size_t len)
{
	return (struct edit_source){"FILE", text, len};
}

static struct edited edit(const struct edit_source *src, const struct edit_tenant *add,
			  const char *remove)
{
	struct edited out = {.text = NULL};
	struct err e = ERR_INIT;
	int r = add ? edit_add(src, "gw", add, &out, &e) : edit_remove(src, "gw", remove, &out, &e);

	if (r < 0)
		fail_msg("%s: %s, in:\n%s", add ? "add" : "remove", e.msg, src->text);
	return out;
}

/* add and remove leaves what was there, save that no tenants at all become `{}` */
static void there_and_back(struct maker *m, const struct edit_source *src, const char *before)
{
	const struct edit_tenant *t = some_tenant(m);
	struct edited there = edit(src, t, NULL);
	struct edit_source s = source(there.text, there.len);
	char *got _cleanup_free_ = describe(there.text, there.len, false);
	char *want _cleanup_free_ = with(before, t);
	struct edited back = edit(&s, NULL, "new"), again, end;
	bool hollow = m->shape == NOTHING || m->shape == TILDE || m->shape == MISSING;

	same_print(got, want, there.text);
	if (!hollow && (back.len != src->len || memcmp(back.text, src->text, back.len) != 0))
		fail_msg("there:\n%s\nback:\n%s\nfrom:\n%s", there.text, back.text, src->text);
	s = source(back.text, back.len);
	again = edit(&s, t, NULL);
	s = source(again.text, again.len);
	end = edit(&s, NULL, "new");
	assert_int_equal(back.len, end.len);
	assert_memory_equal(back.text, end.text, end.len);
	free(there.text);
	free(back.text);
	free(again.text);
	free(end.text);
}

static void take_one(struct maker *m, const struct edit_source *src, const char *before)
{
	uint32_t i = below(m, (uint32_t)m->tenants);
	bool range = m->range && i + 1 == m->tenants;
	char *got _cleanup_free_ = NULL, *want _cleanup_free_ = NULL;
	struct edited after;
	char name[32];

	snprintf(name, sizeof(name), range ? "t%u%d" : "t%u", i, one_in(m, 2) ? 1 : 3);
	after = edit(src, NULL, name);
	/* the anchor may have gone */
	got = describe(after.text, after.len, m->alias && i == 0);
	want = without(before, name);
	if (got)
		same_print(got, want, after.text);
	free(after.text);
}

/* one after the other until there is none, from either end */
static void take_all(struct maker *m, const struct edit_source *src)
{
	struct edited now = {strdup(src->text), src->len};
	char *print _cleanup_free_ = NULL;
	bool last_first = one_in(m, 2);

	assert_non_null(now.text);
	for (size_t left = m->tenants, k = 0; left--; k++) {
		struct edit_source s = source(now.text, now.len);
		struct edited next;
		char name[32];

		snprintf(name, sizeof(name), "t%zu", last_first ? left : k);
		next = edit(&s, NULL, name);
		free(now.text);
		now = next;
	}
	print = describe(now.text, now.len, false);
	assert_null(strstr(print, "tenants:"));
	free(now.text);
}

static void try_file(unsigned int seed)
{
	struct maker m = {.state = seed * 2654435761u + 12345};
	size_t len;
	char *text _cleanup_free_ = NULL, *before _cleanup_free_ = NULL;
	struct edit_source src;

	below(&m, 2);
	text = make_file(&m, &len);
	src = source(text, len);
	before = describe(text, len, false);
	there_and_back(&m, &src, before);
	if (m.tenants)
		take_one(&m, &src, before);
	if (m.tenants && !m.range)
		take_all(&m, &src);
}

static void test_random(void **state)
{
	const char *seed = getenv("WARREN_SEED");
	unsigned int first = seed ? (unsigned int)strtoul(seed, NULL, 10) : 0;

	(void)state;
	for (unsigned int i = first; i < first + (seed ? 1 : FILES); i++) {
		print_message("\rseed %u ", i);
		try_file(i);
	}
	print_message("\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/expand.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NESTING_MAX 16 /* parentheses and signs inside each other */
#define WIDTH_MAX   18 /* digits that {n:W} asks for */

/* arithmetic by recursive descent; every step leaves at the first error */
struct sum {
	const char *p, *end;
	const struct scope *scope;
	int nesting;
	bool failed;
	char *error; /* EXPAND_ERROR_MAX bytes */
};

static int64_t read_sum(struct sum *s);

static int64_t wrong(struct sum *s, const char *what)
{
	if (!s->failed)
		snprintf(s->error, EXPAND_ERROR_MAX, "%s", what);
	s->failed = true;
	return 0;
}

static char peek(struct sum *s)
{
	while (s->p < s->end && *s->p == ' ')
		s->p++;
	return s->p < s->end ? *s->p : '\0';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int64_t read_number(struct sum *s)
{
	int64_t v = 0;

	for (; s->p < s->end && is_digit(*s->p); s->p++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *s->p - '0', &v))
			return wrong(s, "a number that is too large");
	return v;
}

static int64_t read_variable(struct sum *s)
{
	const char *name = s->p;
	char text[EXPAND_ERROR_MAX];
	int len;

	while (s->p < s->end && (is_letter(*s->p) || is_digit(*s->p)))
		s->p++;
	len = (int)(s->p - name);
	if (len != 1 || *name != 'n') {
		snprintf(text, sizeof(text),
			 "unknown variable `%.*s` (there is only `n`; write {{ for a brace)",
			 len > 32 ? 32 : len, name);
		return wrong(s, text);
	}
	if (!s->scope->set)
		return wrong(s,
			     "`{n}` outside a range (only entries named like t{1..9} have an n)");
	return s->scope->n;
}

static int64_t read_factor(struct sum *s)
{
	char c = peek(s);
	int64_t v = 0;

	if (s->failed)
		return 0;
	if (is_digit(c))
		return read_number(s);
	if (is_letter(c))
		return read_variable(s);
	if (c != '(' && c != '-')
		return wrong(s, "braces without arithmetic in them (write {{ for a brace)");
	if (++s->nesting > NESTING_MAX)
		return wrong(s, "arithmetic with too many parentheses");
	s->p++;
	if (c == '-') {
		v = read_factor(s);
		if (__builtin_sub_overflow(0, v, &v))
			return wrong(s, "the result is too large");
	} else {
		v = read_sum(s);
		if (peek(s) != ')')
			return wrong(s, "a parenthesis that is not closed");
		s->p++;
	}
	s->nesting--;
	return v;
}

static int64_t read_product(struct sum *s)
{
	int64_t v = read_factor(s);

	for (char op; !s->failed && ((op = peek(s)) == '*' || op == '/' || op == '%');) {
		int64_t w;

		s->p++;
		w = read_factor(s);
		if (s->failed)
			break;
		if (op == '*') {
			if (__builtin_mul_overflow(v, w, &v))
				return wrong(s, "the result is too large");
		} else if (w == 0) {
			return wrong(s, "division by zero");
		} else if (w == -1) { /* INT64_MIN / -1 traps */
			if (op == '/' && __builtin_sub_overflow(0, v, &v))
				return wrong(s, "the result is too large");
			v = op == '/' ? v : 0;
		} else {
			v = op == '/' ? v / w : v % w;
		}
	}
	return v;
}

static int64_t read_sum(struct sum *s)
{
	int64_t v = read_product(s);

	for (char op; !s->failed && ((op = peek(s)) == '+' || op == '-');) {
		int64_t w;

		s->p++;
		w = read_product(s);
		if (op == '+' ? __builtin_add_overflow(v, w, &v) : __builtin_sub_overflow(v, w, &v))
			return wrong(s, "the result is too large");
	}
	return v;
}

/* what stands between two braces, written to @buf; returns its length or -EINVAL */
static int evaluate(const char *p, size_t len, const struct scope *scope, enum expand_mode mode,
		    char buf[static 32], char *error)
{
	struct sum s = {.p = p, .end = p + len, .scope = scope, .error = error};
	bool bare = len == 1 && *p == 'n';
	int width = bare && mode == EXPAND_NAME ? scope->width : 0;
	int64_t v = read_sum(&s);

	if (!s.failed && peek(&s) == ':') {
		s.p++;
		peek(&s);
		v = s.p < s.end ? v : wrong(&s, "a width has to follow the colon, as in {n:04}");
		width = (int)read_number(&s);
		if (width < 0 || width > WIDTH_MAX)
			wrong(&s, "a width of more than 18 digits");
	}
	if (!s.failed && peek(&s) != '\0')
		wrong(&s, "arithmetic that cannot be read (+ - * / % and parentheses are known)");
	if (s.failed)
		return -EINVAL;
	return snprintf(buf, 32, "%0*" PRId64, width, v);
}

/* the braces at @text are for EXPAND_COMMAND: nothing but arithmetic, with n in it */
bool expand_is_expression(const char *text)
{
	bool has_n = false;
	const char *p = text + 1;

	if (*text != '{')
		return false;
	for (; *p && *p != '}'; p++) {
		if (*p == 'n' && !is_letter(p[-1]) && !is_letter(p[1]))
			has_n = true;
		else if (!strchr("0123456789+-*/%() :", *p))
			return false;
	}
	return *p == '}' && has_n;
}

/* how many bytes at @p stand for themselves in this mode, and from where; 0: braces to work out */
static size_t literal(const char *text, const char *p, enum expand_mode mode, const char **from)
{
	*from = p;
	if (mode == EXPAND_COMMAND) {
		if (p[0] == '{' && p[1] == '{' && expand_is_expression(p + 1)) {
			size_t n = strcspn(p, "}");

			if (p[n + 1] == '}') { /* {{n}} */
				*from = p + 1;
				return n;
			}
		}
		return p > text && p[-1] == '$' ? 1 : !expand_is_expression(p);
	}
	if (*p == '{' && p[1] != '{')
		return 0;
	return 1;
}

/* the bytes of @text that the literal at @p takes up */
static size_t literal_span(const char *p, enum expand_mode mode, size_t n)
{
	if (mode == EXPAND_COMMAND)
		return n > 1 ? n + 2 : 1;
	return (p[0] == '{' || p[0] == '}') && p[1] == p[0] ? 2 : 1;
}

int expand_range(const char *text, struct range *ret, char error[static EXPAND_ERROR_MAX])
{
	*ret = (struct range){.present = false};
	for (const char *p = strchr(text, '{'); p; p = strchr(p + 1, '{')) {
		size_t a = strspn(p + 1, "0123456789");
		const char *q = p + 1 + a, *second = q + 2;
		size_t b;

		if (p[1] == '{') { /* {{ is a brace that means itself */
			p++;
			continue;
		}
		if (strncmp(q, "..", 2) != 0)
			continue;
		b = strspn(second, "0123456789");
		if (a == 0 || b == 0 || second[b] != '}' || a > WIDTH_MAX || b > WIDTH_MAX) {
			snprintf(error, EXPAND_ERROR_MAX,
				 "a range that cannot be read (write it as {1..9} or {001..250})");
			return -EINVAL;
		}
		if (ret->present) {
			snprintf(error, EXPAND_ERROR_MAX, "two ranges in one name (one is enough)");
			return -EINVAL;
		}
		*ret = (struct range){.present = true,
				      .start = (size_t)(p - text),
				      .end = (size_t)(second + b + 1 - text)};
		for (size_t i = 0; i < a; i++)
			ret->first = ret->first * 10 + (p[1 + i] - '0');
		for (size_t i = 0; i < b; i++)
			ret->last = ret->last * 10 + (second[i] - '0');
		if ((p[1] == '0' && a > 1) || (*second == '0' && b > 1))
			ret->width = (int)(a > b ? a : b);
	}
	if (ret->present && ret->first > ret->last) {
		snprintf(error, EXPAND_ERROR_MAX,
			 "a range that runs backwards (write the smaller number first)");
		return -EINVAL;
	}
	if (ret->present && ret->last - ret->first >= EXPAND_RANGE_MAX) {
		snprintf(error, EXPAND_ERROR_MAX, "a range of more than %d entries",
			 EXPAND_RANGE_MAX);
		return -EINVAL;
	}
	return 0;
}

/* one pass over @text: counts the bytes of the result, and writes them where @out is not NULL */
static int run(const char *text, const struct scope *scope, const struct range *range,
	       enum expand_mode mode, char *out, size_t *ret_len, char *error)
{
	size_t len = 0;

	for (const char *p = text; *p;) {
		const char *from;
		char number[32];
		size_t n, span;

		if (range && (size_t)(p - text) == range->start) {
			from = number;
			n = (size_t)snprintf(number, sizeof(number), "%0*" PRId64, range->width,
					     range->now);
			span = range->end - range->start;
		} else if ((n = literal(text, p, mode, &from)) > 0) {
			span = literal_span(p, mode, n);
		} else {
			const char *end = strchr(p, '}');
			int r;

			if (!end) {
				snprintf(error, EXPAND_ERROR_MAX,
					 "a brace that is not closed (write {{ for a brace)");
				return -EINVAL;
			}
			span = (size_t)(end + 1 - p);
			r = evaluate(p + 1, span - 2, scope, mode, number, error);
			if (r < 0)
				return r;
			from = number;
			n = (size_t)r;
		}
		if (out)
			memcpy(out + len, from, n);
		len += n;
		p += span;
	}
	*ret_len = len;
	return 0;
}

int expand_text(const char *text, const struct scope *scope, const struct range *range,
		enum expand_mode mode, struct arena *arena, const char **ret,
		char error[static EXPAND_ERROR_MAX])
{
	size_t len = 0;
	char *out;
	int r;

	if (!strpbrk(text, "{}")) {
		*ret = text;
		return 0;
	}
	r = run(text, scope, range, mode, NULL, &len, error);
	if (r < 0)
		return r;
	out = arena_alloc(arena, len + 1);
	if (!out)
		return -ENOMEM;
	r = run(text, scope, range, mode, out, &len, error);
	if (r < 0)
		return r;
	*ret = out;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/print_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "lab/expand.h"
#include "wg/key.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* a word that every YAML reader takes for a string, without quotes */
static bool is_plain(const char *s)
{
	static const char *const words[] = {"true", "false", "yes", "no", "on",
					    "off",  "null",  "y",   "n"};
	static const char ok[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";

	if (!is_letter(s[0]) || s[strspn(s, ok)])
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return false;
	return true;
}

/* what YAML would take for the end of a line, or refuse as not printable, behind ASCII */
static bool needs_escape(uint32_t c)
{
	return c < 0xa0 || c == 0x2028 || c == 0x2029 || c == 0xfeff || (c & 0xfffe) == 0xfffe;
}

/* one character from ASCII up; returns its length */
static size_t print_wide(FILE *out, const unsigned char *s)
{
	size_t n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t c = s[0] & (0x7fu >> n);

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (s[i] & 0x3f);
	if (needs_escape(c))
		fprintf(out, c > 0xffff ? "\\U%08" PRIX32 : "\\u%04" PRIX32, c);
	else
		fwrite(s, 1, n, out);
	return n;
}

/* the braces at @s, @before the character before them; returns how much of @s that was */
static size_t print_brace(FILE *out, const char *s, char before, enum text_kind kind)
{
	size_t n = strcspn(s, "}") + 1;

	if (kind == TEXT_PLAIN) {
		fprintf(out, "%c%c", *s, *s);
	} else if (kind == TEXT_COMMAND && before != '$' && expand_is_expression(s)) {
		fprintf(out, "{%.*s}", (int)n, s);
		return n;
	} else {
		fputc(*s, out);
	}
	return 1;
}

static void print_quoted(FILE *out, const char *s, enum text_kind kind)
{
	char before = '\0';

	fputc('"', out);
	for (size_t n; *s; before = s[n - 1], s += n) {
		unsigned char c = (unsigned char)*s;

		n = 1;
		if (c >= 0x80)
			n = print_wide(out, (const unsigned char *)s);
		else if (c == '{' || c == '}')
			n = print_brace(out, s, before, kind);
		else if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", out);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\x%02X", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

void print_scalar(struct printer *p, const char *s, enum text_kind kind)
{
	if (is_plain(s))
		fputs(s, p->out);
	else
		print_quoted(p->out, s, kind);
}

void print_indent(struct printer *p)
{
	fprintf(p->out, "%*s%s", 2 * (p->depth - p->item), "", p->item ? "- " : "");
	p->item = false;
}

void print_comment(struct printer *p, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	const char *s, *end;
	va_list ap;
	uint32_t c;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	fprintf(p->out, "%*s# ", 2 * (p->depth - p->item), "");
	s = text ? text : "(out of memory)";
	for (end = s + strlen(s); s < end;) {
		size_t n = text_decode(s, (size_t)(end - s), &c);

		if (n == 0 || c < 0x20 || (n > 1 ? needs_escape(c) : c == 0x7f))
			fputc('?', p->out);
		else
			fwrite(s, 1, n, p->out);
		s += n ? n : 1;
	}
	fputc('\n', p->out);
}

static void print_name(struct printer *p, const char *key)
{
	print_indent(p);
	print_scalar(p, key, TEXT_PLAIN);
}

void print_open(struct printer *p, const char *key)
{
	print_name(p, key);
	fputs(":\n", p->out);
	p->depth++;
}

void print_close(struct printer *p)
{
	p->depth--;
}

void print_empty(struct printer *p, const char *key)
{
	print_name(p, key);
	fputs(": {}\n", p->out);
}

void print_text(struct printer *p, const char *key, const char *value)
{
	if (!value)
		return;
	print_name(p, key);
	fputs(": ", p->out);
	print_scalar(p, value, TEXT_PLAIN);
	fputc('\n', p->out);
}

void print_number(struct printer *p, const char *key, uint64_t value)
{
	print_name(p, key);
	fprintf(p->out, ": %" PRIu64 "\n", value);
}

void print_bool(struct printer *p, const char *key, bool value)
{
	print_name(p, key);
	fprintf(p->out, ": %s\n", value ? "true" : "false");
}

void print_secret(struct printer *p, const char *key, const char *value)
{
	if (!value)
		return;
	print_name(p, key);
	fputs(": ", p->out);
	print_scalar(p, p->show_secrets ? value : "(hidden)", TEXT_LITERAL);
	fputc('\n', p->out);
}

void print_key(struct printer *p, const char *key, const struct key *value)
{
	char buf[WG_KEY_BASE64_LEN];

	if (value->present)
		print_secret(p, key, wg_key_format(value->bytes, buf));
}

/* an address has nothing but its colons that could be taken for something else */
static void print_numeric(struct printer *p, const char *s)
{
	bool quoted = strchr(s, ':');

	fprintf(p->out, quoted ? "\"%s\"" : "%s", s);
}

void print_address(struct printer *p, const char *key, const struct ip_addr *a)
{
	char buf[INET6_ADDRSTRLEN];

	print_name(p, key);
	fputs(": ", p->out);
	print_numeric(p, ip_addr_format(a, buf));
	fputc('\n', p->out);
}

void print_endpoint(struct printer *p, const char *key, const struct ip_endpoint *e)
{
	char buf[IP_ENDPOINT_STRLEN];

	print_name(p, key);
	fputs(": ", p->out);
	print_numeric(p, ip_endpoint_format(e, buf));
	fputc('\n', p->out);
}

void print_prefixes(struct printer *p, const char *key, const struct prefix_list *list)
{
	char buf[IP_PREFIX_STRLEN];

	if (!list->n)
		return;
	print_name(p, key);
	for (size_t i = 0; i < list->n; i++) {
		fputs(i ? ", " : ": [", p->out);
		print_numeric(p, ip_prefix_format(&list->v[i], buf));
	}
	fputs("]\n", p->out);
}

void print_strings(struct printer *p, const char *key, const char *const *v, size_t n,
		   enum text_kind kind)
{
	if (!n)
		return;
	print_name(p, key);
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ", " : ": [", p->out);
		print_scalar(p, v[i], kind);
	}
	fputs("]\n", p->out);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* a byte that goes on with a character */
static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

void text_position(const char *text, size_t offset, int *ret_line, int *ret_column)
{
	int line = 1, column = 1;

	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			line++;
			column = 1;
		} else if (!continues(text[i])) {
			column++;
		}
	}
	*ret_line = line;
	*ret_column = column;
}

size_t text_decode(const char *s, size_t left, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char c = (unsigned char)s[0];
	size_t n = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 0;
	uint32_t v = n == 1 ? c : c & (0x7fu >> n);

	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (!continues(s[i]))
			return 0;
		v = v << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	*ret = v;
	return n;
}

static int fail(const char *text, size_t offset, const char *what, struct text_error *ret)
{
	text_position(text, offset, &ret->line, &ret->column);
	ret->what = what;
	return -EINVAL;
}

int text_check(const char **text, size_t *len, struct text_error *ret)
{
	const char *s = *text;
	size_t n = *len, size;

	if (n >= 2 && (memcmp(s, "\xff\xfe", 2) == 0 || memcmp(s, "\xfe\xff", 2) == 0))
		return fail(s, 0, "UTF-16 (save the file as UTF-8)", ret);
	if (n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0) {
		s += 3;
		n -= 3;
	}
	for (size_t i = 0; i < n; i += size) {
		uint32_t c = 0;

		size = text_decode(s + i, n - i, &c);
		if (size == 0)
			return fail(s, i, "not UTF-8 (save the file as UTF-8)", ret);
		if (c == 0)
			return fail(s, i, "a NUL byte (this is not a text file)", ret);
		if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
			return fail(s, i, "a control character (take it out)", ret);
	}
	*text = s;
	*len = n;
	return 0;
}

size_t text_columns(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += !continues(text[i]);
	return n;
}

struct shown show(const char *text)
{
	struct shown out;
	size_t n = 0;

	for (; *text && n < sizeof(out.s) - 4; text++) {
		unsigned char c = (unsigned char)*text, next = (unsigned char)text[1];
		bool c1 = c == 0xc2 && next < 0xa0; /* U+0080 to U+009F */

		text += c1;
		out.s[n++] = c < 0x20 || c == 0x7f || c1 ? '?' : *text;
	}
	if (*text) {
		/* not in the middle of a character */
		while (n > 0 && ((unsigned char)out.s[n - 1] & 0xc0) == 0x80)
			n--;
		if (n > 0 && (unsigned char)out.s[n - 1] >= 0xc0)
			n--;
		memcpy(out.s + n, "...", 3);
		n += 3;
	}
	out.s[n] = '\0';
	return out;
}

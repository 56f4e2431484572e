/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/yaml_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* a byte that goes on with a character */
static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

void yaml_text_position(const char *text, size_t offset, int *ret_line, int *ret_column)
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

char yaml_text_at(const char *text, size_t len, size_t line, size_t column)
{
	size_t i = 0;

	for (; line && i < len; i++)
		line -= text[i] == '\n';
	for (; i < len; i++)
		if (!continues(text[i]) && column-- == 0)
			return text[i];
	return '\0';
}

/*
 * the length of the character at @s (@left bytes to the end): 1 to 4, or 0 if it is not UTF-8
 * (RFC 3629: shortest form, no surrogates, nothing above U+10FFFF); its number in *@ret
 */
static size_t decode(const char *s, size_t left, uint32_t *ret)
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

static int fail(const char *text, size_t offset, const char *what, struct yaml_error *error)
{
	yaml_text_position(text, offset, &error->line, &error->column);
	snprintf(error->text, sizeof(error->text), "%s", what);
	return -EINVAL;
}

int yaml_text_check(const char **text, size_t *len, struct yaml_error *error)
{
	const char *s = *text;
	size_t n = *len, size;

	if (n >= 2 && (memcmp(s, "\xff\xfe", 2) == 0 || memcmp(s, "\xfe\xff", 2) == 0))
		return fail(s, 0, "UTF-16 (save the file as UTF-8)", error);
	if (n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0) {
		s += 3;
		n -= 3;
	}
	for (size_t i = 0; i < n; i += size) {
		uint32_t c = 0;

		size = decode(s + i, n - i, &c);
		if (size == 0)
			return fail(s, i, "not UTF-8 (save the file as UTF-8)", error);
		if (c == 0)
			return fail(s, i, "a NUL byte (this is not a text file)", error);
		if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
			return fail(s, i, "a control character (take it out)", error);
	}
	*text = s;
	*len = n;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/yaml_text.h"

#include <stdio.h>

#include "base/text.h"

void yaml_text_position(const char *text, size_t offset, int *ret_line, int *ret_column)
{
	text_position(text, offset, ret_line, ret_column);
}

char yaml_text_at(const char *text, size_t len, size_t line, size_t column)
{
	size_t i = 0;

	for (; line && i < len; i++)
		line -= text[i] == '\n';
	for (; i < len; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80 && column-- == 0)
			return text[i];
	return '\0';
}

int yaml_text_check(const char **text, size_t *len, struct yaml_error *error)
{
	struct text_error bad;
	int r = text_check(text, len, &bad);

	if (r < 0) {
		error->line = bad.line;
		error->column = bad.column;
		snprintf(error->text, sizeof(error->text), "%s", bad.what);
	}
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of a YAML file before it is parsed: is it text at all?
 */
#ifndef WARREN_LAB_YAML_TEXT_H
#define WARREN_LAB_YAML_TEXT_H

#include <stddef.h>

#include "lab/yaml.h"

/*
 * yaml_text_check - UTF-8 without NUL and control characters; a byte order mark at the
 * beginning is stepped over, by moving *@text and *@len.
 * Returns 0, or -EINVAL with @error filled in.
 */
int yaml_text_check(const char **text, size_t *len, struct yaml_error *error);

/* yaml_text_position - line and column (in characters), from 1, of the byte at @offset. */
void yaml_text_position(const char *text, size_t offset, int *ret_line, int *ret_column);

/* yaml_text_at - the byte at @line and @column (in characters), both from 0; '\0' behind the end. */
char yaml_text_at(const char *text, size_t len, size_t line, size_t column);

#endif

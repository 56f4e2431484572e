/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing what is put into a file: keys and values in the file's own style.
 */
#ifndef WARREN_LAB_EDIT_ENTRY_H
#define WARREN_LAB_EDIT_ENTRY_H

#include <stdio.h>

#include "lab/edit.h"
#include "lab/edit_text.h"

/* how the surroundings are written */
struct style {
	bool flow;       /* on one line, in braces; */
	bool quoted;     /* and with quotes around all but numbers, as in JSON */
	size_t column;   /* lines: indentation of the entry's key, */
	size_t step;     /* of what is below it, relative to it, */
	struct text eol; /* and what ends a line */
};

/* what writes one entry, `KEY: VALUE`: in lines, each with its break; in braces without any */
typedef void entry_fn(FILE *out, const struct style *s, const void *arg);

/* entry_tenant - @arg: struct edit_tenant. */
entry_fn entry_tenant;

/* entry_tenants - `tenants:` with that one tenant. */
entry_fn entry_tenants;

/* entry_field - @arg: struct entry_field. */
struct entry_field {
	const char *key, *value;
	bool is_key; /* the value is in base64 */
};
entry_fn entry_field;

#endif

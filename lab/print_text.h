/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing YAML: lines, indented, with quotes where a value needs them.
 */
#ifndef WARREN_LAB_PRINT_TEXT_H
#define WARREN_LAB_PRINT_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lab/model.h"

struct printer {
	FILE *out;
	int depth; /* of indentation, two blanks each */
	bool item; /* the next line is the first of a list item: "- " stands before it */
	bool show_secrets;
};

enum text_kind {
	TEXT_PLAIN,   /* braces are doubled */
	TEXT_COMMAND, /* braces are doubled where they would be worked out */
	TEXT_LITERAL, /* braces are not looked at by the reader */
};

/* print_scalar - @s, quoted if need be. */
void print_scalar(struct printer *p, const char *s, enum text_kind kind);

/* print_indent - the beginning of a line. */
void print_indent(struct printer *p);

/*
 * print_comment - "# TEXT" on a line; whatever is in the text (it need not be UTF-8), a YAML reader
 * takes it for one line of a comment.
 */
void print_comment(struct printer *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* print_open - "KEY:" of a mapping or list, on a line; what follows is one level deeper. */
void print_open(struct printer *p, const char *key);
void print_close(struct printer *p);

/* print_empty - "KEY: {}". */
void print_empty(struct printer *p, const char *key);

/* "KEY: VALUE" on a line; NULL prints nothing */
void print_text(struct printer *p, const char *key, const char *value);
void print_number(struct printer *p, const char *key, uint64_t value);
void print_bool(struct printer *p, const char *key, bool value);
void print_key(struct printer *p, const char *key, const struct key *value);
void print_secret(struct printer *p, const char *key, const char *value);
void print_address(struct printer *p, const char *key, const struct ip_addr *a);
void print_endpoint(struct printer *p, const char *key, const struct ip_endpoint *e);

/* "KEY: [A, B]" on a line; an empty list prints nothing */
void print_prefixes(struct printer *p, const char *key, const struct prefix_list *list);
void print_strings(struct printer *p, const char *key, const char *const *v, size_t n,
		   enum text_kind kind);

#endif

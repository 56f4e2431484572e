/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * YAML as a tree: one document, from libyaml's events.
 *
 * Theory of operation.  Events become nodes of 48 bytes in an arena with a
 * limit.  An alias becomes a node of its own that shares what is below its
 * anchor, so it costs nothing; but each node knows how many there are below it
 * with all aliases followed, and a sum above YAML_NODES_MAX is an error, so that a
 * walk over the tree is bounded too.  An anchor can be used once it is
 * complete, which leaves no way to make a circle.  Before libyaml sees the
 * text it is checked for what it reports badly or not at all: NUL, other
 * encodings, bad UTF-8, control characters.
 */
#ifndef WARREN_LAB_YAML_H
#define WARREN_LAB_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define YAML_DEPTH_MAX  32              /* lists and mappings inside each other */
#define YAML_NODES_MAX  1000000         /* with all aliases followed */
#define YAML_SCALAR_MAX ((size_t)65536) /* bytes of one value */

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	struct node *next; /* in the list or mapping that this is in; a key's is its value */
	union {
		const char *text;   /* scalar: NUL-terminated UTF-8 */
		struct node *child; /* list: first item; mapping: first key */
	};
	uint32_t line, column; /* from 1 */
	uint32_t len;          /* scalar: bytes of text */
	uint32_t below;        /* list, mapping: nodes below, aliases followed */
	uint32_t file;         /* as given to yaml_read() */
	uint8_t kind;          /* enum node_kind */
	bool plain;            /* scalar without quotes */
};

/* what is wrong with the text, and where (line and column from 1) */
struct yaml_error {
	int line, column;
	bool empty; /* there is nothing but comments, if that */
	char text[200];
};

/*
 * yaml_read - parse @text (@len bytes) into nodes of @arena, which are marked with @file.
 * Returns 0 and the document's top node in *@ret; -EINVAL with @error filled in; -ENOMEM: the
 * arena's limit is reached or memory is short, and @error has the place alone.
 */
int yaml_read(const char *text, size_t len, unsigned int file, struct arena *arena,
	      struct node **ret, struct yaml_error *error);

/* yaml_is_null - a value that was left out: nothing, "~" or "null", without quotes. */
bool yaml_is_null(const struct node *n);

#endif

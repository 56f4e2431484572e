/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * YAML as a tree that knows which bytes of the text each of its nodes is.
 *
 * Theory of operation.  lab/yaml.h's nodes are for meaning: aliases are followed and places are a
 * line and a column.  Who edits the text needs its bytes instead, from where to where, and
 * aliases as they stand.  libyaml says where an event begins and ends, but counts characters; and
 * ends are set right here where it means something else: a block mapping ends with its last
 * value (and not where the next token begins), a block scalar before the empty lines behind it,
 * a value that is not there behind its colon.
 */
#ifndef WARREN_LAB_EDIT_TREE_H
#define WARREN_LAB_EDIT_TREE_H

#include "base/arena.h"
#include "lab/edit_text.h"

enum mark_kind { MARK_SCALAR, MARK_LIST, MARK_MAP, MARK_ALIAS };

struct mark {
	struct mark *next;  /* in the list or mapping that this is in; a key's is its value */
	struct mark *child; /* list: first item; mapping: first key */
	enum mark_kind kind;
	bool flow;          /* list, mapping: in brackets or braces; and all below */
	bool plain;         /* scalar without quotes */
	const char *anchor; /* NULL: none */
	const char *value;  /* scalar: what it says; alias: its name; NUL-terminated */
	size_t value_len;
	size_t start, end; /* bytes of the text, anchor and tag included */
	size_t content;    /* where it begins behind anchor and tag */
};

/*
 * edit_tree_read - the tree of @t, a text in UTF-8 with or without a byte order mark, in @arena.
 * Returns 0; -EINVAL with where and why in @e ("LINE:COLUMN: ..."); -ENOMEM.  A file that loads
 * (lab/load.h) always has a tree.
 */
int edit_tree_read(const struct text *t, struct arena *arena, struct mark **ret, struct err *e);

/* mark_get - the key @key of mapping @map as it is spelt, its value behind it; NULL: not there. */
struct mark *mark_get(const struct mark *map, const char *key);

/* mark_last_key - the last key of a mapping, NULL for an empty one. */
const struct mark *mark_last_key(const struct mark *map);

/* mark_is_null - a value that was left out, or says so: nothing, "~", "null". */
bool mark_is_null(const struct mark *m);

/* mark_alias_of - an alias below @top that means @anchor; NULL: none. */
const struct mark *mark_alias_of(const struct mark *top, const char *anchor);

/*
 * mark_same - do two trees say the same, apart from how they are written?
 * @skip_a, @skip_b: a key that is passed over with its value, or NULL.
 * @hollow: this node of either tree is an empty mapping, also if it says nothing; or NULL.
 */
struct mark_difference {
	const struct mark *skip_a, *skip_b, *hollow;
};
bool mark_same(const struct mark *a, const struct mark *b, const struct mark_difference *d);

#endif

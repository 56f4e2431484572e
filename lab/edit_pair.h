/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mapping's last entry is put in, or any entry taken out, in the style of what is there.
 *
 * Theory of operation.  An entry in lines reaches from its key's line to the line that its value
 * ends on.  Comments below it belong to it as far as they are indented more than its key; those
 * directly above it, indented as it is, belong to it when it goes.  A new entry is put behind all
 * that belongs to the one before it, and in front of comments that belong to neither: so taking it
 * out again leaves what was there.  In braces an entry may have lines of its own or share them, and
 * there are commas: one at the end of the list stays at the end.
 */
#ifndef WARREN_LAB_EDIT_PAIR_H
#define WARREN_LAB_EDIT_PAIR_H

#include "lab/edit_entry.h"
#include "lab/edit_tree.h"

struct entry {
	entry_fn *print;
	const void *arg;
};

/*
 * pair_append - put @entry at the end of the mapping that is @key's value.
 * @above: the key whose value @key is in; may be NULL where @key's value is not empty.
 * @put: memory for what is put in, to be freed by the caller after splice_apply(), also on failure.
 * -EOPNOTSUPP, without a word in @e: it is written in a way that is not known here.
 */
int pair_append(const struct text *t, const struct mark *above, const struct mark *key,
		const struct entry *entry, struct splices *s, char *put[static 2], struct err *e);

/* pair_remove - take out @entry (its key), which is in the mapping that is @key's value; where it is
 * the only one, `{}` is left.  -EOPNOTSUPP as above. */
int pair_remove(const struct text *t, const struct mark *key, const struct mark *entry,
		struct splices *s, struct err *e);

#endif

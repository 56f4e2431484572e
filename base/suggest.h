/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nearest right spelling of a misspelt word.
 */
#ifndef WARREN_BASE_SUGGEST_H
#define WARREN_BASE_SUGGEST_H

#include <stddef.h>

struct suggest {
	const char *word; /* what was written */
	const char *best; /* the nearest so far, borrowed; NULL: none is near enough */
	size_t distance;  /* of best */
	size_t budget;    /* comparisons left; a hostile file cannot buy more */
};

/* suggest_start - @budget: how many words are compared at most. */
struct suggest suggest_start(const char *word, size_t budget);

/*
 * suggest_try - remember @candidate if it is nearer than all before: the number of letters put
 * in, left out, changed or swapped with the next (optimal string alignment), case ignored.
 * More than a third of the word's letters is too far.
 */
void suggest_try(struct suggest *s, const char *candidate);

#endif

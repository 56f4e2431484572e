/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/suggest.h"

#include <stdint.h>
#include <string.h>

#define WORD_MAX 64 /* bytes; longer words get no suggestion */

struct suggest suggest_start(const char *word, size_t budget)
{
	size_t len = strnlen(word, WORD_MAX);

	return (struct suggest){
		.word = word,
		.distance = len == 2 ? 2 : len / 3 + 1,
		.budget = budget,
	};
}

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* three rows of the table of distances between all beginnings of @a and of @b */
static size_t distance(const char *a, size_t la, const char *b, size_t lb)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= lb; j++)
		last[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *spare = before;

		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned char x = lower(a[i - 1]), y = lower(b[j - 1]);

			now[j] = min(min(last[j], now[j - 1]) + 1, last[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y)
				now[j] = min(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[lb];
}

void suggest_try(struct suggest *s, const char *candidate)
{
	size_t la = strnlen(s->word, WORD_MAX + 1), lb = strnlen(candidate, WORD_MAX + 1);
	size_t apart = la > lb ? la - lb : lb - la;
	size_t d;

	if (la > WORD_MAX || lb > WORD_MAX || apart >= s->distance || !s->budget)
		return;
	s->budget--;
	d = distance(s->word, la, candidate, lb);
	if (d < s->distance) {
		s->distance = d;
		s->best = candidate;
	}
}

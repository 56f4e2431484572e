/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arena: memory that lives and dies together.
 *
 * A topology or a plan is thousands of small things with one lifetime; they
 * come from an arena and are released with it in one call.  Memory is zeroed.
 * A limit bounds what a hostile input can make us allocate.
 */
#ifndef WARREN_BASE_ARENA_H
#define WARREN_BASE_ARENA_H

#include <stddef.h>

struct arena;

/* arena_new - @limit: bytes in all, 0 for no limit.  Returns NULL when memory is short. */
struct arena *arena_new(size_t limit);

/* arena_free - releases everything taken from @a.  NULL is allowed. */
void arena_free(struct arena *a);

/* arena_alloc - @size zeroed bytes, aligned for any type.  NULL: out of memory or over the limit. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc));

/* arena_strdup, arena_strndup, arena_printf - strings in the arena.  NULL as above. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * arena_grow - room for one more element in an array of @n elements of @size bytes.
 * Returns the array (moved when @n is a power of two or 0), NULL as above.
 * The new element is zeroed.
 */
void *arena_grow(struct arena *a, void *array, size_t n, size_t size);

#endif

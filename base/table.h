/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Table: from a short key to a number, found in constant time.
 *
 * Open addressing with linear probing.  Keys are hashed with SipHash under a
 * random key of the process, so that a hostile input cannot pick names that
 * collide.  Keys are borrowed: they have to live as long as the table.
 */
#ifndef WARREN_BASE_TABLE_H
#define WARREN_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct table_slot;

struct table {
	struct table_slot *slots;
	size_t n, size; /* entries; slots, a power of two or 0 */
};

#define TABLE_INIT             \
	{                      \
		.slots = NULL, \
	}

/* table_free - releases the slots, not the keys; the table is empty and can be used again. */
void table_free(struct table *t);

/*
 * table_add - enter @key (@len bytes, borrowed) with @value.
 * Returns 1: entered; 0: the key is there already, its value goes to *@ret_old (which may be
 * NULL) and nothing changes; -ENOMEM.
 */
int table_add(struct table *t, const void *key, size_t len, size_t value, size_t *ret_old);

/* table_set - like table_add(), but an entry that is there already gets the new value. */
int table_set(struct table *t, const void *key, size_t len, size_t value);

/* table_get - is @key there?  Its value goes to *@ret, which may be NULL. */
bool table_get(const struct table *t, const void *key, size_t len, size_t *ret);

/* the same for keys that are strings */
int table_add_str(struct table *t, const char *key, size_t value, size_t *ret_old);
bool table_get_str(const struct table *t, const char *key, size_t *ret);

#define _cleanup_table_ __attribute__((cleanup(table_free)))

#endif

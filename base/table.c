/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/table.h"

#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct table_slot {
	const void *key; /* NULL: free */
	size_t len, value;
	uint64_t hash;
};

static uint64_t hash_bytes(const void *key, size_t len)
{
	static unsigned char seed[crypto_shorthash_KEYBYTES];
	static bool seeded;
	unsigned char out[crypto_shorthash_BYTES];
	uint64_t h;

	_Static_assert(sizeof(out) == sizeof(h), "SipHash-2-4 gives 64 bits");
	if (!seeded) {
		if (sodium_init() < 0)
			abort(); /* no randomness: nothing that needs keys can go on */
		randombytes_buf(seed, sizeof(seed));
		seeded = true;
	}
	crypto_shorthash(out, key, len, seed);
	memcpy(&h, out, sizeof(h));
	return h;
}

/* the slot of @key, or the free one where it belongs */
static struct table_slot *find(const struct table *t, const void *key, size_t len, uint64_t hash)
{
	for (size_t i = hash & (t->size - 1);; i = (i + 1) & (t->size - 1)) {
		struct table_slot *s = &t->slots[i];

		if (!s->key || (s->hash == hash && s->len == len && memcmp(s->key, key, len) == 0))
			return s;
	}
}

/* keeps at least a third of the slots free */
static int make_room(struct table *t)
{
	struct table bigger = {.n = t->n, .size = t->size ? 2 * t->size : 16};

	if (t->size && 3 * (t->n + 1) <= 2 * t->size)
		return 0;
	bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < t->size; i++) {
		const struct table_slot *s = &t->slots[i];

		if (s->key)
			*find(&bigger, s->key, s->len, s->hash) = *s;
	}
	free(t->slots);
	*t = bigger;
	return 0;
}

void table_free(struct table *t)
{
	free(t->slots);
	*t = (struct table)TABLE_INIT;
}

static int enter(struct table *t, const void *key, size_t len, size_t value, bool replace,
		 size_t *ret_old)
{
	uint64_t hash = hash_bytes(key, len);
	struct table_slot *s;

	if (make_room(t) < 0)
		return -ENOMEM;
	s = find(t, key, len, hash);
	if (s->key) {
		if (ret_old)
			*ret_old = s->value;
		if (replace)
			s->value = value;
		return 0;
	}
	*s = (struct table_slot){.key = key, .len = len, .value = value, .hash = hash};
	t->n++;
	return 1;
}

int table_add(struct table *t, const void *key, size_t len, size_t value, size_t *ret_old)
{
	return enter(t, key, len, value, false, ret_old);
}

int table_set(struct table *t, const void *key, size_t len, size_t value)
{
	return enter(t, key, len, value, true, NULL);
}

bool table_get(const struct table *t, const void *key, size_t len, size_t *ret)
{
	const struct table_slot *s;

	if (!t->size)
		return false;
	s = find(t, key, len, hash_bytes(key, len));
	if (!s->key)
		return false;
	if (ret)
		*ret = s->value;
	return true;
}

int table_add_str(struct table *t, const char *key, size_t value, size_t *ret_old)
{
	return table_add(t, key, strlen(key), value, ret_old);
}

bool table_get_str(const struct table *t, const char *key, size_t *ret)
{
	return table_get(t, key, strlen(key), ret);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wg/key.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static void random_key(uint8_t ret[static WG_KEY_LEN])
{
	/* makes the first use safe in any thread */
	if (sodium_init() < 0)
		abort(); /* this machine has no randomness: no key must come of that */
	randombytes_buf(ret, WG_KEY_LEN);
}

void wg_key_generate_private(uint8_t ret[static WG_KEY_LEN])
{
	random_key(ret);
	ret[0] &= 248;
	ret[31] = (uint8_t)((ret[31] & 127) | 64);
}

void wg_key_generate_preshared(uint8_t ret[static WG_KEY_LEN])
{
	random_key(ret);
}

void wg_key_public(const uint8_t private_key[static WG_KEY_LEN], uint8_t ret[static WG_KEY_LEN])
{
	/* clamps its scalar itself, and cannot fail for the base point */
	(void)crypto_scalarmult_base(ret, private_key);
}

const char *wg_key_format(const uint8_t key[static WG_KEY_LEN], char buf[static WG_KEY_BASE64_LEN])
{
	/* constant in time, as keys ought to be handled */
	return sodium_bin2base64(buf, WG_KEY_BASE64_LEN, key, WG_KEY_LEN,
				 sodium_base64_VARIANT_ORIGINAL);
}

int wg_key_parse(const char *s, uint8_t ret[static WG_KEY_LEN])
{
	const size_t chars = WG_KEY_BASE64_LEN - 1;
	uint8_t key[WG_KEY_LEN];
	size_t len = 0;
	int r = -EINVAL;

	if (strnlen(s, chars + 1) != chars)
		return r;
	/* refuses bits that are set behind the 256th, so that a key has one spelling only */
	if (sodium_base642bin(key, sizeof(key), s, chars, NULL, &len, NULL,
			      sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    len == sizeof(key)) {
		memcpy(ret, key, sizeof(key));
		r = 0;
	}
	sodium_memzero(key, sizeof(key));
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WireGuard keys: Curve25519 scalars and points of 32 bytes, written in base64.
 */
#ifndef WARREN_WG_KEY_H
#define WARREN_WG_KEY_H

#include <stdint.h>

#define WG_KEY_LEN        32
#define WG_KEY_BASE64_LEN 45 /* 44 characters and NUL */

/* wg_key_generate_private - a random, clamped private key (RFC 7748, section 5). */
void wg_key_generate_private(uint8_t ret[static WG_KEY_LEN]);

/* wg_key_generate_preshared - 32 random bytes. */
void wg_key_generate_preshared(uint8_t ret[static WG_KEY_LEN]);

/* wg_key_public - the public key that belongs to @private_key. */
void wg_key_public(const uint8_t private_key[static WG_KEY_LEN], uint8_t ret[static WG_KEY_LEN]);

/* wg_key_format - @key in base64; returns @buf. */
const char *wg_key_format(const uint8_t key[static WG_KEY_LEN], char buf[static WG_KEY_BASE64_LEN]);

/*
 * wg_key_parse - 44 characters of base64, all of @s, as `wg` accepts it.
 * Returns 0, or -EINVAL with @ret untouched.
 */
int wg_key_parse(const char *s, uint8_t ret[static WG_KEY_LEN]);

#endif

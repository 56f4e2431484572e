/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/names.h"

#include <sodium.h>
#include <stdint.h>
#include <string.h>

#define READABLE 7 /* bytes of the full name that a short one begins with */
#define HASHED   7 /* characters of base32, five bits each */

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool name_is_lab(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n <= LAB_NAME_MAX && !s[n] && s[0] != '-';
}

bool name_is_netns(const char *s)
{
	size_t n = 0;

	while (is_alnum(s[n]) || (n > 0 && s[n] && strchr("._-", s[n])))
		n++;
	return n > 0 && n <= NETNS_NAME_MAX && !s[n];
}

bool name_is_interface(const char *s)
{
	static const char *const taken[] = {".", "..", "lo", "all", "default"};

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(s, taken[i]) == 0)
			return false;
	for (const unsigned char *p = (const unsigned char *)s; *p; p++)
		/* the kernel's isspace() takes 0xa0 for a blank as well */
		if (*p <= ' ' || *p == 0x7f || *p == 0xa0 || strchr("/:%\"*\\", *p))
			return false;
	return *s && strlen(s) <= ALT_NAME_MAX;
}

void name_shorten(const char *full, unsigned int probe, char ret[static IF_NAME_MAX + 1])
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char hash[crypto_generichash_BYTES_MIN];
	crypto_generichash_state state;
	size_t len = strlen(full), n = 0;
	uint64_t bits = 0;

	if (len <= IF_NAME_MAX) {
		memcpy(ret, full, len + 1);
		return;
	}
	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	crypto_generichash_update(&state, (const unsigned char *)full, len);
	for (unsigned int i = 0; i < probe; i++)
		crypto_generichash_update(&state, (const unsigned char *)"+", 1);
	crypto_generichash_final(&state, hash, sizeof(hash));
	for (size_t i = 0; i < 5; i++)
		bits = bits << 8 | hash[i];
	for (size_t i = 0; i < len && n < READABLE; i++)
		if (is_alnum(full[i]) || (n > 0 && full[i] == '-'))
			ret[n++] = full[i];
	if (n > 0 && ret[n - 1] == '-')
		n--;
	if (n > 0)
		ret[n++] = '-';
	for (size_t i = 0; i < HASHED; i++, bits >>= 5)
		ret[n++] = alphabet[bits & 31];
	ret[n] = '\0';
}

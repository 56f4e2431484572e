/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wg/key.h"

/* RFC 7748, section 6.1: Alice's and Bob's keys, in base64 as `wg pubkey` writes them */
static const char alice_private[] = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=";
static const char alice_public[] = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";
static const char bob_private[] = "XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os=";
static const char bob_public[] = "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=";

static void check_public(const char *private, const char *public)
{
	uint8_t key[WG_KEY_LEN], derived[WG_KEY_LEN];
	char text[WG_KEY_BASE64_LEN];

	assert_int_equal(wg_key_parse(private, key), 0);
	wg_key_public(key, derived);
	assert_string_equal(wg_key_format(derived, text), public);
	assert_string_equal(wg_key_format(key, text), private);
}

static void test_public(void **state)
{
	(void)state;
	check_public(alice_private, alice_public);
	check_public(bob_private, bob_public);
}

static void test_generate(void **state)
{
	uint8_t a[WG_KEY_LEN], b[WG_KEY_LEN];

	(void)state;
	for (int i = 0; i < 100; i++) {
		wg_key_generate_private(a);
		wg_key_generate_private(b);
		assert_memory_not_equal(a, b, sizeof(a));
		assert_int_equal(a[0] & 7, 0);
		assert_int_equal(a[31] & 0xc0, 0x40);
	}
	wg_key_generate_preshared(a);
	wg_key_generate_preshared(b);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void test_round_trip(void **state)
{
	uint8_t a[WG_KEY_LEN], b[WG_KEY_LEN];
	char text[WG_KEY_BASE64_LEN];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		wg_key_generate_preshared(a);
		assert_int_equal(wg_key_parse(wg_key_format(a, text), b), 0);
		assert_memory_equal(a, b, sizeof(a));
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"=",
		/* one short, one long */
		"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo",
		"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo==",
		"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n",
		" dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LC=",
		/* 44 characters, but 33 or 31 bytes */
		"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCoA",
		"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LA==",
		/* the last character has bits behind the 256th: not what `wg` accepts */
		"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCp=",
		/* not the alphabet */
		"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LC-=",
		"dwdtCnMYpX08FsFyUb_mRd9ML4frwJkqsXf7pR25LCo=",
		"dwdtCnMYpX08FsFyUb mRd9ML4frwJkqsXf7pR25LCo=",
		"dwdtCnMYpX08FsFyUb=mRd9ML4frwJkqsXf7pR25LCo=",
	};
	uint8_t key[WG_KEY_LEN], untouched[WG_KEY_LEN];

	(void)state;
	memset(key, 0x5a, sizeof(key));
	memset(untouched, 0x5a, sizeof(untouched));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(wg_key_parse(bad[i], key), -EINVAL);
		assert_memory_equal(key, untouched, sizeof(key));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_public),
		cmocka_unit_test(test_generate),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

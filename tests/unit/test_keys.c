/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of peers, remembered as they were set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "lab/keys.h"
#include "lab/load.h"
#include "wg/key.h"

#define KEY_A "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
#define KEY_B "mzOD4tzIVAU9ty38eSawlDiWKOG2chqdfyus9krIcAs="

/* neither of the two tunnels has a key that can be found: there is no such lab on any machine */
static const char text[] = "name: no-lab-of-test-keys\n"
			   "hosts:\n"
			   "  a: { wireguard: { wg0: { peers: [\n"
			   "    { host: b/wg0, allowed_ips: [10.0.0.0/24] },\n"
			   "    { host: b/wg1, allowed_ips: [10.0.1.0/24] } ] } } }\n"
			   "  b: { wireguard: { wg0: {}, wg1: {} } }\n";

static struct topology *load(void)
{
	struct topology *t = NULL;
	struct err e = ERR_INIT;
	struct diags d;

	if (topology_load(text, strlen(text), "/", &t, &d, &e) < 0)
		fail_msg("%s", d.n ? d.v[0].text : e.msg);
	diags_free(&d);
	return t;
}

static void has_key(const struct topology *t, size_t peer, const char *want)
{
	const struct key *k = &t->hosts[0].tunnels[0].peers[peer].public_key;
	char got[WG_KEY_BASE64_LEN];

	assert_int_equal(k->present, want != NULL);
	if (want)
		assert_string_equal(wg_key_format(k->bytes, got), want);
}

static void recalls(const char *peers, const char *first, const char *second)
{
	struct topology *t = load();
	struct err e = ERR_INIT;
	char *again _cleanup_free_ = NULL;

	assert_int_equal(keys_recall(t, NULL, peers, &e), 0);
	has_key(t, 0, first);
	has_key(t, 1, second);
	again = keys_remember(t);
	assert_non_null(again);
	if (first || second)
		assert_string_equal(again, peers);
	topology_free(t);
}

static void test_recall(void **state)
{
	(void)state;
	recalls(KEY_A "\n" KEY_B "\n", KEY_A, KEY_B);
	recalls("-\n" KEY_B "\n", NULL, KEY_B);
	recalls(KEY_A "\n-\n", KEY_A, NULL);
	recalls("", NULL, NULL);
	recalls("x\ny\n", NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

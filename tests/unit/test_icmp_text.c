/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probe/icmp_text.h"

static void test_text(void **state)
{
	char buf[ICMP_TEXT_LEN];

	(void)state;
	assert_string_equal(icmp_text(false, 3, 4, 1280, buf),
			    "Frag needed and DF set (mtu = 1280)");
	assert_string_equal(icmp_text(false, 3, 13, 0, buf), "Packet filtered");
	assert_string_equal(icmp_text(false, 3, 200, 0, buf), "ICMP error: type 3 code 200");
	assert_string_equal(icmp_text(true, 2, 0, 1280, buf), "Packet too big: mtu=1280");
	assert_string_equal(icmp_text(true, 1, 3, 0, buf),
			    "Destination unreachable: Address unreachable");
	assert_string_equal(icmp_text(true, 4, 1, 0, buf), "ICMPv6 error: type 4 code 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

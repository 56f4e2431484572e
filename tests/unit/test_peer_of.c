/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which peer has an address: the longest of the allowed IPs, as in WireGuard.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "lab/status.h"

static struct ip_prefix prefix(const char *s)
{
	struct ip_prefix p = {.len = 0};

	assert_int_equal(ip_prefix_parse(s, &p), 0);
	return p;
}

static void longest(void **state)
{
	struct ip_prefix all[] = {prefix("0.0.0.0/0"), prefix("::/0")};
	struct ip_prefix office[] = {prefix("10.1.0.0/16"), prefix("192.168.1.0/24")};
	struct ip_prefix desk[] = {prefix("10.1.2.3/32"), prefix("fd00::/8")};
	struct wg_peer peers[] = {
		{.allowed_ips = desk, .n_allowed_ips = ARRAY_SIZE(desk)},
		{.allowed_ips = all, .n_allowed_ips = ARRAY_SIZE(all)},
		{.allowed_ips = office, .n_allowed_ips = ARRAY_SIZE(office)},
	};
	struct tunnel_status t = {.config = {.peers = peers, .n_peers = ARRAY_SIZE(peers)}};
	const struct {
		const char *address;
		size_t peer;
	} cases[] = {
		{"10.1.2.3", 0},     {"10.1.2.4", 2},    {"192.168.1.10", 2},
		{"192.168.2.10", 1}, {"2001:db8::1", 1}, {"fd00::1", 0},
	};
	struct ip_addr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		a = prefix(cases[i].address).addr;
		assert_ptr_equal(tunnel_peer_of(&t, &a), &peers[cases[i].peer]);
	}
	t.config.n_peers = 1;
	a = prefix("10.1.2.4").addr;
	assert_null(tunnel_peer_of(&t, &a));
	t.config.n_peers = 0;
	assert_null(tunnel_peer_of(&t, &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

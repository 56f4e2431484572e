/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes that could not send anything, which nobody may take for silence */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "probe/probe.h"
#include "tests/unit/probe_stage.h"

static void expect_broken(struct probe p, bool broken, const char *part)
{
	p.timeout_ms = 60;
	p.retries = 1;
	p.broken = !broken; /* what stood there before does not matter */
	run(&p, 1);
	if (p.ok || p.broken != broken || p.attempts != 2 || !strstr(p.message, part))
		fail_msg("%sbroken after %u: \"%s\", expected %d: %s", p.broken ? "" : "not ",
			 p.attempts, p.message, broken, part);
	assert_int_equal(!strncmp(p.message, "nothing was sent: ", 18), broken);
}

static struct probe from(struct probe p, const char *source, const char *interface)
{
	p.has_source = source;
	p.interface = interface;
	if (source)
		assert_int_equal(ip_addr_parse(source, &p.source), 0);
	return p;
}

/* nothing left the machine, and `there` has counted nothing */
static void test_broken(void **state)
{
	static const char no_address[] = "bind to 10.9.1.77: Cannot assign requested address";
	static const char no_device[] = "bind to interface none: No such device";
	int before;

	(void)state;
	stage();
	before = echos(false) + echos(true);
	expect_broken(from(icmp(here, "10.9.2.2"), "10.9.1.77", NULL), true, no_address);
	expect_broken(from(tcp(here, "10.9.2.2:80"), "10.9.1.77", NULL), true, no_address);
	expect_broken(from(icmp(here, "fd09:2::2"), "fd09:1::77", NULL), true,
		      "bind to fd09:1::77: Cannot assign requested address");
	expect_broken(from(icmp(here, "10.9.2.2"), NULL, "none"), true, no_device);
	expect_broken(from(tcp(here, "10.9.2.2:80"), NULL, "none"), true, no_device);
	assert_int_equal(echos(false) + echos(true), before);
}

/* no route, a prohibiting one, a filter, nobody listens: that is what the network says */
static void test_not_broken(void **state)
{
	(void)state;
	stage();
	expect_broken(icmp(here, "10.8.0.1"), false, "Network is unreachable");
	expect_broken(tcp(here, "10.8.0.1:80"), false, "Network is unreachable");
	IN(here, "ip", "route", "add", "prohibit", "10.8.1.1");
	IN(here, "ip", "route", "add", "unreachable", "10.8.1.2");
	expect_broken(icmp(here, "10.8.1.1"), false, "Permission denied");
	expect_broken(tcp(here, "10.8.1.1:80"), false, "Permission denied");
	expect_broken(icmp(here, "10.8.1.2"), false, "No route to host");
	expect_broken(tcp(here, "10.8.1.2:80"), false, "No route to host");
	IN(here, "nft",
	   "add table ip p; add chain ip p o { type filter hook output priority 0; }; "
	   "add rule ip p o ip daddr 10.9.2.2 drop");
	expect_broken(icmp(here, "10.9.2.2"), false, "Operation not permitted");
	expect_broken(tcp(here, "10.9.2.2:80"), false, "no answer");
	IN(here, "nft", "delete table ip p");
	expect_broken(tcp(here, "10.9.2.2:79"), false, "Connection refused");
	expect_broken(icmp(here, "10.9.1.77"), false, "no answer");
}

static void add_address(const struct probe *p, void *arg)
{
	(void)arg;
	if (p->timeout_ms == 50)
		IN(here, "ip", "address", "add", "10.9.1.2/24", "dev", "h0");
}

/* the source comes up between two attempts: the last one is what counts */
static void test_broken_at_first(void **state)
{
	struct probe p[3];
	struct err e = ERR_INIT;

	(void)state;
	stage();
	p[0] = from(icmp(here, "10.9.2.2"), "10.9.1.2", NULL);
	p[1] = from(icmp(here, "10.9.2.77"), "10.9.1.2", NULL);
	p[2] = icmp(here, "10.9.2.77");
	p[0].timeout_ms = p[1].timeout_ms = 200;
	p[2].timeout_ms = 50;
	p[0].retries = p[1].retries = 2;
	assert_int_equal(probe_run(p, 3, NULL, add_address, NULL, &e), 0);
	IN(here, "ip", "address", "del", "10.9.1.2/24", "dev", "h0");
	assert_true(p[0].ok && !p[0].broken);
	assert_int_equal(p[0].attempts, 2);
	assert_false(p[1].ok || p[1].broken);
}

static void test_broken_namespace(void **state)
{
	_cleanup_close_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct probe p[3];

	(void)state;
	stage();
	p[0] = icmp(here, "10.9.2.2");
	p[1] = icmp(null, "10.9.2.2");
	p[2] = icmp(router, "10.9.2.2");
	run(p, 3);
	assert_true(p[0].ok && p[2].ok);
	assert_false(p[1].ok);
	assert_non_null(strstr(p[1].message, "nothing was sent: enter the network namespace"));
	assert_true(p[1].broken && !p[0].broken && !p[2].broken);
	assert_int_equal(p[1].attempts, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_not_broken),
		cmocka_unit_test(test_broken_at_first),
		cmocka_unit_test(test_broken_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

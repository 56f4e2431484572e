/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes that are answered, and those that are not */
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/icmp.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/ns.h"
#include "probe/probe.h"
#include "tests/unit/probe_stage.h"

static void expect(struct probe p, bool ok, const char *pattern)
{
	regex_t re;

	run(&p, 1);
	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (p.ok != ok || regexec(&re, p.message, 0, NULL, 0) != 0)
		fail_msg("ok %d \"%s\", expected %d \"%s\"", p.ok, p.message, ok, pattern);
	regfree(&re);
	if (ok)
		assert_true(p.rtt_ms > 0 && p.rtt_ms < p.timeout_ms);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* --- icmp ------------------------------------------------------------------------------- */

static void test_answered(void **state)
{
	struct probe p;
	int before;

	(void)state;
	stage();
	before = echos(false);
	p = icmp(here, "10.9.2.2");
	expect(p, true,
	       "^64 bytes from 10\\.9\\.2\\.2: icmp_seq=1 ttl=63 time=[0-9]+\\.[0-9]{2} ms$");
	assert_int_equal(echos(false), before + 1);

	before = echos(true);
	p = icmp(here, "fd09:2::2");
	expect(p, true, "^64 bytes from fd09:2::2: icmp_seq=1 ttl=63 time=[0-9]+\\.[0-9]{2} ms$");
	assert_int_equal(echos(true), before + 1);
}

static void test_source_and_interface(void **state)
{
	struct probe p;

	(void)state;
	stage();
	p = icmp(here, "10.9.2.2");
	p.interface = "h0";
	p.has_source = true;
	assert_int_equal(ip_addr_parse("10.9.1.1", &p.source), 0);
	expect(p, true, "^64 bytes from 10\\.9\\.2\\.2");
	assert_int_equal(ip_addr_parse("10.9.1.77", &p.source), 0);
	expect(p, false,
	       "^nothing was sent: bind to 10\\.9\\.1\\.77: Cannot assign requested address$");
	p.has_source = false;
	p.interface = "lo";
	expect(p, false, "^send to 10\\.9\\.2\\.2: |^no answer|Unreachable$");
	p.interface = "none";
	expect(p, false, "^nothing was sent: bind to interface none: No such device$");
}

static void test_not_answered(void **state)
{
	struct probe p;
	double start;
	int before;

	(void)state;
	stage();
	SET(there, "net/ipv4/icmp_echo_ignore_all", "1");
	p = icmp(here, "10.9.2.2");
	p.timeout_ms = 60;
	p.retries = 2;
	before = echos(false);
	start = now_ms();
	run(&p, 1);
	SET(there, "net/ipv4/icmp_echo_ignore_all", "0");
	assert_false(p.ok);
	assert_int_equal(p.attempts, 3);
	assert_string_equal(p.message, "no answer from 10.9.2.2 within 60 ms");
	assert_true(now_ms() - start >= 180);
	assert_int_equal(echos(false), before + 3);
}

static void test_error_messages(void **state)
{
	struct probe p;
	double start;

	(void)state;
	stage();
	expect(icmp(here, "10.9.3.1"), false,
	       "^From 10\\.9\\.1\\.254 icmp_seq=1 Destination Net Unreachable$");
	expect(icmp(here, "fd09:3::1"), false,
	       "^From fd09:1::fe icmp_seq=1 Destination unreachable: No route$");
	expect(icmp(here, "10.8.1.1"), false, "^send to 10\\.8\\.1\\.1: Network is unreachable$");
	expect(icmp(here, "fd08::1"), false, "^send to fd08::1: Network is unreachable$");
	SET(here, "net/ipv4/ip_default_ttl", "1");
	expect(icmp(here, "10.9.2.2"), false,
	       "^From 10\\.9\\.1\\.254 icmp_seq=1 Time to live exceeded$");
	SET(here, "net/ipv4/ip_default_ttl", "64");

	/* an attempt that fails at once still leaves its time to what may be coming up */
	p = icmp(here, "10.9.3.1");
	p.timeout_ms = 80;
	p.retries = 2;
	start = now_ms();
	run(&p, 1);
	assert_false(p.ok);
	assert_int_equal(p.attempts, 3);
	assert_string_equal(p.message, "From 10.9.1.254 icmp_seq=3 Destination Net Unreachable");
	assert_true(now_ms() - start >= 160);
	assert_true(now_ms() - start < 1000);
}

/* nobody has the address: the kernel gives up asking for it after three seconds, and what it
 * then says about the first attempt explains the last one */
static void test_host_unreachable(void **state)
{
	struct probe p;

	(void)state;
	stage();
	p = icmp(here, "10.9.1.77");
	p.timeout_ms = 1000;
	p.retries = 3;
	run(&p, 1);
	assert_false(p.ok);
	assert_non_null(strstr(p.message, "From 10.9.1.1 icmp_seq="));
	assert_non_null(strstr(p.message, "Destination Host Unreachable"));
}

struct forger {
	int fd;
	int flaw;
};

enum { FLAW_NONE, FLAW_ID, FLAW_SEQ, FLAW_COOKIE };

/* answers one echo request in the kernel's stead, with one thing wrong */
static void *forge(void *arg)
{
	struct forger *f = arg;
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t buf[1500];
	ssize_t n = recvfrom(f->fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
	struct icmphdr *icmp = (struct icmphdr *)(buf + 20);
	uint32_t sum = 0;

	if (n < 20 + 64)
		return NULL;
	n -= 20;
	icmp->type = ICMP_ECHOREPLY;
	icmp->checksum = 0;
	if (f->flaw == FLAW_ID)
		icmp->un.echo.id ^= 1;
	if (f->flaw == FLAW_SEQ)
		icmp->un.echo.sequence ^= 1;
	if (f->flaw == FLAW_COOKIE)
		buf[20 + 8] ^= 1;
	for (ssize_t i = 0; i < n; i += 2)
		sum += (uint32_t)(buf[20 + i] << 8 | buf[20 + i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	icmp->checksum = htons((uint16_t)~sum);
	sendto(f->fd, icmp, (size_t)n, 0, (struct sockaddr *)&from, len);
	return NULL;
}

static void test_strangers_replies(void **state)
{
	struct icmp_filter filter = {.data = ~(1U << ICMP_ECHO)};
	struct err e = ERR_INIT;
	struct forger f;
	struct probe p;
	pthread_t thread;

	(void)state;
	stage();
	SET(there, "net/ipv4/icmp_echo_ignore_all", "1");
	for (f.flaw = FLAW_NONE; f.flaw <= FLAW_COOKIE; f.flaw++) {
		f.fd = ns_socket(there, AF_INET, SOCK_RAW, IPPROTO_ICMP, &e);
		assert_true(f.fd >= 0);
		assert_int_equal(setsockopt(f.fd, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter)),
				 0);
		assert_int_equal(pthread_create(&thread, NULL, forge, &f), 0);
		p = icmp(here, "10.9.2.2");
		p.timeout_ms = f.flaw == FLAW_NONE ? 2000 : 100;
		run(&p, 1);
		pthread_join(thread, NULL);
		close(f.fd);
		assert_int_equal(p.ok, f.flaw == FLAW_NONE);
	}
	SET(there, "net/ipv4/icmp_echo_ignore_all", "0");
}

/* what an ordinary user gets where the namespace allows ping sockets */
static int as_nobody(void *arg, struct err *e)
{
	const char *const *targets = arg;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct probe p[2] = {icmp(-1, targets[0]), icmp(-1, targets[1])};

		p[1].retries = 1;
		p[1].timeout_ms = 100;
		if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
		    setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		if (probe_run(p, 2, NULL, NULL, NULL, e) < 0 || !p[0].ok)
			_exit(3);
		/* the error queue works for ping sockets, too */
		_exit(!p[1].ok && p[1].attempts == 2 && strstr(p[1].message, "nreachable") ? 0 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void test_ping_socket(void **state)
{
	static const char *const v4[] = {"10.9.2.2", "10.9.3.1"};
	static const char *const v6[] = {"fd09:2::2", "fd09:3::1"};
	struct err e = ERR_INIT;

	(void)state;
	stage();
	SET(here, "net/ipv4/ping_group_range", "0 65535");
	assert_int_equal(ns_run(here, as_nobody, (void *)v4, &e), 0);
	assert_int_equal(ns_run(here, as_nobody, (void *)v6, &e), 0);
}

/* --- tcp -------------------------------------------------------------------------------- */

/* a bound socket in `there`; it refuses until somebody calls listen() */
static int bound(const char *endpoint)
{
	struct ip_endpoint ep;
	struct sockaddr_storage sa;
	struct err e = ERR_INIT;
	int fd, on = 1;

	assert_int_equal(ip_endpoint_parse(endpoint, &ep), 0);
	fd = ns_socket(there, ep.addr.family, SOCK_STREAM, 0, &e);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, ip_sockaddr(&ep, &sa)), 0);
	return fd;
}

static void test_tcp(void **state)
{
	_cleanup_close_ int v4 = -1, v6 = -1;
	struct probe p;

	(void)state;
	stage();
	v4 = bound("10.9.2.2:80");
	v6 = bound("[fd09:2::2]:80");
	expect(tcp(here, "10.9.2.2:80"), false,
	       "^connect to 10\\.9\\.2\\.2:80: Connection refused$");
	listen(v4, 5);
	listen(v6, 5);
	expect(tcp(here, "10.9.2.2:80"), true,
	       "^connected to 10\\.9\\.2\\.2:80 in [0-9]+\\.[0-9]{2} ms$");
	expect(tcp(here, "[fd09:2::2]:80"), true,
	       "^connected to \\[fd09:2::2\\]:80 in [0-9]+\\.[0-9]{2} ms$");
	p = tcp(here, "10.9.2.2:80");
	p.has_source = true;
	assert_int_equal(ip_addr_parse("10.9.1.1", &p.source), 0);
	p.interface = "h0";
	expect(p, true, "^connected");
	expect(tcp(here, "10.9.3.1:80"), false,
	       "^connect to 10\\.9\\.3\\.1:80: (Network is|No route to host|Host is un)");
	expect(tcp(here, "10.8.0.1:80"), false,
	       "^connect to 10\\.8\\.0\\.1:80: Network is unreachable$");
	p = tcp(here, "10.9.1.77:80");
	p.timeout_ms = 50;
	expect(p, false, "^no answer from 10\\.9\\.1\\.77 within 50 ms$");
}

static void start_listening(const struct probe *p, void *arg)
{
	const int *fd = arg;

	if (p->method == PROBE_ICMP)
		assert_int_equal(listen(*fd, 5), 0);
}

/* refused twice, then somebody listens */
static void test_retry(void **state)
{
	struct probe p[2];
	struct err e = ERR_INIT;
	_cleanup_close_ int fd = -1;

	(void)state;
	stage();
	fd = bound("10.9.2.2:81");
	p[0] = tcp(here, "10.9.2.2:81");
	p[0].timeout_ms = 200;
	p[0].retries = 5;
	p[1] = icmp(here, "10.9.1.77");
	p[1].timeout_ms = 300;
	assert_int_equal(probe_run(p, 2, NULL, start_listening, &fd, &e), 0);
	assert_false(p[1].ok);
	assert_true(p[0].ok);
	assert_int_equal(p[0].attempts, 3);
}

/* --- the run ---------------------------------------------------------------------------- */

static void test_thousand(void **state)
{
	static struct probe p[1000];
	struct rlimit old, low;
	double start;
	int before;

	(void)state;
	stage();
	getrlimit(RLIMIT_NOFILE, &old);
	low = old;
	low.rlim_cur = 64;
	setrlimit(RLIMIT_NOFILE, &low);
	before = echos(false);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = icmp(i % 2 ? here : router, i % 4 < 2 ? "10.9.2.2" : "10.9.1.1");
	start = now_ms();
	run(p, ARRAY_SIZE(p));
	setrlimit(RLIMIT_NOFILE, &old);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		if (!p[i].ok)
			fail_msg("probe %zu: %s", i, p[i].message);
	assert_int_equal(echos(false), before + 500);
	assert_true(now_ms() - start < 2000);
}

static volatile sig_atomic_t stop;

static void stop_now(const struct probe *p, void *arg)
{
	(void)p;
	(void)arg;
	stop = 1;
}

static void test_stop(void **state)
{
	struct probe p[2];
	struct err e = ERR_INIT;
	double start = now_ms();

	(void)state;
	stage();
	p[0] = icmp(here, "10.9.2.2");
	p[1] = icmp(here, "10.9.1.77");
	p[1].timeout_ms = 60000;
	assert_int_equal(probe_run(p, 2, &stop, stop_now, NULL, &e), -EINTR);
	assert_true(p[0].ok);
	assert_true(now_ms() - start < 2000);
	assert_int_equal(probe_run(NULL, 0, NULL, NULL, NULL, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answered),
		cmocka_unit_test(test_source_and_interface),
		cmocka_unit_test(test_not_answered),
		cmocka_unit_test(test_error_messages),
		cmocka_unit_test(test_host_unreachable),
		cmocka_unit_test(test_strangers_replies),
		cmocka_unit_test(test_ping_socket),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_thousand),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

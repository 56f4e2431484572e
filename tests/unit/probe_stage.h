/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stage of the probes' tests: three throw-away namespaces in a row: here - router - there.
 *
 *	here  10.9.1.1 fd09:1::1 --- 10.9.1.254 fd09:1::fe  router
 *	there 10.9.2.2 fd09:2::2 --- 10.9.2.254 fd09:2::fe  router
 *
 * The kernel's own counters of `there` are the independent witness of what was sent.
 */
#ifndef WARREN_TESTS_UNIT_PROBE_STAGE_H
#define WARREN_TESTS_UNIT_PROBE_STAGE_H

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/ns.h"
#include "probe/probe.h"

extern char **environ;

static int here = -1, router = -1, there = -1;

/* --- the stage ------------------------------------------------------------------------- */

struct command {
	const char *argv[24];
};

static int spawn(void *arg, struct err *e)
{
	struct command *c = arg;
	pid_t pid;
	int status;

	(void)e;
	if (posix_spawnp(&pid, c->argv[0], NULL, NULL, (char **)c->argv, environ) != 0)
		return -ENOENT;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status ? -EIO : 0;
}

#define IN(ns, ...)                                                           \
	do {                                                                  \
		struct err in_e = ERR_INIT;                                   \
		struct command in_c = {{__VA_ARGS__, NULL}};                  \
		if (ns_run(ns, spawn, &in_c, &in_e) != 0)                     \
			fail_msg("%s %s failed", in_c.argv[0], in_c.argv[1]); \
	} while (0)

static int new_namespace(void *arg, struct err *e)
{
	(void)arg;
	if (unshare(CLONE_NEWNET) < 0)
		return err_errno(e, "unshare");
	/* addresses are usable at once */
	FILE *f = fopen("/proc/sys/net/ipv6/conf/default/accept_dad", "w");

	assert_true(f && fputs("0", f) >= 0 && fclose(f) == 0);
	return ns_open_self(e);
}

#define SET(ns, key, value) IN(ns, "sysctl", "-qw", key "=" value)

static void join(int a, const char *name, int b, const char *peer)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), b);
	IN(a, "ip", "link", "add", name, "type", "veth", "peer", "name", peer, "netns", path);
}

static void address(int ns, const char *dev, const char *v4, const char *v6)
{
	IN(ns, "ip", "link", "set", "lo", "up");
	IN(ns, "ip", "address", "add", v4, "dev", dev);
	IN(ns, "ip", "address", "add", v6, "dev", dev, "nodad");
	IN(ns, "ip", "link", "set", dev, "up");
}

/* setting up cannot skip(): every test asks by calling stage() */
static void stage(void)
{
	struct err e = ERR_INIT;

	if (geteuid() != 0) {
		print_message("not root: probes need namespaces of their own\n");
		skip();
	}
	if (here >= 0)
		return;
	here = ns_run(-1, new_namespace, NULL, &e);
	router = ns_run(-1, new_namespace, NULL, &e);
	there = ns_run(-1, new_namespace, NULL, &e);
	if (here < 0 || router < 0 || there < 0)
		fail_msg("%s", e.msg);
	join(here, "h0", router, "r1");
	join(there, "t0", router, "r2");
	address(here, "h0", "10.9.1.1/24", "fd09:1::1/64");
	address(router, "r1", "10.9.1.254/24", "fd09:1::fe/64");
	address(router, "r2", "10.9.2.254/24", "fd09:2::fe/64");
	address(there, "t0", "10.9.2.2/24", "fd09:2::2/64");
	SET(router, "net/ipv4/ip_forward", "1");
	SET(router, "net/ipv6/conf/all/forwarding", "1");
	SET(router, "net/ipv4/icmp_ratelimit", "0");
	SET(there, "net/ipv4/icmp_ratelimit", "0");
	SET(router, "net/ipv6/icmp/ratelimit", "0");
	/* a reject rule, since the rate of errors about missing routes is limited for good */
	IN(router, "ip", "route", "add", "10.9.3.0/24", "via", "10.9.2.2");
	IN(router, "nft",
	   "add table ip t; add chain ip t c { type filter hook forward priority 0; }; "
	   "add rule ip t c ip daddr 10.9.3.0/24 reject with icmp net-unreachable");
	IN(here, "ip", "route", "add", "10.9.0.0/16", "via", "10.9.1.254");
	IN(here, "ip", "route", "add", "fd09::/16", "via", "fd09:1::fe");
	IN(there, "ip", "route", "add", "10.9.0.0/16", "via", "10.9.2.254");
	IN(there, "ip", "route", "add", "fd09::/16", "via", "fd09:2::fe");
	/* neighbours of a link that has just come up may answer the second question only */
	struct probe warm = {.method = PROBE_ICMP, .ns_fd = here, .retries = 9, .timeout_ms = 1000};

	assert_int_equal(ip_addr_parse("fd09:2::2", &warm.target.addr), 0);
	assert_int_equal(probe_run(&warm, 1, NULL, NULL, NULL, &e), 0);
	assert_true(warm.ok);
}

static struct probe icmp(int ns, const char *target)
{
	struct probe p = {.method = PROBE_ICMP, .ns_fd = ns, .timeout_ms = 2000};

	assert_int_equal(ip_addr_parse(target, &p.target.addr), 0);
	return p;
}

static struct probe tcp(int ns, const char *target)
{
	struct probe p = {.method = PROBE_TCP, .ns_fd = ns, .timeout_ms = 2000};

	assert_int_equal(ip_endpoint_parse(target, &p.target), 0);
	return p;
}

static void run(struct probe *p, size_t n)
{
	struct err e = ERR_INIT;

	if (probe_run(p, n, NULL, NULL, NULL, &e) != 0)
		fail_msg("%s", e.msg);
}

/* echo requests that `there` has counted: InEchos, or Icmp6InEchos */
static int count_echos(void *arg, struct err *e)
{
	static const char key[] = "Icmp6InEchos";
	const bool *v6 = arg;
	_cleanup_free_ char *text = NULL;
	const char *line, *name;
	int column = 0;

	assert_int_equal(
		io_read_file(*v6 ? "/proc/thread-self/net/snmp6" : "/proc/thread-self/net/snmp",
			     65536, &text, NULL, e),
		0);
	if (*v6)
		return (int)strtol(strstr(text, key) + strlen(key), NULL, 10);
	/* two lines: names, then values */
	line = strstr(text, "Icmp: ");
	name = strstr(line, "InEchos");
	for (const char *c = line; c < name; c++)
		column += *c == ' ';
	line = strstr(line + 1, "Icmp: ");
	while (column--)
		line = strchr(line + 1, ' ');
	return (int)strtol(line, NULL, 10);
}

static int echos(bool v6)
{
	struct err e = ERR_INIT;

	return ns_run(there, count_echos, &v6, &e);
}

#endif

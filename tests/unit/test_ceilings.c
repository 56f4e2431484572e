/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ceilings of the machine: which are an error, which a note, and with what numbers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "lab/ceilings.h"

static char proc[] = "/tmp/warren-ceilings-XXXXXX";

/* a limit below the /proc of the test; NULL: no such file */
static void set(const char *file, const char *value)
{
	struct err e = ERR_INIT;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", proc, file);
	if (!value) {
		unlink(path);
		return;
	}
	for (char *c = path + strlen(proc) + 1; (c = strchr(c, '/')); c++) {
		*c = '\0';
		mkdir(path, 0700);
		*c = '/';
	}
	assert_int_equal(io_write_file(path, value, strlen(value), 0600, &e), 0);
}

static char said[2048];

static void note(const char *text, void *arg)
{
	(void)arg;
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", text);
}

static int check(const struct demand *d, struct err *e)
{
	said[0] = '\0';
	*e = (struct err)ERR_INIT;
	return ceilings_check(proc, d, note, NULL, e);
}

static const struct demand large = {
	.namespaces = 1003, .tenants = 1000, .tenants_v6 = 10, .processes = 1002};

static void test_errors(void **state)
{
	static const struct {
		const char *file, *low, *enough, *numbers, *hint;
	} limits[] = {
		{"sys/user/max_net_namespaces", "1002\n", "1003\n", "1003 are needed, and 1002 are",
		 "user.max_net_namespaces"},
		{"sys/fs/mount-max", "1002\n", "1003\n", "1003 are needed", "fs.mount-max"},
		{"sys/fs/inotify/max_user_instances", "128\n", "1002\n",
		 "1002 are needed, and 128 are", "fs.inotify.max_user_instances=1130"},
		{"sys/fs/inotify/max_user_watches", "1001\n", "1002\n", "1002 are needed",
		 "fs.inotify.max_user_watches"},
		{"sys/kernel/pid_max", "11019\n", "11020\n", "11020 are needed", "kernel.pid_max"},
		{"sys/kernel/threads-max", "11019\n", "11020\n", "11020 are needed",
		 "kernel.threads-max"},
		{"sys/fs/file-max", "13023\n", "13024\n", "13024 are needed", "fs.file-max"},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		set(limits[i].file, limits[i].low);
		assert_int_equal(check(&large, &e), -EMFILE);
		assert_int_equal(e.kind, ERR_CANNOT);
		assert_non_null(strstr(e.msg, limits[i].numbers));
		assert_non_null(strstr(e.hint, limits[i].hint));
		set(limits[i].file, limits[i].enough);
		assert_int_equal(check(&large, &e), 0);
		/* a limit that cannot be read is none */
		set(limits[i].file, NULL);
		assert_int_equal(check(&large, &e), 0);
	}
	assert_string_equal(said, "");
}

static void test_notes(void **state)
{
	static const struct {
		const char *file, *low, *enough, *text;
	} limits[] = {
		{"sys/net/ipv4/neigh/default/gc_thresh3", "1024\n", "2000\n",
		 "2000 are needed when all are busy, 1024 are allowed: sysctl "
		 "net.ipv4.neigh.default.gc_thresh3=2128"},
		{"sys/net/ipv6/neigh/default/gc_thresh3", "19\n", "20\n", "20 are needed"},
		{"sys/net/ipv6/route/max_size", "9\n", "10\n", "10 are needed"},
		{"sys/net/nf_conntrack_max", "262144\n", "500000\n",
		 "500000 are needed when all are busy, 262144 are allowed"},
		{"meminfo", "MemTotal: 1 kB\nMemAvailable:    1048576 kB\n",
		 "MemAvailable:   7000000 kB\n",
		 "1002 processes of wireguard-go take 6012 MiB idle, and 1024 MiB are available"},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		set(limits[i].file, limits[i].low);
		assert_int_equal(check(&large, &e), 0);
		if (!strstr(said, limits[i].text))
			fail_msg("%s: said `%s`", limits[i].file, said);
		set(limits[i].file, limits[i].enough);
		assert_int_equal(check(&large, &e), 0);
		assert_string_equal(said, "");
		set(limits[i].file, NULL);
	}
}

/* a lab of a few meets none of a machine as it comes */
static void test_small(void **state)
{
	const struct demand small = {.namespaces = 6, .tenants = 2, .processes = 4};
	struct err e;

	(void)state;
	set("sys/fs/inotify/max_user_instances", "128\n");
	set("sys/net/ipv4/neigh/default/gc_thresh3", "1024\n");
	set("sys/net/nf_conntrack_max", "16384\n");
	set("sys/kernel/pid_max", "4194304\n");
	assert_int_equal(check(&small, &e), 0);
	assert_string_equal(said, "");
}

/* tenants' own limits count for what they are */
static void limited(void **state)
{
	struct demand d = {.namespaces = 10, .tenants = 10, .limited = 4, .sessions = 20000};
	struct err e;

	(void)state;
	set("sys/net/nf_conntrack_max", "22999\n");
	assert_int_equal(check(&d, &e), 0);
	if (!strstr(said,
		    "sessions, 20000 by the limits of 4 tenants and 500 for each of 6: 23000 are "
		    "needed when all are busy, 22999 are allowed"))
		fail_msg("%s", said);
	set("sys/net/nf_conntrack_max", "23000\n");
	assert_int_equal(check(&d, &e), 0);
	assert_string_equal(said, "");
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(proc) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	/* files of fixed names in folders of our own */
	snprintf(command, sizeof(command), "%s/meminfo", proc);
	unlink(command);
	static const char *const left[] = {
		"sys/fs/inotify/max_user_instances",
		"sys/net/ipv4/neigh/default/gc_thresh3",
		"sys/net/nf_conntrack_max",
		"sys/kernel/pid_max",
		"sys/user",
		"sys/fs/inotify",
		"sys/fs",
		"sys/kernel",
		"sys/net/ipv4/neigh/default",
		"sys/net/ipv4/neigh",
		"sys/net/ipv4",
		"sys/net/ipv6/neigh/default",
		"sys/net/ipv6/neigh",
		"sys/net/ipv6/route",
		"sys/net/ipv6",
		"sys/net",
		"sys",
		"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
		snprintf(command, sizeof(command), "%s/%s", proc, left[i]);
		remove(command);
	}
	return access(proc, F_OK) == 0 ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_small),
		cmocka_unit_test(limited),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

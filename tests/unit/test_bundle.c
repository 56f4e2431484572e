/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A topology as a folder: the one text that it becomes, and what may happen while it is read;
 * test_bundle_split.c takes such a text apart.
 * fstat() is ours, so that a test can do something between two looks at a file.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "lab/bundle.h"
#include "lab/load.h"

/* --- what happens while a file is read ----------------------------------------------------- */

static void (*on_fstat)(int nth); /* before the nth fstat(), from 1 */
static int fstats;

int fstat(int fd, struct stat *st)
{
	static int (*real)(int, struct stat *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fstat");
	if (on_fstat)
		on_fstat(++fstats);
	return real(fd, st);
}

/* --- folders --------------------------------------------------------------------------------- */

static char dir[64];

static const char *in_dir(const char *name)
{
	static char buf[2][256];
	static int which;

	which = !which;
	snprintf(buf[which], sizeof(buf[which]), "%s/%s", dir, name);
	return buf[which];
}

/* in place, as `echo TEXT >FILE` does */
static void put(const char *name, const char *text)
{
	int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_bundle.XXXXXX");
	if (!mkdtemp(dir) || mkdir(in_dir("tenants.d"), 0755) < 0)
		return -1;
	put("topology.yaml", "name: x\n");
	put("tenants.d/a.yaml", "a: {}\n");
	on_fstat = NULL;
	fstats = 0;
	return 0;
}

static int teardown(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	on_fstat = NULL;
	pid = fork();
	if (!pid) {
		execlp("rm", "rm", "-rf", dir, NULL);
		_exit(1);
	}
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static char *read_dir(const char *path)
{
	struct err e = ERR_INIT;
	char *text = NULL;
	bool folder;
	size_t len;

	if (bundle_read(path, &text, &len, &folder, &e) < 0)
		fail_msg("%s", e.msg);
	assert_true(folder);
	assert_int_equal(len, strlen(text));
	return text;
}

static void check_text(const char *wanted)
{
	char *text _cleanup_free_ = read_dir(dir);

	assert_string_equal(text, wanted);
}

/* reading fails with @code, and says @said of DIR/@name */
static void check_refused(const char *name, int code, const char *said)
{
	struct err e = ERR_INIT;
	char *text = NULL, wanted[512];
	bool folder;
	size_t len;

	assert_int_equal(bundle_read(dir, &text, &len, &folder, &e), -code);
	snprintf(wanted, sizeof(wanted), "%s%s%s", dir, *name ? "/" : "", name);
	assert_memory_equal(e.msg, wanted, strlen(wanted));
	assert_string_equal(e.msg + strlen(wanted), said);
	assert_null(text);
}

#define BASE                   \
	"#!warren bundle 1\n"  \
	"6 tenants.d/a.yaml\n" \
	"a: {}\n\n"
#define TOP                 \
	"8 topology.yaml\n" \
	"name: x\n\n"

static void test_text(void **state)
{
	char path[80], *text;

	(void)state;
	check_text(BASE TOP);
	put("tenants.d/b.yaml", ""); /* an empty file is a file */
	mkdir(in_dir("tenants.d/gw"), 0755);
	put("tenants.d/gw/b.yaml", "no newline");
	put("tenants.d/B.yaml", "B");
	check_text("#!warren bundle 1\n1 tenants.d/B.yaml\nB\n6 tenants.d/a.yaml\na: {}\n\n"
		   "0 tenants.d/b.yaml\n\n10 tenants.d/gw/b.yaml\nno newline\n" TOP);
	snprintf(path, sizeof(path), "%s//", dir);
	text = read_dir(path);
	free(text);
}

static void test_without_tenants(void **state)
{
	(void)state;
	unlink(in_dir("tenants.d/a.yaml"));
	check_text("#!warren bundle 1\n" TOP);
	rmdir(in_dir("tenants.d"));
	check_text("#!warren bundle 1\n" TOP);
	put("tenants.d", "");
	check_refused("tenants.d", ENOTDIR, ": Not a directory");
	unlink(in_dir("topology.yaml"));
	check_refused("topology.yaml", ENOENT, ": No such file or directory");
}

static void test_passed_over(void **state)
{
	static const char *const names[] = {
		"tenants.d/.hidden.yaml", "tenants.d/.#a.yaml",   "tenants.d/a.yaml~",
		"tenants.d/#a.yaml#",     "tenants.d/a.yml",      "tenants.d/a.yaml.dpkg-old",
		"tenants.d/README",       "tenants.d/.yaml",      "tenants.d/sub/b.yml",
		"tenants.d/.git/b.yaml",  "tenants.d/old~/b.yaml"};

	(void)state;
	mkdir(in_dir("tenants.d/sub"), 0755);
	mkdir(in_dir("tenants.d/sub/deep"), 0755);
	mkdir(in_dir("tenants.d/.git"), 0755);
	mkdir(in_dir("tenants.d/old~"), 0755);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		put(names[i], "x");
	assert_int_equal(symlink("nowhere", in_dir("tenants.d/.#lock.yaml")), 0);
	assert_int_equal(symlink("nowhere", in_dir("tenants.d/link")), 0);
	assert_int_equal(mkfifo(in_dir("tenants.d/fifo"), 0600), 0);
	check_text(BASE TOP);
}

static void test_links(void **state)
{
	(void)state;
	mkdir(in_dir("elsewhere"), 0755);
	put("elsewhere/real", "b: {}\n");
	assert_int_equal(symlink("../elsewhere/real", in_dir("tenants.d/b.yaml")), 0);
	assert_int_equal(symlink("../elsewhere", in_dir("tenants.d/gw")), 0);
	assert_int_equal(symlink("real", in_dir("elsewhere/c.yaml")), 0);
	check_text(BASE "6 tenants.d/b.yaml\nb: {}\n\n6 tenants.d/gw/c.yaml\nb: {}\n\n" TOP);
	assert_int_equal(symlink("nowhere", in_dir("tenants.d/z.yaml")), 0);
	check_refused("tenants.d/z.yaml", ENOENT, ": No such file or directory");
	unlink(in_dir("tenants.d/z.yaml"));
	assert_int_equal(symlink("z.yaml", in_dir("tenants.d/z.yaml")), 0);
	check_refused("tenants.d/z.yaml", ELOOP, ": Too many levels of symbolic links");
}

/* it is not opened: opening a pipe that nobody writes to would block */
static void test_not_files(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(mkfifo(in_dir("tenants.d/f.yaml"), 0600), 0);
	check_refused("tenants.d/f.yaml", EINVAL, ": not a file");
	unlink(in_dir("tenants.d/f.yaml"));
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", in_dir("tenants.d/s.yaml"));
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	check_refused("tenants.d/s.yaml", EINVAL, ": not a file");
	unlink(in_dir("tenants.d/s.yaml"));
	assert_int_equal(symlink("/dev/zero", in_dir("tenants.d/d.yaml")), 0);
	check_refused("tenants.d/d.yaml", EINVAL, ": not a file");
	unlink(in_dir("tenants.d/d.yaml"));
	mkdir(in_dir("tenants.d/gw"), 0755);
	mkdir(in_dir("tenants.d/gw/dir.yaml"), 0755);
	check_refused("tenants.d/gw/dir.yaml", EINVAL, ": not a file");
	rmdir(in_dir("tenants.d/gw/dir.yaml"));
	put("tenants.d/gw/new\nline.yaml", "");
	check_refused("tenants.d/gw/new?line.yaml", EINVAL, ": the name is not legible text");
	unlink(in_dir("tenants.d/gw/new\nline.yaml"));
	put("tenants.d/\xff.yaml", "");
	check_refused("tenants.d/\xff.yaml", EINVAL, ": the name is not legible text");
	unlink(in_dir("tenants.d/\xff.yaml"));
	unlink(in_dir("topology.yaml"));
	assert_int_equal(mkfifo(in_dir("topology.yaml"), 0600), 0);
	check_refused("topology.yaml", EINVAL, ": not a file");
}

static void test_not_readable(void **state)
{
	uid_t me = geteuid();

	(void)state;
	chmod(dir, 0755);
	chmod(in_dir("tenants.d/a.yaml"), 0);
	assert_int_equal(me ? 0 : seteuid(65534), 0); /* nothing stops root */
	check_refused("tenants.d/a.yaml", EACCES, ": Permission denied");
	assert_int_equal(seteuid(me), 0);
	chmod(in_dir("tenants.d"), 0);
	assert_int_equal(me ? 0 : seteuid(65534), 0);
	check_refused("tenants.d", EACCES, ": Permission denied");
	assert_int_equal(seteuid(me), 0);
	chmod(in_dir("tenants.d"), 0755);
}

/* the limit is that of all files together, headers included */
static void test_too_large(void **state)
{
	size_t rest = LAB_FILE_MAX - strlen(BASE TOP) - strlen("8000000 tenants.d/b.yaml\n\n");
	char *text;

	(void)state;
	put("tenants.d/b.yaml", "");
	assert_int_equal(truncate(in_dir("tenants.d/b.yaml"), (off_t)rest), 0);
	text = NULL;
	{
		struct err e = ERR_INIT;
		bool folder;
		size_t len;

		assert_int_equal(bundle_read(dir, &text, &len, &folder, &e), 0);
		assert_int_equal(len, LAB_FILE_MAX);
		free(text);
	}
	assert_int_equal(truncate(in_dir("tenants.d/b.yaml"), (off_t)rest + 1), 0);
	check_refused("", EFBIG, ": File too large");
	assert_int_equal(truncate(in_dir("tenants.d/b.yaml"), (off_t)1 << 40), 0);
	check_refused("", EFBIG, ": File too large");
}

/* --- changes ----------------------------------------------------------------------------------- */

/* each file is looked at before and after it is read: a.yaml first, topology.yaml last */
#define A_BEFORE  1
#define A_AFTER   2
#define TOP_AFTER 4

static void grow_once(int nth)
{
	if (nth == A_AFTER)
		put("tenants.d/a.yaml", "a: {number: 1}\n");
}

static void same_size_once(int nth)
{
	if (nth == A_AFTER)
		put("tenants.d/a.yaml", "b: {}\n");
}

static void after_it_was_read(int nth)
{
	if (nth == TOP_AFTER)
		put("tenants.d/a.yaml", "b: {}\n");
}

static void replaced(int nth)
{
	if (nth != A_AFTER)
		return;
	put("new", "b: {}\n");
	assert_int_equal(rename(in_dir("new"), in_dir("tenants.d/a.yaml")), 0);
}

static void other_file(int nth)
{
	if (nth == TOP_AFTER)
		put("tenants.d/b.yaml", "");
}

static void removed(int nth)
{
	if (nth == A_AFTER)
		unlink(in_dir("tenants.d/a.yaml"));
}

static void test_read_again(void **state)
{
	static const struct {
		void (*change)(int nth);
		const char *text;
	} cases[] = {
		{grow_once, "#!warren bundle 1\n15 tenants.d/a.yaml\na: {number: 1}\n\n" TOP},
		{same_size_once, "#!warren bundle 1\n6 tenants.d/a.yaml\nb: {}\n\n" TOP},
		{after_it_was_read, "#!warren bundle 1\n6 tenants.d/a.yaml\nb: {}\n\n" TOP},
		{replaced, "#!warren bundle 1\n6 tenants.d/a.yaml\nb: {}\n\n" TOP},
		{other_file, BASE "0 tenants.d/b.yaml\n\n" TOP},
		{removed, "#!warren bundle 1\n" TOP},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put("tenants.d/a.yaml", "a: {}\n");
		unlink(in_dir("tenants.d/b.yaml"));
		fstats = 0;
		on_fstat = cases[i].change;
		check_text(cases[i].text);
		on_fstat = NULL;
		assert_true(fstats > A_AFTER + 1);
	}
}

static void grow_always(int nth)
{
	char text[] = "a: {}\n      ";

	text[6 + nth % 6] = '\0';
	put("tenants.d/a.yaml", text);
}

static void truncate_always(int nth)
{
	put("tenants.d/a.yaml", nth % 2 ? "" : "a: {}\n");
}

static void replaced_always(int nth)
{
	(void)nth;
	put("new", "");
	assert_int_equal(rename(in_dir("new"), in_dir("tenants.d/b.yaml")), 0);
}

static void test_keeps_changing(void **state)
{
	(void)state;
	on_fstat = grow_always;
	check_refused("tenants.d/a.yaml", EAGAIN, " changes while it is read: try again");
	on_fstat = truncate_always;
	check_refused("tenants.d/a.yaml", EAGAIN, " changes while it is read: try again");
	on_fstat = NULL;
	put("tenants.d/a.yaml", "a: {}\n");
	put("tenants.d/b.yaml", "");
	on_fstat = replaced_always;
	check_refused("tenants.d/b.yaml", EAGAIN, " changes while it is read: try again");
}

static void lone_once(int nth)
{
	if (nth == 1)
		put("topology.yaml", "name: other\n");
}

static void lone_always(int nth)
{
	put("topology.yaml", nth % 2 ? "name: y\n" : "name: other\n");
}

static void test_lone_file(void **state)
{
	char path[128], *text = NULL;
	struct err e = ERR_INIT;
	bool folder = true;
	size_t len;

	(void)state;
	snprintf(path, sizeof(path), "%s/topology.yaml", dir);
	on_fstat = lone_once;
	assert_int_equal(bundle_read(path, &text, &len, &folder, &e), 0);
	assert_string_equal(text, "name: other\n");
	assert_false(folder);
	assert_true(fstats > 1);
	free(text);
	text = NULL;
	on_fstat = lone_always;
	assert_int_equal(bundle_read(path, &text, &len, &folder, &e), -EAGAIN);
	assert_non_null(strstr(e.msg, "topology.yaml changes while it is read: try again"));
	assert_null(text);
}

/* --- what becomes of it --------------------------------------------------------------------------- */

/* the folder's model, printed */
static char *print_dir(void)
{
	char *text _cleanup_free_ = read_dir(dir), *out = NULL;
	struct topology *t = NULL;
	struct err e = ERR_INIT;
	struct diags d;
	size_t size;
	FILE *f;

	if (topology_load_as("DIR/", text, strlen(text), dir, "", &t, &d, &e) < 0)
		fail_msg("%s:%d: %s", d.v[0].file, d.v[0].line, d.v[0].text);
	f = open_memstream(&out, &size);
	topology_print(t, SECRETS_SHOWN, f);
	fclose(f);
	diags_free(&d);
	topology_free(t);
	return out;
}

static const char gateway[] = "name: x\nhosts:\n  gw:\n    bridges: {br: [10.0.0.1/16]}\n"
			      "    gateway: {bridge: br, tenants: {inline: {}}}\n";

/* in which file a tenant is makes no difference; nor does what the files are called */
static void test_any_order(void **state)
{
	char *one _cleanup_free_ = NULL, *two _cleanup_free_ = NULL;

	(void)state;
	put("topology.yaml", gateway);
	put("tenants.d/a.yaml", "c10: {peers: [{tenant: gw/c2}]}\nc2: {routes: [{to: default, "
				"dev: eth-c2-nsB, metric: 5}]}\n");
	put("tenants.d/b.yaml", "\"t{8..11}\": {peers: [{tenant: gw/inline}]}\nb: {}\n");
	one = print_dir();
	put("tenants.d/0.yaml",
	    "b: {}\nc2: {routes: [{to: default, dev: eth-c2-nsB, metric: 5}]}\n");
	put("tenants.d/a.yaml", "\"t{8..11}\": {peers: [{tenant: gw/inline}]}\n");
	put("tenants.d/b.yaml", "c10: {peers: [{tenant: gw/c2}]}\n");
	two = print_dir();
	assert_string_equal(one, two);
	assert_true(strstr(one, " inline:") < strstr(one, " b:"));
	assert_true(strstr(one, " b:") < strstr(one, " c2:"));
	assert_true(strstr(one, " c2:") < strstr(one, " c10:"));
	assert_true(strstr(one, " t9:") < strstr(one, " t10:"));
}

/*
 * The port and address that a name gets from a pool: labs depend on them, so they are not to
 * change with a new version.  Another file moves a tenant only where both want one place.
 */
static void test_pools(void **state)
{
	static const char lone[] = "        c:\n          number: 0\n          netns: c\n"
				   "          listen_port: 63705\n"
				   "          napt_addresses: [10.0.225.166/16]\n";
	char *out;

	(void)state;
	put("topology.yaml", gateway);
	put("tenants.d/a.yaml", "c: {}\n");
	out = print_dir();
	if (!strstr(out, lone))
		fail_msg("%s", out);
	free(out);
	put("tenants.d/0.yaml", "\"a{1..50}\": {}\n");
	put("tenants.d/z.yaml", "\"z{1..50}\": {}\n");
	out = print_dir();
	if (!strstr(out, lone))
		fail_msg("%s", out);
	assert_non_null(strstr(out, "inline:\n          number: 0\n          netns: inline\n"
				    "          listen_port: 51820\n"
				    "          napt_addresses: [10.0.0.2/16]\n"));
	free(out);
}

/* every place of a pool is found, and none is given twice */
static void test_full_pool(void **state)
{
	char *out, *p;
	bool seen[61] = {false};
	int n = 0;

	(void)state;
	put("topology.yaml", "name: x\nhosts:\n  gw:\n    bridges: {br: [10.0.0.1/26]}\n"
			     "    gateway: {bridge: br, pools: {listen_port: 5000-5060}}\n");
	put("tenants.d/a.yaml", "\"a{1..61}\": {}\n");
	out = print_dir();
	for (p = out; (p = strstr(p, "listen_port: ")); n++) {
		int port = (int)strtol(p += strlen("listen_port: "), NULL, 10);

		assert_in_range(port, 5000, 5060);
		assert_false(seen[port - 5000]);
		seen[port - 5000] = true;
	}
	assert_int_equal(n, 61);
	free(out);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_text),      TEST(test_without_tenants), TEST(test_passed_over),
		TEST(test_links),     TEST(test_not_files),       TEST(test_not_readable),
		TEST(test_too_large), TEST(test_read_again),      TEST(test_keeps_changing),
		TEST(test_lone_file), TEST(test_any_order),       TEST(test_pools),
		TEST(test_full_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

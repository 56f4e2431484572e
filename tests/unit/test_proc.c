/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/proc.h"

static char dir[] = "/tmp/warren-test-proc-XXXXXX";
static char log_path[128];

static int group_setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(log_path, sizeof(log_path), "%s/log", dir);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	unlink(log_path);
	return rmdir(dir);
}

static struct proc_spec shell(const char *script, const char *argv[static 4])
{
	argv[0] = "sh";
	argv[1] = "-c";
	argv[2] = script;
	argv[3] = NULL;
	return (struct proc_spec){.argv = argv, .ns_fd = -1, .log = log_path};
}

/* what @script prints, once it has ended; to be freed */
static char *output_of(const char *script, const char *const *env, const int *fds)
{
	const char *argv[4];
	struct proc_spec spec = shell(script, argv);
	struct err e = ERR_INIT;
	struct proc_id id;
	char *text;

	unlink(log_path);
	spec.env = env;
	spec.fds = fds;
	assert_int_equal(proc_start(&spec, &id, NULL, NULL, &e), 0);
	assert_int_equal(waitpid(id.pid, NULL, 0), id.pid);
	assert_int_equal(io_read_file(log_path, 65536, &text, NULL, &e), 0);
	return text;
}

static void test_fds(void **state)
{
	int pipes[2], fds[3];
	char text[16] = "";

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	/* the same descriptor twice, and numbers that collide with those to be given */
	fds[0] = pipes[1];
	fds[1] = pipes[1];
	fds[2] = -1;
	_cleanup_free_ char *out =
		output_of("echo a >&3; echo b >&4; echo /proc/self/fd/*", NULL, fds);

	assert_int_equal(read(pipes[0], text, sizeof(text)), 4);
	assert_string_equal(text, "a\nb\n");
	/* 0 to 2, ours, and none beyond but the one the shell opens to look */
	assert_non_null(strstr(out, "/proc/self/fd/4"));
	assert_null(strstr(out, "/proc/self/fd/6"));
	close(pipes[0]);
	close(pipes[1]);
}

static void test_env(void **state)
{
	static const char *const env[] = {"PROCTEST_A=1", "PROCTEST_B=2", NULL};

	(void)state;
	setenv("PROCTEST_A", "old", 1);
	setenv("PROCTEST_AB", "kept", 1);
	_cleanup_free_ char *out = output_of("env | grep ^PROCTEST_ | sort", env, NULL);

	assert_string_equal(out, "PROCTEST_A=1\nPROCTEST_AB=kept\nPROCTEST_B=2\n");
}

static void test_signals_and_session(void **state)
{
	sigset_t set, old;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGPIPE, SIG_IGN);
	_cleanup_free_ char *out = output_of("set -- $(cat /proc/$$/stat); echo $5 $6 $$;"
					     "readlink /proc/$$/fd/0;"
					     "exec grep -E '^Sig(Blk|Ign)' /proc/self/status",
					     NULL, NULL);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	long pgid = 0, sid = 1, pid = 2;

	assert_int_equal(sscanf(out, "%ld %ld %ld", &pgid, &sid, &pid), 3);
	assert_int_equal(pgid, pid);
	assert_int_equal(sid, pid);
	assert_non_null(strstr(out, "SigBlk:\t0000000000000000"));
	/* 32 and 33 are the C library's own, which no program can change */
	const char *ignored = strstr(out, "SigIgn:\t");

	assert_non_null(ignored);
	assert_int_equal(strtoull(ignored + 8, NULL, 16) & ~0x180000000ULL, 0);
	assert_non_null(strstr(out, "\n/dev/null\n"));
}

struct recorded {
	struct proc_id id;
	int fail;
};

static int record(const struct proc_id *id, void *arg, struct err *e)
{
	struct recorded *r = arg;

	r->id = *id;
	return r->fail ? err_set(e, r->fail, "the journal is full") : 0;
}

static void test_record(void **state)
{
	const char *argv[4];
	struct proc_spec spec = shell("echo ran", argv);
	struct recorded r = {.fail = 0};
	struct err e = ERR_INIT;
	struct proc_id id;

	(void)state;
	assert_int_equal(proc_start(&spec, &id, record, &r, &e), 0);
	assert_int_equal(id.pid, r.id.pid);
	assert_true(id.start == r.id.start && id.start > 0);
	assert_int_equal(waitpid(id.pid, NULL, 0), id.pid);
	assert_false(proc_alive(&id));
}

static void test_record_fails(void **state)
{
	const char *argv[4];
	char script[160];
	struct recorded r = {.fail = ENOSPC};
	struct err e = ERR_INIT;
	struct proc_id id = {.pid = 7};

	(void)state;
	snprintf(script, sizeof(script), "touch %s/ran", dir);
	struct proc_spec spec = shell(script, argv);

	assert_int_equal(proc_start(&spec, &id, record, &r, &e), -ENOSPC);
	assert_string_equal(e.msg, "the journal is full");
	assert_int_equal(id.pid, 7);
	/* gone and reaped: nothing is left of it */
	assert_int_equal(kill(r.id.pid, 0), -1);
	snprintf(script, sizeof(script), "%s/ran", dir);
	assert_int_equal(access(script, F_OK), -1);
}

static int die(const struct proc_id *id, void *arg, struct err *e)
{
	(void)e;
	(void)!write(*(int *)arg, id, sizeof(*id));
	_exit(0);
}

static void test_parent_dies(void **state)
{
	const char *argv[4];
	struct proc_spec spec = shell("sleep 100", argv);
	struct proc_id id;
	int pipes[2];
	pid_t parent;

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	parent = fork();
	if (parent == 0) {
		struct err e = ERR_INIT;

		proc_start(&spec, &id, die, &pipes[1], &e);
		_exit(1);
	}
	close(pipes[1]);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	assert_int_equal(read(pipes[0], &id, sizeof(id)), sizeof(id));
	/* end of file: the child, which had the other end too, is gone, or has closed it … */
	assert_int_equal(read(pipes[0], &parent, 1), 0);
	/* … and it never became the program */
	for (int i = 0; i < 1000000 && proc_alive(&id); i++)
		sched_yield();
	assert_false(proc_alive(&id));
	close(pipes[0]);
}

static void test_no_such_program(void **state)
{
	static const char *const missing[] = {"warren-no-such-program", NULL};
	static const char *const missing_path[] = {"/nowhere/program", NULL};
	struct proc_spec spec = {.argv = missing, .ns_fd = -1};
	struct err e = ERR_INIT;
	struct proc_id id;

	(void)state;
	assert_int_equal(proc_start(&spec, &id, NULL, NULL, &e), -ENOENT);
	assert_int_equal(e.kind, ERR_CANNOT);
	spec.argv = missing_path;
	assert_int_equal(proc_start(&spec, &id, NULL, NULL, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "/nowhere/program"));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* waits until @id has printed something: it is past its trap commands then */
static void wait_output(void)
{
	struct stat st;

	while (stat(log_path, &st) < 0 || st.st_size == 0)
		sched_yield();
}

static void test_end(void **state)
{
	const char *argv[4];
	struct err e = ERR_INIT;
	struct proc_id id, other;

	(void)state;
	/* polite */
	struct proc_spec spec = shell("echo up; exec sleep 100", argv);

	unlink(log_path);
	assert_int_equal(proc_start(&spec, &id, NULL, NULL, &e), 0);
	wait_output();
	assert_true(proc_alive(&id));
	/* the same number with another start time is another process: not touched */
	other = id;
	other.start++;
	assert_false(proc_alive(&other));
	assert_int_equal(proc_end(&other, 100, &e), 0);
	assert_true(proc_alive(&id));
	assert_int_equal(proc_end(&id, 5000, &e), 0);
	assert_int_equal(kill(id.pid, 0), -1);
	assert_int_equal(proc_end(&id, 100, &e), 0);
}

static void test_end_stubborn(void **state)
{
	const char *argv[4];
	struct err e = ERR_INIT;
	_cleanup_free_ char *text = NULL;
	struct proc_id id;
	char *line;
	int grandchild;

	(void)state;
	unlink(log_path);
	struct proc_spec spec =
		shell("trap '' TERM; sleep 100 & echo $!; while :; do wait; done", argv);

	assert_int_equal(proc_start(&spec, &id, NULL, NULL, &e), 0);
	wait_output();
	assert_int_equal(io_read_file(log_path, 100, &text, NULL, &e), 0);
	grandchild = (int)strtol(text, &line, 10);
	assert_int_equal(kill(grandchild, 0), 0);
	assert_int_equal(proc_end(&id, 50, &e), 0);
	assert_false(proc_alive(&id));
	/* its reaper may take a moment, but it is dead: no program any more */
	for (int i = 0; i < 1000000 && kill(grandchild, 0) == 0; i++) {
		char path[64];
		_cleanup_free_ char *stat_text = NULL;

		snprintf(path, sizeof(path), "/proc/%d/stat", grandchild);
		if (io_read_file(path, 4096, &stat_text, NULL, &e) < 0 || strstr(stat_text, ") Z "))
			return;
	}
	assert_int_equal(kill(grandchild, 0), -1);
}

static void test_odd_name(void **state)
{
	static const char body[] = "#!/bin/sh\necho up; read x\n";
	const char *argv[2] = {NULL, NULL};
	struct proc_spec spec = {.ns_fd = -1, .log = log_path};
	struct err e = ERR_INIT;
	char path[160];
	struct proc_id id;

	(void)state;
	/* a name that looks like the end of a name in /proc/PID/stat */
	snprintf(path, sizeof(path), "%s/a) Z 1 (b", dir);
	assert_int_equal(io_write_file(path, body, sizeof(body) - 1, 0700, &e), 0);
	argv[0] = path;
	spec.argv = argv;
	assert_int_equal(proc_start(&spec, &id, NULL, NULL, &e), 0);
	assert_true(id.start > 0);
	assert_int_equal(proc_end(&id, 5000, &e), 0);
	unlink(path);
}

/* a namespace with nothing but its loopback; the caller closes it */
static int new_ns(void)
{
	int pipes[2], fd;
	char path[64];
	pid_t child;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		char ok = unshare(CLONE_NEWNET) == 0;

		(void)!write(pipes[1], &ok, 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(pipes[0], path, 1), 1);
	assert_int_equal(path[0], 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", child);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(pipes[0]);
	close(pipes[1]);
	return fd;
}

static void test_namespaces(void **state)
{
	/* every machine has this one; /etc/hosts some do not */
	static const char passwd[] = "covered:x:0:0::/:/bin/false\n";
	const char *argv[4];
	char etc[160], file[180], wanted[256], is[64] = "";
	struct proc_spec spec =
		shell("readlink /proc/self/ns/net; ls /sys/class/net; cat /etc/passwd", argv);
	_cleanup_free_ char *out = NULL, *outside = NULL;
	struct err e = ERR_INIT;
	struct proc_id id;

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(etc, sizeof(etc), "%s/etc", dir);
	snprintf(file, sizeof(file), "%s/passwd", etc);
	assert_int_equal(mkdir(etc, 0700), 0);
	assert_int_equal(io_write_file(file, passwd, sizeof(passwd) - 1, 0644, &e), 0);
	_cleanup_close_ int ns = new_ns();

	assert_true(ns >= 0);
	snprintf(wanted, sizeof(wanted), "/proc/self/fd/%d", ns);
	assert_true(readlink(wanted, is, sizeof(is) - 1) > 0);
	spec.ns_fd = ns;
	spec.mount_ns = true;
	spec.etc_dir = etc;
	unlink(log_path);
	assert_int_equal(proc_start(&spec, &id, NULL, NULL, &e), 0);
	assert_int_equal(waitpid(id.pid, NULL, 0), id.pid);
	assert_int_equal(io_read_file(log_path, 4096, &out, NULL, &e), 0);
	snprintf(wanted, sizeof(wanted), "%s\nlo\n", is);
	assert_int_equal(strncmp(out, wanted, strlen(wanted)), 0);
	assert_string_equal(out + strlen(wanted), passwd);
	/* nothing of it is seen outside */
	assert_int_equal(io_read_file("/etc/passwd", 65536, &outside, NULL, &e), 0);
	assert_null(strstr(outside, "covered"));
	/* what cannot be covered is said, by name */
	snprintf(wanted, sizeof(wanted), "%s/warren-missing", etc);
	assert_int_equal(rename(file, wanted), 0);
	assert_int_equal(proc_start(&spec, &id, NULL, NULL, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "/etc/warren-missing"));
	unlink(wanted);
	rmdir(etc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fds),
		cmocka_unit_test(test_env),
		cmocka_unit_test(test_signals_and_session),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_record_fails),
		cmocka_unit_test(test_parent_dies),
		cmocka_unit_test(test_no_such_program),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_end_stubborn),
		cmocka_unit_test(test_odd_name),
		cmocka_unit_test(test_namespaces),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

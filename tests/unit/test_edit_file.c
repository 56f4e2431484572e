/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file is replaced by its edited text, or stays as somebody else has made it meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "lab/edit_file.h"

static char folder[] = "/tmp/warren-test-edit-XXXXXX";
static char file[64], other[64];

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void has_text(const char *path, const char *text)
{
	char *got _cleanup_free_ = NULL;
	struct err e = ERR_INIT;

	if (io_read_file(path, 4096, &got, NULL, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(got, text);
}

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/file", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(file);
	unlink(other);
	/* with whatever else had been left there this would fail */
	assert_int_equal(rmdir(folder), 0);
	return 0;
}

static void must_open(const char *path, struct edit_file *f)
{
	struct err e = ERR_INIT;

	if (edit_file_open(path, NULL, f, &e) < 0)
		fail_msg("%s", e.msg);
}

/* what a change between reading and writing leads to: it stays */
static void refuses(void (*meanwhile)(void), const char *stays)
{
	struct err e = ERR_INIT;
	struct edit_file f;
	int r;

	unlink(file);
	write_text(file, "before\n");
	must_open(file, &f);
	meanwhile();
	r = edit_file_write(&f, "edited\n", 7, &e);
	edit_file_close(&f); /* first: a test that fails must not keep the lock */
	assert_int_equal(r, -ESTALE);
	assert_non_null(strstr(e.msg, "nothing was written"));
	assert_string_equal(e.hint, "try again");
	if (stays)
		has_text(file, stays);
	else
		assert_int_equal(access(file, F_OK), -1);
}

static void other_bytes(void)
{
	write_text(file, "BEFORE\n");
}

/* the same size, and the same time */
static void other_bytes_same_time(void)
{
	struct timespec times[2];
	struct stat st;

	assert_int_equal(stat(file, &st), 0);
	write_text(file, "BEFORE\n");
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	assert_int_equal(utimensat(AT_FDCWD, file, times, 0), 0);
}

/* the same bytes in another file: an editor has saved it, and may have it open still */
static void other_inode(void)
{
	write_text(other, "before\n");
	assert_int_equal(rename(other, file), 0);
}

static void other_size(void)
{
	write_text(file, "before\nand more\n");
}

static void gone(void)
{
	assert_int_equal(unlink(file), 0);
}

static void link_in_its_place(void)
{
	write_text(other, "before\n");
	assert_int_equal(unlink(file), 0);
	assert_int_equal(symlink(other, file), 0);
}

static void test_changed(void **state)
{
	(void)state;
	refuses(other_bytes, "BEFORE\n");
	refuses(other_bytes_same_time, "BEFORE\n");
	refuses(other_inode, "before\n");
	refuses(other_size, "before\nand more\n");
	refuses(gone, NULL);
	refuses(link_in_its_place, "before\n");
}

static void test_written(void **state)
{
	struct err e = ERR_INIT;
	struct edit_file f;
	struct stat st;
	int r;

	(void)state;
	unlink(file);
	unlink(other);
	write_text(file, "before\n");
	assert_int_equal(chmod(file, 0640), 0);
	assert_int_equal(symlink("file", other), 0);
	must_open(other, &f);
	r = edit_file_write(&f, "edited\n", 7, &e);
	edit_file_close(&f);
	if (r < 0)
		fail_msg("%s", e.msg);
	has_text(file, "edited\n");
	assert_int_equal(lstat(other, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

/* who edits another file of the folder has to wait */
static void test_locked(void **state)
{
	struct edit_file f;
	int r;
	_cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	must_open(file, &f);
	r = flock(fd, LOCK_EX | LOCK_NB);
	edit_file_close(&f);
	assert_int_equal(r, -1);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
}

/* one file of several, all of which are locked at once */
static void test_switch(void **state)
{
	struct err e = ERR_INIT;
	struct edit_file f;
	int r, removed, again;

	(void)state;
	unlink(file);
	unlink(other);
	write_text(file, "one\n");
	write_text(other, "two\n");
	must_open(file, &f);
	r = edit_file_switch(&f, other, &e);
	has_text(f.path, "two\n");
	assert_string_equal(f.text, "two\n");
	removed = edit_file_remove(&f, &e);
	again = edit_file_remove(&f, &e);
	edit_file_close(&f);
	assert_int_equal(r, 0);
	assert_int_equal(removed, 0);
	assert_int_equal(again, -ESTALE);
	assert_int_equal(access(other, F_OK), -1);
	has_text(file, "one\n");
}

static void cannot(const char *path, enum err_kind kind)
{
	struct err e = ERR_INIT;
	struct edit_file f;

	assert_true(edit_file_open(path, NULL, &f, &e) < 0);
	assert_int_equal(e.kind, kind);
	assert_non_null(strstr(e.msg, path));
	edit_file_close(&f);
}

static void test_no_file(void **state)
{
	(void)state;
	cannot(folder, ERR_INVALID);
	cannot("/nowhere/file", ERR_INVALID);
	cannot("/dev/null", ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changed), cmocka_unit_test(test_written),
		cmocka_unit_test(test_locked),  cmocka_unit_test(test_switch),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal: what is written is read again, cut anywhere it loses only what was not begun. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "lab/journal.h"

static char folder[] = "/tmp/warren-journal-XXXXXX";
static char path[64];

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/journal", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static struct journal *open_journal(bool create)
{
	struct err e = ERR_INIT;
	struct journal *j = NULL;

	if (journal_open(path, create, &j, &e) < 0)
		fail_msg("%s", e.msg);
	return j;
}

static void add(struct journal *j, enum record_kind kind, uint64_t number, uint32_t index,
		const char *text)
{
	struct record r = {.kind = kind, .number = number, .index = index, .text = text};
	struct err e = ERR_INIT;

	assert_int_equal(journal_add(j, &r, &e), 0);
}

static void write_some(void)
{
	struct journal *j;
	struct err e = ERR_INIT;

	unlink(path);
	j = open_journal(true);
	assert_int_equal(journal_set_state(j, LAB_MAKING, &e), 0);
	add(j, REC_NETNS_DIR, 0, 0, NULL);
	add(j, REC_NETNS, UINT64_MAX, 0, "c00");
	add(j, REC_SYSCTL, 7, 0, "net.ipv4.ip_forward 0 with blanks");
	add(j, REC_PROCESS, 12345678901ULL, 4242, "wireguard-go of c00/wg-c00");
	assert_int_equal(journal_drop(j, 2, &e), 0);
	assert_int_equal(journal_set_state(j, LAB_UP, &e), 0);
	journal_close(j);
}

static void test_round_trip(void **state)
{
	const struct record *r;
	struct journal *j;
	struct stat st;
	size_t n;

	(void)state;
	write_some();
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	j = open_journal(false);
	r = journal_records(j, &n);
	assert_int_equal(n, 4);
	assert_int_equal(journal_state(j), LAB_UP);
	assert_true(r[0].live && !r[1].live && r[2].live && r[3].live);
	assert_int_equal(r[1].kind, REC_NETNS);
	assert_true(r[1].number == UINT64_MAX);
	assert_string_equal(r[2].text, "net.ipv4.ip_forward 0 with blanks");
	assert_int_equal(r[3].index, 4242);
	assert_true(r[3].number == 12345678901ULL);
	/* it goes on where it stopped */
	add(j, REC_FILE, 0, 0, "/etc/netns/c00/resolv.conf");
	journal_close(j);
	j = open_journal(false);
	r = journal_records(j, &n);
	assert_int_equal(n, 5);
	assert_int_equal(r[4].id, 5);
	journal_close(j);
}

/* cut at every byte: it opens, and has what was whole */
static void test_cut(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct err e = ERR_INIT;
	size_t len, before = 0;

	(void)state;
	write_some();
	assert_int_equal(io_read_file(path, 1 << 16, &text, &len, &e), 0);
	for (size_t cut = 0; cut <= len; cut++) {
		struct journal *j;
		size_t n;

		assert_int_equal(io_write_file(path, text, cut, 0600, &e), 0);
		/* who only looks changes nothing: a writer may be at work */
		j = open_journal(false);
		journal_records(j, &n);
		assert_true(n >= before && n <= before + 1);
		before = n;
		journal_close(j);
		j = open_journal(true);
		/* the rest of a cut line is gone: a new record is whole */
		add(j, REC_NETNS, 1, 0, "new");
		journal_close(j);
		j = open_journal(false);
		journal_records(j, &n);
		assert_int_equal(n, before + 1);
		journal_close(j);
	}
	assert_int_equal(before, 4);
}

static void test_garbage(void **state)
{
	static const char *const bad[] = {
		"hello\n",
		"+1 nonsense 0 0 x\n",
		"+2 netns 1 0 starts with two\n",
		"+1 netns x 0 not a number\n",
		"-1\n",
		"!sleeping\n",
		"+1 netns 1 0 a\n-2\n",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err e = ERR_INIT;
		struct journal *j = NULL;

		assert_int_equal(io_write_file(path, bad[i], strlen(bad[i]), 0600, &e), 0);
		assert_int_equal(journal_open(path, false, &j, &e), -EBADMSG);
		assert_non_null(strstr(e.msg, path));
		assert_null(j);
	}
}

/* after a reboot only files are left, and what is written then is of the new boot */
static void test_reboot(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct err e = ERR_INIT;
	const struct record *r;
	struct journal *j;
	size_t len, n;

	(void)state;
	write_some();
	j = open_journal(true);
	add(j, REC_FOLDER, 0, 0, "/etc/netns");
	add(j, REC_FILE, 0, 0, "/etc/netns/c00");
	journal_close(j);
	assert_int_equal(io_read_file(path, 1 << 16, &text, &len, &e), 0);
	assert_int_equal(text[0], '@');
	text[1] = text[1] == '0' ? '1' : '0';
	assert_int_equal(io_write_file(path, text, len, 0600, &e), 0);
	for (int writer = 0; writer < 2; writer++) {
		j = open_journal(writer);
		assert_int_equal(journal_state(j), LAB_REMOVING);
		r = journal_records(j, &n);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(r[i].live,
					 r[i].kind == REC_FILE || r[i].kind == REC_FOLDER);
		if (writer) {
			assert_int_equal(n, 2);
			add(j, REC_NETNS, 5, 0, "c01");
		}
		journal_close(j);
	}
	j = open_journal(false);
	r = journal_records(j, &n);
	assert_int_equal(n, 3);
	assert_true(r[0].live && r[1].live && r[2].live);
	journal_close(j);
}

/* a lab that is changed all day: the journal does not grow without end */
static void test_compact(void **state)
{
	const struct record *r;
	struct err e = ERR_INIT;
	struct journal *j;
	struct stat st;
	char name[32];
	size_t n;

	(void)state;
	unlink(path);
	j = open_journal(true);
	add(j, REC_NETNS, 1, 0, "stays");
	for (unsigned int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "t%u", i);
		add(j, REC_NETNS, i, 0, name);
		journal_records(j, &n);
		assert_int_equal(journal_drop(j, (unsigned int)n, &e), 0);
		assert_int_equal(journal_compact(j, &e), 0);
		assert_true(n < 1100);
	}
	add(j, REC_NETNS, 2, 0, "stays, too");
	assert_int_equal(journal_set_state(j, LAB_UP, &e), 0);
	journal_close(j);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < 65536);
	j = open_journal(false);
	r = journal_records(j, &n);
	assert_string_equal(r[0].text, "stays");
	assert_true(r[0].live && r[n - 1].live);
	assert_string_equal(r[n - 1].text, "stays, too");
	assert_int_equal(journal_state(j), LAB_UP);
	journal_close(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_garbage),    cmocka_unit_test(test_reboot),
		cmocka_unit_test(test_compact),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

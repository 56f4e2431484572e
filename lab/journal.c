/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/io.h"

#define JOURNAL_MAX ((size_t)256 * 1024 * 1024) /* bytes; 5,000 tenants take below 1 MiB */

static const char *const kind_names[] = {
	[REC_NETNS_DIR] = "netns-dir", [REC_NETNS] = "netns",       [REC_LINK] = "link",
	[REC_RAISED] = "raised",       [REC_GROUP] = "group",       [REC_ADDRESS] = "address",
	[REC_ROUTE] = "route",         [REC_SYSCTL] = "sysctl",     [REC_TABLE] = "table",
	[REC_PROCESS] = "process",     [REC_PROGRAMS] = "programs", [REC_FILE] = "file",
	[REC_FOLDER] = "folder",
};
static_assert(ARRAY_SIZE(kind_names) == REC_KINDS, "a name for every kind of record");

static const char *const state_names[] = {
	[LAB_MAKING] = "making",
	[LAB_UP] = "up",
	[LAB_CHANGING] = "changing",
	[LAB_REMOVING] = "removing",
};

struct journal {
	int fd;
	char *path;
	char boot[48];   /* of the machine, now */
	bool other_boot; /* it tells of another */
	struct arena *arena;
	struct record *records; /* record of id i is records[i - 1] */
	size_t n;
	enum lab_state state;
};

static int remember(struct journal *j, const struct record *r)
{
	struct record *grown = arena_grow(j->arena, j->records, j->n, sizeof(*r));
	char *text = arena_strdup(j->arena, r->text ? r->text : "");

	if (!grown || !text)
		return -ENOMEM;
	j->records = grown;
	j->records[j->n] = *r;
	j->records[j->n++].text = text;
	return 0;
}

static int find_name(const char *const *names, size_t n, const char *s, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], s, len))
			return (int)i;
	return -1;
}

/* "+ID KIND NUMBER INDEX TEXT" without the "+" */
static int read_record(struct journal *j, const char *line)
{
	struct record r = {.live = true};
	int kind_at = 0, kind_end = 0, text_at = 0;
	int kind;

	if (sscanf(line, "%u %n%*s%n %" SCNu64 " %" SCNu32 " %n", &r.id, &kind_at, &kind_end,
		   &r.number, &r.index, &text_at) < 3 ||
	    !text_at)
		return -EBADMSG;
	kind = find_name(kind_names, REC_KINDS, line + kind_at, (size_t)(kind_end - kind_at));
	if (kind < 0 || r.id != j->n + 1)
		return -EBADMSG;
	r.kind = (enum record_kind)kind;
	r.text = line + text_at;
	return remember(j, &r);
}

static int read_line(struct journal *j, const char *line)
{
	unsigned int id;
	int state;

	switch (line[0]) {
	case '+':
		return read_record(j, line + 1);
	case '-':
		if (sscanf(line + 1, "%u", &id) != 1 || !id || id > j->n)
			return -EBADMSG;
		j->records[id - 1].live = false;
		return 0;
	case '!':
		state = find_name(state_names, ARRAY_SIZE(state_names), line + 1, strlen(line + 1));
		if (state < 0)
			return -EBADMSG;
		j->state = (enum lab_state)state;
		return 0;
	case '@':
		j->other_boot = j->boot[0] && strcmp(j->boot, line + 1) != 0;
		return 0;
	default:
		return -EBADMSG;
	}
}

/* what a reboot leaves */
static void forget_boot(struct journal *j)
{
	for (size_t i = 0; i < j->n; i++)
		j->records[i].live &= j->records[i].kind == REC_FILE ||
				      j->records[i].kind == REC_FOLDER;
	j->state = LAB_REMOVING;
}

/* --- writing ------------------------------------------------------------------------------ */

static int format_record(const struct record *r, char **ret)
{
	int len = asprintf(ret, "+%u %s %" PRIu64 " %" PRIu32 " %s\n", r->id, kind_names[r->kind],
			   r->number, r->index, r->text ? r->text : "");

	if (len < 0)
		*ret = NULL;
	return len < 0 ? -ENOMEM : len;
}

static int append(struct journal *j, const char *line, int len, struct err *e)
{
	off_t end = lseek(j->fd, 0, SEEK_END);
	int r = io_write_all(j->fd, line, (size_t)len);

	if (!r)
		return 0;
	/* half a line would spoil the next one */
	if (end >= 0)
		(void)!ftruncate(j->fd, end);
	return err_code(e, -r, "write the journal");
}

#define COMPACT_FROM 1000 /* records that are gone */

static int write_live(const struct journal *j, FILE *f)
{
	unsigned int id = 0;

	if (j->boot[0])
		fprintf(f, "@%s\n", j->boot);
	for (size_t i = 0; i < j->n; i++) {
		struct record r = j->records[i];
		_cleanup_free_ char *line = NULL;

		if (!r.live)
			continue;
		r.id = ++id;
		if (format_record(&r, &line) < 0 || fputs(line, f) < 0)
			return -ENOMEM;
	}
	return fprintf(f, "!%s\n", state_names[j->state]) < 0 ? -ENOMEM : 0;
}

/* the records of the new file, without reading it again */
static void renumber(struct journal *j)
{
	size_t n = 0;

	for (size_t i = 0; i < j->n; i++) {
		if (!j->records[i].live)
			continue;
		j->records[n] = j->records[i];
		j->records[n].id = (unsigned int)n + 1;
		n++;
	}
	j->n = n;
}

/* the file anew, with what is live */
static int rewrite(struct journal *j, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int r = f ? write_live(j, f) : -ENOMEM;
	int fd;

	if (f && fclose(f) != 0)
		r = -ENOMEM;
	if (r < 0)
		return err_code(e, ENOMEM, "write the journal anew");
	r = io_write_file(j->path, text, len, 0600, e);
	if (r < 0)
		return r;
	fd = open(j->path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_errno(e, "%s", j->path);
	close(j->fd);
	j->fd = fd;
	renumber(j);
	return 0;
}

/* @is_new: there is no whole line in it */
static int begin_writing(struct journal *j, bool is_new, struct err *e)
{
	char line[64];

	if (j->other_boot)
		return rewrite(j, e);
	if (!is_new || !j->boot[0])
		return 0;
	return append(j, line, snprintf(line, sizeof(line), "@%s\n", j->boot), e);
}

/* --- opening ------------------------------------------------------------------------------ */

static int read_journal(struct journal *j, const char *path, bool writer, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	char *line, *end;
	size_t len, n = 0;
	int r = io_read_file(path, JOURNAL_MAX, &text, &len, e);

	if (r < 0)
		return r;
	for (line = text; (end = memchr(line, '\n', len - (size_t)(line - text))); line = end + 1) {
		*end = '\0';
		n++;
		r = read_line(j, line);
		if (r == -ENOMEM)
			return err_code(e, -r, "%s", path);
		if (r < 0) {
			err_set(e, -r, "%s:%zu: cannot be understood: `%.60s`", path, n, line);
			err_hint(e,
				 "somebody has written into the record of what the lab made: mend "
				 "that line; nothing was changed");
			return err_kind_set(e, ERR_CANNOT);
		}
	}
	/* a line that was cut short: what it announced was not begun; or it is being written now */
	if (writer && line != text + len && ftruncate(j->fd, line - text) < 0)
		return err_errno(e, "%s", path);
	if (j->other_boot)
		forget_boot(j);
	return writer ? begin_writing(j, line == text, e) : 0;
}

int journal_open(const char *path, bool create, struct journal **ret, struct err *e)
{
	struct journal *j = calloc(1, sizeof(*j));
	struct err why = ERR_INIT;
	int r;

	if (j) {
		j->arena = arena_new(0);
		j->path = strdup(path);
	}
	if (!j || !j->arena || !j->path) {
		if (j)
			arena_free(j->arena);
		free(j);
		return err_code(e, ENOMEM, "%s", path);
	}
	(void)io_read_value("/proc/sys/kernel/random/boot_id", j->boot, sizeof(j->boot), &why);
	j->fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0),
		     0600);
	r = j->fd < 0 ? err_errno(e, "%s", path) : read_journal(j, path, create, e);
	if (r < 0) {
		journal_close(j);
		return r;
	}
	*ret = j;
	return 0;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	arena_free(j->arena);
	free(j->path);
	free(j);
}

int journal_add(struct journal *j, struct record *r, struct err *e)
{
	_cleanup_free_ char *line = NULL;
	int len, ret;

	/* a line is a record */
	if (r->text && strchr(r->text, '\n'))
		return err_set(e, EINVAL, "a name with a line feed cannot be recorded");
	r->id = (unsigned int)j->n + 1;
	r->live = true;
	len = format_record(r, &line);
	if (len < 0)
		return err_code(e, ENOMEM, "write the journal");
	ret = append(j, line, len, e);
	if (ret < 0)
		return ret;
	if (remember(j, r) < 0)
		return err_code(e, ENOMEM, "write the journal");
	return fault_point("recorded", e);
}

int journal_drop(struct journal *j, unsigned int id, struct err *e)
{
	char line[16];
	int r;

	j->records[id - 1].live = false;
	r = append(j, line, snprintf(line, sizeof(line), "-%u\n", id), e);
	return !r ? fault_point("record dropped", e) : r;
}

int journal_set_state(struct journal *j, enum lab_state state, struct err *e)
{
	char line[16];
	int r;

	j->state = state;
	r = append(j, line, snprintf(line, sizeof(line), "!%s\n", state_names[state]), e);
	return !r ? fault_point("state recorded", e) : r;
}

int journal_compact(struct journal *j, struct err *e)
{
	size_t live = 0;

	for (size_t i = 0; i < j->n; i++)
		live += j->records[i].live;
	return j->n - live < COMPACT_FROM || j->n - live < live ? 0 : rewrite(j, e);
}

enum lab_state journal_state(const struct journal *j)
{
	return j->state;
}

const struct record *journal_records(const struct journal *j, size_t *ret_n)
{
	*ret_n = j->n;
	return j->records;
}

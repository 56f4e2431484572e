/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/proc_id.h"

#define ENVIRON_MAX ((size_t)4 * 1024 * 1024) /* bytes; the kernel allows little more */
#define ROUNDS      10 /* a program may start others while it is being ended */

/* the environment of a process; NULL: it has none, or is gone */
static char *read_environ(pid_t pid, size_t *ret_len)
{
	struct err why = ERR_INIT;
	char path[64], *text;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	return io_read_file(path, ENVIRON_MAX, &text, ret_len, &why) < 0 ? NULL : text;
}

static bool has_mark(pid_t pid, const char *mark)
{
	size_t len = 0, size = strlen(mark) + 1;
	_cleanup_free_ char *text = read_environ(pid, &len);

	for (const char *p = text; p && p < text + len; p += strlen(p) + 1)
		if ((size_t)(text + len - p) + 1 >= size && !strcmp(p, mark))
			return true;
	return false;
}

/* one look at all processes; returns how many were ended, or -errno */
static int end_round(const char *mark, int grace_ms, struct err *e)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	int ended = 0, r = 0;

	if (!proc)
		return err_errno(e, "/proc");
	while (!r && (d = readdir(proc))) {
		struct proc_id id = {.pid = (pid_t)strtol(d->d_name, NULL, 10)};
		char state;

		/* who it is first, then what it carries: proc_end() looks again who it is */
		if (id.pid <= 0 || id.pid == getpid() ||
		    proc_identify(id.pid, &id.start, &state) < 0 || !has_mark(id.pid, mark))
			continue;
		r = proc_end(&id, grace_ms, e);
		ended++;
	}
	closedir(proc);
	return r < 0 ? r : ended;
}

int proc_end_marked(const char *mark, int grace_ms, struct err *e)
{
	int r = 1;

	for (int i = 0; i < ROUNDS && r > 0; i++)
		r = end_round(mark, grace_ms, e);
	if (r > 0)
		return err_set(e, EBUSY, "processes with %s go on starting others", mark);
	return r;
}

bool proc_marked_alive(const char *mark)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	bool alive = false;

	while (proc && !alive && (d = readdir(proc))) {
		pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);

		alive = pid > 0 && pid != getpid() && has_mark(pid, mark);
	}
	if (proc)
		closedir(proc);
	return alive;
}

static int each_entry(pid_t pid, const char *prefix,
		      int (*fn)(const struct proc_id *id, const char *entry, void *arg,
				struct err *e),
		      void *arg, struct err *e)
{
	struct proc_id id = {.pid = pid};
	size_t len = 0;
	_cleanup_free_ char *text = NULL;
	char state;
	int r = 0;

	if (proc_identify(pid, &id.start, &state) < 0)
		return 0;
	text = read_environ(pid, &len);
	for (const char *p = text; p && p < text + len && !r; p += strlen(p) + 1)
		if (!strncmp(p, prefix, strlen(prefix)))
			r = fn(&id, p, arg, e);
	return r;
}

int proc_each_marked(const char *prefix,
		     int (*fn)(const struct proc_id *id, const char *entry, void *arg,
			       struct err *e),
		     void *arg, struct err *e)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	int r = 0;

	if (!proc)
		return err_errno(e, "/proc");
	while (!r && (d = readdir(proc))) {
		pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);

		if (pid > 0 && pid != getpid())
			r = each_entry(pid, prefix, fn, arg, e);
	}
	closedir(proc);
	return r;
}

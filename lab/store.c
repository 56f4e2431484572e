/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/io.h"

void store_init(struct store *s, const char *name)
{
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->dir, sizeof(s->dir), "%s/%s", WARREN_RUN_DIR, s->name);
	s->lock_fd = -1;
}

const char *store_path(const struct store *s, const char *file, char *buf, size_t size)
{
	snprintf(buf, size, "%s/%s", s->dir, file);
	return buf;
}

bool store_exists(const struct store *s)
{
	return access(s->dir, F_OK) == 0;
}

static int make_dir(const struct store *s, struct err *e)
{
	int r = io_mkdir_p(WARREN_RUN_DIR, 0755, e);

	if (r < 0)
		return r;
	/* ENOENT: the last lab went just now and took /run/warren along; the caller tries again */
	if (mkdir(s->dir, 0700) < 0 && errno != EEXIST && errno != ENOENT)
		return err_errno(e, "%s", s->dir);
	return fault_point(s->dir, e);
}

/* the lock on *@ret_fd once it is ours; -EAGAIN: it went while we waited for it */
static int wait_lock(const char *path, int *ret_fd, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat here, held;

	if (fd < 0)
		return err_errno(e, "%s", path);
	if (flock(fd, LOCK_EX) < 0) {
		if (errno == EINTR)
			return err_set(e, EINTR, "interrupted");
		return err_errno(e, "wait for the lab's lock");
	}
	/* whoever removed the lab has removed the file that we waited for */
	if (fstat(fd, &held) < 0 || stat(path, &here) < 0 || held.st_ino != here.st_ino)
		return -EAGAIN;
	*ret_fd = steal_fd(&fd);
	return fault_point(path, e);
}

/* how often the folder may go, with its last lab, just as we come */
#define LOCK_ROUNDS 1000

int store_lock(struct store *s, bool create, struct err *e)
{
	char path[256];
	int r, rounds = 0;

	store_path(s, "lock", path, sizeof(path));
	do {
		r = create ? make_dir(s, e) : 0;
		if (!r)
			r = wait_lock(path, &s->lock_fd, e);
	} while (++rounds < LOCK_ROUNDS && (r == -EAGAIN || (r == -ENOENT && create)));
	if (r < 0 && create) {
		if (s->lock_fd >= 0)
			(void)unlink(path);
		/* these fail where somebody has something in there */
		(void)rmdir(s->dir);
		(void)rmdir(WARREN_RUN_DIR);
	}
	if (r < 0)
		store_unlock(s);
	if (r == -EROFS || r == -EACCES || r == -ENOSPC || r == -ENOTDIR)
		err_kind_set(e, ERR_CANNOT);
	return r;
}

void store_unlock(struct store *s)
{
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	s->lock_fd = -1;
}

int store_empty_folder(int fd, const char *keep, struct err *e)
{
	DIR *d = fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!d) {
		r = err_errno(e, "open it");
		close(fd);
		return r;
	}
	while (!r && (entry = readdir(d))) {
		const char *name = entry->d_name;
		int sub;

		if (!strcmp(name, ".") || !strcmp(name, "..") || (keep && !strcmp(name, keep)))
			continue;
		sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub >= 0)
			r = store_empty_folder(sub, NULL, e);
		if (!r && unlinkat(fd, name, sub >= 0 ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT)
			r = err_errno(e, "%s", name);
		if (!r)
			r = fault_point(name, e);
	}
	closedir(d);
	return r;
}

/*
 * The lock goes last: from then on the folder is anybody's who makes a new one, and is not empty
 * any more when we come to remove it.
 */
int store_remove(struct store *s, struct err *e)
{
	int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char path[256];
	int r;

	r = fd < 0 ? err_errno(e, "open it") : store_empty_folder(fd, "lock", e);
	if (!r && unlink(store_path(s, "lock", path, sizeof(path))) < 0 && errno != ENOENT)
		r = err_errno(e, "lock");
	if (!r)
		r = fault_point("lock", e);
	if (r < 0)
		return err_wrap(e, "remove %s", s->dir);
	(void)rmdir(s->dir);
	store_unlock(s);
	r = fault_point("remove " WARREN_RUN_DIR, e);
	(void)rmdir(WARREN_RUN_DIR); /* the last lab takes it along */
	return r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int is_lab(const struct dirent *d)
{
	struct store s;

	if (d->d_name[0] == '.' || strlen(d->d_name) > LAB_NAME_MAX)
		return 0;
	store_init(&s, d->d_name);
	return store_exists(&s);
}

int store_list(char ***ret, size_t *ret_n, struct err *e)
{
	struct dirent **entries = NULL;
	int n = scandir(WARREN_RUN_DIR, &entries, is_lab, NULL);
	char **names;

	if (n < 0 && errno != ENOENT)
		return err_errno(e, "%s", WARREN_RUN_DIR);
	if (n < 0)
		n = 0;
	names = calloc((size_t)n + 1, sizeof(*names));
	for (int i = 0; i < n; i++) {
		if (names)
			names[i] = strdup(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (!names)
		return err_code(e, ENOMEM, "list the labs");
	for (int i = 0; i < n; i++) {
		if (names[i])
			continue;
		store_list_free(names, (size_t)n);
		return err_code(e, ENOMEM, "list the labs");
	}
	qsort(names, (size_t)n, sizeof(*names), by_name);
	*ret = names;
	*ret_n = (size_t)n;
	return 0;
}

void store_list_free(char **names, size_t n)
{
	for (size_t i = 0; names && i < n; i++)
		free(names[i]);
	free(names);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation.  The folder is listed with each file's identity (device, inode, size, times);
 * every file is read, and has to be that very one before and after; then the folder is listed
 * again.  If the two lists are the same, all of it was there at one instant in between.  If not,
 * it starts anew.  Two gaps of time stamps are filled.  A write stamps the file before it copies
 * the data: one that is under way is waited for (settle()).  And older kernels' stamps move with
 * the clock's tick only: a file that was written within the tick in which reading began could
 * change and keep its stamp, so it is read twice.  What nobody can see from outside is a program
 * that writes a file in place by several writes and rests in between: such a file is whole
 * for all that its reader knows.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "lab/bundle.h"
#include "lab/load.h"

#define ATTEMPTS 5

struct file_id {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

struct item {
	const char *name; /* from the folder on */
	struct file_id id;
};

struct listing {
	struct arena *arena;
	struct item *v;
	size_t n;
};

/* one attempt to read a folder, or a lone file */
struct reading {
	const char *path; /* of the folder, as given, without slashes at its end; NULL: none */
	int fd;
	struct timespec start; /* the tick in which it began */
	struct err *e;
};

static void listing_clear(struct listing *l)
{
	arena_free(l->arena);
}

/* --- identities ------------------------------------------------------------------------------- */

static struct file_id id_of(const struct stat *st)
{
	return (struct file_id){.dev = st->st_dev,
				.ino = st->st_ino,
				.size = st->st_size,
				.mtime = st->st_mtim,
				.ctime = st->st_ctim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_id(const struct file_id *a, const struct file_id *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       same_time(&a->mtime, &b->mtime) && same_time(&a->ctime, &b->ctime);
}

/* --- what went wrong ---------------------------------------------------------------------------- */

#define SHOWN_MAX 1024 /* bytes of a path in a message */

/* a path to show: as the folder was given, and on from there */
static const char *whole_path(const struct reading *r, const char *name, char buf[static SHOWN_MAX])
{
	int root;

	if (!r->path) {
		snprintf(buf, SHOWN_MAX, "%s", name);
		return buf;
	}
	root = snprintf(buf, SHOWN_MAX, "%s%s", r->path, strcmp(r->path, "/") ? "/" : "");
	if (root < SHOWN_MAX)
		snprintf(buf + root, SHOWN_MAX - (size_t)root, "%s", name);
	/* what others have put into the folder must not steer a terminal */
	for (char *p = buf + root; root < SHOWN_MAX && *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return buf;
}

/* @code: errno value */
static int refuse(const struct reading *r, const char *name, int code)
{
	char path[SHOWN_MAX];

	return err_code(r->e, code, "%s", whole_path(r, name, path));
}

static int not_a_file(const struct reading *r, const char *name)
{
	char path[SHOWN_MAX];

	err_set(r->e, EINVAL, "%s: not a file", whole_path(r, name, path));
	return err_hint(r->e, "a folder of tenants has files and symbolic links to files");
}

/* -EAGAIN: another attempt may do */
static int changes(const struct reading *r, const char *name)
{
	char path[SHOWN_MAX];

	return err_set(r->e, EAGAIN, "%s changes while it is read: try again",
		       whole_path(r, name, path));
}

/* --- listing --------------------------------------------------------------------------------- */

static int add_item(const struct reading *r, struct listing *l, const char *name,
		    const struct stat *st)
{
	struct item *v;

	if (!S_ISREG(st->st_mode))
		return not_a_file(r, name);
	v = arena_grow(l->arena, l->v, l->n, sizeof(*v));
	if (!v)
		return refuse(r, name, ENOMEM);
	l->v = v;
	l->v[l->n] = (struct item){.name = arena_strdup(l->arena, name), .id = id_of(st)};
	return l->v[l->n++].name ? 0 : refuse(r, name, ENOMEM);
}

/* what an entry of a folder is, links followed; one that has just gone makes it -EAGAIN */
static int look(const struct reading *r, const char *name, struct stat *ret)
{
	struct stat link;

	if (fstatat(r->fd, name, ret, 0) == 0)
		return 0;
	if (errno == ENOENT && fstatat(r->fd, name, &link, AT_SYMLINK_NOFOLLOW) < 0)
		return changes(r, name);
	return refuse(r, name, errno);
}

static bool may_be_folder(const struct dirent *d)
{
	return d->d_type == DT_DIR || d->d_type == DT_LNK || d->d_type == DT_UNKNOWN;
}

static int list_folder(const struct reading *r, struct listing *l, const char *folder, bool top);

static int list_entry(const struct reading *r, struct listing *l, const char *folder,
		      const struct dirent *d, bool top)
{
	char name[BUNDLE_NAME_MAX], path[SHOWN_MAX];
	struct stat st;
	int q;

	if (bundle_skips(d->d_name, true))
		return 0;
	if ((size_t)snprintf(name, sizeof(name), "%s/%s", folder, d->d_name) >= sizeof(name))
		return refuse(r, name, ENAMETOOLONG);
	if (bundle_skips(d->d_name, false)) {
		if (!top || !may_be_folder(d) || fstatat(r->fd, name, &st, 0) < 0 ||
		    !S_ISDIR(st.st_mode))
			return 0;
		return list_folder(r, l, name, false);
	}
	q = look(r, name, &st);
	if (q < 0)
		return q;
	if (top && S_ISDIR(st.st_mode))
		return list_folder(r, l, name, false);
	if (!bundle_name_ok(name)) {
		err_set(r->e, EINVAL, "%s: the name is not legible text",
			whole_path(r, name, path));
		return err_hint(r->e, "rename it");
	}
	if (l->n == BUNDLE_FILES_MAX) {
		err_set(r->e, E2BIG, "%s/" BUNDLE_TENANTS ": more than %d files", r->path,
			BUNDLE_FILES_MAX - 1);
		return err_hint(r->e, "put several tenants into one");
	}
	return add_item(r, l, name, &st);
}

/* @top: tenants.d itself, which may have folders of hosts */
static int list_folder(const struct reading *r, struct listing *l, const char *folder, bool top)
{
	int fd = openat(r->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	int q = 0;

	if (!d) {
		int code = errno;

		if (fd >= 0)
			close(fd);
		if (fd < 0 && code == ENOENT)
			return top ? 0 : changes(r, folder);
		return refuse(r, folder, code);
	}
	for (errno = 0; !q && (entry = readdir(d)); errno = 0)
		q = list_entry(r, l, folder, entry, top);
	if (!q && errno)
		q = refuse(r, folder, errno);
	closedir(d);
	return q;
}

static int by_name(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* the caller calls listing_clear(), also on failure */
static int list_all(const struct reading *r, struct listing *ret)
{
	struct stat st;
	int q;

	*ret = (struct listing){.arena = arena_new(0)};
	if (!ret->arena)
		return refuse(r, BUNDLE_TENANTS, ENOMEM);
	q = look(r, BUNDLE_TOPOLOGY, &st);
	if (q == -EAGAIN) /* in the place of the first file there is nothing */
		q = refuse(r, BUNDLE_TOPOLOGY, ENOENT);
	if (q == -ENOENT)
		return err_hint(r->e, "a topology's folder has a " BUNDLE_TOPOLOGY);
	if (!q)
		q = add_item(r, ret, BUNDLE_TOPOLOGY, &st);
	if (!q)
		q = list_folder(r, ret, BUNDLE_TENANTS, true);
	if (!q && ret->v)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return q;
}

/* --- reading --------------------------------------------------------------------------------- */

/* @size bytes and then the end */
static int read_bytes(const struct reading *r, int fd, const char *name, char *buf, size_t size)
{
	size_t len = 0;
	char more;

	while (true) {
		bool full = len == size;
		ssize_t n = pread(fd, full ? &more : buf + len, full ? 1 : size - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return refuse(r, name, errno);
		if (n == 0)
			return full ? 0 : changes(r, name);
		if (full)
			return changes(r, name);
		len += (size_t)n;
	}
}

static int read_again(const struct reading *r, int fd, const char *name, const char *buf,
		      size_t size)
{
	_cleanup_free_ char *second = malloc(size + 1);
	int q;

	if (!second)
		return refuse(r, name, ENOMEM);
	q = read_bytes(r, fd, name, second, size);
	return !q && memcmp(buf, second, size) != 0 ? changes(r, name) : q;
}

/* could it have changed after @r began, with the stamp that it has? */
static bool is_fresh(const struct reading *r, const struct timespec *t)
{
	return t->tv_sec > r->start.tv_sec ||
	       (t->tv_sec == r->start.tv_sec && t->tv_nsec >= r->start.tv_nsec);
}

/*
 * Waits for a write that is under way: looking for a hole takes the lock that a write holds from
 * before its stamp to its last byte (tmpfs, ext4, btrfs; XFS has reads wait for it anyway).  Where it
 * does nothing, nothing is lost.
 */
static void settle(int fd)
{
	(void)lseek(fd, 0, SEEK_HOLE);
}

/* the file that @it is, and no other, to @buf */
static int read_item(const struct reading *r, const struct item *it, char *buf)
{
	_cleanup_close_ int fd =
		openat(r->fd, it->name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size_t size = (size_t)it->id.size;
	struct file_id id;
	struct stat st;
	int q;

	if (fd < 0)
		return errno == ENOENT ? changes(r, it->name) : refuse(r, it->name, errno);
	if (fstat(fd, &st) < 0)
		return refuse(r, it->name, errno);
	id = id_of(&st);
	if (!same_id(&id, &it->id))
		return changes(r, it->name);
	settle(fd);
	q = read_bytes(r, fd, it->name, buf, size);
	if (!q && is_fresh(r, &st.st_mtim))
		q = read_again(r, fd, it->name, buf, size);
	if (q < 0)
		return q;
	if (fstat(fd, &st) < 0)
		return refuse(r, it->name, errno);
	id = id_of(&st);
	return same_id(&id, &it->id) ? 0 : changes(r, it->name);
}

static int too_large(const struct reading *r)
{
	err_code(r->e, EFBIG, "%s", r->path);
	return err_hint(r->e, "all files of a topology have at most %zu MiB together",
			LAB_FILE_MAX >> 20);
}

/* bytes of the whole bundle; -EFBIG */
static ssize_t measure(const struct reading *r, const struct listing *l)
{
	size_t total = strlen(BUNDLE_MARK);
	char head[BUNDLE_HEAD_MAX];

	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].id.size < 0 || (size_t)l->v[i].id.size > LAB_FILE_MAX)
			return too_large(r);
		total += bundle_head(head, l->v[i].name, (size_t)l->v[i].id.size) +
			 (size_t)l->v[i].id.size + 1;
		if (total > LAB_FILE_MAX)
			return too_large(r);
	}
	return (ssize_t)total;
}

static int read_items(const struct reading *r, const struct listing *l, char *text, size_t total)
{
	size_t at = strlen(BUNDLE_MARK);
	char head[BUNDLE_HEAD_MAX];
	int q = 0;

	memcpy(text, BUNDLE_MARK, at);
	for (size_t i = 0; i < l->n && !q; i++) {
		size_t size = (size_t)l->v[i].id.size, len = bundle_head(head, l->v[i].name, size);

		memcpy(text + at, head, len);
		q = read_item(r, &l->v[i], text + at + len);
		at += len + size;
		text[at++] = '\n';
	}
	text[total] = '\0';
	return q;
}

/* does the folder still list what it listed before? */
static int compare(const struct reading *r, const struct listing *was)
{
	struct listing now __attribute__((cleanup(listing_clear)));
	size_t i = 0;
	int q = list_all(r, &now);

	if (q < 0)
		return q;
	while (i < was->n && i < now.n && strcmp(was->v[i].name, now.v[i].name) == 0 &&
	       same_id(&was->v[i].id, &now.v[i].id))
		i++;
	if (i == was->n && i == now.n)
		return 0;
	return changes(r, i < now.n ? now.v[i].name : was->v[i].name);
}

static int attempt(const struct reading *r, char **ret, size_t *ret_len)
{
	struct listing l __attribute__((cleanup(listing_clear)));
	_cleanup_free_ char *text = NULL;
	int q = list_all(r, &l);
	ssize_t total = q < 0 ? q : measure(r, &l);

	if (total < 0)
		return (int)total;
	text = malloc((size_t)total + 1);
	if (!text)
		return refuse(r, BUNDLE_TENANTS, ENOMEM);
	q = read_items(r, &l, text, (size_t)total);
	if (!q)
		q = compare(r, &l);
	if (q < 0)
		return q;
	*ret = steal_ptr(text);
	*ret_len = (size_t)total;
	return 0;
}

static int read_folder(const char *path, char **ret, size_t *ret_len, struct err *e)
{
	_cleanup_free_ char *shown = strdup(path);
	struct reading r = {.path = shown, .e = e};
	int q = -EAGAIN;

	if (!shown)
		return err_code(e, ENOMEM, "%s", path);
	for (size_t len = strlen(shown); len > 1 && shown[len - 1] == '/';)
		shown[--len] = '\0';
	for (int i = 0; q == -EAGAIN && i < ATTEMPTS; i++) {
		_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return err_errno(e, "%s", path);
		r.fd = fd;
		clock_gettime(CLOCK_REALTIME_COARSE, &r.start);
		q = attempt(&r, ret, ret_len);
	}
	return q;
}

/* a lone file of @st */
static int attempt_lone(const struct reading *r, const char *path, const struct stat *st,
			char **ret, size_t *ret_len)
{
	const struct item it = {.name = path, .id = id_of(st)};
	_cleanup_free_ char *text = NULL;
	struct file_id id;
	struct stat now;
	int q;

	text = malloc((size_t)st->st_size + 1);
	if (!text)
		return refuse(r, path, ENOMEM);
	q = read_item(r, &it, text);
	if (q < 0)
		return q;
	/* another one may have its name by now */
	if (stat(path, &now) < 0)
		return errno == ENOENT ? changes(r, path) : refuse(r, path, errno);
	id = id_of(&now);
	if (!same_id(&id, &it.id))
		return changes(r, path);
	text[st->st_size] = '\0';
	*ret = steal_ptr(text);
	*ret_len = (size_t)st->st_size;
	return 0;
}

/* pipes, and files of the kernel that do not say how long they are, are read to their end */
static int read_lone(const char *path, char **ret, size_t *ret_len, struct err *e)
{
	struct reading r = {.fd = AT_FDCWD, .e = e};
	int q = -EAGAIN;

	for (int i = 0; q == -EAGAIN && i < ATTEMPTS; i++) {
		struct stat st;

		clock_gettime(CLOCK_REALTIME_COARSE, &r.start);
		if (stat(path, &st) < 0)
			return err_errno(e, "%s", path);
		if (!S_ISREG(st.st_mode) || st.st_size <= 0)
			q = io_read_file(path, LAB_FILE_MAX, ret, ret_len, e);
		else if ((size_t)st.st_size > LAB_FILE_MAX)
			q = err_code(e, EFBIG, "%s", path);
		else
			q = attempt_lone(&r, path, &st, ret, ret_len);
	}
	if (q == -EFBIG)
		err_hint(e, "a topology file has at most %zu MiB", LAB_FILE_MAX >> 20);
	return q;
}

int bundle_read(const char *path, char **ret, size_t *ret_len, bool *ret_folder, struct err *e)
{
	struct stat st;

	*ret_folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	return *ret_folder ? read_folder(path, ret, ret_len, e) : read_lone(path, ret, ret_len, e);
}

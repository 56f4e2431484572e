/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is recorded of the file that a lab was made from, and of former ones. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/io.h"
#include "lab/load.h"
#include "lab/store.h"

#define STORE_FORMAT 1                          /* of meta.json and what lies beside it */
#define TEXT_MAX     ((size_t)64 * 1024 * 1024) /* bytes of the others */

static const char *const recorded[] = {"topology.yaml", "meta.json", "peers", "leases"};

int store_save(const struct store *s, const char *text, size_t len, const struct lab_meta *meta,
	       struct err *e)
{
	_cleanup_free_ char *json = NULL;
	char path[256];
	json_t *o;
	int r;

	o = json_pack("{s:s, s:s, s:s*, s:s, s:s, s:I, s:I, s:i}", "file", meta->file, "dir",
		      meta->dir, "host", meta->host, "backend", meta->backend, "version",
		      WARREN_VERSION, "cookie", (json_int_t)meta->cookie, "first_index",
		      (json_int_t)meta->first_index, "format", STORE_FORMAT);
	if (o)
		json = json_dumps(o, JSON_INDENT(2));
	json_decref(o);
	if (!json) {
		/* jansson takes UTF-8 only */
		err_set(e, EILSEQ, "%s: the path is not UTF-8", meta->file);
		err_hint(e, "rename the file or its folder");
		return err_kind_set(e, ERR_INVALID);
	}
	r = io_write_file(store_path(s, "topology.yaml", path, sizeof(path)), text, len, 0600, e);
	if (!r)
		r = io_write_file(store_path(s, "meta.json", path, sizeof(path)), json,
				  strlen(json), 0600, e);
	return r;
}

/* --- reading ------------------------------------------------------------------------------- */

/* FILE, or DIR/FILE */
static const char *path_in(const struct store *s, const char *dir, const char *file,
			   char buf[static 256])
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s%s", dir ? dir : "", dir ? "/" : "", file);
	return store_path(s, name, buf, 256);
}

static char *dup_field(const json_t *o, const char *key)
{
	const char *v = json_string_value(json_object_get(o, key));

	return v ? strdup(v) : NULL;
}

static int read_meta(const char *path, struct lab_meta *ret, struct err *e)
{
	struct lab_meta m = {0};
	json_error_t why;
	json_t *o = json_load_file(path, 0, &why);
	json_int_t format = json_integer_value(json_object_get(o, "format"));

	if (!o)
		return err_set(e, EBADMSG, "%s: %s", path, why.text);
	if (format > STORE_FORMAT) {
		json_decref(o);
		err_set(e, EPROTONOSUPPORT, "%s: written by a newer warren, in format %d", path,
			(int)format);
		return err_hint(e, "use that version of warren for this lab");
	}
	m.file = dup_field(o, "file");
	m.dir = dup_field(o, "dir");
	m.host = dup_field(o, "host");
	m.backend = dup_field(o, "backend");
	m.cookie = (uint64_t)json_integer_value(json_object_get(o, "cookie"));
	m.first_index = (uint32_t)json_integer_value(json_object_get(o, "first_index"));
	json_decref(o);
	if (!m.dir || !m.backend || !m.file) {
		lab_meta_clear(&m);
		return err_set(e, EBADMSG, "%s: incomplete", path);
	}
	*ret = m;
	return 0;
}

int store_load_former(const struct store *s, const char *dir, char **ret_text, size_t *ret_len,
		      struct lab_meta *ret_meta, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	char path[256];
	int r = io_read_file(path_in(s, dir, "topology.yaml", path), LAB_FILE_MAX, &text, ret_len,
			     e);

	if (!r)
		r = read_meta(path_in(s, dir, "meta.json", path), ret_meta, e);
	if (!r)
		*ret_text = steal_ptr(text);
	return r;
}

int store_load(const struct store *s, char **ret_text, size_t *ret_len, struct lab_meta *ret_meta,
	       struct err *e)
{
	return store_load_former(s, NULL, ret_text, ret_len, ret_meta, e);
}

int store_save_peers(const struct store *s, const char *text, size_t len, struct err *e)
{
	char path[256];

	return io_write_file(path_in(s, NULL, "peers", path), text, len, 0600, e);
}

/* a file that need not be there */
static int read_optional(const char *path, char **ret, struct err *e)
{
	int r = io_read_file(path, TEXT_MAX, ret, NULL, e);

	if (r != -ENOENT)
		return r;
	*e = (struct err)ERR_INIT;
	*ret = strdup("");
	return *ret ? 0 : err_code(e, ENOMEM, "%s", path);
}

int store_load_peers(const struct store *s, const char *dir, char **ret, struct err *e)
{
	char path[256];

	return read_optional(path_in(s, dir, "peers", path), ret, e);
}

int store_load_leases(const struct store *s, const char *dir, char **ret, struct err *e)
{
	char path[256];

	return read_optional(path_in(s, dir, "leases", path), ret, e);
}

static const char *kept_leases(const char *name, char buf[static 256])
{
	snprintf(buf, 256, "%s/%s/leases", WARREN_STATE_DIR, name);
	return buf;
}

int store_kept_leases(const char *name, char **ret, struct err *e)
{
	char path[256];
	int r = read_optional(kept_leases(name, path), ret, e);

	if (r != -EACCES)
		return r;
	*e = (struct err)ERR_INIT;
	*ret = strdup("");
	return *ret ? 0 : err_code(e, ENOMEM, "%s", path);
}

static int same_text(const char *path, const char *text)
{
	_cleanup_free_ char *is = NULL;
	struct err why = ERR_INIT;

	return read_optional(path, &is, &why) == 0 && !strcmp(is, text);
}

int store_save_leases(const struct store *s, const char *text, struct err *e)
{
	char path[256], folder[256];
	int r = 0;

	if (!same_text(path_in(s, NULL, "leases", path), text))
		r = io_write_file(path, text, strlen(text), 0600, e);
	if (r < 0 || same_text(kept_leases(s->name, path), text))
		return r;
	snprintf(folder, sizeof(folder), "%s/%s", WARREN_STATE_DIR, s->name);
	r = io_mkdir_p(folder, 0700, e);
	return !r ? io_write_file(path, text, strlen(text), 0600, e) : r;
}

void lab_meta_clear(struct lab_meta *m)
{
	free(m->file);
	free(m->dir);
	free(m->host);
	free(m->backend);
	*m = (struct lab_meta){0};
}

int store_forget(struct store *s, struct err *e)
{
	struct dirent **entries = NULL;
	bool others = false;
	char path[256];
	int n;

	for (size_t i = 0; i < ARRAY_SIZE(recorded); i++)
		(void)unlink(store_path(s, recorded[i], path, sizeof(path)));
	n = scandir(s->dir, &entries, NULL, NULL);
	for (int i = 0; i < n; i++) {
		others |= strcmp(entries[i]->d_name, ".") && strcmp(entries[i]->d_name, "..") &&
			  strcmp(entries[i]->d_name, "lock");
		free(entries[i]);
	}
	free(entries);
	if (!others)
		return store_remove(s, e);
	/* sockets of tunnels that run, of a lab whose record was lost */
	store_unlock(s);
	return 0;
}

/* --- former files ----------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	const unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return x < y ? -1 : x > y;
}

int store_formers(const struct store *s, unsigned int **ret, size_t *ret_n, struct err *e)
{
	DIR *d = opendir(s->dir);
	unsigned int *v = NULL, number = 0, *grown;
	struct dirent *entry;
	size_t n = 0;

	if (!d)
		return err_errno(e, "%s", s->dir);
	while ((entry = readdir(d))) {
		if (sscanf(entry->d_name, "former.%u", &number) != 1)
			continue;
		grown = reallocarray(v, n + 1, sizeof(*v));
		if (!grown) {
			free(v);
			closedir(d);
			return err_code(e, ENOMEM, "%s", s->dir);
		}
		v = grown;
		v[n++] = number;
	}
	closedir(d);
	if (n)
		qsort(v, n, sizeof(*v), by_value);
	*ret = v;
	*ret_n = n;
	return 0;
}

/* under a name that does not count yet, and under its own when it is complete */
int store_put_aside(const struct store *s, struct err *e)
{
	_cleanup_free_ unsigned int *numbers = NULL;
	char from[256], to[256], temporary[256], name[32];
	size_t n;
	int r = store_formers(s, &numbers, &n, e);

	if (r < 0)
		return r;
	store_path(s, "putting-aside", temporary, sizeof(temporary));
	if (mkdir(temporary, 0700) < 0 && errno != EEXIST)
		return err_errno(e, "%s", temporary);
	for (size_t i = 0; i < ARRAY_SIZE(recorded); i++) {
		store_path(s, recorded[i], from, sizeof(from));
		path_in(s, "putting-aside", recorded[i], to);
		(void)unlink(to);
		/* the files are replaced, never written to: a second name keeps the old one */
		if (link(from, to) < 0 && errno != ENOENT)
			return err_errno(e, "%s", to);
	}
	r = fault_point("put aside", e);
	snprintf(name, sizeof(name), "former.%u", n ? numbers[n - 1] + 1 : 1);
	if (!r && rename(temporary, store_path(s, name, to, sizeof(to))) < 0)
		r = err_errno(e, "%s", to);
	return !r ? fault_point("former file kept", e) : r;
}

static int remove_folder(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(e, "%s", path);
	r = store_empty_folder(fd, NULL, e);
	return !r && rmdir(path) < 0 ? err_errno(e, "%s", path) : r;
}

/* under a name that does not count first: half of one would be in the way of the next apply */
int store_drop_formers(const struct store *s, struct err *e)
{
	_cleanup_free_ unsigned int *numbers = NULL;
	char name[32], path[256], temporary[256];
	size_t n = 0;
	int r = store_formers(s, &numbers, &n, e);

	store_path(s, "putting-aside", temporary, sizeof(temporary));
	for (size_t i = 0; i < n && !r; i++) {
		snprintf(name, sizeof(name), "former.%u", numbers[i]);
		store_path(s, name, path, sizeof(path));
		r = remove_folder(temporary, e);
		if (!r && rename(path, temporary) < 0)
			r = err_errno(e, "%s", path);
		if (!r)
			r = fault_point("former file dropped", e);
		if (!r)
			r = remove_folder(temporary, e);
	}
	return r;
}

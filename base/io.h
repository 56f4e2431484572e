/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole files, read and written with bounds.
 */
#ifndef WARREN_BASE_IO_H
#define WARREN_BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * io_read_file - all of a file, NUL appended (not counted in @ret_len).
 * @max: bytes; a longer file is -EFBIG.  A folder, socket or device is -EINVAL; a pipe is read.
 * The caller frees *@ret.  @ret_len may be NULL.
 */
int io_read_file(const char *path, size_t max, char **ret, size_t *ret_len, struct err *e);

/*
 * io_write_file - replace @path atomically: a new file beside it, then rename(2).
 * @mode: permissions of the new file, e.g. 0600.
 */
int io_write_file(const char *path, const void *data, size_t len, mode_t mode, struct err *e);

/*
 * io_create_file - a new file, whole or not at all: it has no name before it is written.
 * -EEXIST: there is one already.
 */
int io_create_file(const char *path, const void *data, size_t len, mode_t mode, struct err *e);

/*
 * io_replace_file - put @data in the place of a file that somebody else made.  The new one has its
 * owner, mode and extended attributes (with them, access control lists), and is on the disk before
 * it takes the name.
 * @was: what stat(2) said of it when it was read.  -ESTALE: by now it is another, or has changed.
 * On any failure the file is untouched and nothing is left beside it.  Blocks on the disk.
 */
int io_replace_file(const char *path, const struct stat *was, const void *data, size_t len,
		    struct err *e);

/* io_same_file - do two results of stat(2) mean the same file, unchanged? */
bool io_same_file(const struct stat *a, const struct stat *b);

/* io_read_value - a short file such as one of /proc/sys, without its trailing newline. */
int io_read_value(const char *path, char *buf, size_t size, struct err *e);

/* io_write_all - write(2) until all is written.  Returns 0 or -errno. */
int io_write_all(int fd, const void *data, size_t len);

/* io_mkdir_p - make a folder and the missing ones above it.  An existing folder is fine. */
int io_mkdir_p(const char *path, mode_t mode, struct err *e);

#endif

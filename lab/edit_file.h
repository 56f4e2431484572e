/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A topology file that is read, changed and written back.
 *
 * Theory of operation.  Who edits a file holds a lock (flock(2)) on the folder that it is in, from
 * before it is read until it is written: of two edits at once the second reads what the first
 * has written.  Editors know nothing of that lock; so before the new file takes the old one's
 * name, the old one has to be what was read: the same inode, time and size, and the same bytes.
 */
#ifndef WARREN_LAB_EDIT_FILE_H
#define WARREN_LAB_EDIT_FILE_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/err.h"

struct edit_file {
	char *path; /* absolute, behind all symbolic links */
	char *text; /* what is in it */
	size_t len;
	struct stat was;
	int lock_fd;
};

/*
 * edit_file_open - lock and read.  Waits for whoever edits a file of that folder; -EINTR: a signal
 * came meanwhile.  edit_file_close() in any case.
 * @folder: what is locked, where the file is a part of a larger whole; NULL: its own folder.
 */
int edit_file_open(const char *path, const char *folder, struct edit_file *ret, struct err *e);

/* edit_file_switch - read another file of the same whole in its place, under the same lock. */
int edit_file_switch(struct edit_file *f, const char *path, struct err *e);

/*
 * edit_file_write - put @text in its place: atomically, with owner and mode kept; a symbolic link
 * stays, and what it leads to is replaced.  -ESTALE: somebody else has changed it, and nothing is
 * written.  On any other failure the file is as it was, too.
 */
int edit_file_write(struct edit_file *f, const char *text, size_t len, struct err *e);

/* edit_file_remove - take the file away, unless it has changed: as edit_file_write(). */
int edit_file_remove(struct edit_file *f, struct err *e);

void edit_file_close(struct edit_file *f);

#endif

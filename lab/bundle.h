/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A topology in several files: a folder, and the one text that all of it becomes.
 *
 *	DIR/topology.yaml		the topology file as ever
 *	DIR/tenants.d/NAME.yaml		tenants of the only host with a gateway
 *	DIR/tenants.d/HOST/NAME.yaml	tenants of gateway HOST
 *
 * Theory of operation.  What reads a topology gets one text, which it can keep, compare and
 * load again without the folder.  For a folder that text is a bundle: the line BUNDLE_MARK, and
 * for each file a line with the number of its bytes and its name, those bytes, and a newline.
 *
 *	#!warren bundle 1
 *	24 tenants.d/c17.yaml
 *	c17: {listen_port: 5017}
 *	⋮
 *
 * The files are sorted by their names as bytes, so two bundles are equal when the files are,
 * whatever order the folder lists them in.  A bundle that somebody made by hand is as good as
 * one that was read: everything about it is checked again when it is taken apart.
 */
#ifndef WARREN_LAB_BUNDLE_H
#define WARREN_LAB_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "lab/yaml.h"

#define BUNDLE_MARK      "#!warren bundle 1\n"
#define BUNDLE_TOPOLOGY  "topology.yaml"
#define BUNDLE_TENANTS   "tenants.d"
#define BUNDLE_FILES_MAX 65536
#define BUNDLE_NAME_MAX  544 /* bytes of tenants.d/HOST/NAME.yaml: two names of 255, and NUL */
#define BUNDLE_HEAD_MAX  (BUNDLE_NAME_MAX + 24) /* of the line before a file's bytes, and NUL */

struct bundle_file {
	const char *name; /* from the folder on: "tenants.d/c17.yaml"; NULL: of no folder */
	const char *host; /* HOST of tenants.d/HOST/NAME.yaml; NULL: none */
	const char *text; /* in the bundle's text, len bytes */
	size_t len;
};

struct bundle {
	struct bundle_file *files; /* first topology.yaml, then the others by their names */
	size_t n;
};

/* bundle_is - is @text (@len bytes) a bundle?  If not it is a topology file. */
bool bundle_is(const char *text, size_t len);

/*
 * bundle_split - take @text, which bundle_is(), apart; all but the files' bytes is in @arena.
 * Returns 0; -EINVAL with @error filled in, a place in @text; -ENOMEM.
 */
int bundle_split(const char *text, size_t len, struct arena *arena, struct bundle *ret,
		 struct yaml_error *error);

/* bundle_name_ok - can a bundle have a file of this name? */
bool bundle_name_ok(const char *name);

/* bundle_skips - is a folder's entry @name passed over?  Hidden files and editors' backups are,
 * and, where no @folder is meant, whatever does not end in .yaml. */
bool bundle_skips(const char *name, bool folder);

/* bundle_head - the line before a file's @len bytes, newline and all; returns its length. */
size_t bundle_head(char buf[static BUNDLE_HEAD_MAX], const char *name, size_t len);

/*
 * bundle_read - the text of the topology at @path: a file word for word, a folder as a bundle.
 * *@ret_folder: which of the two.  The caller frees *@ret, which has a NUL behind its end.
 *
 * What is read existed at one instant: a file whose size, times or inode differ before and after,
 * or a folder that lists other files afterwards, is read again, and -EAGAIN after a few times.
 * Symbolic links are followed.  What is not a file, in a folder, is -EINVAL and is not opened, so
 * nothing blocks; a @path that is a pipe is read to its end.  -EFBIG: more than LAB_FILE_MAX.
 */
int bundle_read(const char *path, char **ret, size_t *ret_len, bool *ret_folder, struct err *e);

#endif

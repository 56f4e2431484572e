/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output that goes to a file of the user's choosing (-o FILE): it may have keys in it.
 */
#ifndef WARREN_CMD_SAVE_H
#define WARREN_CMD_SAVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * save_file - a new file with mode 0600, whole or not at all.
 * -EEXIST, kind ERR_CANNOT: there is one, and it is not to be replaced (@force).  What is not
 * an ordinary file is never replaced.
 */
int save_file(const char *path, const void *data, size_t len, bool force, struct err *e);

/* save_check - would save_file() refuse it, as far as that can be known before? */
int save_check(const char *path, bool force, struct err *e);

/* save_check_folder - is there a folder for it? */
int save_check_folder(const char *path, struct err *e);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The labs of this machine: /etc/warren/LAB.yaml, or the folder /etc/warren/LAB.
 *
 * A command line names them by the word LAB alone, as warren@LAB.service does.  What is where the
 * command runs goes first, so that no file of the machine hides one that somebody works on.
 */
#ifndef WARREN_LAB_ETC_H
#define WARREN_LAB_ETC_H

#include <stdbool.h>

#include "base/err.h"

#define WARREN_ETC_DIR "/etc/warren"

/* etc_is_here - is there a file of that name, or a lab's folder, where the command runs? */
bool etc_is_here(const char *word);

/* etc_has - is there one in /etc/warren, be it in two forms? */
bool etc_has(const char *word);

/*
 * etc_find - the path of the topology that @word of a command line means: @word itself where it is a
 * path or is here, else the one in /etc/warren.
 * @ret_path: the caller frees it.  @ret_etc: it was found in /etc/warren, by its name.
 * -ENOENT: there is none; -EEXIST: there are two; -EACCES.  All of kind ERR_INVALID.
 */
int etc_find(const char *word, char **ret_path, bool *ret_etc, struct err *e);

/*
 * etc_check_name - the lab in what was found by @word has that name, too; else a lab would be made by one
 * name and looked for by another.  -EINVAL, kind ERR_INVALID.
 */
int etc_check_name(const char *word, const char *path, const char *name, struct err *e);

#endif

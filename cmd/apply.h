/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Applying, for other commands that have changed a file. */
#ifndef WARREN_CMD_APPLY_H
#define WARREN_CMD_APPLY_H

#include "cmd/cmd.h"

/* apply_path - what `warren apply @path` does, with the options that the lab was made with; with
 * --only-changed where @only_changed.  Returns the exit status. */
int apply_path(struct cmd *c, const char *path, bool only_changed);

#endif

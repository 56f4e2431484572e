/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose is it?  Asked of the journals of all labs that are recorded on this machine.
 */
#ifndef WARREN_LAB_OWNER_H
#define WARREN_LAB_OWNER_H

#include <stdbool.h>

#include "lab/journal.h"
#include "lab/model.h"

/*
 * owner_find - the first lab whose journal has a live record of @kind with @text.
 * @ret_lab: its name; untouched where there is none.  Returns whether there is one.
 */
bool owner_find(enum record_kind kind, const char *text, char ret_lab[static LAB_NAME_MAX + 1]);

/*
 * owner_lost_file - is the file at @path one that the lab which would write @text there has made, and
 * that nobody has a record of any more?  A power cut takes /run and leaves /etc.
 * The first line of @text says who makes it.
 */
bool owner_lost_file(const char *path, const char *text);

#endif

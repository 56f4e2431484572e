/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading what a command was given: a topology file, a running lab.
 */
#ifndef WARREN_CMD_READ_H
#define WARREN_CMD_READ_H

#include "cmd/cmd.h"
#include "lab/lab.h"

/*
 * read_file - read a topology file, printing what is wrong with it.
 * @file: its path, or the name of a lab in /etc/warren.
 * Returns 0, or the exit status.  lab_file_clear() in any case.
 */
int read_file(struct cmd *c, const char *file, struct lab_file *ret);

#endif

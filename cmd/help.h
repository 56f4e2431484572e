/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Help, shell completions and the manual's list of commands, all from the table of commands.
 */
#ifndef WARREN_CMD_HELP_H
#define WARREN_CMD_HELP_H

#include <stdio.h>

#include "cmd/cmd.h"

/* help_print - help for one command, or the overview (@command NULL). */
void help_print(const struct command *command, FILE *out);

/* help_mdoc - the commands as the body of an mdoc(7) section, for doc/warren.1. */
void help_mdoc(FILE *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output for people: tables, colour where it is wanted, a progress line.
 */
#ifndef WARREN_CMD_OUT_H
#define WARREN_CMD_OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "lab/apply.h"
#include "lab/load.h"

enum colour { COLOUR_NONE, COLOUR_GOOD, COLOUR_BAD, COLOUR_DIM, COLOUR_HEAD };

/* out_colour, out_plain - escape sequences for stdout, or "" where it is no terminal or
 * NO_COLOR is set. */
const char *out_colour(enum colour c);
const char *out_plain(void);

/* a table: cells are collected, then printed with each column as wide as it has to be */
struct out_table;
struct out_table *out_table_new(const char *const *heads, size_t columns);
/* out_cell - the next cell, from left to right, top to bottom; printf-like */
void out_cell(struct out_table *t, enum colour colour, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* out_table_print - print and free; nothing is printed for a table without rows */
void out_table_print(struct out_table *t);

/* out_plural - "" for one, "s" for any other number. */
static inline const char *out_plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* out_bytes - "1.2 KiB" into @buf; returns @buf. */
const char *out_bytes(uint64_t n, char buf[static 16]);

/* out_ago - "12 s ago", "3 min ago", "never" (@then 0) into @buf; @then in seconds since the
 * epoch. */
const char *out_ago(int64_t then, char buf[static 24]);

/* out_json - print a JSON document on one line and release it; NULL (no memory) is an error. */
int out_json(struct cmd *c, json_t *doc);

/* out_diags - every error of a file or folder, as FILE:LINE:COLUMN: error: TEXT, to stderr; with
 * --json as objects on stdout, a line each. */
void out_diags(const struct cmd *c, const char *file, const struct diags *d);

/* out_hooks - progress (on a terminal, after a second) and notes, for apply and undo.
 * @verb: "making", "removing". */
void out_hooks(const struct cmd *c, const char *verb, struct apply_hooks *ret);
/* out_progress_end - takes the progress line away. */
void out_progress_end(void);

#endif

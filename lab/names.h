/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names: which are good, and short ones for interfaces whose names are too long.
 *
 * Theory of operation.  A name of more than 15 bytes becomes its first letters,
 * a dash and seven characters of a hash of the whole name.  The result depends on
 * the full name alone, so it is the same in every run and after every change to
 * the rest of the file; only where two of one namespace would meet (35 bits) the
 * later one takes the next hash.
 */
#ifndef WARREN_LAB_NAMES_H
#define WARREN_LAB_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "lab/model.h"

/* name_is_lab - [a-z0-9][a-z0-9-]{0,31} */
bool name_is_lab(const char *s);

/* name_is_netns - [A-Za-z0-9][A-Za-z0-9._-]{0,63}: hosts, tenants, networks, namespaces. */
bool name_is_netns(const char *s);

/*
 * name_is_interface - what the kernel takes (dev_valid_name()) but for the length, which may be up
 * to ALT_NAME_MAX; and not "lo", and not "all" or "default", which mean something in /proc/sys.
 */
bool name_is_interface(const char *s);

/*
 * name_shorten - the @probe-th (from 0) short name for @full; @full itself, for any probe, if it
 * fits.  @ret is a NUL-terminated name of at most IF_NAME_MAX bytes.
 */
void name_shorten(const char *full, unsigned int probe, char ret[static IF_NAME_MAX + 1]);

#endif

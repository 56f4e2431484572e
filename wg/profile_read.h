/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading profiles: what wg/profile_read.c (lines) and wg/profile_value.c (values) share.
 */
#ifndef WARREN_WG_PROFILE_READ_H
#define WARREN_WG_PROFILE_READ_H

#include "wg/profile.h"

/* a part of a line, in a copy of the file that may be written to; NUL-terminated */
struct slice {
	char *s;
	struct profile_place place;
};

struct profile_reader {
	struct profile *p;
	struct diags *diags;
	size_t errors;
	bool no_memory;
	size_t suggestions; /* comparisons of words that are left for all of the file */
	enum profile_section {
		SECTION_NONE, /* before the first */
		SECTION_INTERFACE,
		SECTION_PEER,
		SECTION_UNKNOWN,
	} section;
	struct profile_place interface;
	/* the comment that was the last line, which may be the name of the next peer */
	const char *above;
	bool peer_begins; /* the section has had no key yet */
};

/* profile_complain - "what is wrong (what to do)". */
void profile_complain(struct profile_reader *r, struct profile_place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* profile_value - the value of @key in the section that is being read. */
void profile_value(struct profile_reader *r, enum profile_key key, const struct slice *value);

/* profile_trim - without blanks on both sides; moves the place. */
void profile_trim(struct slice *s);

/* profile_name - the name in a comment (without its `#`), written over; NULL: it is none. */
char *profile_name(char *comment);

#endif

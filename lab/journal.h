/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal: what a lab has made on this machine and has to take away again.
 *
 * Theory of operation.  A text file to which lines are only ever appended, each
 * with one write(2), before the system is changed:
 *
 *	+ID KIND NUMBER INDEX TEXT	about to be made
 *	-ID				removed (or never came to be)
 *	!STATE				making, up, changing, removing
 *	@BOOT				the first: of which boot of the machine it tells
 *
 * Killed at any instant, the file holds at least everything that exists.  The
 * identity of an object is chosen or learnt before the object is made (a
 * namespace's cookie, an interface's number, a process's start time), so that
 * its removal can tell it from another of the same name.  What lives inside a
 * namespace of ours goes with it and is covered by its record; only what is
 * outside has records of its own.  A last line that was cut short belongs to
 * something that was not begun, and is ignored.  After a reboot nothing but
 * files is left of what it says, and numbers mean something else: a journal of
 * another boot has those alone, and its lab is to be removed.
 */
#ifndef WARREN_LAB_JOURNAL_H
#define WARREN_LAB_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* what the fields of a record mean, by its kind: number, index, text */
enum record_kind {
	REC_NETNS_DIR, /* -, -, -: /run/netns became a mount point */
	REC_NETNS,     /* cookie, -, name */
	REC_LINK,      /* cookie of its namespace, ifindex, name */
	REC_RAISED,    /* cookie of its namespace, ifindex, name: was down before */
	REC_GROUP,     /* cookie of its namespace, group, -: all links of that group */
	REC_ADDRESS,   /* cookie of its namespace, ifindex, ADDRESS/LEN */
	REC_ROUTE,     /* cookie of its namespace, ifindex, "TO VIA|- METRIC|- TABLE" */
	REC_SYSCTL,    /* cookie of its namespace, -, "KEY OLD-VALUE" */
	REC_TABLE,     /* cookie of its namespace, -, owner (the table's comment) */
	REC_PROCESS,   /* start time, pid, program */
	REC_PROGRAMS,  /* -, -, "NAME=value": processes with it in their environment */
	REC_FILE,      /* -, -, path */
	REC_FOLDER,    /* -, -, path; removed when empty */
	REC_KINDS
};

#define TUNNEL_PROCESS "wireguard-go of " /* a tunnel's REC_PROCESS: then NS/IF */

#define TUNNEL_MARK "WARREN_TUNNEL=" /* in its environment: then LAB/NS/IF */

struct record {
	unsigned int id;
	enum record_kind kind;
	uint64_t number;
	uint32_t index;
	const char *text;
	bool live; /* made (or begun) and not removed */
};

/* LAB_CHANGING: an apply is under way, or was cut short */
enum lab_state { LAB_MAKING, LAB_UP, LAB_CHANGING, LAB_REMOVING };

struct journal;

/*
 * journal_open - the journal at @path.  Reads it.  @create: to write to it, under the lab's lock; it
 * is made (0600) where it is not there.  Without: only to look; -ENOENT.
 */
int journal_open(const char *path, bool create, struct journal **ret, struct err *e);

/* journal_close - NULL is allowed.  The file stays. */
void journal_close(struct journal *j);

/* journal_add - write down what is about to be made.  @r->id and ->live are filled in;
 * @r->text is copied and must not contain a newline. */
int journal_add(struct journal *j, struct record *r, struct err *e);

/* journal_drop - record @id is gone from the system. */
int journal_drop(struct journal *j, unsigned int id, struct err *e);

int journal_set_state(struct journal *j, enum lab_state state, struct err *e);
enum lab_state journal_state(const struct journal *j);

/*
 * journal_compact - write the journal anew without what is gone, if that is most of it: a lab that is
 * changed all day has a journal as long as the lab is large.  Atomic; numbers of records change.
 */
int journal_compact(struct journal *j, struct err *e);

/* journal_records - all records in the order they were made; *@ret_n of them. */
const struct record *journal_records(const struct journal *j, size_t *ret_n);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes that outlive the command that started them.
 *
 * A process is known by its number and its start time together: numbers are
 * used again.  A started child waits until its parent has written the pair
 * down (the journal), and gives up when the parent dies first; so there is no
 * instant at which a process runs that nobody has recorded.
 */
#ifndef WARREN_BASE_PROC_H
#define WARREN_BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct proc_id {
	pid_t pid;
	uint64_t start; /* clock ticks after boot, field 22 of /proc/PID/stat */
};

struct proc_spec {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;  /* "NAME=value" put on top of the caller's; NULL: none */
	const int *fds;          /* descriptors that become 3, 4, … in the child; -1 ends */
	int ns_fd;               /* network namespace to run in; -1: the caller's */
	const char *log;         /* file for stdout and stderr, appended; NULL: /dev/null */
	bool mount_ns;           /* give it a mount namespace of its own with /sys of @ns_fd */
	int mnt_ns_fd;           /* mount namespace to run in; 0 or -1: the caller's */
	const char *etc_dir; /* with mount_ns: files of this folder cover those of /etc; or NULL */
};

/*
 * proc_start - start a program in a session of its own, detached from the terminal.
 * @record: called with the child's identity before the program is executed; if it fails,
 *	    the program never runs.  It may be NULL.
 * Returns 0 once execve() has succeeded, else -errno with the reason (ENOENT: no such program).
 */
int proc_start(const struct proc_spec *spec, struct proc_id *ret,
	       int (*record)(const struct proc_id *id, void *arg, struct err *e), void *arg,
	       struct err *e);

/* proc_alive - does this very process still run (and is not a zombie)? */
bool proc_alive(const struct proc_id *id);

/*
 * proc_end - end it: SIGTERM, then SIGKILL after @grace_ms, and wait until it is gone.
 * What it has started goes with it, where it is still in the group that proc_start() made.
 * A process that is gone already is success.  Blocks up to @grace_ms and a second.
 */
int proc_end(const struct proc_id *id, int grace_ms, struct err *e);

/*
 * proc_end_marked - end every process whose environment has the entry @mark ("NAME=value"): a
 * program that was started with it, and what that has started, also in sessions of their own.
 * As proc_end(); @mark must be unique to what may be ended.
 */
int proc_end_marked(const char *mark, int grace_ms, struct err *e);

/* proc_marked_alive - does a process with @mark in its environment run? */
bool proc_marked_alive(const char *mark);

/*
 * proc_each_marked - call @fn for each process whose environment has an entry that begins with @prefix,
 * with that entry, until it returns negative, which is returned.
 */
int proc_each_marked(const char *prefix,
		     int (*fn)(const struct proc_id *id, const char *entry, void *arg,
			       struct err *e),
		     void *arg, struct err *e);

/* proc_find - the file of a program along PATH; *@ret is freed by the caller.  -ENOENT. */
int proc_find(const char *program, char **ret, struct err *e);

#endif

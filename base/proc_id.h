/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two halves of proc.h share.
 */
#ifndef WARREN_BASE_PROC_ID_H
#define WARREN_BASE_PROC_ID_H

#include <stdint.h>
#include <sys/types.h>

/*
 * proc_identify - start time and state letter of a process, from /proc/PID/stat (proc(5)).
 * Returns 0; -ESRCH: there is none of that number; or another -errno.
 */
int proc_identify(pid_t pid, uint64_t *ret_start, char *ret_state);

#endif

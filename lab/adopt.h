/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking up a lab whose record was lost.
 *
 * Theory of operation.  What warren makes can be told from what others make: every link carries the
 * alternative name IF.LAB.warren, the NAPT table the lab's name as its comment, every process an entry of
 * its environment, every file its first line.  Where the file says that something is to be, and something
 * with such a mark is, the record is written anew.  Nothing in the system is changed; what is missing or
 * different, `plan` shows and `apply` mends.
 */
#ifndef WARREN_LAB_ADOPT_H
#define WARREN_LAB_ADOPT_H

#include "lab/change.h"

struct adopt_report {
	size_t namespaces, processes, links, files;
};

/*
 * lab_adopt - write the record of the lab of @f from what is there.
 * -EEXIST, kind ERR_CANNOT: it has a record.  -ENOENT, kind ERR_NO: nothing of it is there.
 * @hooks: notes about what stands where something of the lab should be, and has no mark.
 */
int lab_adopt(const struct lab_file *f, const struct change_options *o,
	      const struct apply_hooks *hooks, struct adopt_report *ret, struct err *e);

#endif

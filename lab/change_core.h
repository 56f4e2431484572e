/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of change: what comparing and applying share.  Only lab/change*.c include this.
 */
#ifndef WARREN_LAB_CHANGE_CORE_H
#define WARREN_LAB_CHANGE_CORE_H

#include "lab/change.h"
#include "lab/keys.h"

/* c->lab, and whether it is up */
int change_open(struct comparison *c, const struct lab_file *f, const struct change_options *o,
		struct err *e);
/* everything else; @j: of the lab, to be read */
int change_compare(struct comparison *c, const struct lab_file *f, const struct change_options *o,
		   const struct journal *j, enum keys_make keys, struct err *e);
/* the plan of one of the files; @host: host mode, or NULL */
int change_build(const struct comparison *c, const struct topology *t, const char *host,
		 enum backend backend, struct plan **ret, struct err *e);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `warren tenant`: what its parts share.  Functions that return an int return 0 or the exit status,
 * having said why.
 */
#ifndef WARREN_CMD_TENANT_H
#define WARREN_CMD_TENANT_H

#include <limits.h>

#include "cmd/cmd.h"
#include "lab/edit.h"
#include "lab/edit_file.h"
#include "lab/lab.h"
#include "wg/key.h"

/* a topology file that is edited, or looked at */
struct tenant_job {
	struct cmd *c;
	const char *lab;    /* LAB or FILE, as it was given */
	const char *name;   /* of the tenant */
	char *shown;        /* how the file is called in messages; owned */
	char *folder;       /* that it is the topology.yaml of; NULL: it stands alone; owned */
	struct edit_file f; /* locked, if it is edited */
	struct topology *t; /* what it means; owned */
	struct host *host;  /* of the tenant, or for it */
	struct tenant *tenant;
};

/* --- cmd/tenant_find.c ----------------------------------------------------------------------- */

/* tenant_find_file - the topology file that LAB or FILE stands for, into job->shown. */
int tenant_find_file(struct tenant_job *job);

/* tenant_open - lock, read and load that file, to edit it. */
int tenant_open(struct tenant_job *job);

/* tenant_find_gateway - the host of a new tenant: the only gateway, or --host. */
int tenant_find_gateway(struct tenant_job *job);

/* tenant_find - the tenant of that name, and its host; of several, --host says which. */
int tenant_find(struct tenant_job *job);

/* tenant_source - the file's text, for edit_…(). */
struct edit_source tenant_source(const struct tenant_job *job);

/* tenant_public_key - in base64, into @buf; NULL: it is not known here. */
const char *tenant_public_key(const struct tenant *t, char buf[static WG_KEY_BASE64_LEN]);

void tenant_job_clear(struct tenant_job *job);

/* --- cmd/tenant_change.c ------------------------------------------------------------------------ */

/* what an edit leads to */
struct tenant_change {
	struct edited text;
	struct topology *after; /* what it means */
	size_t others;          /* how many other tenants are moved by it */
};

/* tenant_check - load the text of @ch, which edit_…() made, into ch->after, and say what else
 * changes; nothing is written yet. */
int tenant_check(struct tenant_job *job, struct tenant_change *ch);

/* tenant_dry_run - print the difference that it would make to the file. */
int tenant_dry_run(struct tenant_job *job, const struct tenant_change *ch);

/* tenant_write - put it into the file's place. */
int tenant_write(struct tenant_job *job, const struct tenant_change *ch);

void tenant_change_clear(struct tenant_change *ch);

/* --- cmd/tenant_notes.c -------------------------------------------------------------------------- */

/* note_references - say what in the file refers to the tenant that goes. */
void note_references(const struct tenant_job *job);

/* note_others - say of which other tenants port or address differ in @after; returns how many do. */
size_t note_others(const struct tenant_job *job, const struct topology *after);

/* --- cmd/tenant_key.c ------------------------------------------------------------------------------ */

/* a key of the tenant's own: in the topology file, if its gateway's is there too, or else kept where
 * warren keeps those that it makes */
struct own_key {
	struct key key;
	char text[WG_KEY_BASE64_LEN]; /* for the topology file; "" if it is kept in */
	char path[PATH_MAX];          /* this file */
	bool made;                    /* there was none in that file */
};

/* own_key_choose - where it goes.  One for the topology file is made, one that is kept not yet. */
void own_key_choose(const struct tenant_job *job, struct own_key *ret);

/* own_key_keep - make the one that is kept; @anew: also where there is one. */
int own_key_keep(struct tenant_job *job, bool anew, struct own_key *k);

/* own_key_forget - one that was made for an edit that has failed. */
void own_key_forget(const struct own_key *k);

/* tenant_rotate_key - a new key for job->tenant, in the place of that which it has: in the file, which
 * @ch then has a change of, or in the file that it is kept in.  Nothing is done on --dry-run. */
int tenant_rotate_key(struct tenant_job *job, struct tenant_change *ch);

/* --- cmd/tenant_options.c --------------------------------------------------------------------------- */

/* what `tenant add` was asked for */
struct tenant_options {
	struct edit_tenant tenant;
	struct arena *arena; /* that all of this is in */
};

/* tenant_options_read - *@ret is freed with tenant_options_free(), also on failure. */
int tenant_options_read(struct tenant_job *job, struct tenant_options **ret);
void tenant_options_free(struct tenant_options *o);

/* --- cmd/tenant_folder.c ---------------------------------------------------------------------------- */

/* tenant_is_folder - is the topology a folder, DIR/topology.yaml and DIR/tenants.d? */
bool tenant_is_folder(const struct tenant_job *job);

/* tenant_write_folder - make a file for the new tenant @t there; it is taken away again if the folder
 * does not load with it.  On success @ch->after is what the folder means. */
int tenant_write_folder(struct tenant_job *job, const struct edit_tenant *t,
			struct tenant_change *ch);

/* tenant_dry_run_folder - print that file. */
int tenant_dry_run_folder(struct tenant_job *job, const struct edit_tenant *t);

/* --- cmd/tenant_show.c ----------------------------------------------------------------------------- */

int tenant_show(struct tenant_job *job);
int tenant_list(struct tenant_job *job);

#endif

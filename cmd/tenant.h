/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `warren tenant`: what its parts share.  Functions that return an int return 0 or the exit status,
 * having said why.
 *
 * Theory of operation.  A topology is one text: that of its file, or of a folder's files in a bundle
 * (lab/bundle.h).  An edit is of one file: the topology file, one of tenants.d, or one that is not
 * there yet.  Under a lock the whole is read and loaded; lab/edit.h makes the file's new text; the
 * whole with that text in it is loaded, which says what is wrong with it and who else is moved by
 * it; only then the file is written.
 */
#ifndef WARREN_CMD_TENANT_H
#define WARREN_CMD_TENANT_H

#include <limits.h>

#include "cmd/cmd.h"
#include "lab/bundle.h"
#include "lab/edit.h"
#include "lab/edit_file.h"
#include "lab/lab.h"
#include "wg/key.h"

/* a topology that is edited, or looked at */
struct tenant_job {
	struct cmd *c;
	const char *lab;       /* LAB or FILE, as it was given */
	const char *name;      /* of the tenant */
	char *topology;        /* the file or folder, as it is called in messages; owned */
	bool folder;           /* which of the two */
	struct lab_file whole; /* the text of it all, and what it means (whole.t) */
	struct bundle bundle;  /* a folder: its files; in arena */
	struct arena *arena;
	struct host *host; /* of the tenant, or for it */
	struct tenant *tenant;

	/* the file that is edited */
	struct edit_file f;
	char *shown;       /* how it is called in messages; owned */
	const char *part;  /* its name in the bundle; NULL: it is all there is */
	bool tenants_file; /* one of tenants.d */
	bool is_new;       /* it is not there yet */
};

/* --- cmd/tenant_find.c ----------------------------------------------------------------------- */

/* tenant_find_topology - the file or folder that LAB or FILE stands for, into job->topology. */
int tenant_find_topology(struct tenant_job *job);

/* tenant_look - read and load it, to look at it. */
int tenant_look(struct tenant_job *job);

/* tenant_open - the same under a lock, to edit it. */
int tenant_open(struct tenant_job *job);

/* tenant_find_gateway - the host of a new tenant: the only gateway, or --host. */
int tenant_find_gateway(struct tenant_job *job);

/* tenant_find - the tenant of that name, and its host; of several, --host says which. */
int tenant_find(struct tenant_job *job);

/* tenant_choose_file - the one of a topology that is open to edit: that which has job->tenant; where
 * there is none, that for a new one of job->host. */
int tenant_choose_file(struct tenant_job *job);

/* tenant_file_name - the name of the file, as it is shown, that @src is in; in @buf. */
const char *tenant_file_name(const struct tenant_job *job, struct src src,
			     char buf[static PATH_MAX]);

/* tenant_source, tenant_edit_host - the file's text, and the host, for edit_…(). */
struct edit_source tenant_source(const struct tenant_job *job);
const char *tenant_edit_host(const struct tenant_job *job);

/* tenant_public_key - in base64, into @buf; NULL: it is not known here. */
const char *tenant_public_key(const struct tenant *t, char buf[static WG_KEY_BASE64_LEN]);

void tenant_job_clear(struct tenant_job *job);

/* --- cmd/tenant_change.c ------------------------------------------------------------------------ */

/* what an edit leads to */
struct tenant_change {
	struct edited text;     /* of the file; nothing: it goes */
	struct topology *after; /* what the whole means */
	size_t others;          /* how many other tenants are moved by it */
};

/* tenant_entry - the text of a file of tenants.d with one new tenant. */
int tenant_entry(struct tenant_job *job, const struct edit_tenant *t, struct edited *ret);

/* tenant_check - load the whole with ch->text in it, into ch->after, and say what else changes; nothing
 * is written yet. */
int tenant_check(struct tenant_job *job, struct tenant_change *ch);

/* tenant_dry_run - print the difference that it would make to the file. */
int tenant_dry_run(struct tenant_job *job, const struct tenant_change *ch);

/* tenant_write - put it into the file's place, or take the file away. */
int tenant_write(struct tenant_job *job, const struct tenant_change *ch);

void tenant_change_clear(struct tenant_change *ch);

/* --- cmd/tenant_notes.c -------------------------------------------------------------------------- */

/* note_references - say what in the topology refers to the tenant that goes. */
void note_references(const struct tenant_job *job);

/* note_others - say of which other tenants port or address differ in @after; returns how many do. */
size_t note_others(const struct tenant_job *job, const struct topology *after);

/* --- cmd/tenant_key.c ------------------------------------------------------------------------------ */

/* a key of the tenant's own: in the topology, if its gateway's is there too, or else kept where
 * warren keeps those that it makes */
struct own_key {
	struct key key;
	char text[WG_KEY_BASE64_LEN]; /* for the topology; "" if it is kept in */
	char path[PATH_MAX];          /* this file */
	bool made;                    /* there was none in that file */
};

/* own_key_choose - where it goes.  One for the topology is made, one that is kept not yet. */
void own_key_choose(const struct tenant_job *job, struct own_key *ret);

/* own_key_keep - make the one that is kept; @anew: also where there is one. */
int own_key_keep(struct tenant_job *job, bool anew, struct own_key *k);

/* own_key_forget - one that was made for an edit that has failed. */
void own_key_forget(const struct own_key *k);

/* tenant_rotate_key - a new key for job->tenant, in the place of that which it has: in the topology, of
 * which @ch is then a change, or in the file that it is kept in.  Nothing is done on --dry-run. */
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

/* --- cmd/tenant_show.c ----------------------------------------------------------------------------- */

int tenant_show(struct tenant_job *job);
int tenant_list(struct tenant_job *job);

#endif

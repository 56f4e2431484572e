/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a running lab keeps its things: /run/warren/LAB/, mode 0700.
 *
 *	lock		held (flock) by whoever changes the lab
 *	journal		what it has made (lab/journal.h)
 *	topology.yaml	the file it was made from, word for word; of a folder, the bundle
 *			(lab/bundle.h)
 *	meta.json	how: host, backend, folder of the file, warren's version
 *	peers		public keys of peers that the file names by reference, as they were set
 *	leases		what the gateway's pools gave (lab/lease.h)
 *	former.N/	the four of a former file, while an apply is not finished
 *	wg/NS/IF.sock	UAPI sockets of userspace tunnels
 *	log/		output of the programs that were started
 *
 * Keys that warren made are kept in /var/lib/warren/LAB/, across runs.
 */
#ifndef WARREN_LAB_STORE_H
#define WARREN_LAB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lab/model.h"

#define WARREN_RUN_DIR   "/run/warren"
#define WARREN_STATE_DIR "/var/lib/warren"

struct store {
	char dir[128]; /* /run/warren/LAB */
	char name[LAB_NAME_MAX + 1];
	int lock_fd; /* -1: not locked */
};

/* how a lab was made; strings are owned */
struct lab_meta {
	char *file;           /* the topology file or folder, absolute */
	char *dir;            /* the folder that paths in it start from */
	char *host;           /* --host; NULL: every host is a namespace here */
	char *backend;        /* "kernel", "userspace", "none" */
	uint64_t cookie;      /* host mode: of the namespace that is the host */
	uint32_t first_index; /* host mode: our links have numbers from here on */
};

/* store_init - name the folder of lab @name; touches nothing. */
void store_init(struct store *s, const char *name);

/*
 * store_lock - make the folder where @create and take the lab's lock; waits for whoever holds it.
 * -ENOENT: no such lab (any more); -EINTR: a signal came while waiting.
 */
int store_lock(struct store *s, bool create, struct err *e);

/* store_unlock - let go of the lock.  Fine where it is not held. */
void store_unlock(struct store *s);

/* store_remove - take the folder away, with all in it; the lock must be held and is let go. */
int store_remove(struct store *s, struct err *e);

/* store_empty_folder - what is in folder @fd, but for @keep (or NULL) goes; @fd is taken over. */
int store_empty_folder(int fd, const char *keep, struct err *e);

/* store_forget - take back store_save(): the record goes, and the folder if nothing else is in it. */
int store_forget(struct store *s, struct err *e);

/* store_exists - is there a record of this lab? */
bool store_exists(const struct store *s);

/* store_path - a path inside the folder, in the caller's buffer; returns @buf. */
const char *store_path(const struct store *s, const char *file, char *buf, size_t size);

/* store_save, store_load - the topology's text and how it was made.  The caller frees *@ret_text
 * and calls lab_meta_clear(). */
int store_save(const struct store *s, const char *text, size_t len, const struct lab_meta *meta,
	       struct err *e);
int store_load(const struct store *s, char **ret_text, size_t *ret_len, struct lab_meta *ret_meta,
	       struct err *e);
void lab_meta_clear(struct lab_meta *m);

/* store_save_peers, store_load_peers - the text of lab/keys.h.  @dir: former.N, or NULL.  No such file
 * is an empty text. */
int store_save_peers(const struct store *s, const char *text, size_t len, struct err *e);
int store_load_peers(const struct store *s, const char *dir, char **ret, struct err *e);

/*
 * store_save_leases, store_load_leases - the text of lab/lease.h, as it is applied, and kept in
 * WARREN_STATE_DIR for the next run.  store_kept_leases - the latter, of lab @name; none, or none that
 * this user may read, is an empty text.
 */
int store_save_leases(const struct store *s, const char *text, struct err *e);
int store_load_leases(const struct store *s, const char *dir, char **ret, struct err *e);
int store_kept_leases(const char *name, char **ret, struct err *e);

/*
 * store_put_aside - keep the recorded file as former.N before another is saved.
 * store_formers - the numbers N there are, ascending; the caller frees *@ret.
 * store_load_former - as store_load(), of former.N (@dir), or of the recorded file (NULL).
 * store_drop_formers - an apply is finished: they are not needed any more.
 */
int store_put_aside(const struct store *s, struct err *e);
int store_formers(const struct store *s, unsigned int **ret, size_t *ret_n, struct err *e);
int store_load_former(const struct store *s, const char *dir, char **ret_text, size_t *ret_len,
		      struct lab_meta *ret_meta, struct err *e);
int store_drop_formers(const struct store *s, struct err *e);

/* store_list - names of all recorded labs, sorted; *@ret is freed with store_list_free(). */
int store_list(char ***ret, size_t *ret_n, struct err *e);
void store_list_free(char **names, size_t n);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation.  Three steps: lab/yaml.c makes a tree of the text, lab/read*.c makes
 * the model of the tree, lab/resolve*.c joins and checks the model.  The second runs to its end
 * whatever it finds, and so does the third, so that one run tells everything; only what
 * is not YAML, and what is too big, ends the run.  A folder (lab/bundle.h) goes through the first
 * two steps file by file, topology.yaml first; a file that is not YAML does not keep the others
 * from being read, but from being joined.  Four limits bound what hostile files can
 * make of 64 MB: LAB_FILE_MAX for the text, TREE_MAX for a file's tree (gone before
 * the next one), MODEL_MAX for the model and WORK_MAX for its references.
 */
#include "lab/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lab/lease.h"
#include "lab/names.h"
#include "lab/read.h"
#include "lab/yaml.h"

#define TREE_MAX    ((size_t)16 * 1024 * 1024)
#define MODEL_MAX   ((size_t)22 * 1024 * 1024)
#define WORK_MAX    ((size_t)12 * 1024 * 1024)
#define SUGGESTIONS 200000 /* comparisons of words in one file */

static void topology_name(struct load *ld, const struct node *n, void *obj)
{
	const char *name = read_text(ld, n, EXPAND_NAME);

	if (name && !name_is_lab(name))
		diag(ld, src_of(n),
		     "bad name `%s` for a lab (small letters, digits and `-`, 32 at most, "
		     "beginning with a letter or digit)",
		     show(name).s);
	((struct topology *)obj)->name = name;
}

static void read_topology(struct load *ld, const struct node *top)
{
	static const struct field fields[] = {
		{"name", topology_name, NEEDED}, {"networks", read_networks, OPTIONAL},
		{"hosts", read_hosts, NEEDED},   {"checks", read_checks, OPTIONAL},
		{"watch", read_watch, OPTIONAL},
	};
	struct watch_settings *w = &ld->t->watch;

	w->cycle_time = 30;
	w->cycles_wait = 2;
	w->cycles_checking = 4;
	w->cycles_checkperiod = 2;
	w->cycles_slowcheckingperiod = 20;
	w->ping_interval = 1;
	w->ping_failafternum = 2;
	w->offline_after = 180;
	read_map(ld, top, "the topology", fields, ARRAY_SIZE(fields), ld->t);
}

static void read_topology_tree(struct load *ld, const struct node *top, void *obj)
{
	(void)obj;
	read_topology(ld, top);
}

int read_tree(struct load *ld, unsigned int file, const char *empty, read_fn *fn, void *obj)
{
	struct arena *tree _cleanup_arena_ = arena_new(TREE_MAX);
	const struct bundle_file *f = &ld->files.files[file];
	struct yaml_error error = {.line = 1, .column = 1};
	struct src at = {.file = file};
	struct node *top = NULL;
	int r = tree ? yaml_read(f->text, f->len, file, tree, &top, &error) : -ENOMEM;

	at.line = error.line;
	at.column = error.column;
	if (r == -EINVAL)
		diag(ld, at, "%s%s", error.text, error.empty ? empty : "");
	else if (r == -ENOMEM)
		diag(ld, at,
		     "the file has too many values (split it, or use ranges such as t{1..99})");
	else if (fn)
		fn(ld, top, obj);
	return r;
}

/* @text as ld->files: what is in a folder's bundle, or the one file that it is */
static int open_files(struct load *ld, const char *text, size_t len)
{
	struct yaml_error error = {.line = 1, .column = 1};
	int r = 0;

	if (bundle_is(text, len)) {
		r = bundle_split(text, len, ld->work, &ld->files, &error);
		if (r == 0)
			ld->paths = arena_alloc(ld->work, ld->files.n * sizeof(*ld->paths));
	} else {
		ld->files.files = arena_alloc(ld->work, sizeof(*ld->files.files));
		ld->files.n = 1;
		if (ld->files.files)
			ld->files.files[0] = (struct bundle_file){.text = text, .len = len};
	}
	if (r == -EINVAL)
		diag(ld, (struct src){.line = error.line, .column = error.column}, "%s",
		     error.text);
	else if (r < 0 || !ld->files.files || (bundle_is(text, len) && !ld->paths))
		too_big(ld, (struct src){.line = 1, .column = 1});
	return ld->errors ? -EINVAL : 0;
}

/* text to tree to model; what is wrong goes to @ld->diags */
static int read_all(struct load *ld, const char *text, size_t len)
{
	int r = open_files(ld, text, len), q;

	if (r < 0)
		return r;
	r = read_tree(ld, 0, " (a topology starts with `name:`)", read_topology_tree, NULL);
	if (r == -ENOMEM || ld->files.n == 1)
		return r;
	q = read_folder(ld);
	return r ? r : q;
}

static int load_into(struct load *ld, const char *text, size_t len)
{
	int r;

	if (len > LAB_FILE_MAX) {
		diag(ld, (struct src){.line = 1, .column = 1},
		     "the file has more than %zu MB (split it, or use ranges such as t{1..99})",
		     LAB_FILE_MAX / 1024 / 1024);
		return -EINVAL;
	}
	r = read_all(ld, text, len);
	if (r == 0 && !ld->stop)
		resolve(ld);
	diags_sort(ld->diags);
	return ld->errors ? -EINVAL : r;
}

int topology_load(const char *text, size_t len, const char *dir, struct topology **ret,
		  struct diags *diags, struct err *e)
{
	return topology_load_as(NULL, text, len, dir, "", ret, diags, e);
}

int topology_load_leased(const char *text, size_t len, const char *dir, const char *leases,
			 struct topology **ret, struct diags *diags, struct err *e)
{
	return topology_load_as(NULL, text, len, dir, leases, ret, diags, e);
}

int topology_load_as(const char *shown, const char *text, size_t len, const char *dir,
		     const char *leases, struct topology **ret, struct diags *diags, struct err *e)
{
	struct leases *before = leases[0] ? leases_read(leases) : NULL;
	struct arena *out _cleanup_arena_ = arena_new(MODEL_MAX);
	struct arena *work _cleanup_arena_ = arena_new(WORK_MAX);
	struct load ld = {
		.out = out,
		.work = work,
		.diags = diags,
		.dir = dir ? dir : ".",
		.shown = shown,
		.tenant = NOT_A_TENANT,
		.suggestions = SUGGESTIONS,
		.leases = before,
	};
	int r;

	*diags = (struct diags){.arena = arena_new(0)};
	ld.t = out ? arena_alloc(out, sizeof(*ld.t)) : NULL;
	if (!ld.t || !work || !diags->arena || (leases[0] && !before)) {
		leases_free(before);
		return err_set(e, ENOMEM, "out of memory");
	}
	ld.t->arena = out;
	r = load_into(&ld, text, len);
	leases_free(before);
	table_free(&ld.said);
	table_free(&ld.runs);
	if (r == -EINVAL && !diags->n)
		r = -ENOMEM; /* no room left to say what is wrong */
	if (r == -ENOMEM)
		return err_set(e, ENOMEM, "out of memory");
	if (r < 0) {
		err_set(e, EINVAL, "%zu error%s in the topology", diags->n + diags->dropped,
			diags->n + diags->dropped == 1 ? "" : "s");
		return err_kind_set(e, ERR_INVALID);
	}
	*ret = ld.t;
	steal_ptr(out);
	return 0;
}

void topology_free(struct topology *t)
{
	if (t)
		arena_free(t->arena);
}

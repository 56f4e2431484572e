/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation.  Three steps: lab/yaml.c makes a tree of the text, lab/read*.c makes
 * the model of the tree, lab/resolve*.c joins and checks the model.  The second runs to its end
 * whatever it finds, and so does the third, so that one run tells everything; only what
 * is not YAML, and what is too big, ends the run.  Four limits bound what a hostile file can
 * make of 64 MB: LAB_FILE_MAX for the text, TREE_MAX for the tree (gone before
 * the third step), MODEL_MAX for the model and WORK_MAX for its references.
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

/* text to tree to model; what is wrong goes to @ld->diags */
static int read_all(struct load *ld, const char *text, size_t len)
{
	struct arena *tree _cleanup_arena_ = arena_new(TREE_MAX);
	struct yaml_error error = {.line = 1, .column = 1};
	struct node *top = NULL;
	int r;

	if (!tree)
		return -ENOMEM;
	r = yaml_read(text, len, tree, &top, &error);
	if (r == -EINVAL)
		diag(ld, (struct src){.line = error.line, .column = error.column}, "%s",
		     error.text);
	else if (r == -ENOMEM)
		diag(ld, (struct src){.line = error.line, .column = error.column},
		     "the file has too many values (split it, or use ranges such as t{1..99})");
	else
		read_topology(ld, top);
	return r;
}

/* in the order of the file; what is said of one place in the order of its words */
static int compare_diags(const void *a, const void *b)
{
	const struct diag *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return strcmp(x->text, y->text);
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
	if (ld->diags->n)
		qsort(ld->diags->v, ld->diags->n, sizeof(*ld->diags->v), compare_diags);
	return ld->errors ? -EINVAL : r;
}

int topology_load(const char *text, size_t len, const char *dir, struct topology **ret,
		  struct diags *diags, struct err *e)
{
	return topology_load_leased(text, len, dir, "", ret, diags, e);
}

int topology_load_leased(const char *text, size_t len, const char *dir, const char *leases,
			 struct topology **ret, struct diags *diags, struct err *e)
{
	struct leases *before = leases[0] ? leases_read(leases) : NULL;
	struct arena *out _cleanup_arena_ = arena_new(MODEL_MAX);
	struct arena *work _cleanup_arena_ = arena_new(WORK_MAX);
	struct load ld = {
		.out = out,
		.work = work,
		.diags = diags,
		.dir = dir ? dir : ".",
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

void diags_free(struct diags *d)
{
	if (!d)
		return;
	arena_free(d->arena);
	*d = (struct diags){.arena = NULL};
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* import: a topology from existing wg-quick files */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "cmd/cmd.h"
#include "cmd/out.h"
#include "cmd/save.h"
#include "lab/import.h"
#include "lab/names.h"

#define DEFAULT_NAME "imported"

struct importing {
	struct cmd *c;
	const char *path; /* of -o; NULL: standard output */
	bool force;
	struct import_options o;
	struct import_file *files; /* their profiles are owned */
	size_t n;
	struct import_result result;
};

/* --- reading ------------------------------------------------------------------------------ */

/* 0, or the exit status, when what is wrong has been said */
static int read_profile(struct importing *im, const char *path, struct profile **ret)
{
	struct cmd *c = im->c;
	char *text _cleanup_free_ = NULL;
	const char *from = strcmp(path, "-") ? path : "/dev/stdin";
	struct diags d = {.arena = NULL};
	int status = STATUS_DONE;
	size_t len;
	int r = io_read_file(from, PROFILE_MAX, &text, &len, &c->err);

	if (r == -EFBIG)
		err_hint(&c->err, "a profile has at most %zu MB", PROFILE_MAX >> 20);
	if (!r)
		r = profile_read(text, len, ret, &d, &c->err);
	if (r < 0) {
		err_kind_set(&c->err, ERR_INVALID);
		out_diags(c, path, &d);
		status = d.n ? STATUS_USAGE : cmd_fail(c);
	}
	diags_free(&d);
	return status;
}

/* all of them, also behind one that is wrong */
static int read_profiles(struct importing *im, char **paths)
{
	int status = STATUS_DONE;

	for (size_t i = 0; i < im->n; i++) {
		struct profile *p = NULL;
		int s = read_profile(im, paths[i], &p);

		im->files[i] = (struct import_file){.path = paths[i], .profile = p};
		status = s ? s : status;
	}
	return status;
}

/* --- saying what could not be said ------------------------------------------------------------ */

static void print_warnings(const struct importing *im)
{
	if (im->c->quiet)
		return;
	for (size_t i = 0; im->result.warnings && i < im->n; i++) {
		const struct diags *d = &im->result.warnings[i];

		for (size_t k = 0; k < d->n; k++)
			fprintf(stderr, "%s:%d:%d: warning: %s\n", im->files[i].path, d->v[k].line,
				d->v[k].column, d->v[k].text);
		if (d->dropped)
			fprintf(stderr, "warren: %s: %zu more warnings\n", im->files[i].path,
				d->dropped);
	}
	if (im->o.keys == IMPORT_KEYS_LEFT_OUT)
		fputs("warren: warning: keys are left out, and `up` makes new ones (-o FILE keeps "
		      "them in files beside it, --with-keys prints them)\n",
		      stderr);
}

static int print_json(struct importing *im)
{
	json_t *warnings = json_array();

	for (size_t i = 0; im->result.warnings && i < im->n; i++) {
		const struct diags *d = &im->result.warnings[i];

		for (size_t k = 0; k < d->n; k++)
			json_array_append_new(
				warnings,
				json_pack("{s:s%, s:i, s:i, s:s}", "file", im->files[i].path,
					  strlen(im->files[i].path), "line", d->v[k].line, "column",
					  d->v[k].column, "warning", d->v[k].text));
	}
	return out_json(im->c,
			json_pack("{s:s, s:i, s:i, s:s, s:o}", "lab", im->o.name, "hosts",
				  (int)im->result.n_hosts, "tenants", (int)im->result.n_tenants,
				  "topology", im->result.text, "warnings", warnings));
}

/* --- files -------------------------------------------------------------------------------------- */

/* the folder of -o, with a slash behind it */
static void folder_of(const char *path, char buf[static PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	snprintf(buf, PATH_MAX, "%.*s", slash ? (int)(slash - path + 1) : 0, path);
}

static int key_path(const struct importing *im, size_t i, char buf[static 2 * PATH_MAX],
		    struct err *e)
{
	char folder[PATH_MAX];

	folder_of(im->path, folder);
	if (snprintf(buf, 2 * PATH_MAX, "%s%s", folder, im->result.keys[i].path) < PATH_MAX)
		return 0;
	return err_code(e, ENAMETOOLONG, "%s", im->path);
}

/* nothing is written unless all can be */
static int check_files(const struct importing *im, struct err *e)
{
	char path[2 * PATH_MAX];
	int r = save_check(im->path, im->force, e);

	if (!r)
		r = save_check_folder(im->path, e);
	for (size_t i = 0; i < im->result.n_keys && !r; i++) {
		r = key_path(im, i, path, e);
		if (!r)
			r = save_check(path, im->force, e);
	}
	return r;
}

static int save_key(const struct importing *im, size_t i, struct err *e)
{
	char path[2 * PATH_MAX], text[WG_KEY_BASE64_LEN + 1], folder[2 * PATH_MAX];
	int r = key_path(im, i, path, e);

	if (r < 0)
		return r;
	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	r = io_mkdir_p(folder, 0700, e);
	if (r < 0)
		return r;
	wg_key_format(im->result.keys[i].key, text);
	text[WG_KEY_BASE64_LEN - 1] = '\n';
	return save_file(path, text, WG_KEY_BASE64_LEN, im->force, e);
}

/* what this run has made is taken away again, but not what it has replaced */
static void remove_keys(const struct importing *im, size_t n)
{
	struct err ignored = ERR_INIT;
	char path[2 * PATH_MAX] = "/";

	for (size_t i = 0; i < n && !im->force; i++)
		if (key_path(im, i, path, &ignored) == 0)
			unlink(path);
	if (n && !im->force) {
		*strrchr(path, '/') = '\0';
		rmdir(path); /* if nothing else is in it */
	}
}

static int save(const struct importing *im, struct err *e)
{
	size_t n = 0;
	int r = check_files(im, e);

	while (n < im->result.n_keys && !r) {
		r = save_key(im, n, e);
		n += !r;
	}
	if (!r)
		r = save_file(im->path, im->result.text, im->result.len, im->force, e);
	if (r < 0)
		remove_keys(im, n);
	return r;
}

static void say_saved(const struct importing *im)
{
	const struct import_result *r = &im->result;

	printf("%s: lab %s: %zu host%s, %zu tenant%s, %zu peer%s joined", im->path, im->o.name,
	       r->n_hosts, out_plural(r->n_hosts), r->n_tenants, out_plural(r->n_tenants),
	       r->n_joined, out_plural(r->n_joined));
	if (r->n_keys)
		printf(", %zu key%s in %s.keys", r->n_keys, out_plural(r->n_keys), im->o.name);
	putchar('\n');
}

/* --- the command ------------------------------------------------------------------------------------ */

static int make(struct importing *im)
{
	struct cmd *c = im->c;

	if (import_make(im->files, im->n, &im->o, &im->result, &c->err) < 0)
		return cmd_fail(c);
	if (c->json)
		return print_json(im);
	if (im->path && save(im, &c->err) < 0) {
		err_kind_set(&c->err, ERR_CANNOT);
		return cmd_fail(c);
	}
	print_warnings(im);
	if (!im->path)
		fwrite(im->result.text, 1, im->result.len, stdout);
	else if (!c->quiet)
		say_saved(im);
	return STATUS_DONE;
}

static int run(struct cmd *c, size_t argc, char **argv)
{
	const char *name = cmd_value(c, "name");
	struct importing im = {.c = c,
			       .path = cmd_value(c, "output"),
			       .force = cmd_value(c, "force"),
			       .o.name = name ? name : DEFAULT_NAME,
			       .n = argc};
	int status;

	if (!name_is_lab(im.o.name))
		return cmd_usage(c, "bad name `%s` for a lab (small letters, digits and `-`)",
				 im.o.name);
	if (im.force && !im.path)
		return cmd_usage(c, "--force is about -o FILE");
	if (c->json && im.path)
		return cmd_usage(c, "--json has the topology in it: not with -o");
	im.o.keys = cmd_value(c, "with-keys") ? IMPORT_KEYS_INLINE
		    : im.path                 ? IMPORT_KEYS_FILES
					      : IMPORT_KEYS_LEFT_OUT;
	im.files = calloc(argc, sizeof(*im.files));
	if (!im.files) {
		err_code(&c->err, ENOMEM, "import");
		return cmd_fail(c);
	}
	status = read_profiles(&im, argv);
	if (!status)
		status = make(&im);
	import_free(&im.result);
	for (size_t i = 0; i < argc; i++)
		profile_free((struct profile *)im.files[i].profile);
	free(im.files);
	return status;
}

static const struct option_spec options[] = {
	{"name", 0, "LAB", "the lab's name; imported", NULL},
	{"output", 'o', "FILE", "write a new file, and the keys into files beside it", NULL},
	{"with-keys", 0, NULL, "put private and preshared keys into the topology", NULL},
	{"force", 0, NULL, "replace files that are there", NULL},
	{0},
};

const struct command cmd_import = {
	.name = "import",
	.args = "FILE.conf...",
	.summary = "make a topology of existing wg-quick files",
	.details =
		"Each file is one end of tunnels; what it becomes depends on what is in it:\n"
		"\n"
		"A file that waits to be called (ListenPort, and a [Peer] without Endpoint) becomes a\n"
		"tenant of a gateway, since that is what a concentrator has: a file a customer, or one\n"
		"for all.  Its Address is given to the gateway, where its peers find it as before.\n"
		"Of files with the same port the second is on a second gateway.  If AllowedIPs of its\n"
		"peers overlap, which a tenant's may not, it becomes a host.\n"
		"\n"
		"Every other file, such as a customer's or one of two sites', becomes a host with that\n"
		"tunnel.\n"
		"\n"
		"Where the public key of a peer belongs to the private key of another file, the two are\n"
		"joined by host: or tenant:, and checks are written for `probe`.  All hosts are put on\n"
		"one segment, on which those that are called by a numeric Endpoint have that address.\n"
		"\n"
		"Files are read as wg-quick does, and strictly: what it would take half of, such as a\n"
		"key that is given twice, is an error.  All errors are reported at once.\n"
		"\n"
		"What a topology cannot say (Table, PreUp and the like, search domains ...) is kept as\n"
		"a comment in its place, with a warning.  Nothing of a file is run.\n"
		"\n"
		"Keys are secrets, and a topology is not: with -o they go to files of their own in the\n"
		"folder LAB.keys beside it, which the topology names; on standard output they are left\n"
		"out.  --with-keys puts them into the topology.\n"
		"\n"
		"  warren import -o lab.yaml /etc/wireguard/wg0.conf customers/*.conf",
	.options = options,
	.complete = COMPLETE_FILE,
	.min_args = 1,
	.max_args = SIZE_MAX,
	.run = run,
};

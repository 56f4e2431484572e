/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config: what one end of a tunnel is configured with, as text or as a QR code */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/out.h"
#include "cmd/qr.h"
#include "cmd/read.h"
#include "cmd/save.h"
#include "lab/config.h"
#include "lab/keys.h"

enum format { FORMAT_WG_QUICK, FORMAT_QR, FORMAT_PNG, FORMAT_SVG };

static const char *const formats[] = {[FORMAT_WG_QUICK] = "wg-quick",
				      [FORMAT_QR] = "qr",
				      [FORMAT_PNG] = "png",
				      [FORMAT_SVG] = "svg"};

struct output {
	struct cmd *c;
	enum format format;
	const char *path; /* NULL: standard output */
	const char *lab;
	const char *name;
	char *text; /* the profile; owned */
	size_t len;
};

/* --- formats -------------------------------------------------------------------------- */

static void warn_narrow(const struct qr *q, const struct cmd *c)
{
	struct winsize w;

	if (c->quiet || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || !w.ws_col ||
	    w.ws_col >= qr_width(q))
		return;
	fprintf(stderr,
		"warren: warning: the terminal has %u columns, the code needs %zu (make the "
		"letters smaller, or use --format png -o FILE)\n",
		w.ws_col, qr_width(q));
}

static int render(const struct output *o, FILE *out, struct err *e)
{
	struct qr *q = NULL;
	int r = 0;

	if (o->format == FORMAT_WG_QUICK) {
		fwrite(o->text, 1, o->len, out);
		return 0;
	}
	r = qr_make(o->text, &q, e);
	if (r < 0)
		return r;
	if (o->format == FORMAT_PNG)
		r = qr_png(q, out, e);
	else if (o->format == FORMAT_SVG)
		qr_svg(q, out);
	else
		qr_text(q, !o->path && *out_plain(), out);
	if (o->format == FORMAT_QR && !o->path)
		warn_narrow(q, o->c);
	qr_free(q);
	return r;
}

static int save(const struct output *o, struct err *e)
{
	char *data _cleanup_free_ = NULL;
	size_t len;
	FILE *f = open_memstream(&data, &len);
	int r = f ? render(o, f, e) : err_errno(e, "%s", o->path);

	if (f && fclose(f) < 0 && !r)
		r = err_errno(e, "%s", o->path);
	return r < 0 ? r : save_file(o->path, data, len, cmd_value(o->c, "force"), e);
}

/* --- the command -------------------------------------------------------------------------- */

static int print_json(const struct output *o, const struct config *config)
{
	json_t *warnings = json_array();

	for (size_t i = 0; i < config->n_warnings; i++)
		json_array_append_new(warnings, json_string(config->warnings[i]));
	return out_json(o->c, json_pack("{s:s, s:s, s:s, s:o}", "lab", o->lab, "name", o->name,
					"config", o->text, "warnings", warnings));
}

static int print(struct output *o, const struct config *config)
{
	struct cmd *c = o->c;
	FILE *f = open_memstream(&o->text, &o->len);
	int r = 0;

	if (!f) {
		err_errno(&c->err, "configuration");
		return cmd_fail(c);
	}
	profile_write(config->profile, f);
	fclose(f);
	for (size_t i = 0; i < config->n_warnings && !c->quiet && !c->json; i++)
		fprintf(stderr, "warren: warning: %s: %s\n", o->name, config->warnings[i]);
	if (c->json)
		return print_json(o, config);
	r = o->path ? save(o, &c->err) : render(o, stdout, &c->err);
	return r < 0 ? cmd_fail(c) : STATUS_DONE;
}

static int make_and_print(struct output *o, const struct topology *t)
{
	const struct config_options options = {.name = o->name,
					       .peer = cmd_value(o->c, "peer"),
					       .endpoint = cmd_value(o->c, "endpoint")};
	struct config config;
	int status;

	o->lab = t->name;
	status = config_make(t, &options, &config, &o->c->err) < 0 ? cmd_fail(o->c)
								   : print(o, &config);
	config_free(&config);
	free(o->text);
	return status;
}

static int of_file(struct output *o, const char *path)
{
	struct lab_file f;
	int status = read_file(o->c, path, &f);

	if (!status)
		status = keys_resolve(f.t, NULL, KEYS_FIND, &o->c->err) < 0
				 ? cmd_fail(o->c)
				 : make_and_print(o, f.t);
	lab_file_clear(&f);
	return status;
}

static int of_lab(struct output *o, const char *name)
{
	struct lab l;
	int status = lab_open(name, &l, &o->c->err) < 0 ? cmd_fail(o->c) : make_and_print(o, l.t);

	lab_close(&l);
	return status;
}

/* what does not go together; 0 or the exit status */
static int check_options(struct output *o)
{
	const char *format = cmd_value(o->c, "format");

	if (format) {
		size_t i = 0;

		while (i < ARRAY_SIZE(formats) && strcmp(formats[i], format) != 0)
			i++;
		if (i == ARRAY_SIZE(formats))
			return cmd_usage(o->c, "no format `%s`: wg-quick, qr, png or svg", format);
		o->format = (enum format)i;
	}
	if (o->c->json && (o->path || o->format != FORMAT_WG_QUICK))
		return cmd_usage(o->c, "--json has the text in it: not with --format and -o");
	if (cmd_value(o->c, "force") && !o->path)
		return cmd_usage(o->c, "--force is about -o FILE");
	if (o->format == FORMAT_PNG && !o->path && isatty(STDOUT_FILENO))
		return cmd_usage(o->c, "a picture is not for a terminal: -o FILE, or --format qr");
	return 0;
}

static int run(struct cmd *c, size_t argc, char **argv)
{
	struct output o = {.c = c, .path = cmd_value(c, "output"), .name = argv[1]};
	int status = check_options(&o);

	(void)argc;
	if (status)
		return status;
	if (o.path && save_check(o.path, cmd_value(c, "force"), &c->err) < 0)
		return cmd_fail(c);
	return lab_is_file(argv[0]) ? of_file(&o, argv[0]) : of_lab(&o, argv[0]);
}

static const struct option_spec options[] = {
	{"peer", 0, "NAME", "the customer, where a tenant has several: its name, HOST/IF, or key",
	 NULL},
	{"endpoint", 0, "HOST[:PORT]",
	 "what a customer calls; the gateway's address on its network", NULL},
	{"format", 0, "FORMAT", "wg-quick (default), qr for a terminal, png or svg",
	 "wg-quick|qr|png|svg"},
	{"output", 'o', "FILE", "write a new file, readable by its owner only", NULL},
	{"force", 0, NULL, "replace that file if it is there", NULL},
	{0},
};

const struct command cmd_config = {
	.name = "config",
	.args = "LAB|FILE HOST/IF|TENANT",
	.summary = "print a tunnel's or a customer's configuration for wg-quick",
	.details =
		"HOST/IF prints that tunnel's own configuration.  TENANT (or HOST/TENANT) prints what\n"
		"its customer loads into their client: the other end.  What the file does not have,\n"
		"which is the customer's private key as a rule, is left to be filled in: a comment\n"
		"stands in its place, and a warning says so.\n"
		"\n"
		"A customer's AllowedIPs are 0.0.0.0/0 and ::/0, its DNS is the tenant's, and its\n"
		"addresses are those that stand alone (/32, /128) in allowed_ips of the tenant's peer,\n"
		"unless the customer is a host of the same file, which says it itself.\n"
		"\n"
		"Private keys are printed: take care of where it goes.  A telephone scans the code of:\n"
		"\n"
		"  warren config --format qr LAB TENANT",
	.options = options,
	.complete = COMPLETE_LAB_OR_FILE,
	.min_args = 2,
	.max_args = 2,
	.run = run,
};

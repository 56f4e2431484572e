/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "cmd/cmd.h"
#include "cmd/help.h"

const struct command *const commands[] = {
	&cmd_validate,  &cmd_up,     &cmd_down,       &cmd_plan,   &cmd_apply,   &cmd_adopt,
	&cmd_ls,        &cmd_status, &cmd_exec,       &cmd_shell,  &cmd_capture, &cmd_probe,
	&cmd_conntrack, &cmd_graph,  &cmd_key,        &cmd_tenant, &cmd_config,  &cmd_import,
	&cmd_doctor,    &cmd_help,   &cmd_completion, NULL,
};

const struct option_spec global_options[] = {
	{"json", 0, NULL, "print JSON", NULL},
	{"quiet", 'q', NULL, "print errors only", NULL},
	{"verbose", 'v', NULL, "print more", NULL},
	{"help", 'h', NULL, "print help and exit", NULL},
	{"version", 'V', NULL, "print the version and exit", NULL},
	{0},
};

volatile sig_atomic_t cmd_stop;

static void on_signal(int sig)
{
	(void)sig;
	cmd_stop = 1;
}

void cmd_catch_signals(void)
{
	const struct sigaction sa = {.sa_handler = on_signal};
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct sigaction was;

		/* what the caller ignores stays ignored: nohup, a shell's background jobs */
		if (sigaction(signals[i], NULL, &was) == 0 && was.sa_handler != SIG_IGN)
			sigaction(signals[i], &sa, NULL);
	}
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

const char *cmd_value(const struct cmd *c, const char *name)
{
	for (size_t i = 0; c->command->options && c->command->options[i].name; i++)
		if (!strcmp(c->command->options[i].name, name))
			return c->values[i];
	return NULL;
}

const char *cmd_each_value(const struct cmd *c, const char *name, size_t i)
{
	for (size_t k = 0; k < c->n_given; k++)
		if (!strcmp(c->command->options[c->given[k].option].name, name) && i-- == 0)
			return c->given[k].value;
	return NULL;
}

int cmd_fail(struct cmd *c)
{
	static const int statuses[] = {[ERR_FAILED] = STATUS_UNDONE,
				       [ERR_INVALID] = STATUS_USAGE,
				       [ERR_CANNOT] = STATUS_CANNOT,
				       [ERR_NO] = STATUS_NO};
	const struct err *e = &c->err;

	fprintf(stderr, "warren: %s", e->msg);
	if (e->hint[0])
		fprintf(stderr, " (%s)", e->hint);
	fputc('\n', stderr);
	/* a command that only looks cannot have undone anything */
	if (e->kind == ERR_FAILED && c->command && !c->command->changes)
		return STATUS_CANNOT;
	return statuses[e->kind];
}

int cmd_usage(const struct cmd *c, const char *fmt, ...)
{
	va_list ap;

	fputs("warren: ", stderr);
	if (c->command)
		fprintf(stderr, "%s: ", c->command->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (see `warren %s%s--help`)\n", c->command ? c->command->name : "",
		c->command ? " " : "");
	return STATUS_USAGE;
}

/* --- options ----------------------------------------------------------------------- */

struct table {
	struct option longs[2 * CMD_OPTIONS_MAX];
	char shorts[4 * CMD_OPTIONS_MAX];
	size_t n;
};

static void add_options(struct table *t, const struct option_spec *specs, int base)
{
	size_t at = strlen(t->shorts);

	for (size_t i = 0; specs && specs[i].name; i++) {
		const bool arg = specs[i].arg != NULL;

		t->longs[t->n++] = (struct option){specs[i].name, arg, NULL, base + (int)i};
		if (specs[i].letter)
			t->shorts[at++] = specs[i].letter;
		if (specs[i].letter && arg)
			t->shorts[at++] = ':';
	}
	t->shorts[at] = '\0';
}

#define GLOBAL_BASE 1000
#define OWN_BASE    2000

static int by_letter(const struct option_spec *specs, int base, int letter)
{
	for (size_t i = 0; specs && specs[i].name; i++)
		if (specs[i].letter == letter)
			return base + (int)i;
	return '?';
}

static void try_all(struct suggest *s, const struct option_spec *specs)
{
	for (size_t i = 0; specs && specs[i].name; i++)
		suggest_try(s, specs[i].name);
}

static int unknown_option(const struct cmd *c, const char *word)
{
	struct suggest s = suggest_start(strncmp(word, "--", 2) ? "" : word + 2, 64);

	try_all(&s, global_options);
	try_all(&s, c->command ? c->command->options : NULL);
	if (s.best)
		return cmd_usage(c, "unknown option `%s` (did you mean `--%s`?)", word, s.best);
	return cmd_usage(c, "unknown option `%s`", word);
}

/* -1: go on; else the exit status */
static int take_global(struct cmd *c, const struct option_spec *o)
{
	switch (o->name[0]) {
	case 'j':
		c->json = true;
		return -1;
	case 'q':
		c->quiet = true;
		return -1;
	case 'h':
		help_print(c->command, stdout);
		return STATUS_DONE;
	default:
		if (!strcmp(o->name, "version")) {
			puts("warren " WARREN_VERSION);
			return STATUS_DONE;
		}
		c->verbose = true;
		return -1;
	}
}

static void take_own(struct cmd *c, size_t option, const char *value)
{
	c->values[option] = value;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	c->given[c->n_given++] = (struct given){option, value};
}

/* parses options up to the command, or after it; -1: go on at optind; else the exit status */
static int take_options(struct cmd *c, int argc, char **argv)
{
	const struct option_spec *own = c->command ? c->command->options : NULL;
	bool stop = !c->command || c->command->options_stop;
	struct table t = {.shorts = ""};
	int o, status = -1;

	/* "+": the first other argument ends the options; ":": tell a missing argument apart */
	snprintf(t.shorts, sizeof(t.shorts), "%s", stop ? "+:" : ":");
	add_options(&t, global_options, GLOBAL_BASE);
	add_options(&t, own, OWN_BASE);
	optind = 0;
	opterr = 0;
	while (status < 0 && (o = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		if (o == ':')
			return cmd_usage(c, "option `%s` needs an argument", argv[optind - 1]);
		if (o > 0 && o < 256 && o != '?') {
			int letter = o;

			o = by_letter(global_options, GLOBAL_BASE, letter);
			if (o == '?')
				o = by_letter(own, OWN_BASE, letter);
		}
		if (o == '?')
			return unknown_option(c, argv[optind - 1]);
		if (o >= OWN_BASE)
			take_own(c, (size_t)(o - OWN_BASE), optarg ? optarg : "");
		else
			status = take_global(c, &global_options[o - GLOBAL_BASE]);
	}
	return status;
}

static int unknown_command(const struct cmd *c, const char *word)
{
	struct suggest s = suggest_start(word, 64);

	for (size_t i = 0; commands[i]; i++)
		suggest_try(&s, commands[i]->name);
	if (s.best)
		return cmd_usage(c, "no command `%s` (did you mean `%s`?)", word, s.best);
	return cmd_usage(c, "no command `%s`", word);
}

/* what was printed must have arrived: a full disk is a failure */
static int flush(struct cmd *c, int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	err_errno(&c->err, "write the output");
	/* what was done stays done: not status 4 */
	err_kind_set(&c->err, ERR_CANNOT);
	return cmd_fail(c);
}

int main(int argc, char **argv)
{
	struct given *given _cleanup_free_ = NULL;
	struct cmd c = {.err = ERR_INIT};
	size_t n, letters = 0;
	int status;

	/* a reader that goes away is an error of write(), not the end in the middle of a change */
	signal(SIGPIPE, SIG_IGN);
	status = take_options(&c, argc, argv);

	if (status >= 0)
		return flush(&c, status);
	if (optind >= argc) {
		help_print(NULL, stderr);
		return STATUS_USAGE;
	}
	argc -= optind;
	argv += optind;
	c.command = command_find(argv[0]);
	if (!c.command)
		return unknown_command(&c, argv[0]);
	for (int i = 0; i < argc; i++)
		letters += strlen(argv[i]);
	/* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI) */
	c.given = given = calloc(letters, sizeof(*given)); /* one letter is an option at most */
	if (!given) {
		err_code(&c.err, ENOMEM, "read the options");
		return cmd_fail(&c);
	}
	status = take_options(&c, argc, argv);
	if (status >= 0)
		return flush(&c, status);
	argv += optind;
	n = (size_t)(argc - optind);
	if (n < c.command->min_args)
		return cmd_usage(&c, "needs %s", c.command->args);
	if (n > c.command->max_args)
		return cmd_usage(&c, "too many arguments: `%s`", argv[c.command->max_args]);
	status = c.command->run(&c, n, argv);
	return flush(&c, status);
}

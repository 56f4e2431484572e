/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands: one table drives dispatch, --help, completions and the manual.
 */
#ifndef WARREN_CMD_CMD_H
#define WARREN_CMD_CMD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "lab/apply.h"

#define CMD_OPTIONS_MAX 24

/* exit statuses: CONTRACT of every command */
enum status {
	STATUS_DONE = 0,   /* done, or yes */
	STATUS_NO = 1,     /* the answer is no */
	STATUS_USAGE = 2,  /* usage, or an invalid file */
	STATUS_CANNOT = 3, /* this machine can't */
	STATUS_UNDONE = 4, /* failed while changing the system, and was undone */
};

struct option_spec {
	const char *name; /* without "--"; NULL ends a list */
	char letter;      /* 0: none */
	const char *arg;  /* name of its argument; NULL: a flag */
	const char *help;
	const char *choices; /* "a|b|c" for completion, or NULL */
};

/* what completes a positional argument */
enum complete { COMPLETE_NONE, COMPLETE_FILE, COMPLETE_LAB, COMPLETE_LAB_OR_FILE };

struct cmd;

struct command {
	const char *name;
	const char *args;    /* synopsis after the name and the options */
	const char *summary; /* one line, lower case, no full stop */
	const char *details; /* paragraphs for --help and the manual */
	const struct option_spec *options;
	enum complete complete;
	const char *words; /* "a|b|c": subcommands, for completion, or NULL */
	bool options_stop; /* options end at the first other argument */
	bool changes;      /* it changes the system: a failure is status 4 */
	size_t min_args, max_args;
	int (*run)(struct cmd *c, size_t argc, char **argv);
};

/* one run of a command */
struct cmd {
	const struct command *command;
	bool json, quiet, verbose;
	const char *values[CMD_OPTIONS_MAX]; /* by place in command->options; a flag: "" */
	struct given {
		size_t option; /* place in command->options */
		const char *value;
	} * given; /* all options of the command's own, as they were given */
	size_t n_given;
	struct err err;
};

extern const struct command *const commands[]; /* NULL ends it */
extern const struct option_spec global_options[];

const struct command *command_find(const char *name);

/* command_takes_topology - is FILE, a topology, among its arguments?  (import's FILE.conf is none.) */
bool command_takes_topology(const struct command *c);

/* cmd_value - the argument of option @name, "" for a flag, NULL where it was not given. */
const char *cmd_value(const struct cmd *c, const char *name);

/* cmd_each_value - the @i-th argument, from 0, of an option that may be given more than once; NULL:
 * it was not given as often. */
const char *cmd_each_value(const struct cmd *c, const char *name, size_t i);

/* cmd_fail - print c->err as `warren: what failed: why (what to do)`; returns the exit status. */
int cmd_fail(struct cmd *c);

/* cmd_usage - print a usage error and where to read more; returns STATUS_USAGE. */
int cmd_usage(const struct cmd *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* cmd_stop - true after SIGINT, SIGTERM or SIGHUP.  cmd_catch_signals() starts the watch. */
extern volatile sig_atomic_t cmd_stop;
void cmd_catch_signals(void);

/* the commands themselves */
extern const struct command cmd_validate, cmd_up, cmd_down, cmd_plan, cmd_apply, cmd_adopt, cmd_ls,
	cmd_status, cmd_exec, cmd_shell, cmd_capture, cmd_probe, cmd_conntrack, cmd_graph, cmd_key,
	cmd_tenant, cmd_config, cmd_import, cmd_doctor, cmd_completion, cmd_help;

#endif

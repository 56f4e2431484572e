/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exec, shell and capture: a program inside a namespace */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "lab/enter.h"

/* never returns when it works */
static int exec_in(struct cmd *c, const char *lab, const char *name, char *const *argv)
{
	struct lab l;
	int r = lab_open(lab, &l, &c->err);

	if (!r)
		r = lab_enter(&l, name, &c->err);
	if (r < 0) {
		lab_close(&l);
		return cmd_fail(c);
	}
	signal(SIGPIPE, SIG_DFL);
	/* what the lab's record is read through is CLOEXEC */
	execvp(argv[0], argv);
	err_errno(&c->err, "%s", argv[0]);
	err_kind_set(&c->err, ERR_CANNOT);
	lab_close(&l);
	return cmd_fail(c);
}

static int run_exec(struct cmd *c, size_t argc, char **argv)
{
	size_t at = argc > 2 && !strcmp(argv[2], "--") ? 3 : 2;

	if (argc <= at)
		return cmd_usage(c, "needs %s", c->command->args);
	return exec_in(c, argv[0], argv[1], argv + at);
}

static int run_shell(struct cmd *c, size_t argc, char **argv)
{
	const char *shell = getenv("SHELL");
	char *words[] = {(char *)(shell && *shell ? shell : "/bin/sh"), NULL};

	(void)argc;
	/* for a prompt to show where one is */
	setenv("WARREN_LAB", argv[0], 1);
	setenv("WARREN_NS", argv[1], 1);
	return exec_in(c, argv[0], argv[1], words);
}

static int run_capture(struct cmd *c, size_t argc, char **argv)
{
	size_t at = argc > 3 && !strcmp(argv[3], "--") ? 4 : 3, n = 0;
	char **words = calloc(argc + 5, sizeof(*words));
	int status;

	if (!words) {
		err_code(&c->err, ENOMEM, "capture");
		return cmd_fail(c);
	}
	words[n++] = (char *)"tcpdump";
	words[n++] = (char *)"-i";
	words[n++] = argv[2];
	words[n++] = (char *)"-n";
	for (; at < argc; at++)
		words[n++] = argv[at];
	status = exec_in(c, argv[0], argv[1], words);
	free(words);
	return status;
}

const struct command cmd_exec = {
	.name = "exec",
	.args = "LAB NS -- COMMAND ...",
	.summary = "run a program inside a namespace",
	.details =
		"NS is a host or a tenant by its name in the file, or LAB-networks, in which the\n"
		"bridges of the segments are.  `ip`, `nft`, `conntrack` and `wg` see what is in there,\n"
		"/etc/resolv.conf is the tenant's own where it has one.  Exits with the program's\n"
		"status.",
	.complete = COMPLETE_LAB,
	.options_stop = true,
	.min_args = 3,
	.max_args = 4096,
	.run = run_exec,
};

const struct command cmd_shell = {
	.name = "shell",
	.args = "LAB NS",
	.summary = "open a shell inside a namespace",
	.details = "$SHELL, or /bin/sh.  WARREN_LAB and WARREN_NS say where it is.",
	.complete = COMPLETE_LAB,
	.min_args = 2,
	.max_args = 2,
	.run = run_shell,
};

const struct command cmd_capture = {
	.name = "capture",
	.args = "LAB NS IF [-- TCPDUMP-ARGUMENTS ...]",
	.summary = "watch an interface's packets with tcpdump",
	.details = "For example, the packets of tenants on the internal network:\n"
		   "\n"
		   "  warren capture niransix vpn-center br-internal -- icmp",
	.complete = COMPLETE_LAB,
	.options_stop = true,
	.min_args = 3,
	.max_args = 4096,
	.run = run_capture,
};

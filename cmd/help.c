/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/help.h"

#include <string.h>

static void print_options(const struct option_spec *o, FILE *out)
{
	for (; o && o->name; o++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", o->name, o->arg ? " " : "",
			 o->arg ? o->arg : "");
		if (o->letter)
			fprintf(out, "  -%c, %-24s %s\n", o->letter, left, o->help);
		else
			fprintf(out, "      %-24s %s\n", left, o->help);
	}
}

static void print_overview(FILE *out)
{
	fputs("Usage: warren [--json] [-q|-v] COMMAND ...\n\n"
	      "WireGuard tenants, NAPT and network namespaces from one topology file.\n\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; commands[i]; i++)
		fprintf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nOptions:\n", out);
	print_options(global_options, out);
	fputs("\n`warren COMMAND --help` tells more of each; warren(1) is the manual and\n"
	      "warren-topology(5) describes the file.\n",
	      out);
}

/* --- FILE -------------------------------------------------------------------------- */

bool command_takes_topology(const struct command *c)
{
	const char *file = strstr(c->args, "FILE");

	return file && strchr(" |", file[strlen("FILE")]); /* NUL is found, too */
}

static const char topology_text[] =
	"FILE is a topology file, or the folder of one.  A word without slash and dot that is\n"
	"neither here means /etc/warren/FILE.yaml, or the folder /etc/warren/FILE.";

/* --- help -------------------------------------------------------------------------- */

void help_print(const struct command *c, FILE *out)
{
	if (!c) {
		print_overview(out);
		return;
	}
	fprintf(out, "Usage: warren %s%s%s%s\n\n%c%s.\n", c->name, c->options ? " [options]" : "",
		c->args[0] ? " " : "", c->args, c->summary[0] - 'a' + 'A', c->summary + 1);
	if (c->details)
		fprintf(out, "\n%s\n", c->details);
	if (command_takes_topology(c))
		fprintf(out, "\n%s\n", topology_text);
	fputs("\nOptions:\n", out);
	print_options(c->options, out);
	print_options(global_options, out);
}

/* --- the manual -------------------------------------------------------------------- */

/*
 * roff reads a backslash, and a dot or quote at the start of a line, as its own.  In running text
 * mdoc(7) wants each sentence to begin a line.
 */
static void mdoc_text(const char *s, bool running, FILE *out)
{
	bool start = true;

	for (; *s; s++) {
		if (start && (*s == '.' || *s == '\''))
			fputs("\\&", out);
		if (*s == '\\')
			fputs("\\e", out);
		else if (*s == '-')
			fputs("\\-", out);
		else
			fputc(*s, out);
		start = *s == '\n';
		if (running && strchr(".?!", *s) && s[1] == ' ') {
			s += strspn(s + 1, " ");
			fputc('\n', out);
			start = true;
		}
	}
}

static void mdoc_option(const struct option_spec *o, FILE *out)
{
	fputs(".It ", out);
	if (o->letter)
		fprintf(out, "Fl %c , ", o->letter);
	fprintf(out, "Fl \\-%s", o->name);
	if (o->arg)
		fprintf(out, " Ar %s", o->arg);
	fputc('\n', out);
	mdoc_text(o->help, true, out);
	fputs(".\n", out);
}

/* paragraphs, and lines that are indented and therefore kept as they are */
static void mdoc_details(const char *s, FILE *out)
{
	bool literal = false;

	while (*s) {
		const char *end = strchrnul(s, '\n');
		char line[512];

		snprintf(line, sizeof(line), "%.*s", (int)(end - s), s);
		if ((line[0] == ' ') != literal) {
			literal = !literal;
			fputs(literal ? ".Bd -literal -offset indent\n" : ".Ed\n", out);
		}
		if (line[0]) {
			mdoc_text(line + (literal ? strspn(line, " ") : 0), !literal, out);
			fputc('\n', out);
		} else if (end[0] && end[1] != ' ') { /* a display brings its own space */
			fputs(".Pp\n", out);
		}
		s = *end ? end + 1 : end;
	}
	if (literal)
		fputs(".Ed\n", out);
}

void help_mdoc(FILE *out)
{
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		fprintf(out, ".Ss warren %s%s", c->name, c->args[0] ? " " : "");
		mdoc_text(c->args, false, out);
		fprintf(out, "\n%c", c->summary[0] - 'a' + 'A');
		mdoc_text(c->summary + 1, true, out);
		fputs(".\n", out);
		if (c->details) {
			fputs(".Pp\n", out);
			mdoc_details(c->details, out);
		}
		if (command_takes_topology(c)) {
			fputs(".Pp\n", out);
			mdoc_details(topology_text, out);
		}
		if (!c->options)
			continue;
		fputs(".Bl -tag -width Ds\n", out);
		for (const struct option_spec *o = c->options; o->name; o++)
			mdoc_option(o, out);
		fputs(".El\n", out);
	}
}

/* --- warren help ------------------------------------------------------------------------ */

static int run_help(struct cmd *c, size_t argc, char **argv)
{
	const struct command *about = NULL;

	if (cmd_value(c, "mdoc")) {
		help_mdoc(stdout);
		return STATUS_DONE;
	}
	if (argc) {
		about = command_find(argv[0]);
		if (!about)
			return cmd_usage(c, "no command `%s`", argv[0]);
	}
	help_print(about, stdout);
	return STATUS_DONE;
}

static const struct option_spec help_options[] = {
	{"mdoc", 0, NULL, "print the commands as a part of the manual, in mdoc(7)", NULL},
	{0},
};

const struct command cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.summary = "print help",
	.options = help_options,
	.max_args = 1,
	.run = run_help,
};

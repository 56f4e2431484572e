/* SPDX-License-Identifier: GPL-2.0-or-later */
/* completion: scripts for shells, from the table of commands */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lab/bundle.h"
#include "lab/etc.h"

/* "a|b|c" as words between blanks */
static void print_choices(const char *choices)
{
	for (; *choices; choices++)
		putchar(*choices == '|' ? ' ' : *choices);
}

static const char *const names_of_labs = "$(warren ls --json 2>/dev/null | "
					 "sed -n 's/.*\"lab\":\"\\([^\"]*\\)\".*/\\1/p')";

static bool is_file(const struct option_spec *o)
{
	return o->arg && !strcmp(o->arg, "FILE");
}

/* --- bash --------------------------------------------------------------------------------- */

static void bash_command(const struct command *c)
{
	printf("\t%s)\n\t\tcase $prev in\n", c->name);
	for (const struct option_spec *o = c->options; o && o->name; o++) {
		if (!o->arg)
			continue;
		printf("\t\t--%s", o->name);
		if (o->letter)
			printf("|-%c", o->letter);
		printf(") COMPREPLY=($(compgen %s", is_file(o) ? "-f" : "-W '");
		print_choices(o->choices ? o->choices : "");
		printf("%s -- \"$cur\")); return ;;\n", is_file(o) ? "" : "'");
	}
	printf("\t\tesac\n\t\twords='--json --quiet --verbose --help");
	for (const struct option_spec *o = c->options; o && o->name; o++)
		printf(" --%s", o->name);
	printf("'\n");
	if (c->words) {
		printf("\t\tplain='");
		print_choices(c->words);
		printf("'\n");
	}
	if (c->complete == COMPLETE_LAB || c->complete == COMPLETE_LAB_OR_FILE)
		printf("\t\tplain=\"$plain %s\"\n", names_of_labs);
	if (command_takes_topology(c))
		printf("\t\tplain=\"$plain $(_warren_etc)\"\n");
	if (c->complete == COMPLETE_FILE || c->complete == COMPLETE_LAB_OR_FILE)
		printf("\t\tfiles=yes\n");
	printf("\t\t;;\n");
}

static void print_bash(void)
{
	printf("# bash completion for warren: made by `warren completion bash`\n"
	       "_warren_etc()\n{\n"
	       "\tlocal f\n"
	       "\tfor f in " WARREN_ETC_DIR "/*.yaml " WARREN_ETC_DIR "/*/" BUNDLE_TOPOLOGY "; do\n"
	       "\t\t[[ -e $f ]] || continue\n"
	       "\t\tf=${f#" WARREN_ETC_DIR "/}\n"
	       "\t\tf=${f%%/*}\n"
	       "\t\techo \"${f%%.yaml}\"\n"
	       "\tdone\n}\n"
	       "_warren()\n{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	       "\tlocal words='' plain='' files='' command='' i\n"
	       "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	       "\t\t[[ ${COMP_WORDS[i]} == -* ]] || { command=${COMP_WORDS[i]}; break; }\n"
	       "\tdone\n"
	       "\tcase $command in\n\t'')\n\t\twords='--json --quiet --verbose --help --version'\n"
	       "\t\tplain='");
	for (size_t i = 0; commands[i]; i++)
		printf("%s%s", i ? " " : "", commands[i]->name);
	printf("'\n\t\t;;\n");
	for (size_t i = 0; commands[i]; i++)
		bash_command(commands[i]);
	printf("\tesac\n"
	       "\tif [[ $cur == -* ]]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	       "\telse\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$plain\" -- \"$cur\"))\n"
	       "\t\t[[ -z $files ]] || COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
	       "\tfi\n}\n"
	       "complete -o filenames -F _warren warren\n");
}

/* --- zsh ----------------------------------------------------------------------------------- */

/* in a 'spec' of _arguments: brackets and colons have a meaning, and the quote ends it */
static void zsh_text(const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			printf("'\\''");
		else if (strchr("[]:\\", *s))
			printf("\\%c", *s);
		else
			putchar(*s);
	}
}

static void zsh_option(const struct option_spec *o)
{
	printf(" \\\n\t\t\t'--%s[", o->name);
	zsh_text(o->help);
	putchar(']');
	if (o->arg) {
		printf(":%s:", o->arg);
		if (o->choices) {
			putchar('(');
			print_choices(o->choices);
			putchar(')');
		}
		if (is_file(o))
			printf("_files");
	}
	putchar('\'');
}

static void zsh_command(const struct command *c)
{
	printf("\t%s)\n\t\t_arguments", c->name);
	for (const struct option_spec *o = c->options; o && o->name; o++)
		zsh_option(o);
	for (const struct option_spec *o = global_options; o->name; o++)
		zsh_option(o);
	if (c->words) {
		printf(" \\\n\t\t\t'1:what:(");
		print_choices(c->words);
		printf(")'");
	}
	if (c->complete == COMPLETE_FILE)
		printf(" \\\n\t\t\t'*:file:%s'",
		       command_takes_topology(c) ? "_warren_topologies" : "_files");
	else if (c->complete == COMPLETE_LAB)
		printf(" \\\n\t\t\t'*:lab:_warren_labs'");
	else if (c->complete == COMPLETE_LAB_OR_FILE)
		printf(" \\\n\t\t\t'*:lab or file:_warren_labs_or_%s'",
		       command_takes_topology(c) ? "topologies" : "files");
	printf("\n\t\t;;\n");
}

static void print_zsh(void)
{
	printf("#compdef warren\n# zsh completion for warren: made by `warren completion zsh`\n"
	       "_warren_labs() { compadd -- ${(f)\"%s\"} }\n"
	       "_warren_labs_or_files() { _warren_labs; _files }\n"
	       "_warren_topologies() {\n"
	       "\tcompadd -- " WARREN_ETC_DIR "/*.yaml(N:t:r) " WARREN_ETC_DIR "/*/" BUNDLE_TOPOLOGY
	       "(N:h:t)\n"
	       "\t_files\n}\n"
	       "_warren_labs_or_topologies() { _warren_labs; _warren_topologies }\n"
	       "_warren() {\n\tlocal -a list\n\tlist=(\n",
	       names_of_labs);
	for (size_t i = 0; commands[i]; i++) {
		printf("\t\t'%s:", commands[i]->name);
		zsh_text(commands[i]->summary);
		printf("'\n");
	}
	printf("\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe command list\n\t\treturn\n\tfi\n"
	       "\tlocal command=$words[2]\n\tshift words\n\t(( CURRENT-- ))\n\tcase $command in\n");
	for (size_t i = 0; commands[i]; i++)
		zsh_command(commands[i]);
	printf("\tesac\n}\n_warren \"$@\"\n");
}

/* --- fish ------------------------------------------------------------------------------------ */

static void fish_text(const char *s)
{
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
}

static void fish_option(const char *command, const struct option_spec *o)
{
	printf("complete -c warren");
	if (command)
		printf(" -n '__fish_seen_subcommand_from %s'", command);
	printf(" -l %s", o->name);
	if (o->letter)
		printf(" -s %c", o->letter);
	if (o->arg)
		fputs(is_file(o) ? " -r -F" : " -x", stdout);
	if (o->choices) {
		printf(" -a '");
		print_choices(o->choices);
		putchar('\'');
	}
	printf(" -d '");
	fish_text(o->help);
	puts("'");
}

static void fish_command(const struct command *c)
{
	printf("complete -c warren -n __fish_use_subcommand -f -a %s -d '", c->name);
	fish_text(c->summary);
	puts("'");
	for (const struct option_spec *o = c->options; o && o->name; o++)
		fish_option(c->name, o);
	if (c->words) {
		printf("complete -c warren -n '__fish_seen_subcommand_from %s' -f -a '", c->name);
		print_choices(c->words);
		puts("'");
	}
	if (c->complete == COMPLETE_LAB || c->complete == COMPLETE_LAB_OR_FILE)
		printf("complete -c warren -n '__fish_seen_subcommand_from %s' %s-a "
		       "'(__warren_labs)'\n",
		       c->name, c->complete == COMPLETE_LAB ? "-f " : "");
	else if (c->complete == COMPLETE_NONE)
		printf("complete -c warren -n '__fish_seen_subcommand_from %s' -f\n", c->name);
	if (command_takes_topology(c))
		printf("complete -c warren -n '__fish_seen_subcommand_from %s' -a "
		       "'(__warren_etc)'\n",
		       c->name);
}

static void print_fish(void)
{
	printf("# fish completion for warren: made by `warren completion fish`\n"
	       "function __warren_labs\n"
	       "\twarren ls --json 2>/dev/null | string replace -rf '.*\"lab\":\"([^\"]*)\".*' '$1'\n"
	       "end\n"
	       "function __warren_etc\n"
	       "\tfor f in " WARREN_ETC_DIR "/*.yaml " WARREN_ETC_DIR "/*/" BUNDLE_TOPOLOGY "\n"
	       "\t\tstring replace -r '" WARREN_ETC_DIR "/([^/]*?)(\\.yaml|/" BUNDLE_TOPOLOGY
	       ")$' '$1' $f\n"
	       "\tend\n"
	       "end\n");
	for (const struct option_spec *o = global_options; o->name; o++)
		fish_option(NULL, o);
	for (size_t i = 0; commands[i]; i++)
		fish_command(commands[i]);
}

static int run(struct cmd *c, size_t argc, char **argv)
{
	static const struct {
		const char *shell;
		void (*print)(void);
	} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

	(void)argc;
	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(argv[0], shells[i].shell))
			continue;
		shells[i].print();
		return STATUS_DONE;
	}
	return cmd_usage(c, "no completion for `%s`: bash, zsh or fish", argv[0]);
}

const struct command cmd_completion = {
	.name = "completion",
	.args = "bash|zsh|fish",
	.summary = "print a completion script for a shell",
	.details = "`make install` puts them where the shells look.  To try one:\n"
		   "\n"
		   "  eval \"$(warren completion bash)\"",
	.words = "bash|zsh|fish",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};

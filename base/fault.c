/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum fault_kind { FAULT_UNREAD, FAULT_NONE, FAULT_KILL, FAULT_FAIL, FAULT_INT, FAULT_COUNT };

static enum fault_kind kind;
static unsigned long at, passed;

static void report(void)
{
	fprintf(stderr, "fault points: %lu\n", passed);
}

static void read_environment(void)
{
	static const struct {
		const char *word;
		enum fault_kind kind;
	} words[] = {{"kill@", FAULT_KILL}, {"fail@", FAULT_FAIL}, {"int@", FAULT_INT}};
	const char *s = getenv("WARREN_FAULT");

	kind = FAULT_NONE;
	if (s && !strcmp(s, "count")) {
		kind = FAULT_COUNT;
		atexit(report);
	}
	for (size_t i = 0; s && i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i].word);

		if (strncmp(s, words[i].word, len))
			continue;
		kind = words[i].kind;
		at = strtoul(s + len, NULL, 10);
	}
}

bool fault_active(void)
{
	if (kind == FAULT_UNREAD)
		read_environment();
	return kind != FAULT_NONE;
}

int fault_point(const char *what, struct err *e)
{
	if (!fault_active() || ++passed != at)
		return 0;
	switch (kind) {
	case FAULT_KILL:
		kill(getpid(), SIGKILL);
		pause();
		return 0;
	case FAULT_INT:
		kill(getpid(), SIGINT);
		return 0;
	case FAULT_FAIL:
		return err_set(e, EIO, "%s: fault injected at point %lu", what, at);
	default:
		return 0;
	}
}

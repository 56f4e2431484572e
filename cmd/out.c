/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/out.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"

/* --- colour -------------------------------------------------------------------------- */

static bool coloured(void)
{
	static int answer = -1;

	if (answer < 0) {
		const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

		answer = isatty(STDOUT_FILENO) && !(no && *no) && !(term && !strcmp(term, "dumb"));
	}
	return answer;
}

const char *out_colour(enum colour c)
{
	static const char *const codes[] = {[COLOUR_NONE] = "",
					    [COLOUR_GOOD] = "\033[32m",
					    [COLOUR_BAD] = "\033[31m",
					    [COLOUR_DIM] = "\033[2m",
					    [COLOUR_HEAD] = "\033[1m"};

	return coloured() ? codes[c] : "";
}

const char *out_plain(void)
{
	return coloured() ? "\033[0m" : "";
}

/* --- tables --------------------------------------------------------------------------- */

struct cell {
	char *text;
	enum colour colour;
};

struct out_table {
	struct arena *arena;
	const char *const *heads;
	size_t columns, n;
	struct cell *cells;
};

struct out_table *out_table_new(const char *const *heads, size_t columns)
{
	struct arena *a = arena_new(0);
	struct out_table *t = a ? arena_alloc(a, sizeof(*t)) : NULL;

	if (!t || !columns)
		abort(); /* a command that prints has done its work, and has nothing to undo */
	*t = (struct out_table){.arena = a, .heads = heads, .columns = columns};
	return t;
}

void out_cell(struct out_table *t, enum colour colour, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t->cells = arena_grow(t->arena, t->cells, t->n, sizeof(*t->cells));
	if (!t->cells)
		abort();
	t->cells[t->n].text = arena_strdup(t->arena, text);
	t->cells[t->n++].colour = colour;
}

/* columns on the screen: bytes of UTF-8 that start a character */
static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static void print_cell(const char *text, enum colour colour, size_t pad)
{
	printf("%s%s%s%*s", out_colour(colour), text, colour ? out_plain() : "", (int)pad, "");
}

void out_table_print(struct out_table *t)
{
	const size_t columns = t->columns ? t->columns : 1;
	size_t *widths = arena_alloc(t->arena, columns * sizeof(*widths));

	if (!widths)
		abort();
	for (size_t i = 0; i < t->columns; i++)
		widths[i] = strlen(t->heads[i]);
	for (size_t i = 0; i < t->n; i++) {
		size_t w = width_of(t->cells[i].text);
		size_t *column = &widths[i % columns];

		if (w > *column)
			*column = w;
	}
	for (size_t i = 0; t->n && i < t->columns; i++) {
		bool last = i + 1 == t->columns || !t->heads[i + 1][0];

		print_cell(t->heads[i], COLOUR_HEAD,
			   last ? 0 : widths[i] + 2 - strlen(t->heads[i]));
		if (last)
			break;
	}
	if (t->n)
		putchar('\n');
	for (size_t i = 0; i < t->n; i += t->columns) {
		size_t last = t->columns;

		while (last > 1 && !t->cells[i + last - 1].text[0])
			last--;
		for (size_t k = 0; k < last; k++)
			print_cell(t->cells[i + k].text, t->cells[i + k].colour,
				   k + 1 < last ? widths[k] + 2 - width_of(t->cells[i + k].text)
						: 0);
		putchar('\n');
	}
	arena_free(t->arena);
}

const char *out_bytes(uint64_t n, char buf[static 16])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double v = (double)n;
	size_t u = 0;

	for (; v >= 1024 && u + 1 < sizeof(units) / sizeof(units[0]); u++)
		v /= 1024;
	snprintf(buf, 16, u ? "%.1f %s" : "%.0f %s", v, units[u]);
	return buf;
}

const char *out_ago(int64_t then, char buf[static 24])
{
	int64_t s = (int64_t)time(NULL) - then;

	if (!then)
		snprintf(buf, 24, "never");
	else if (s < 120)
		snprintf(buf, 24, "%d s ago", (int)(s < 0 ? 0 : s));
	else if (s < 7200)
		snprintf(buf, 24, "%d min ago", (int)(s / 60));
	else
		snprintf(buf, 24, "%" PRId64 " h ago", s / 3600);
	return buf;
}

/* --- JSON and diagnostics --------------------------------------------------------------- */

int out_json(struct cmd *c, json_t *doc)
{
	int r = doc ? json_dumpf(doc, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) : -1;

	json_decref(doc);
	if (r == 0) {
		putchar('\n');
		return STATUS_DONE;
	}
	err_code(&c->err, ENOMEM, "print JSON");
	return cmd_fail(c);
}

static void diag_json(const char *file, const struct diag *d)
{
	json_t *o = json_pack("{s:s, s:i, s:i, s:s}", "file", d->file ? d->file : file, "line",
			      d->line, "column", d->column, "error", d->text);

	if (o && json_dumpf(o, stdout, JSON_COMPACT) == 0)
		putchar('\n');
	json_decref(o);
}

void out_diags(const struct cmd *c, const char *file, const struct diags *d)
{
	for (size_t i = 0; i < d->n; i++) {
		if (c->json)
			diag_json(file, &d->v[i]);
		else
			fprintf(stderr, "%s:%d:%d: error: %s\n", d->v[i].file ? d->v[i].file : file,
				d->v[i].line, d->v[i].column, d->v[i].text);
	}
	if (d->dropped)
		fprintf(stderr, "warren: %s: %zu more errors\n", file, d->dropped);
}

/* --- progress ------------------------------------------------------------------------------ */

static struct {
	const char *verb;
	bool on, shown;
	double start, last;
} progress;

static void show_progress(size_t done, size_t total, void *arg)
{
	double now;

	(void)arg;
	/* the clock is asked for now and then only: there are tens of thousands of operations */
	if (!progress.on || done % 32)
		return;
	now = clock_seconds();
	if (now - progress.start < 1 || now - progress.last < 0.1)
		return;
	progress.last = now;
	progress.shown = true;
	fprintf(stderr, "\r%s: %zu of %zu (%zu %%)\033[K", progress.verb, done, total,
		done * 100 / total);
}

void out_progress_end(void)
{
	if (progress.shown)
		fputs("\r\033[K", stderr);
	progress.shown = false;
}

static void show_note(const char *text, void *arg)
{
	(void)arg;
	out_progress_end();
	fprintf(stderr, "warren: note: %s\n", text);
}

static void show_failed(const char *text, void *arg)
{
	(void)arg;
	out_progress_end();
	fprintf(stderr, "warren: %s\n", text);
}

void out_hooks(const struct cmd *c, const char *verb, struct apply_hooks *ret)
{
	progress.verb = verb;
	progress.on = isatty(STDERR_FILENO) && !c->quiet;
	progress.start = clock_seconds();
	*ret = (struct apply_hooks){.stop = &cmd_stop,
				    .progress = progress.on ? show_progress : NULL,
				    .note = c->quiet ? NULL : show_note,
				    .failed = show_failed};
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/bundle.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lab/yaml_text.h"

#define SUFFIX     ".yaml"
#define PREFIX     BUNDLE_TENANTS "/"
#define LENGTH_MAX 9 /* digits of a file's length */

/* --- names ------------------------------------------------------------------------------- */

bool bundle_skips(const char *name, bool folder)
{
	size_t len = strlen(name), suffix = strlen(SUFFIX);

	if (name[0] == '.' || (len && name[len - 1] == '~'))
		return true;
	return !folder && (len <= suffix || strcmp(name + len - suffix, SUFFIX) != 0);
}

/* it is shown on terminals, and stands on a line of its own */
static bool is_legible(const char *name)
{
	const unsigned char *s = (const unsigned char *)name;
	size_t len = strlen(name);
	struct yaml_error error;

	for (; *s; s++)
		if (*s < ' ' || *s == 0x7f || (*s == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0))
			return false;
	return yaml_text_check(&name, &len, &error) == 0;
}

bool bundle_name_ok(const char *name)
{
	const char *base, *slash;
	char host[NAME_MAX + 1];

	if (strcmp(name, BUNDLE_TOPOLOGY) == 0)
		return true;
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 || !is_legible(name))
		return false;
	base = name + strlen(PREFIX);
	slash = strchr(base, '/');
	if (slash) {
		size_t len = (size_t)(slash - base);

		if (len == 0 || len > NAME_MAX)
			return false;
		memcpy(host, base, len);
		host[len] = '\0';
		if (bundle_skips(host, true))
			return false;
		base = slash + 1;
	}
	return !strchr(base, '/') && strlen(base) <= NAME_MAX && !bundle_skips(base, false);
}

size_t bundle_head(char buf[static BUNDLE_HEAD_MAX], const char *name, size_t len)
{
	return (size_t)snprintf(buf, BUNDLE_HEAD_MAX, "%zu %s\n", len, name);
}

/* --- taking apart -------------------------------------------------------------------------- */

bool bundle_is(const char *text, size_t len)
{
	return len >= strlen(BUNDLE_MARK) && memcmp(text, BUNDLE_MARK, strlen(BUNDLE_MARK)) == 0;
}

struct splitting {
	const char *text;
	size_t len, at;
	struct arena *arena;
	struct yaml_error *error;
	const char *last; /* name of the file before; NULL: none */
};

static int damaged(struct splitting *s, const char *what)
{
	yaml_text_position(s->text, s->at, &s->error->line, &s->error->column);
	snprintf(s->error->text, sizeof(s->error->text), "a damaged bundle: %s (%s)", what,
		 "give the folder that it was made of");
	return -EINVAL;
}

/* digits without leading zeros, and the blank behind them */
static int split_length(struct splitting *s, size_t *ret)
{
	const char *p = s->text + s->at, *end = s->text + s->len;
	size_t v = 0, digits = 0;

	for (; p < end && *p >= '0' && *p <= '9' && digits < LENGTH_MAX; p++, digits++)
		v = v * 10 + (size_t)(*p - '0');
	if (p == end || *p != ' ' || !digits || (digits > 1 && s->text[s->at] == '0'))
		return damaged(s, "no length of a file here");
	s->at += digits + 1;
	*ret = v;
	return 0;
}

static int split_name(struct splitting *s, const char **ret)
{
	const char *start = s->text + s->at;
	size_t left = s->len - s->at;
	const char *end = memchr(start, '\n', left);
	char *name;

	if (!end || (size_t)(end - start) >= BUNDLE_NAME_MAX || memchr(start, '\0', end - start))
		return damaged(s, "no name of a file here");
	name = arena_strndup(s->arena, start, (size_t)(end - start));
	if (!name)
		return -ENOMEM;
	if (!bundle_name_ok(name))
		return damaged(s, "not the name of a file of a topology");
	if (s->last && strcmp(s->last, name) >= 0)
		return damaged(s, "files that are not in order, or twice there");
	s->last = name;
	s->at += (size_t)(end - start) + 1;
	*ret = name;
	return 0;
}

/* HOST of tenants.d/HOST/NAME.yaml */
static int split_host(struct splitting *s, struct bundle_file *f)
{
	const char *host = f->name + strlen(PREFIX), *slash;

	if (strcmp(f->name, BUNDLE_TOPOLOGY) == 0)
		return 0;
	slash = strchr(host, '/');
	if (!slash)
		return 0;
	f->host = arena_strndup(s->arena, host, (size_t)(slash - host));
	return f->host ? 0 : -ENOMEM;
}

static int split_file(struct splitting *s, struct bundle_file *ret)
{
	struct bundle_file f = {.name = NULL};
	int r = split_length(s, &f.len);

	if (r == 0)
		r = split_name(s, &f.name);
	if (r < 0)
		return r;
	/* the newline behind it counts as well */
	if (f.len >= s->len - s->at || s->text[s->at + f.len] != '\n')
		return damaged(s, "a file that is not as long as it says");
	f.text = s->text + s->at;
	s->at += f.len + 1;
	r = split_host(s, &f);
	*ret = f;
	return r;
}

int bundle_split(const char *text, size_t len, struct arena *arena, struct bundle *ret,
		 struct yaml_error *error)
{
	struct splitting s = {.text = text, .len = len, .arena = arena, .error = error};
	struct bundle b = {.n = 0};
	struct bundle_file last;

	for (s.at = strlen(BUNDLE_MARK); s.at < len;) {
		struct bundle_file *v = arena_grow(arena, b.files, b.n, sizeof(*v));
		int r;

		if (b.n == BUNDLE_FILES_MAX)
			return damaged(&s, "too many files");
		if (!v)
			return -ENOMEM;
		b.files = v;
		r = split_file(&s, &b.files[b.n]);
		if (r < 0)
			return r;
		b.n++;
	}
	/* "topology.yaml" comes behind all of "tenants.d/…" */
	if (!b.n || strcmp(b.files[b.n - 1].name, BUNDLE_TOPOLOGY) != 0)
		return damaged(&s, "it has no " BUNDLE_TOPOLOGY);
	last = b.files[b.n - 1];
	memmove(b.files + 1, b.files, (b.n - 1) * sizeof(*b.files));
	b.files[0] = last;
	*ret = b;
	return 0;
}

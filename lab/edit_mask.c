/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is shown of a file shows no secret. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lab/edit_find.h"
#include "wg/key.h"

#define KEY_CHARS (WG_KEY_BASE64_LEN - 1)

static void hide(const struct text *t, char *out, size_t from, size_t to)
{
	while (from < to) {
		size_t n = text_break(t, from);

		if (!n)
			out[from] = '*';
		from += n ? n : 1;
	}
}

static bool is_secret(const struct mark *key)
{
	static const char *const names[] = {"private_key", "preshared_key", "secret"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (key->kind == MARK_SCALAR && strcmp(key->value, names[i]) == 0)
			return true;
	return false;
}

static void hide_values(const struct text *t, char *out, const struct mark *m)
{
	bool key = m->kind == MARK_MAP;

	for (const struct mark *c = m->child; c; c = c->next) {
		if (m->kind == MARK_MAP && key && is_secret(c) && c->next->kind == MARK_SCALAR)
			hide(t, out, c->next->content, c->next->end);
		key = !key;
		hide_values(t, out, c);
	}
}

static bool is_base64(char c)
{
	return isalnum((unsigned char)c) || c == '+' || c == '/';
}

/* `public_key:` stands before it, with or without quotes */
static bool is_public(const struct text *t, size_t at)
{
	static const char name[] = "public_key";

	while (at > 0 && strchr(" \t\"':", t->s[at - 1]))
		at--;
	return at >= strlen(name) && memcmp(t->s + at - strlen(name), name, strlen(name)) == 0;
}

/* also in comments, where no tree reaches */
static void hide_keys(const struct text *t, char *out)
{
	for (size_t at = 0; at < t->len;) {
		size_t end = at;

		while (end < t->len && is_base64(t->s[end]))
			end++;
		if (end - at >= KEY_CHARS - 1 && end < t->len && t->s[end] == '=' &&
		    !is_public(t, at))
			hide(t, out, at, end + 1);
		at = end + 1;
	}
}

char *edit_mask(const struct edit_source *src)
{
	const struct text t = {src->text, src->len};
	char *out = malloc(src->len + 1);
	struct err why = ERR_INIT;
	struct edit_doc d;

	if (!out)
		return NULL;
	memcpy(out, src->text, src->len);
	out[src->len] = '\0';
	hide_keys(&t, out);
	if (edit_doc_read(src, &d, &why) == 0)
		hide_values(&t, out, d.top);
	edit_doc_clear(&d);
	return out;
}

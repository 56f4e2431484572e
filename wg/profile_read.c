/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation.  The file is copied and cut into lines, keys and values in place; what the
 * profile keeps of it points into the copy.  A line is complained about, and the next one
 * read, so that one run finds everything; only what is no text, and what is too big, ends the run.
 * What concerns the file as a whole (a key that two peers have) is looked at when all of it has
 * been read without an error.
 */
#include "wg/profile_read.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "base/table.h"
#include "base/text.h"

#define SUGGESTIONS 20000 /* comparisons of words in one file */
#define SHOWN_MAX   24    /* letters of an unknown key that are shown: less than a secret has */

static const struct {
	bool is_list;      /* may be given more than once */
	bool may_be_empty; /* as for wg-quick: as if it were not there */
} traits[PROFILE_KEYS] = {
	[PROFILE_ADDRESS] = {true, true},     [PROFILE_DNS] = {true, true},
	[PROFILE_MTU] = {false, true},        [PROFILE_TABLE] = {false, true},
	[PROFILE_PRE_UP] = {true, true},      [PROFILE_POST_UP] = {true, true},
	[PROFILE_PRE_DOWN] = {true, true},    [PROFILE_POST_DOWN] = {true, true},
	[PROFILE_ALLOWED_IPS] = {true, true},
};

static const char *const section_names[] = {
	[SECTION_INTERFACE] = "Interface", [SECTION_PEER] = "Peer"};

void profile_complain(struct profile_reader *r, struct profile_place at, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	r->errors++;
	if (r->diags->n == DIAGS_MAX) { /* the work of saying it is saved */
		r->diags->dropped++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diags_add(r->diags, (struct diag){.line = at.line, .column = at.column}, "%s", text);
}

static enum profile_section section_of(enum profile_key key)
{
	return key < PROFILE_FIRST_OF_PEER ? SECTION_INTERFACE : SECTION_PEER;
}

/* --- sections ------------------------------------------------------------------------------ */

static void begin_interface(struct profile_reader *r, struct profile_place at)
{
	if (r->interface.line)
		profile_complain(r, at,
				 "a second [Interface] (line %d has the first; a file has one)",
				 r->interface.line);
	else
		r->interface = at;
}

static void begin_peer(struct profile_reader *r, struct profile_place at)
{
	struct profile *p = r->p;
	struct profile_peer *v = arena_grow(p->arena, p->peers, p->n_peers, sizeof(*v));

	if (!v) {
		r->no_memory = true;
		return;
	}
	p->peers = v;
	v[p->n_peers++] = (struct profile_peer){.place = at, .name = r->above};
	r->peer_begins = true;
}

static void unknown_section(struct profile_reader *r, struct profile_place at, const char *name)
{
	struct suggest s = suggest_start(name, r->suggestions);

	suggest_try(&s, section_names[SECTION_INTERFACE]);
	suggest_try(&s, section_names[SECTION_PEER]);
	r->suggestions = s.budget;
	if (s.best)
		profile_complain(r, at, "unknown section [%s] (did you mean [%s]?)", show(name).s,
				 s.best);
	else
		profile_complain(r, at, "unknown section [%s] (there are [Interface] and [Peer])",
				 show(name).s);
}

static void read_section(struct profile_reader *r, struct slice line)
{
	char *close = strchr(line.s, ']');
	struct slice name = {.s = line.s + 1, .place = line.place};

	r->section = SECTION_UNKNOWN;
	if (!close || close[1]) {
		profile_complain(r, line.place,
				 "a section is one word in brackets, such as [Peer]");
		return;
	}
	*close = '\0';
	profile_trim(&name);
	if (strcasecmp(name.s, section_names[SECTION_INTERFACE]) == 0)
		r->section = SECTION_INTERFACE;
	else if (strcasecmp(name.s, section_names[SECTION_PEER]) == 0)
		r->section = SECTION_PEER;
	if (r->section == SECTION_INTERFACE)
		begin_interface(r, line.place);
	else if (r->section == SECTION_PEER)
		begin_peer(r, line.place);
	else
		unknown_section(r, line.place, name.s);
}

/* --- keys ----------------------------------------------------------------------------------- */

static enum profile_key find_key(const char *name)
{
	enum profile_key k = 0;

	while (k < PROFILE_KEYS && strcasecmp(name, profile_key_name(k)) != 0)
		k++;
	return k;
}

/* nothing of it is shown that could be a part of a secret */
static void unknown_key(struct profile_reader *r, struct slice key)
{
	struct suggest s = suggest_start(key.s, r->suggestions);
	const char *section = r->section == SECTION_NONE ? NULL : section_names[r->section];

	for (enum profile_key k = 0; k < PROFILE_KEYS; k++)
		if (r->section == SECTION_NONE || section_of(k) == r->section)
			suggest_try(&s, profile_key_name(k));
	r->suggestions = s.budget;
	if (strlen(key.s) > SHOWN_MAX)
		profile_complain(r, key.place, "unknown key%s%s%s (take the line out)",
				 section ? " in [" : "", section ? section : "",
				 section ? "]" : "");
	else if (s.best)
		profile_complain(r, key.place, "unknown key `%s`%s%s%s (did you mean `%s`?)",
				 show(key.s).s, section ? " in [" : "", section ? section : "",
				 section ? "]" : "", s.best);
	else
		profile_complain(r, key.place, "unknown key `%s`%s%s%s (take the line out)",
				 show(key.s).s, section ? " in [" : "", section ? section : "",
				 section ? "]" : "");
}

/* false: the key cannot stand here */
static bool belongs(struct profile_reader *r, struct slice at, enum profile_key key)
{
	const char *wanted = section_names[section_of(key)];

	if (r->section == SECTION_NONE)
		profile_complain(r, at.place,
				 "`%s` stands before the first section (put [%s] above)",
				 profile_key_name(key), wanted);
	else if (r->section != section_of(key))
		profile_complain(r, at.place, "`%s` belongs in [%s], not in [%s] (move it)",
				 profile_key_name(key), wanted, section_names[r->section]);
	else
		return true;
	return false;
}

/* notes where the key stands; false: it cannot stand there again */
static bool note_place(struct profile_reader *r, struct slice at, enum profile_key key)
{
	struct profile *p = r->p;
	struct profile_place *seen;

	if (key >= PROFILE_FIRST_OF_PEER && !p->n_peers)
		return false; /* no memory */
	seen = key < PROFILE_FIRST_OF_PEER
		       ? &p->at[key]
		       : &p->peers[p->n_peers - 1].at[key - PROFILE_FIRST_OF_PEER];
	if (!seen->line) {
		*seen = at.place;
		return true;
	}
	if (!traits[key].is_list)
		profile_complain(r, at.place, "`%s` is given twice (line %d has it; take one out)",
				 profile_key_name(key), seen->line);
	return traits[key].is_list;
}

/* a line without `=`, or with something else in its place */
static void not_a_setting(struct profile_reader *r, struct slice line)
{
	struct slice word = line;
	enum profile_key key;

	word.s[strcspn(word.s, " \t:")] = '\0';
	key = find_key(word.s);
	if (key < PROFILE_KEYS)
		profile_complain(r, line.place, "`%s` needs a `=` behind it",
				 profile_key_name(key));
	else if (*line.s == ';')
		profile_complain(r, line.place, "`;` begins no comment (write `#`)");
	else
		profile_complain(r, line.place,
				 "neither a section such as [Peer] nor KEY = VALUE (take the line "
				 "out)");
}

static void read_setting(struct profile_reader *r, struct slice line)
{
	struct slice key = line, value = line;
	size_t word = strcspn(line.s, " \t:="), equals = word + strspn(line.s + word, " \t");
	enum profile_key k;

	r->peer_begins = false;
	if (r->section == SECTION_UNKNOWN)
		return;
	if (!word || line.s[equals] != '=') {
		not_a_setting(r, line);
		return;
	}
	key.s[word] = '\0';
	value.s += equals + 1;
	value.place.column += (int)(text_columns(line.s, word) + equals - word) + 1;
	profile_trim(&value);
	k = find_key(key.s);
	if (k == PROFILE_KEYS)
		unknown_key(r, key);
	else if (!belongs(r, key, k) || !note_place(r, key, k))
		return;
	else if (*value.s || traits[k].may_be_empty)
		profile_value(r, k, &value);
	else
		profile_complain(r, key.place, "`%s` has no value (give one, or take the line out)",
				 profile_key_name(k));
}

/* --- lines ----------------------------------------------------------------------------------- */

/* behind [Peer], or on a line of its own: maybe a name */
static void read_comment(struct profile_reader *r, char *text)
{
	const char *name = profile_name(text);

	if (!name)
		return;
	if (r->peer_begins && r->p->n_peers) {
		r->p->peers[r->p->n_peers - 1].name = name;
		r->peer_begins = false;
	}
	r->above = name;
}

static void read_line(struct profile_reader *r, struct slice line)
{
	char *hash = strchr(line.s, '#');

	if (hash)
		*hash = '\0';
	profile_trim(&line);
	if (*line.s) {
		if (*line.s == '[')
			read_section(r, line);
		else
			read_setting(r, line);
		r->above = NULL;
	}
	if (hash && (!*line.s || r->peer_begins))
		read_comment(r, hash + 1);
	else if (!*line.s)
		r->above = NULL;
}

static void read_lines(struct profile_reader *r, char *text, size_t len)
{
	struct slice line = {.s = text, .place = {.line = 1, .column = 1}};
	char *end = text + len, *next;

	for (; line.s < end && !r->no_memory; line.s = next, line.place.line++) {
		char *lf = memchr(line.s, '\n', (size_t)(end - line.s));

		next = lf ? lf + 1 : end;
		if (lf)
			*lf = '\0';
		read_line(r, line);
	}
}

/* --- the file as a whole -------------------------------------------------------------------- */

static void check_peers(struct profile_reader *r)
{
	struct table seen _cleanup_table_ = TABLE_INIT;
	const struct profile *p = r->p;
	uint8_t own[WG_KEY_LEN];
	size_t line;

	if (p->has_private_key)
		wg_key_public(p->private_key, own);
	for (size_t i = 0; i < p->n_peers; i++) {
		const struct profile_peer *peer = &p->peers[i];
		struct profile_place at = peer->at[PROFILE_PUBLIC_KEY - PROFILE_FIRST_OF_PEER];
		int added;

		if (!peer->has_public_key)
			continue;
		added = table_add(&seen, peer->public_key, WG_KEY_LEN, (size_t)at.line, &line);
		r->no_memory |= added < 0;
		if (!added)
			profile_complain(
				r, at,
				"a peer with this public key is there already (line %zu has "
				"it; take one out)",
				line);
		if (p->has_private_key && memcmp(own, peer->public_key, WG_KEY_LEN) == 0)
			profile_complain(r, at,
					 "this peer has the key of the interface itself (give the "
					 "other end's)");
	}
}

static void check_whole(struct profile_reader *r)
{
	const struct profile *p = r->p;

	if (!r->interface.line)
		profile_complain(r, (struct profile_place){1, 1},
				 "there is no [Interface] (a file begins with one)");
	for (size_t i = 0; i < p->n_peers; i++)
		if (!p->peers[i].at[PROFILE_PUBLIC_KEY - PROFILE_FIRST_OF_PEER].line)
			profile_complain(r, p->peers[i].place, "a peer needs `PublicKey`");
	check_peers(r);
}

static int read_all(struct profile_reader *r, const char *text, size_t len)
{
	struct text_error bad;
	char *copy;

	if (len > PROFILE_MAX) {
		profile_complain(r, (struct profile_place){1, 1}, "the file has more than %zu MB",
				 PROFILE_MAX / 1024 / 1024);
		return -EINVAL;
	}
	if (text_check(&text, &len, &bad) < 0) {
		profile_complain(r, (struct profile_place){bad.line, bad.column}, "%s", bad.what);
		return -EINVAL;
	}
	copy = arena_strndup(r->p->arena, text, len);
	if (!copy)
		return -ENOMEM;
	read_lines(r, copy, len);
	if (!r->no_memory)
		check_whole(r);
	if (r->no_memory)
		profile_complain(r, (struct profile_place){1, 1},
				 "the file has too many peers or addresses (split it)");
	return r->errors ? -EINVAL : 0;
}

int profile_read(const char *text, size_t len, struct profile **ret, struct diags *diags,
		 struct err *e)
{
	struct profile_reader r = {.p = profile_new(), .diags = diags, .suggestions = SUGGESTIONS};
	int status;

	*diags = (struct diags){.arena = arena_new(0)};
	status = r.p && diags->arena ? read_all(&r, text, len) : -ENOMEM;
	diags_sort(diags);
	if (status == -EINVAL && !diags->n)
		status = -ENOMEM; /* no room left to say what is wrong */
	if (status < 0) {
		size_t n = diags->n + diags->dropped;

		profile_free(r.p);
		if (status == -ENOMEM)
			return err_set(e, ENOMEM, "out of memory");
		err_set(e, EINVAL, "%zu error%s in the profile", n, n == 1 ? "" : "s");
		return err_kind_set(e, ERR_INVALID);
	}
	*ret = r.p;
	return 0;
}

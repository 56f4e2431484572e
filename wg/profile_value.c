/* SPDX-License-Identifier: GPL-2.0-or-later */
/* the values of a profile's keys, and names in its comments */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "wg/profile_read.h"

#define MTU_MIN 68 /* the least of IPv4, RFC 791 */

/* --- slices ------------------------------------------------------------------------------ */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

void profile_trim(struct slice *s)
{
	size_t len;

	for (; is_blank(*s->s); s->s++)
		s->place.column++;
	for (len = strlen(s->s); len && is_blank(s->s[len - 1]);)
		s->s[--len] = '\0';
}

/*
 * the next of the items that @separators divide, in *@ret, trimmed; @rest moves behind it.  False:
 * there is none.  Columns are counted on from item to item: a line can have a million of them.
 */
static bool next_item(struct slice *rest, const char *separators, struct slice *ret)
{
	size_t len;
	bool last;

	if (!rest->s)
		return false;
	*ret = *rest;
	len = strcspn(rest->s, separators);
	last = !rest->s[len];
	rest->place.column += (int)text_columns(rest->s, len) + 1;
	ret->s[len] = '\0';
	rest->s = last ? NULL : rest->s + len + 1;
	profile_trim(ret);
	return true;
}

/* for a message: a key that has gone astray is not shown */
static struct shown shown(const char *s)
{
	static const char base64[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=";

	for (const char *p = s; *p; p++) {
		size_t run = strspn(p, base64);

		if (run > 32)
			return show("(hidden)");
		p += run;
		if (!*p)
			break;
	}
	return show(s);
}

/* --- what several keys have in common ---------------------------------------------------- */

struct target {
	enum profile_key key;
	struct profile *p;
	struct profile_peer *peer; /* the last one; NULL: none yet */
};

static const char *name_of(const struct target *t)
{
	return profile_key_name(t->key);
}

static bool parse_number(const char *s, int base, uint32_t max, uint32_t *ret)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	unsigned long long v;

	if (!*s || s[strspn(s, base == 16 ? digits : "0123456789")] || strlen(s) > 16)
		return false;
	v = strtoull(s, NULL, base);
	if (v > max)
		return false;
	*ret = (uint32_t)v;
	return true;
}

static bool read_number(struct profile_reader *r, const struct target *t, const struct slice *v,
			uint32_t min, uint32_t max, uint32_t *ret)
{
	uint32_t n;

	if (parse_number(v->s, 10, max, &n) && n >= min) {
		*ret = n;
		return true;
	}
	profile_complain(r, v->place, "`%s` has to be a number from %u to %u, not `%s`", name_of(t),
			 min, max, shown(v->s).s);
	return false;
}

static bool is_off(const char *s)
{
	return strcasecmp(s, "off") == 0;
}

/* never shows what it was given: it may be half of a secret */
static bool read_key(struct profile_reader *r, const struct target *t, const struct slice *v,
		     uint8_t ret[static WG_KEY_LEN])
{
	size_t len = strlen(v->s);

	if (len != WG_KEY_BASE64_LEN - 1)
		profile_complain(r, v->place,
				 "`%s` is not a key: 44 characters of base64 are wanted, here are "
				 "%zu (`warren key gen` makes one)",
				 name_of(t), len);
	else if (wg_key_parse(v->s, ret) < 0)
		profile_complain(r, v->place,
				 "`%s` is not a key: it is not base64 of 32 bytes (`warren key "
				 "gen` makes one)",
				 name_of(t));
	else
		return true;
	return false;
}

static void *grow(struct profile_reader *r, void *array, size_t n, size_t size)
{
	void *v = r->no_memory ? NULL : arena_grow(r->p->arena, array, n, size);

	r->no_memory |= !v;
	return v;
}

static void add_text(struct profile_reader *r, struct profile_texts *list, const struct slice *v)
{
	struct profile_text *grown = grow(r, list->v, list->n, sizeof(*grown));

	if (!grown)
		return;
	list->v = grown;
	grown[list->n++] = (struct profile_text){.text = v->s, .place = v->place};
}

/* one of a list of addresses; @what: how to write it */
static void add_prefix(struct profile_reader *r, const struct target *t, const struct slice *v,
		       struct profile_prefix **list, size_t *n, const char *what)
{
	struct profile_prefix p = {.place = v->place}, *grown;

	if (ip_prefix_parse(v->s, &p.prefix) < 0) {
		profile_complain(r, v->place, "`%s` in `%s` is not an address (write %s%s)",
				 shown(v->s).s, name_of(t), what,
				 strpbrk(v->s, " \t") ? ", with commas between several" : "");
		return;
	}
	grown = grow(r, *list, *n, sizeof(*grown));
	if (!grown)
		return;
	*list = grown;
	grown[(*n)++] = p;
}

/* --- [Interface] ------------------------------------------------------------------------- */

static void value_private_key(struct profile_reader *r, struct target *t, struct slice *v)
{
	t->p->has_private_key = read_key(r, t, v, t->p->private_key);
}

static void value_listen_port(struct profile_reader *r, struct target *t, struct slice *v)
{
	uint32_t port = 0;

	t->p->has_listen_port = read_number(r, t, v, 0, UINT16_MAX, &port);
	t->p->listen_port = (uint16_t)port;
}

static void value_fwmark(struct profile_reader *r, struct target *t, struct slice *v)
{
	bool hex = strncasecmp(v->s, "0x", 2) == 0;

	t->p->has_fwmark = true;
	if (!is_off(v->s) &&
	    !parse_number(v->s + (hex ? 2 : 0), hex ? 16 : 10, UINT32_MAX, &t->p->fwmark))
		profile_complain(
			r, v->place,
			"`FwMark` has to be `off` or a number such as 51820 or 0xca6c, not `%s`",
			shown(v->s).s);
}

/* blanks do as well as commas, as in wg-quick */
static void value_address(struct profile_reader *r, struct target *t, struct slice *v)
{
	struct slice item;

	while (next_item(v, ", \t", &item))
		if (*item.s)
			add_prefix(r, t, &item, &t->p->addresses, &t->p->n_addresses,
				   "192.0.2.1/24");
}

/* digits and dots, or with a colon, is an address, as in wg-quick; else a search domain */
static void value_dns(struct profile_reader *r, struct target *t, struct slice *v)
{
	struct profile *p = t->p;
	struct ip_addr a, *grown;
	struct slice item;

	while (next_item(v, ", \t", &item)) {
		if (!*item.s)
			continue;
		if (!strchr(item.s, ':') && item.s[strspn(item.s, "0123456789.")]) {
			add_text(r, &p->dns_search, &item);
			continue;
		}
		if (ip_addr_parse(item.s, &a) < 0) {
			profile_complain(r, item.place,
					 "`%s` in `DNS` is not an address (write 192.0.2.1)",
					 shown(item.s).s);
			continue;
		}
		grown = grow(r, p->dns, p->n_dns, sizeof(*grown));
		if (!grown)
			return;
		p->dns = grown;
		grown[p->n_dns++] = a;
	}
}

static void value_mtu(struct profile_reader *r, struct target *t, struct slice *v)
{
	if (*v->s)
		t->p->has_mtu = read_number(r, t, v, MTU_MIN, UINT16_MAX, &t->p->mtu);
}

static void value_table(struct profile_reader *r, struct target *t, struct slice *v)
{
	static const struct {
		const char *name;
		uint32_t number;
	} names[] = {{"default", 253}, {"main", 254}, {"local", 255}}; /* iproute2's rt_tables */

	if (!*v->s || strcasecmp(v->s, "auto") == 0)
		return;
	t->p->table = is_off(v->s) ? PROFILE_TABLE_OFF : PROFILE_TABLE_NUMBER;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(v->s, names[i].name) == 0)
			t->p->table_number = names[i].number;
	if (t->p->table == PROFILE_TABLE_NUMBER && !t->p->table_number &&
	    (!parse_number(v->s, 10, UINT32_MAX, &t->p->table_number) || !t->p->table_number))
		profile_complain(r, v->place,
				 "`Table` has to be `off`, `auto` or a number such as 1234, not "
				 "`%s`",
				 shown(v->s).s);
}

static void value_command(struct profile_reader *r, struct target *t, struct slice *v)
{
	if (*v->s)
		add_text(r, &t->p->commands[t->key - PROFILE_PRE_UP], v);
}

static void value_save_config(struct profile_reader *r, struct target *t, struct slice *v)
{
	t->p->save_config = strcasecmp(v->s, "true") == 0;
	if (!t->p->save_config && strcasecmp(v->s, "false") != 0)
		profile_complain(r, v->place, "`SaveConfig` has to be true or false, not `%s`",
				 shown(v->s).s);
}

/* --- [Peer] -------------------------------------------------------------------------------- */

static void value_public_key(struct profile_reader *r, struct target *t, struct slice *v)
{
	t->peer->has_public_key = read_key(r, t, v, t->peer->public_key);
}

static void value_preshared_key(struct profile_reader *r, struct target *t, struct slice *v)
{
	t->peer->has_preshared_key = read_key(r, t, v, t->peer->preshared_key);
}

static void value_endpoint(struct profile_reader *r, struct target *t, struct slice *v)
{
	size_t name_len;

	if (ip_host_port_parse(v->s, &t->peer->endpoint, &name_len) < 0) {
		profile_complain(r, v->place,
				 "`Endpoint` has to be HOST:PORT such as 192.0.2.1:51820 or "
				 "[2001:db8::1]:51820, not `%s`",
				 shown(v->s).s);
		return;
	}
	t->peer->has_endpoint = true;
	if (name_len) {
		v->s[name_len] = '\0';
		t->peer->endpoint_name = v->s;
	}
}

static void value_allowed_ips(struct profile_reader *r, struct target *t, struct slice *v)
{
	struct slice item;

	if (!*v->s) /* as in wg(8): none */
		return;
	while (next_item(v, ",", &item)) {
		if (*item.s)
			add_prefix(r, t, &item, &t->peer->allowed_ips, &t->peer->n_allowed_ips,
				   "192.0.2.0/24");
		else
			profile_complain(r, item.place, "nothing beside a comma (take it out)");
	}
}

static void value_keepalive(struct profile_reader *r, struct target *t, struct slice *v)
{
	uint32_t seconds = 0;

	if (is_off(v->s))
		t->peer->has_keepalive = true;
	else if (parse_number(v->s, 10, UINT16_MAX, &seconds))
		t->peer->has_keepalive = true;
	else
		profile_complain(
			r, v->place,
			"`PersistentKeepalive` has to be `off` or seconds from 0 to 65535, "
			"not `%s`",
			shown(v->s).s);
	t->peer->keepalive = (uint16_t)seconds;
}

void profile_value(struct profile_reader *r, enum profile_key key, const struct slice *value)
{
	static void (*const readers[PROFILE_KEYS])(struct profile_reader *, struct target *,
						   struct slice *) = {
		[PROFILE_PRIVATE_KEY] = value_private_key,
		[PROFILE_LISTEN_PORT] = value_listen_port,
		[PROFILE_FWMARK] = value_fwmark,
		[PROFILE_ADDRESS] = value_address,
		[PROFILE_DNS] = value_dns,
		[PROFILE_MTU] = value_mtu,
		[PROFILE_TABLE] = value_table,
		[PROFILE_PRE_UP] = value_command,
		[PROFILE_POST_UP] = value_command,
		[PROFILE_PRE_DOWN] = value_command,
		[PROFILE_POST_DOWN] = value_command,
		[PROFILE_SAVE_CONFIG] = value_save_config,
		[PROFILE_PUBLIC_KEY] = value_public_key,
		[PROFILE_PRESHARED_KEY] = value_preshared_key,
		[PROFILE_ENDPOINT] = value_endpoint,
		[PROFILE_ALLOWED_IPS] = value_allowed_ips,
		[PROFILE_KEEPALIVE] = value_keepalive,
	};
	struct target t = {
		.key = key,
		.p = r->p,
		.peer = r->p->n_peers ? &r->p->peers[r->p->n_peers - 1] : NULL,
	};
	struct slice v = *value;

	readers[key](r, &t, &v);
}

/* --- names in comments -------------------------------------------------------------------- */

/* control characters become blanks */
static void clean(char *s)
{
	const char *end = s + strlen(s);
	char *to = s;
	uint32_t c;

	for (size_t n; s < end && (n = text_decode(s, (size_t)(end - s), &c)); s += n) {
		if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
			*to++ = ' ';
			continue;
		}
		memmove(to, s, n);
		to += n;
	}
	*to = '\0';
}

static void cut(char *s)
{
	size_t len = strlen(s);

	if (len <= PROFILE_NAME_MAX)
		return;
	for (len = PROFILE_NAME_MAX; len && ((unsigned char)s[len] & 0xc0) == 0x80;)
		len--;
	s[len] = '\0';
}

/* a setting that has been commented out, or the end of some program's own mark */
static bool is_no_name(const char *s)
{
	size_t len = strcspn(s, " \t=");

	if (strncmp(s, "END_PEER", 8) == 0)
		return true;
	if (s[len + strspn(s + len, " \t")] != '=')
		return false;
	for (size_t k = 0; k < PROFILE_KEYS; k++)
		if (strlen(profile_key_name((enum profile_key)k)) == len &&
		    strncasecmp(s, profile_key_name((enum profile_key)k), len) == 0)
			return true;
	return false;
}

/* "Name = alice", "friendly_name: alice", "Client alice": behind the word; else NULL */
static char *behind_word(char *s)
{
	static const char *const words[] = {"friendly_name", "Name", "Client", "BEGIN_PEER"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t len = strlen(words[i]), gap;

		if (strncasecmp(s, words[i], len) != 0)
			continue;
		gap = strspn(s + len, " \t=:");
		if (gap && s[len + gap])
			return s + len + gap;
	}
	return NULL;
}

char *profile_name(char *comment)
{
	struct slice s = {.s = comment + strspn(comment, "# \t")};

	cut(s.s);
	clean(s.s);
	s.s += strspn(s.s, "# \t");
	/* what is read out of what was written out of this is the same again */
	for (char *next; (next = behind_word(s.s)); s.s += strspn(s.s, "# \t"))
		s.s = next;
	profile_trim(&s);
	if (is_no_name(s.s))
		return NULL;
	for (const unsigned char *p = (const unsigned char *)s.s; *p; p++)
		if (*p >= 0x80 || (*p >= '0' && *p <= '9') ||
		    ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z'))
			return s.s;
	return NULL;
}

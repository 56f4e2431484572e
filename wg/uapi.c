/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The format only; the socket is in uapi_conn.c.
 */
#include "wg/uapi.h"

#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* --- set ------------------------------------------------------------------------------- */

static void put_key(FILE *f, const char *name, const uint8_t key[static WG_KEY_LEN])
{
	char hex[WG_KEY_LEN * 2 + 1];

	fprintf(f, "%s=%s\n", name, sodium_bin2hex(hex, sizeof(hex), key, WG_KEY_LEN));
	sodium_memzero(hex, sizeof(hex));
}

static void put_peer(FILE *f, const struct wg_peer *p)
{
	char text[IP_ENDPOINT_STRLEN > IP_PREFIX_STRLEN ? IP_ENDPOINT_STRLEN : IP_PREFIX_STRLEN];

	put_key(f, "public_key", p->public_key);
	if (p->remove) {
		fputs("remove=true\n", f);
		return;
	}
	if (p->has_preshared_key)
		put_key(f, "preshared_key", p->preshared_key);
	if (p->has_endpoint)
		fprintf(f, "endpoint=%s\n", ip_endpoint_format(&p->endpoint, text));
	if (p->has_keepalive)
		fprintf(f, "persistent_keepalive_interval=%u\n", p->keepalive);
	if (p->replace_allowed_ips)
		fputs("replace_allowed_ips=true\n", f);
	for (size_t i = 0; i < p->n_allowed_ips; i++)
		fprintf(f, "allowed_ip=%s\n", ip_prefix_format(&p->allowed_ips[i], text));
}

int uapi_format_set(const struct wg_config *config, char **ret, size_t *ret_len, struct err *e)
{
	char *text = NULL;
	size_t len = 0;
	bool bad;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return err_errno(e, "format a configuration");
	fputs("set=1\n", f);
	/* the key comes first: a peer that has it is dropped by it */
	if (config->has_private_key)
		put_key(f, "private_key", config->private_key);
	if (config->has_listen_port)
		fprintf(f, "listen_port=%u\n", config->listen_port);
	if (config->has_fwmark)
		fprintf(f, "fwmark=%u\n", config->fwmark);
	if (config->replace_peers)
		fputs("replace_peers=true\n", f);
	for (size_t i = 0; i < config->n_peers; i++)
		put_peer(f, &config->peers[i]);
	fputc('\n', f);
	bad = ferror(f) != 0;
	if (fclose(f) != 0 || bad) {
		if (text)
			sodium_memzero(text, len);
		free(text);
		return err_code(e, ENOMEM, "format a configuration");
	}
	*ret = text;
	*ret_len = len;
	return 0;
}

/* --- answers ------------------------------------------------------------------------------ */

struct parser {
	struct wg_config c;
	bool done; /* errno=N was seen */
	int code;  /* what it said */
};

static int broken(struct err *e, const char *what)
{
	return err_set(e, EPROTO, "the WireGuard process answers nonsense (%s)", what);
}

/* a decimal number, all of @s, at most @max */
static int parse_number(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (!*s)
		return -EPROTO;
	for (; *s; s++) {
		uint64_t digit = (uint64_t)(*s - '0');

		if (!isdigit((unsigned char)*s) || n > (max - digit) / 10)
			return -EPROTO;
		n = n * 10 + digit;
	}
	*ret = n;
	return 0;
}

static int parse_key(const char *s, uint8_t ret[static WG_KEY_LEN])
{
	size_t len;

	if (strlen(s) != (size_t)WG_KEY_LEN * 2 ||
	    sodium_hex2bin(ret, WG_KEY_LEN, s, (size_t)WG_KEY_LEN * 2, NULL, &len, NULL) < 0 ||
	    len != WG_KEY_LEN)
		return -EPROTO;
	return 0;
}

/* the error is negative as wireguard-go writes it, positive as others do */
static int parse_errno_value(const char *s, int *ret)
{
	uint64_t n;

	if (parse_number(s + (*s == '-'), 4095, &n) < 0)
		return -EPROTO;
	*ret = (int)n;
	return 0;
}

static int add_peer(struct parser *p, const char *value)
{
	struct wg_peer *peers = p->c.peers;
	size_t n = p->c.n_peers;

	/* grows at powers of two */
	if (!(n & (n - 1))) {
		struct wg_peer *more = reallocarray(peers, n ? n * 2 : 1, sizeof(*peers));

		if (!more)
			return -ENOMEM;
		p->c.peers = peers = more;
	}
	peers[n] = (struct wg_peer){.has_keepalive = true};
	p->c.n_peers++;
	return parse_key(value, peers[n].public_key);
}

static int add_allowed_ip(struct wg_peer *peer, const char *value)
{
	struct ip_prefix *v = peer->allowed_ips;
	size_t n = peer->n_allowed_ips;

	if (!(n & (n - 1))) {
		v = reallocarray(v, n ? n * 2 : 1, sizeof(*v));
		if (!v)
			return -ENOMEM;
		peer->allowed_ips = v;
	}
	if (ip_prefix_parse(value, &v[n]) < 0)
		return -EPROTO;
	peer->n_allowed_ips++;
	return 0;
}

static int device_line(struct wg_config *c, const char *key, const char *value)
{
	uint64_t n;

	if (strcmp(key, "private_key") == 0) {
		if (parse_key(value, c->private_key) < 0)
			return -EPROTO;
		c->has_private_key = !sodium_is_zero(c->private_key, WG_KEY_LEN);
		if (c->has_private_key)
			wg_key_public(c->private_key, c->public_key);
	} else if (strcmp(key, "listen_port") == 0) {
		if (parse_number(value, UINT16_MAX, &n) < 0)
			return -EPROTO;
		c->listen_port = (uint16_t)n;
	} else if (strcmp(key, "fwmark") == 0) {
		if (parse_number(value, UINT32_MAX, &n) < 0)
			return -EPROTO;
		c->fwmark = (uint32_t)n;
	}
	return 0; /* a key of a later version of the protocol */
}

static int peer_number(struct wg_peer *p, const char *key, const char *value)
{
	uint64_t n;

	if (strcmp(key, "persistent_keepalive_interval") == 0) {
		if (parse_number(value, UINT16_MAX, &n) < 0)
			return -EPROTO;
		p->keepalive = (uint16_t)n;
	} else if (strcmp(key, "last_handshake_time_sec") == 0) {
		if (parse_number(value, INT64_MAX, &n) < 0)
			return -EPROTO;
		p->latest_handshake = (int64_t)n;
	} else if (strcmp(key, "rx_bytes") == 0) {
		return parse_number(value, UINT64_MAX, &p->rx_bytes);
	} else if (strcmp(key, "tx_bytes") == 0) {
		return parse_number(value, UINT64_MAX, &p->tx_bytes);
	}
	return 0;
}

static int peer_line(struct wg_peer *p, const char *key, const char *value)
{
	if (strcmp(key, "preshared_key") == 0) {
		if (parse_key(value, p->preshared_key) < 0)
			return -EPROTO;
		p->has_preshared_key = !sodium_is_zero(p->preshared_key, WG_KEY_LEN);
		return 0;
	}
	if (strcmp(key, "endpoint") == 0) {
		if (ip_endpoint_parse(value, &p->endpoint) < 0)
			return -EPROTO;
		p->has_endpoint = true;
		return 0;
	}
	if (strcmp(key, "allowed_ip") == 0)
		return add_allowed_ip(p, value);
	return peer_number(p, key, value);
}

/* @line: one line, which is cut into key and value in place */
static int parse_line(struct parser *p, char *line)
{
	char *value = strchr(line, '=');

	if (!value || p->done)
		return -EPROTO;
	*value++ = '\0';
	if (strcmp(line, "errno") == 0) {
		p->done = true;
		return parse_errno_value(value, &p->code);
	}
	if (strcmp(line, "public_key") == 0)
		return add_peer(p, value);
	if (p->c.n_peers)
		return peer_line(&p->c.peers[p->c.n_peers - 1], line, value);
	return device_line(&p->c, line, value);
}

static int parse_lines(struct parser *p, char *text, size_t len, struct err *e)
{
	char *line = text, *end;
	int r;

	if (len < 2 || text[len - 1] != '\n' || text[len - 2] != '\n')
		return broken(e, "cut short");
	if (memchr(text, '\0', len))
		return broken(e, "a NUL byte");
	for (; *line != '\n'; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		r = parse_line(p, line);
		if (r == -ENOMEM)
			return err_code(e, ENOMEM, "read a configuration");
		if (r < 0)
			/* the key's name only: its value may be a secret */
			return broken(e, line);
	}
	if (line + 1 != text + len)
		return broken(e, "lines behind the end");
	return p->done ? 0 : broken(e, "no errno");
}

static int parse_answer(const char *text, size_t len, struct parser *p, struct err *e)
{
	char *copy = malloc(len + 1);
	int r;

	if (!copy)
		return err_code(e, ENOMEM, "read a configuration");
	memcpy(copy, text, len);
	copy[len] = '\0';
	r = parse_lines(p, copy, len, e);
	sodium_memzero(copy, len);
	free(copy);
	if (!r && p->code)
		r = err_code(e, p->code, "the WireGuard process refuses");
	return r;
}

int uapi_parse_get(const char *text, size_t len, struct wg_config *ret, struct err *e)
{
	struct parser p = {.c = {.has_listen_port = true, .has_fwmark = true}};
	int r = parse_answer(text, len, &p, e);

	if (r < 0)
		wg_config_free(&p.c);
	else
		*ret = p.c;
	sodium_memzero(&p, sizeof(p));
	return r;
}

int uapi_parse_errno(const char *text, size_t len, struct err *e)
{
	struct parser p = {.done = false};
	int r = parse_answer(text, len, &p, e);

	wg_config_free(&p.c);
	return r;
}

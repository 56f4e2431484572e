/* SPDX-License-Identifier: GPL-2.0-or-later */
/* the options of `tenant add`: what is wrong with them is said of them, not of a line of the file */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "cmd/tenant.h"
#include "lab/names.h"

/* what one word of a list has to be; false: with the reason in *@ret_why */
typedef bool word_fn(const char *s, const char **ret_why);

static bool is_prefix(const char *s, const char **ret_why)
{
	struct ip_prefix p;

	*ret_why = "not an address";
	return ip_prefix_parse(s, &p) == 0;
}

static bool is_network(const char *s, const char **ret_why)
{
	struct ip_prefix p;

	*ret_why = "not a network such as 192.0.2.0/24";
	if (ip_prefix_parse(s, &p) < 0)
		return false;
	*ret_why = "an address inside a network, where a network is wanted";
	return !ip_prefix_has_host_bits(&p);
}

static bool is_address(const char *s, const char **ret_why)
{
	struct ip_addr a;

	*ret_why = "not an address";
	return ip_addr_parse(s, &a) == 0;
}

static bool is_number(const char *s, unsigned long least)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	return s[0] >= '0' && s[0] <= '9' && (s[0] != '0' || !s[1]) && !*end && v >= least &&
	       v <= UINT16_MAX;
}

static bool is_key(const char *s)
{
	uint8_t key[WG_KEY_LEN];

	return wg_key_parse(s, key) == 0;
}

static int no_memory(struct cmd *c)
{
	err_code(&c->err, ENOMEM, "read the options");
	return cmd_fail(c);
}

static bool push(struct arena *a, struct edit_strings *list, const char *s)
{
	const char **v = arena_grow(a, (void *)list->v, list->n, sizeof(*v));

	if (!v)
		return false;
	v[list->n++] = s;
	list->v = v;
	return true;
}

/* all that @option was given, with commas between or one by one */
static int read_list(struct cmd *c, struct arena *a, const char *option, word_fn *good,
		     struct edit_strings *ret)
{
	const char *given, *why;

	for (size_t i = 0; (given = cmd_each_value(c, option, i)); i++) {
		for (const char *p = given;; p++) {
			size_t n = strcspn(p, ",");
			char *word = arena_strndup(a, p, n);

			if (!word || !push(a, ret, word))
				return no_memory(c);
			if (!good(word, &why))
				return cmd_usage(c, "--%s `%s`: %s", option, word, why);
			p += n;
			if (!*p)
				break;
		}
	}
	return STATUS_DONE;
}

static int read_labels(struct cmd *c, struct arena *a, struct edit_tenant *t)
{
	const char *given;

	for (size_t i = 0; (given = cmd_each_value(c, "label", i)); i++) {
		const char *equals = strchr(given, '=');
		const char *key;

		if (!equals || equals == given)
			return cmd_usage(c, "--label `%s`: not KEY=VALUE", given);
		key = arena_strndup(a, given, (size_t)(equals - given));
		if (!key || !push(a, &t->label_keys, key) || !push(a, &t->label_values, equals + 1))
			return no_memory(c);
	}
	return STATUS_DONE;
}

static int read_peer(struct cmd *c, struct arena *a, struct edit_tenant *t)
{
	static const char *const needing[] = {"peer-name", "allowed-ips", "endpoint",
					      "preshared-key-file", "keepalive"};
	const char *keepalive = cmd_value(c, "keepalive");

	t->peer.public_key = cmd_value(c, "peer-key");
	t->peer.name = cmd_value(c, "peer-name");
	t->peer.endpoint = cmd_value(c, "endpoint");
	t->peer.preshared_key_file = cmd_value(c, "preshared-key-file");
	t->peer.keepalive = keepalive;
	for (size_t i = 0; i < ARRAY_SIZE(needing) && !t->peer.public_key; i++)
		if (cmd_value(c, needing[i]))
			return cmd_usage(c, "--%s is of a peer, which needs --peer-key",
					 needing[i]);
	/* not shown: somebody may have taken the private one */
	if (t->peer.public_key && !is_key(t->peer.public_key))
		return cmd_usage(c, "--peer-key is not a WireGuard key: 44 characters of base64");
	if (keepalive && strcmp(keepalive, "off") != 0 && !is_number(keepalive, 0))
		return cmd_usage(c, "--keepalive `%s`: not a number from 0 to 65535", keepalive);
	return read_list(c, a, "allowed-ips", is_network, &t->peer.allowed_ips);
}

static int read_all(struct cmd *c, const char *name, struct tenant_options *o)
{
	struct edit_tenant *t = &o->tenant;
	int status;

	t->name = name;
	t->listen_port = cmd_value(c, "listen-port");
	if (!name_is_netns(name))
		return cmd_usage(
			c,
			"bad name `%s` for a tenant (letters, digits, `.`, `_` and `-`, 64 "
			"at most)",
			name);
	if (t->listen_port && !is_number(t->listen_port, 1))
		return cmd_usage(c, "--listen-port `%s`: not a number from 1 to 65535",
				 t->listen_port);
	status = read_peer(c, o->arena, t);
	if (!status)
		status = read_list(c, o->arena, "napt-address", is_prefix, &t->napt_addresses);
	if (!status)
		status = read_list(c, o->arena, "dns", is_address, &t->dns);
	return status ? status : read_labels(c, o->arena, t);
}

int tenant_options_read(struct tenant_job *job, struct tenant_options **ret)
{
	struct arena *a = arena_new(0);
	struct tenant_options *o = a ? arena_alloc(a, sizeof(*o)) : NULL;

	*ret = o;
	if (!o) {
		arena_free(a);
		return no_memory(job->c);
	}
	o->arena = a;
	return read_all(job->c, job->name, o);
}

void tenant_options_free(struct tenant_options *o)
{
	if (o)
		arena_free(o->arena);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* a tenant's keys that are not supported yet: checked like any other, and then refused */
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "lab/read.h"

/* well-formed so far as the errors go: one plain word that it does not work yet */
static void refuse(struct load *ld, const struct node *n, size_t errors_before)
{
	if (ld->errors == errors_before)
		diag(ld, src_of(n), "`%s` is not supported yet (take it out)", ld->key);
}

/* --- forwards --------------------------------------------------------------------------- */

static void forward_proto(struct load *ld, const struct node *n, void *obj)
{
	static const char *const protos[] = {"tcp", "udp", "both", NULL};
	size_t i;

	(void)obj;
	read_choice(ld, n, protos, &i);
}

static void forward_port(struct load *ld, const struct node *n, void *obj)
{
	uint16_t first, last;

	(void)obj;
	read_ports(ld, n, &first, &last);
}

static void forward_to(struct load *ld, const struct node *n, void *obj)
{
	const char *text = read_text(ld, n, EXPAND_VALUE);
	struct ip_endpoint e;
	struct ip_addr a;

	(void)obj;
	if (text && ip_addr_parse(text, &a) < 0 && (ip_endpoint_parse(text, &e) < 0 || !e.port))
		diag(ld, src_of(n), "`to` has to be ADDRESS or ADDRESS:PORT, not `%s`",
		     show(text).s);
}

static void read_forward(struct load *ld, const struct node *n, void *obj)
{
	static const struct field fields[] = {
		{"proto", forward_proto, OPTIONAL},
		{"port", forward_port, NEEDED},
		{"to", forward_to, NEEDED},
	};

	read_map(ld, n, "a forward", fields, ARRAY_SIZE(fields), obj);
}

void read_forwards(struct load *ld, const struct node *n, void *obj)
{
	size_t errors = ld->errors;

	read_list(ld, n, read_forward, obj);
	refuse(ld, n, errors);
}

/* --- limits ------------------------------------------------------------------------------ */

static void limit(struct load *ld, const struct node *n, void *obj)
{
	uint32_t v;

	(void)obj;
	read_u32(ld, n, 1, INT_MAX, &v);
}

void read_limits(struct load *ld, const struct node *n, void *obj)
{
	static const struct field fields[] = {
		{"sessions", limit, OPTIONAL},
		{"new_sessions_per_second", limit, OPTIONAL},
		{"upload_mbit", limit, OPTIONAL},
		{"download_mbit", limit, OPTIONAL},
	};
	size_t errors = ld->errors;

	read_map(ld, n, "`limits`", fields, ARRAY_SIZE(fields), obj);
	refuse(ld, n, errors);
}

/* --- napt -------------------------------------------------------------------------------- */

static void napt_ports(struct load *ld, const struct node *n, void *obj)
{
	uint16_t first, last;

	(void)obj;
	read_ports(ld, n, &first, &last);
}

static void napt_mapping(struct load *ld, const struct node *n, void *obj)
{
	static const char *const mappings[] = {"preserve", "strict", NULL};
	size_t i;

	(void)obj;
	read_choice(ld, n, mappings, &i);
}

static void napt_filtering(struct load *ld, const struct node *n, void *obj)
{
	static const char *const filterings[] = {"address-and-port", "endpoint-independent", NULL};
	size_t i;

	(void)obj;
	read_choice(ld, n, filterings, &i);
}

static void napt_hairpin(struct load *ld, const struct node *n, void *obj)
{
	bool v;

	(void)obj;
	read_bool(ld, n, &v);
}

void read_tenant_napt(struct load *ld, const struct node *n, void *obj)
{
	static const struct field fields[] = {
		{"ports", napt_ports, OPTIONAL},
		{"mapping", napt_mapping, OPTIONAL},
		{"filtering", napt_filtering, OPTIONAL},
		{"hairpin", napt_hairpin, OPTIONAL},
	};
	size_t errors = ld->errors;

	read_map(ld, n, "`napt`", fields, ARRAY_SIZE(fields), obj);
	refuse(ld, n, errors);
}

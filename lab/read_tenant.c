/* SPDX-License-Identifier: GPL-2.0-or-later */
/* a tenant's NAPT: inbound ports, limits, options; what is not supported yet is refused */
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "lab/read.h"

#define RATE_MAX 1000000 /* new sessions a second */
#define MBIT_MAX 100000  /* above, the kernel's arithmetic overflows */

/* --- forwards --------------------------------------------------------------------------- */

static void forward_proto(struct load *ld, const struct node *n, void *obj)
{
	static const char *const protos[] = {"tcp", "udp", "both", NULL};
	struct forward *f = obj;
	size_t i;

	if (!read_choice(ld, n, protos, &i))
		return;
	f->tcp = i != 1;
	f->udp = i != 0;
}

static void forward_port(struct load *ld, const struct node *n, void *obj)
{
	struct forward *f = obj;

	read_ports(ld, n, &f->port_first, &f->port_last);
}

static void forward_to(struct load *ld, const struct node *n, void *obj)
{
	const char *text = read_text(ld, n, EXPAND_VALUE);
	struct forward *f = obj;
	struct ip_endpoint e;

	if (!text || ip_addr_parse(text, &f->to) == 0)
		return;
	if (ip_endpoint_parse(text, &e) < 0 || !e.port) {
		diag(ld, src_of(n), "`to` has to be ADDRESS or ADDRESS:PORT, not `%s`",
		     show(text).s);
		return;
	}
	f->to = e.addr;
	f->has_to_port = true;
	f->to_port = e.port;
}

static void read_forward(struct load *ld, const struct node *n, void *obj)
{
	static const struct field fields[] = {
		{"proto", forward_proto, OPTIONAL},
		{"port", forward_port, NEEDED},
		{"to", forward_to, NEEDED},
	};
	struct tenant *t = obj;
	struct forward f = {.src = src_of(n), .tcp = true}, *v;

	read_map(ld, n, "a forward", fields, ARRAY_SIZE(fields), &f);
	if (f.has_to_port && f.port_first != f.port_last)
		diag(ld, f.src, "a range keeps its ports (take `:%u` off `to`, or give one port)",
		     f.to_port);
	v = grow(ld, f.src, t->forwards, t->n_forwards, sizeof(*v));
	if (!v)
		return;
	t->forwards = v;
	t->forwards[t->n_forwards++] = f;
}

void read_forwards(struct load *ld, const struct node *n, void *obj)
{
	read_list(ld, n, read_forward, obj);
}

/* --- limits ------------------------------------------------------------------------------ */

static void limit_sessions(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, 1, INT_MAX, &((struct limits *)obj)->sessions);
}

static void limit_new_sessions(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, 1, RATE_MAX, &((struct limits *)obj)->new_sessions_per_second);
}

static void limit_upload(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, 1, MBIT_MAX, &((struct limits *)obj)->upload_mbit);
}

static void limit_download(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, 1, MBIT_MAX, &((struct limits *)obj)->download_mbit);
}

void read_limits(struct load *ld, const struct node *n, void *obj)
{
	static const struct field fields[] = {
		{"sessions", limit_sessions, OPTIONAL},
		{"new_sessions_per_second", limit_new_sessions, OPTIONAL},
		{"upload_mbit", limit_upload, OPTIONAL},
		{"download_mbit", limit_download, OPTIONAL},
	};

	read_map(ld, n, "`limits`", fields, ARRAY_SIZE(fields), &((struct tenant *)obj)->limits);
}

/* --- napt -------------------------------------------------------------------------------- */

/* what is the default is fine; the other is not there yet */
static void only_default(struct load *ld, const struct node *n, const char *const *choices)
{
	size_t i;

	if (read_choice(ld, n, choices, &i) && i)
		diag(ld, src_of(n), "`%s: %s` is not supported yet (take it out)", ld->key,
		     choices[i]);
}

static void napt_ports(struct load *ld, const struct node *n, void *obj)
{
	struct tenant *t = obj;

	t->has_ports = read_ports(ld, n, &t->port_first, &t->port_last);
}

static void napt_mapping(struct load *ld, const struct node *n, void *obj)
{
	static const char *const mappings[] = {"preserve", "strict", NULL};

	(void)obj;
	only_default(ld, n, mappings);
}

static void napt_filtering(struct load *ld, const struct node *n, void *obj)
{
	static const char *const filterings[] = {"address-and-port", "endpoint-independent", NULL};

	(void)obj;
	only_default(ld, n, filterings);
}

static void napt_hairpin(struct load *ld, const struct node *n, void *obj)
{
	bool v;

	(void)obj;
	if (read_bool(ld, n, &v) && v)
		diag(ld, src_of(n), "`hairpin: true` is not supported yet (take it out)");
}

void read_tenant_napt(struct load *ld, const struct node *n, void *obj)
{
	static const struct field fields[] = {
		{"ports", napt_ports, OPTIONAL},
		{"mapping", napt_mapping, OPTIONAL},
		{"filtering", napt_filtering, OPTIONAL},
		{"hairpin", napt_hairpin, OPTIONAL},
	};

	read_map(ld, n, "`napt`", fields, ARRAY_SIZE(fields), obj);
}

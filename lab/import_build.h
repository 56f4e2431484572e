/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of the profiles: lab/import.c sorts and joins, lab/import_net.c finds names and
 * addresses, lab/import_write.c and lab/import_end.c write.
 */
#ifndef WARREN_LAB_IMPORT_BUILD_H
#define WARREN_LAB_IMPORT_BUILD_H

#include <stdbool.h>

#include "base/table.h"
#include "lab/import.h"
#include "lab/model.h"
#include "lab/print_text.h"

#define NO_END SIZE_MAX

/* one [Peer] */
struct import_peer {
	const struct profile_peer *p;
	size_t other;               /* index of the end that it is; NO_END: somebody else */
	struct prefix_list allowed; /* without host bits, and without what a later peer has */
	struct prefix_list taken;   /* what a later peer has */
	bool keeps_endpoint;        /* the other end has the address by which it is called */
};

/* one file */
struct import_end {
	const struct import_file *file;
	struct diags *warnings;
	bool has_key;
	uint8_t public_key[KEY_LEN];
	bool overlaps; /* AllowedIPs of its peers */
	bool is_tenant;
	size_t host;      /* index into import.hosts */
	const char *name; /* of the tenant, or of the tunnel's interface */
	size_t number;    /* tenant: its place on the gateway, from 0 */
	struct import_peer *peers;
};

/* what others call a host by, or a route to that */
struct import_addresses {
	struct ip_addr *v;
	size_t n;
};

struct import_host {
	const char *name;
	bool is_gateway;
	size_t n_tenants;
	struct table ports;             /* of its tenants */
	struct import_addresses called; /* addresses of its own on the segment */
	struct import_addresses calls;  /* addresses of others there, to be routed to */
	struct import_addresses inside; /* gateway: addresses of its tenants' profiles */
	uint32_t mtu;                   /* gateway; 0: the default */
};

/* a prefix that nobody uses, of each family */
struct import_nets {
	struct ip_prefix v4, v6;
	bool has_v6; /* it is of use */
};

struct import {
	const struct import_options *o;
	struct import_result *out;
	struct arena *a;
	struct import_end *ends;
	size_t n_ends;
	struct import_host *hosts; /* gateways first */
	size_t n_hosts, n_gateways;
	struct table names;         /* of namespaces */
	struct import_nets service; /* the gateways' bridges */
	struct import_nets underlay;
	bool no_memory;
};

static inline const struct profile *import_profile(const struct import_end *end)
{
	return end->file->profile;
}

/* import_grow - arena_grow() that notes when memory is short. */
void *import_grow(struct import *im, void *array, size_t n, size_t size);

/* --- names and addresses ------------------------------------------------------------------ */

/* import_name - each end's host and name; the gateways' names. */
void import_name(struct import *im);

/* import_find_nets - prefixes for the gateways' bridges and for the segment. */
void import_find_nets(struct import *im);

/* import_is_unicast - can an interface have it as its address, on a network of the world? */
bool import_is_unicast(const struct ip_addr *a);

/* import_add_address - once; false: it is there already. */
bool import_add_address(struct import *im, struct import_addresses *list, const struct ip_addr *a);

/* import_nth - the @n-th address of a prefix. */
struct ip_addr import_nth(const struct ip_prefix *p, uint64_t n);

/* --- writing ----------------------------------------------------------------------------------- */

struct import_writer {
	struct import *im;
	struct printer p;
};

/* import_warn - of the line in the end's file at @place. */
void import_warn(const struct import_end *end, struct profile_place place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* import_keep - "# KEY = TEXT (WHY)" where we are, and a warning that says so. */
void import_keep(struct import_writer *w, const struct import_end *end, enum profile_key key,
		 struct profile_place place, const char *text, const char *why);

/* import_write_tunnel, import_write_tenant - an end, in its host or gateway. */
void import_write_tunnel(struct import_writer *w, const struct import_end *end);
void import_write_tenant(struct import_writer *w, const struct import_end *end);

/* import_write - all of it. */
void import_write(struct import *im, FILE *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the YAML tree to the model: what all lab/read_*.c share.
 *
 * Theory of operation.  Each kind of mapping has a table of its keys, each with
 * a function that reads the value into the object being built; read_map() walks
 * the mapping and finds unknown and missing keys.  A function that meets something wrong says so
 * with diag() and goes on, so that one run finds everything.  Entries of a
 * range are read once for each number, with load.scope set; the tree is never copied.
 * What names something else in the file is written down as a struct ref, and
 * lab/resolve*.c looks it up when all has been read.
 */
#ifndef WARREN_LAB_READ_H
#define WARREN_LAB_READ_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "lab/bundle.h"
#include "lab/expand.h"
#include "lab/load.h"
#include "lab/yaml.h"

enum ref_kind {
	REF_NETWORK,     /* attachment @index of @host: the segment @text */
	REF_LENGTH,      /* address @sub of attachment @index: its prefix length is the segment's */
	REF_ROUTE_DEV,   /* route @index of @host, or of its tenant @owner: interface @text */
	REF_PROXY_ARP,   /* proxy_arp_ifs[@index] of @host: interface @text */
	REF_NAPT_OUT,    /* napts[@index] of @host: interface @text */
	REF_BRIDGE,      /* the gateway of @host: bridge @text */
	REF_PORT,        /* listen_port of tunnel @index, or of tenant @owner, of @host */
	REF_PEER_HOST,   /* peer @sub of tunnel @index, or of tenant @owner, of @host: @text */
	REF_PEER_TENANT, /* the same for HOST/TENANT */
	REF_FROM,        /* check @index: host or tenant @text */
	REF_WEBHOOK,     /* webhook: tenant @text */
};

#define NOT_A_TENANT SIZE_MAX
#define STEP_BYTES   4 /* of text count as much as one value, see struct load.steps */

struct ref {
	enum ref_kind kind;
	struct src src;
	const char *text;
	size_t host, owner, index, sub;
};

/* the addresses from first to last, both of one family */
struct ip_range {
	struct src src;
	struct ip_addr first, last;
};

/* prefix_range - all addresses of a prefix; no src. */
struct ip_range prefix_range(const struct ip_prefix *p);

/* what a gateway gives to tenants that ask for nothing */
struct pool {
	size_t host;
	bool has_ports;
	struct src src_ports;
	uint16_t port_first, port_last;
	struct ip_range *addresses;
	size_t n_addresses;
	/* tenants of the topology file, which come first; those behind have files of their own */
	size_t n_inline;
};

struct load {
	struct topology *t;
	struct arena *out;  /* the model: t->arena */
	struct arena *work; /* gone when the model is complete */
	struct diags *diags;
	const char *dir;
	struct bundle files; /* what is read; a lone file has no name */
	const char *shown;   /* what the names of files are shown behind; NULL: nothing */
	const char **paths;  /* of the files, shown; each is made when it is needed */
	struct table runs;   /* by host and command: how many programs there are */
	struct table said;   /* what has been said where: once is enough */
	size_t errors;       /* including those that had been said */
	bool stop;           /* out of memory or out of bounds: read no more */
	uint64_t steps;      /* values looked at, also again for each number of a range: bounded */
	size_t suggestions;  /* comparisons left for all of the file */
	uint64_t looks;      /* places looked at in pools: bounded as well */

	/* where we are */
	struct scope scope;
	const char *key; /* of the value being read */
	size_t host;     /* index of the host being read */
	size_t tenant;   /* index of the tenant being read, or NOT_A_TENANT */
	bool filed;      /* tenants are being read that have files of their own */

	struct ref *refs;
	size_t n_refs;
	struct pool *pools;
	size_t n_pools;
	const struct leases *leases; /* what pools gave before; NULL: nothing */
};

/* --- saying what is wrong ------------------------------------------------------------ */

/* diag - "what is wrong (what to do)" at @at; the same @fmt at the same place is said once. */
void diag(struct load *ld, struct src at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* diag_kind - diag() with something else than @fmt to tell two errors of one place apart. */
void diag_kind(struct load *ld, struct src at, const void *kind, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

struct there {
	char s[PATH_MAX + 64];
};

/* where - @there for a message about @here: "line 12", or "lab/tenants.d/c17.yaml:3:5". */
struct there where(struct load *ld, struct src here, const struct src *there);

/* too_big - memory or steps are used up: said once, and reading stops. */
void too_big(struct load *ld, struct src at);

struct src src_of(const struct node *n);

/* --- mappings and lists ---------------------------------------------------------------- */

typedef void read_fn(struct load *ld, const struct node *value, void *obj);

enum need { OPTIONAL, NEEDED };

struct field {
	const char *key;
	read_fn *read;
	enum need need;
};

/*
 * read_map - the mapping @n, @what by name, into @obj.  A value left out is an empty mapping.
 * Returns a bit for each field that was there.
 */
uint64_t read_map(struct load *ld, const struct node *n, const char *what,
		  const struct field *fields, size_t n_fields, void *obj);

/* named_fn - one entry: its name, worked out; @key is the node that it came from. */
typedef void named_fn(struct load *ld, const char *name, const struct node *key,
		      const struct node *value, void *obj);

/*
 * read_named - a mapping with names of the user's choosing, ranges and all; calls @fn for each.
 * A name that comes up twice is an error and is left out.
 */
void read_named(struct load *ld, const struct node *n, named_fn *fn, void *obj);

/* read_list - calls @fn for each item.  A value left out is an empty list. */
void read_list(struct load *ld, const struct node *n, read_fn *fn, void *obj);

/* grow - room for one more in an array of the model; NULL: too big, which has been said. */
void *grow(struct load *ld, struct src at, void *array, size_t n, size_t size);

/* ref_add - write down a reference of the host and tenant being read. */
void ref_add(struct load *ld, enum ref_kind kind, struct src src, const char *text, size_t index,
	     size_t sub);

/* --- scalars: each says what is wrong and returns NULL or false ----------------------- */

/* read_text - worked out, in the model's memory. */
const char *read_text(struct load *ld, const struct node *n, enum expand_mode mode);
/* the same for what people see: no control characters (in a command, tabs and lines are) */
const char *read_words(struct load *ld, const struct node *n, enum expand_mode mode);

/* read_literal - as it stands, braces and all; not shown in any error. */
const char *read_literal(struct load *ld, const struct node *n);

bool read_number(struct load *ld, const struct node *n, uint64_t min, uint64_t max, uint64_t *ret);
bool read_u32(struct load *ld, const struct node *n, uint32_t min, uint32_t max, uint32_t *ret);
bool read_port(struct load *ld, const struct node *n, uint16_t *ret);
bool read_ports(struct load *ld, const struct node *n, uint16_t *ret_first, uint16_t *ret_last);
bool read_bool(struct load *ld, const struct node *n, bool *ret);
bool read_key(struct load *ld, const struct node *n, struct key *ret);
bool read_address(struct load *ld, const struct node *n, struct ip_addr *ret);
bool read_endpoint(struct load *ld, const struct node *n, struct ip_endpoint *ret);
/* read_choice - index of one of @choices, which ends with NULL. */
bool read_choice(struct load *ld, const struct node *n, const char *const *choices, size_t *ret);
/* read_path - absolute; a relative one starts from the topology file's folder. */
const char *read_path(struct load *ld, const struct node *n);
/* read_url - http:// or https://, with a host. */
const char *read_url(struct load *ld, const struct node *n);

enum prefix_rule {
	PREFIX_NETWORK, /* no host bits */
	PREFIX_HOST,    /* an address with its length: 192.0.2.1/24 */
	PREFIX_ANY,     /* an address, its length may be left out */
};

bool read_prefix(struct load *ld, const struct node *n, enum prefix_rule rule,
		 struct ip_prefix *ret);
void read_prefixes(struct load *ld, const struct node *n, enum prefix_rule rule,
		   struct prefix_list *ret);
void prefix_add(struct load *ld, struct prefix_list *list, struct src src,
		const struct ip_prefix *p);

/* --- files -------------------------------------------------------------------------------- */

/*
 * read_tree - parse file @file of ld->files and hand it to @fn; NULL: only see whether it is YAML.
 * @empty: what to do about a file that has nothing in it.
 * Returns 0; -EINVAL or -ENOMEM, which has been said.
 */
int read_tree(struct load *ld, unsigned int file, const char *empty, read_fn *fn, void *obj);

/* read_folder - the tenants that have files of their own, when the topology file has been read.
 * Returns as read_tree() does. */
int read_folder(struct load *ld);

/* --- the parts of the file ------------------------------------------------------------- */

void read_networks(struct load *ld, const struct node *n, void *obj);
void read_hosts(struct load *ld, const struct node *n, void *obj);
void read_checks(struct load *ld, const struct node *n, void *obj);
void read_watch(struct load *ld, const struct node *n, void *obj);
/* into a struct host */
void read_wireguard(struct load *ld, const struct node *n, void *obj);
void read_gateway(struct load *ld, const struct node *n, void *obj);
/* a named_fn for an entry of `tenants`, into a struct gateway */
void read_tenant(struct load *ld, const char *name, const struct node *key,
		 const struct node *value, void *obj);
void read_host_napt(struct load *ld, const struct node *n, void *obj);
void read_runs(struct load *ld, const struct node *n, void *obj);
void read_sysctls(struct load *ld, const struct node *n, void *obj);

/* peers of a tunnel or of the tenant being read; @index: the tunnel's or the tenant's */
void read_peers(struct load *ld, const struct node *n, size_t index, struct peer **ret,
		size_t *ret_n);
/* routes of the host or tenant being read */
void read_routes(struct load *ld, const struct node *n, struct route **ret, size_t *ret_n);
/* lab/read_tenant.c */
void read_forwards(struct load *ld, const struct node *n, void *obj);
void read_limits(struct load *ld, const struct node *n, void *obj);
void read_tenant_napt(struct load *ld, const struct node *n, void *obj);

/* --- lab/resolve*.c: the model as a whole ------------------------------------------------- */

/* resolve - look up all references, use the pools, fill in defaults, check what is left. */
void resolve(struct load *ld);

#define _cleanup_arena_ __attribute__((cleanup(arena_freep)))

static inline void arena_freep(struct arena **a)
{
	arena_free(*a);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Joining and checking the model: what lab/resolve*.c share.
 */
#ifndef WARREN_LAB_RESOLVE_H
#define WARREN_LAB_RESOLVE_H

#include "base/table.h"
#include "lab/read.h"

#define NOT_FOUND SIZE_MAX

/* what a name is looked up as; each is a space of its own */
enum space {
	SPACE_NETWORK,   /* index */
	SPACE_HOST,      /* index */
	SPACE_TENANT,    /* of host a: index */
	SPACE_ANYTENANT, /* of any host: index into resolving.tenants; two: AMBIGUOUS */
	SPACE_NETNS,     /* src_value() of the first; 0: the lab's networks */
	SPACE_TUNNEL,    /* of host a: index */
	SPACE_BRIDGE,    /* of host a: index */
	SPACE_IF_FULL,   /* full name in the namespace of host a or its tenant b: struct ifname */
	SPACE_IF_KERNEL, /* the same for the kernel's names */
	SPACE_PORT,      /* UDP port of host a: src_value() of the first */
	SPACE_SEGMENT,   /* address on network a: src_value() of the first */
	SPACE_ON_BRIDGE, /* address on bridge b of host a: src_value() of the first */
	SPACE_ATTACHED,  /* network b on host a: index of its first attachment */
	SPACE_ROUTED,    /* allowed IPs of the peers of tunnel b, or tenant, of host a */
	SPACE_PEER,      /* public key, or reference, of the peers of the same */
	SPACE_ROUTE, /* table, metric, prefix; host a or its tenant b: src_value() of the first */
	SPACE_OWN,   /* prefix that a route of the file's own leads to; the same */
	SPACE_NEAR,  /* prefix that can be reached without a `via`; the same */
	SPACE_CONNECTED, /* network of an address of tunnel b of host a */
	SPACE_INTO,      /* prefix of host a that is routed into a tunnel: index */
};

#define AMBIGUOUS (SIZE_MAX - 1)

struct resolving {
	struct load *ld;
	struct topology *t;
	struct table index;
	struct tenant_place {
		size_t host, tenant;
	} * tenants; /* all there are */
	size_t n_tenants;
};

/* a place in the files as a value; it is borrowed, and back from it */
static inline size_t src_value(const struct src *src)
{
	return (size_t)(uintptr_t)src;
}

static inline const struct src *src_from(size_t value)
{
	return (const struct src *)(uintptr_t)value;
}

/*
 * index_add - enter @name (@len bytes, copied) of @space with @value; @a and @b: see enum space.
 * Returns true, or false with the value of the one that is there already in *@ret_old.
 * When memory is short it says so, by too_big(), and returns true.
 */
bool index_add(struct resolving *r, enum space space, size_t a, size_t b, const void *name,
	       size_t len, size_t value, size_t *ret_old);

/* index_replace - the same for a name that is there already: it gets the new value. */
void index_replace(struct resolving *r, enum space space, size_t a, size_t b, const void *name,
		   size_t len, size_t value);

/* index_get - the value that @name was entered with, or NOT_FOUND. */
size_t index_get(const struct resolving *r, enum space space, size_t a, size_t b, const void *name,
		 size_t len);

/* index_find - index_get() for a string. */
size_t index_find(const struct resolving *r, enum space space, size_t a, size_t b,
		  const char *name);

/*
 * nearest - for the end of a message: " (did you mean `NAME`?)" or @otherwise.
 * @names: of the @n things of @stride bytes each, the offset of their const char * name.
 */
struct hint {
	char s[120];
};
struct hint nearest(struct load *ld, const char *word, const void *things, size_t n, size_t stride,
		    size_t offset, const char *otherwise);

/* resolve_names - enters all names, gives interfaces their kernel names, finds clashes. */
void resolve_names(struct resolving *r);

/* resolve_refs - everything written down with ref_add(), save the peers. */
void resolve_refs(struct resolving *r);

/* resolve_addresses - each where it belongs and only once; then the pools. */
void resolve_addresses(struct resolving *r);

/* resolve_pools - ports and addresses for tenants that asked for none. */
void resolve_pools(struct resolving *r);

/* resolve_forwards - inbound ports: from an address that the tenant has, and each once. */
void resolve_forwards(struct resolving *r);

/* resolve_peers - references to other tunnels: endpoints, and keys where the file has them. */
void resolve_peers(struct resolving *r);

/* resolve_routes - none twice, and each by way of something that can be reached. */
void resolve_routes(struct resolving *r);

#define PREFIXES_MAX 64 /* of one network or bridge, ranges of one pool */

/* known_prefixes - the first of one family, for the end of a message: " (take one of …)" */
struct hint known_prefixes(const struct prefix_list *list, int family);

/* the prefix of @list that @a lies in, or NULL */
const struct ip_prefix *prefix_around(const struct prefix_list *list, const struct ip_addr *a);

/* is @a the address of the network itself, or its broadcast address? */
bool is_reserved_address(const struct ip_prefix *net, const struct ip_addr *a);

#endif

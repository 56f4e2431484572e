/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the plan: what its builders share.  Only lab/plan*.c include this.
 */
#ifndef WARREN_LAB_PLAN_BUILD_H
#define WARREN_LAB_PLAN_BUILD_H

#include "base/table.h"
#include "lab/plan.h"

/* an interface of a namespace and its number */
struct known_if {
	const char *name;
	uint32_t index; /* 0: not made by us; looked up by name when applied */
};

struct build_host {
	size_t ns;
	struct known_if *ifs; /* attachments, bridges, tunnels of the host */
	size_t n_ifs;
	size_t first_tunnel;             /* index into plan.tunnels: of the host's own */
	struct known_if *tenant_bridges; /* of the gateway: the file's own first */
	size_t n_tenant_bridges;
};

/*
 * Builders do not fail one by one: when memory is short they set no_memory and go on
 * with a placeholder; plan_build() looks at the flag at the end.
 */
struct build {
	struct plan *p;
	const struct plan_options *o;
	uint32_t *next_index; /* per namespace */
	size_t networks_ns;
	size_t unit;               /* that operations belong to from here on */
	struct table port_names;   /* of the ports on segments */
	struct known_if *networks; /* the segments' bridges */
	struct build_host *hosts;
	bool no_memory;
};

struct veth_ends {
	size_t ns, peer_ns;
	const struct ifname *ifname, *peer;
	uint32_t index, peer_index, mtu;
};

/* plan_blocks.c */
struct op *build_op(struct build *b, enum op_kind kind, size_t ns);
uint32_t build_index(struct build *b, size_t ns);
size_t build_ns(struct build *b, const char *name, enum unit_kind kind, const struct host *host,
		const struct tenant *tenant);
void build_sysctl(struct build *b, size_t ns, const char *key, const char *value);
void build_link_up(struct build *b, size_t ns, const char *ifname, uint32_t index, uint32_t mtu,
		   bool ipv6);
/* the end of a veth pair, which gets its alternative names first */
void build_end_up(struct build *b, size_t ns, const struct ifname *end, uint32_t index, bool ipv6);
void build_lo_up(struct build *b, size_t ns);
void build_addresses(struct build *b, size_t ns, const char *ifname, uint32_t index,
		     const struct prefix_list *list);
void build_veth(struct build *b, const struct veth_ends *v);
void build_port(struct build *b, size_t ns, const struct ifname *port, uint32_t index,
		const struct known_if *bridge, bool isolated);
/* the short name for @full that is still free in the segments' namespace */
void build_segment_name(struct build *b, struct ifname *name, const char *full);
struct op *build_route(struct build *b, size_t ns, const char *dev, uint32_t index,
		       const struct ip_prefix *to);
/* userspace: how many tunnels get ready at the same time, their namespaces held open */
#define TUNNEL_WINDOW 32

struct plan_tunnel *build_tunnel(struct build *b, const struct ifname *ifname, size_t home,
				 size_t birth, uint32_t mtu);
struct op *build_tunnel_op(struct build *b, enum op_kind kind, const struct plan_tunnel *k);
void build_tunnel_start(struct build *b, const struct plan_tunnel *k);
void build_tunnel_up(struct build *b, const struct plan_tunnel *k, bool ipv6);
/* the interface of host @h called @name; one that we did not make has number 0 */
struct known_if build_find_if(const struct build *b, size_t h, const char *name);
bool prefix_list_has_v6(const struct prefix_list *l);

/* plan_host.c, plan_tenant.c: a host; build_host() is its links, its tenants and the start of its
 * own tunnels, build_host_rest() what comes after, build_host_runs() its programs */
int build_host(struct build *b, size_t h, struct err *e);
void build_host_rest(struct build *b, size_t h);
void build_host_runs(struct build *b, size_t h);
void build_tenants(struct build *b, size_t h);
/* plan_bridges.c: the gateway's bridges beside the file's own; and which one the @i-th tenant is on */
void build_tenant_bridges(struct build *b, size_t h);
const struct known_if *build_tenant_bridge(const struct build *b, size_t h, size_t i);
void raise_tenant_bridges(struct build *b, size_t h);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model: what a topology file says, read, checked and expanded.
 *
 * Theory of operation.  lab/load.c reads YAML into this, with every short form
 * written out, every range expanded, every pool used and every reference
 * resolved to an index.  From there on nobody looks at YAML: lab/plan.c turns
 * the model into operations, cmd/ prints it.  All memory comes from the
 * topology's arena.  Strings are NUL-terminated UTF-8; numbers are in the unit
 * that their comment gives.  Presence is a flag (has_…), a NULL pointer, or an
 * empty array, never a magic number.
 */
#ifndef WARREN_LAB_MODEL_H
#define WARREN_LAB_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"

#define LAB_NAME_MAX   32  /* bytes of a lab's name */
#define NETNS_NAME_MAX 64  /* bytes of a namespace's name */
#define IF_NAME_MAX    15  /* bytes of an interface's name: IFNAMSIZ - 1 */
#define ALT_NAME_MAX   127 /* bytes of an alternative name: ALTIFNAMSIZ - 1 */
#define KEY_LEN        32  /* bytes of a WireGuard key */

struct src {
	int line, column;  /* both from 1; 0: not from the file */
	unsigned int file; /* of a folder's (lab/bundle.h); 0: the topology file itself */
};

/* the name of an interface */
struct ifname {
	char name[IF_NAME_MAX + 1]; /* what the kernel calls it */
	const char *full;           /* as the file has it: equal to name, or longer */
};

struct key {
	bool present;
	uint8_t bytes[KEY_LEN];
};

struct prefix_list {
	struct ip_prefix *v;
	struct src *src; /* where each stands in the file; NULL: not from the file */
	size_t n;
};

struct string_list {
	const char **v;
	size_t n;
};

/* --- networks: layer-2 segments shared by hosts ------------------------------------ */

struct network {
	struct src src;
	const char *name;
	struct prefix_list prefixes; /* no host bits, none overlaps another */
	uint32_t mtu;                /* bytes; 0: the kernel's 1500 */
};

/* --- hosts --------------------------------------------------------------------------- */

struct attachment { /* hosts.HOST.networks.NET */
	struct src src;
	size_t network; /* index into topology.networks */
	struct ifname ifname;
	struct prefix_list addresses; /* with host bits */
};

struct bridge {
	struct src src;
	struct ifname ifname;
	struct prefix_list addresses;
	uint32_t mtu; /* bytes; 0: the kernel's 1500 */
};

struct route {
	struct src src;
	struct ip_prefix to; /* "default" is 0.0.0.0/0 or ::/0, by the family of via */
	bool has_via;
	struct ip_addr via;
	const char *dev; /* kernel name; NULL: by way of via */
	bool has_metric;
	uint32_t metric;
	uint32_t table; /* 254 (main) unless given */
};

struct sysctl {
	struct src src;
	const char *key; /* with dots or slashes as given: net.ipv4.conf.all.rp_filter */
	const char *value;
};

enum peer_ref {
	PEER_BY_KEY,    /* public_key in the file */
	PEER_BY_HOST,   /* host: HOST/IF */
	PEER_BY_TENANT, /* tenant: HOST/TENANT */
};

struct peer {
	struct src src;
	enum peer_ref ref;
	size_t ref_host;       /* index into topology.hosts, for the two references */
	size_t ref_index;      /* index into that host's tunnels or its gateway's tenants */
	struct key public_key; /* a reference: filled in once the other side's key is known */
	const char *name;      /* for people; NULL: none */
	struct key preshared_key;
	const char *preshared_key_file; /* absolute path; NULL: none */
	/* the endpoint: nothing, an address, or a name that is looked up when applied */
	bool has_endpoint;
	struct ip_endpoint endpoint; /* addr.family AF_UNSPEC: see endpoint_name */
	const char *endpoint_name;   /* host name; NULL: endpoint.addr counts */
	struct prefix_list allowed_ips;
	uint16_t persistent_keepalive; /* seconds; 0: off */
};

struct tunnel { /* hosts.HOST.wireguard.IF */
	struct src src;
	struct ifname ifname;
	struct key private_key;       /* not present: private_key_file, or one is made and kept */
	const char *private_key_file; /* absolute path; NULL: none */
	bool has_listen_port;
	uint16_t listen_port;
	struct prefix_list addresses;
	uint32_t mtu;    /* bytes; never 0: 1420 or what the underlay leaves */
	uint32_t fwmark; /* 0: off */
	struct peer *peers;
	size_t n_peers;
};

struct napt_rule { /* hosts.HOST.napt[] */
	struct src src;
	const char *out;            /* kernel name of the outgoing interface */
	struct prefix_list sources; /* empty: everything that is forwarded */
	bool has_to;
	struct ip_addr to; /* none: the outgoing interface's address (masquerade) */
	bool has_ports;
	uint16_t port_first, port_last;
};

struct run { /* hosts.HOST.run[] */
	struct src src;
	const char **argv; /* NULL-terminated; a string in the file is {"sh", "-c", STRING} */
	bool has_ready;
	struct ip_endpoint ready; /* TCP address and port that answers once it is ready */
	unsigned int place;       /* among those of its host, from 0 */
	unsigned int number;      /* among those of its host with the same argv, from 0 */
};

struct forward { /* hosts.HOST.gateway.tenants.TENANT.forwards[] */
	struct src src;
	bool tcp, udp;                  /* one of them, or both */
	uint16_t port_first, port_last; /* inclusive */
	struct ip_addr to;
	bool has_to_port; /* then it is one port */
	uint16_t to_port;
};

struct tenant {
	struct src src;
	const char *name;
	const char *netns;
	struct ifname tunnel_if;  /* wg-TENANT, in the tenant */
	struct ifname outside_if; /* eth-TENANT-nsB, in the tenant */
	struct ifname bridge_if;  /* eth-TENANT-nsA, on the gateway's bridge */
	uint32_t number;          /* of its brace range; or its place in the topology file, or 0 */
	uint16_t listen_port;     /* never 0 */
	bool leased_port, leased_addresses; /* from a pool: lab/lease.h */
	struct prefix_list napt_addresses;  /* at least one; prefix length is the segment's */
	struct key private_key;             /* its own or the gateway's; see has_own_key */
	const char *private_key_file;
	bool has_own_key; /* false: the gateway's key is used */
	struct peer *peers;
	size_t n_peers;
	struct route *routes;
	size_t n_routes;
	struct forward *forwards;
	size_t n_forwards;
	struct limits {
		uint32_t sessions, new_sessions_per_second;
		uint32_t upload_mbit, download_mbit; /* 1,000,000 bits a second */
	} limits;                                    /* 0: none */
	bool has_ports;                 /* napt.ports: those that are used outside … */
	uint16_t port_first, port_last; /* … inclusive */
	struct ip_addr *dns;
	size_t n_dns;
	struct label {
		const char *key, *value;
	} * labels;
	size_t n_labels;
};

struct gateway {
	struct src src;
	size_t bridge; /* index into the host's bridges */
	struct key private_key;
	const char *private_key_file;
	uint32_t mtu; /* bytes, of the tenants' tunnels; never 0 */
	struct tenant *tenants;
	size_t n_tenants;
};

struct host {
	struct src src;
	const char *name;
	const char *netns;
	struct attachment *attachments;
	size_t n_attachments;
	struct bridge *bridges;
	size_t n_bridges;
	struct route *routes;
	size_t n_routes;
	bool forwarding;
	bool proxy_arp;                   /* on all interfaces, or … */
	struct string_list proxy_arp_ifs; /* … on these (kernel names) */
	struct sysctl *sysctls;
	size_t n_sysctls;
	struct tunnel *tunnels;
	size_t n_tunnels;
	struct napt_rule *napts;
	size_t n_napts;
	struct run *runs;
	size_t n_runs;
	struct gateway *gateway; /* NULL: none */
};

/* --- checks ---------------------------------------------------------------------------- */

/*
 * A handshake that is lost, spoilt by the other's of the same instant, or put off by a busy peer is
 * tried again after five seconds and a little: twelve attempts of a second outlast two of them.
 */
#define CHECK_RETRIES 11

enum check_method { CHECK_ICMP, CHECK_DNS, CHECK_TCP, CHECK_HTTP };

struct check {
	struct src src;
	const char *name; /* never NULL: made up from the rest where none is given */
	const char *from; /* a namespace: a host's or a tenant's name in the file */
	bool from_tenant;
	size_t from_host, from_tenant_index; /* indices, the second where from_tenant */
	enum check_method method;
	const char *target;      /* icmp: ADDRESS; dns: SERVER; tcp: ADDRESS:PORT; http: URL */
	const char *source;      /* address to bind to; NULL: the kernel's choice */
	bool expect_ok;          /* expect: ok (default) or fail */
	unsigned int retries;    /* further attempts after the first; default CHECK_RETRIES */
	unsigned int timeout_ms; /* of one attempt; default 1000 */
};

/* --- watch: settings of the resident service ----------------------------------------- */

struct webhook {
	struct src src;
	const char *url, *secret;           /* secret NULL: unsigned */
	bool form;                          /* format: form; else json */
	struct string_list events, tenants; /* empty: all */
};

struct watch_settings {
	bool present;
	bool has_listen;
	struct ip_endpoint listen;
	uint32_t cycle_time;                                       /* seconds, default 30 */
	uint32_t cycles_wait, cycles_checking, cycles_checkperiod; /* 2, 4, 2 */
	uint32_t cycles_slowcheckingperiod;                        /* 20 */
	uint32_t ping_interval;                                    /* seconds, default 1 */
	uint32_t ping_failafternum;                                /* 2 */
	uint32_t offline_after;                                    /* seconds, default 180 */
	struct webhook *webhooks;
	size_t n_webhooks;
	const char *influx_file, *influx_url; /* NULL: none */
	const char *log;                      /* NULL: none */
};

/* --- the whole ---------------------------------------------------------------------------- */

struct topology {
	struct arena *arena;
	const char *name;
	struct network *networks;
	size_t n_networks;
	struct host *hosts;
	size_t n_hosts;
	struct check *checks;
	size_t n_checks;
	struct watch_settings watch;
};

#endif

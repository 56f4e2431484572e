/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a running lab looks like: asked of the kernel and of the tunnels, not of the file.
 */
#ifndef WARREN_LAB_STATUS_H
#define WARREN_LAB_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab/lab.h"
#include "netns/observe.h"
#include "wg/device.h"

/* a WireGuard interface: of a plain host (tenant NULL) or of a tenant */
struct tunnel_status {
	const struct host *host;
	const struct tenant *tenant;
	const struct ifname *ifname;
	bool alive; /* false: config is empty and why says what is wrong */
	char why[160];
	struct wg_config config;
};

struct netns_status {
	const char *netns; /* NULL: the caller's own */
	bool there;
	struct links_seen links;
	bool has_sessions;
	uint64_t sessions; /* conntrack entries */
	struct tunnel_status *tunnels;
	size_t n_tunnels;
};

struct lab_status {
	struct netns_status *hosts;   /* as lab.t->hosts; in host mode the others are not there */
	struct netns_status *tenants; /* all gateways' tenants in the file's order */
	size_t n_tenants;
	char **problems; /* "namespace c00 is gone" */
	size_t n_problems;
};

/* lab_status_read - *@ret is freed with lab_status_free().  Blocks on the kernel only. */
int lab_status_read(const struct lab *l, struct lab_status *ret, struct err *e);
void lab_status_free(const struct lab *l, struct lab_status *s);

/*
 * lab_tunnel_read - the tunnel of tenant @t alone, as it runs: asked over genetlink in the tenant's
 * namespace, or over its wireguard-go's socket.  Blocks on those only.
 * *@ret: where it does not run, alive is false and why says so; freed with lab_tunnel_clear().
 * Returns 0, or -errno where the namespace is gone.
 */
int lab_tunnel_read(const struct lab *l, const struct tenant *t, struct tunnel_status *ret,
		    struct err *e);
void lab_tunnel_clear(struct tunnel_status *t);

/*
 * tunnel_peer_of - which peer has @a in its allowed IPs: the one with the longest prefix, as
 * WireGuard itself chooses.  NULL: none.  Pure.
 */
const struct wg_peer *tunnel_peer_of(const struct tunnel_status *t, const struct ip_addr *a);

/* peer_name - how the file calls the peer with @public_key: its name, or the reference to it
 * ("vpn-client00/wg0"); NULL: it is not in the file.  Into @buf where it must be composed. */
const char *peer_name(const struct lab *l, const struct tunnel_status *t,
		      const uint8_t public_key[static WG_KEY_LEN], char *buf, size_t size);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wg/kernel_msg.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/time_types.h>
#include <linux/wireguard.h>
#include <netlink/attr.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* --- set ----------------------------------------------------------------------------------- */

/* what a peer takes without its allowed IPs, and what one of those takes, in bytes at most */
#define PEER_BYTES       ((size_t)192)
#define ALLOWED_IP_BYTES ((size_t)48)

/* where in the configuration the next message goes on */
struct cursor {
	size_t peer, allowed_ip;
	bool in_peer; /* the peer's settings have been sent */
};

static size_t used(struct nl_msg *msg)
{
	return nlmsg_hdr(msg)->nlmsg_len;
}

static int put_allowed_ip(struct nl_msg *msg, const struct ip_prefix *p)
{
	struct nlattr *nest = nla_nest_start(msg, 0);

	if (!nest || nla_put_u16(msg, WGALLOWEDIP_A_FAMILY, (uint16_t)p->addr.family) < 0 ||
	    nla_put(msg, WGALLOWEDIP_A_IPADDR, (int)ip_addr_size(&p->addr), p->addr.bytes) < 0 ||
	    nla_put_u8(msg, WGALLOWEDIP_A_CIDR_MASK, p->len) < 0)
		return -ENOMEM;
	nla_nest_end(msg, nest);
	return 0;
}

static int put_peer_settings(struct nl_msg *msg, const struct wg_peer *p)
{
	uint32_t flags = (p->remove ? WGPEER_F_REMOVE_ME : 0) |
			 (p->replace_allowed_ips ? WGPEER_F_REPLACE_ALLOWEDIPS : 0);

	if (flags && nla_put_u32(msg, WGPEER_A_FLAGS, flags) < 0)
		return -ENOMEM;
	if (p->remove)
		return 0;
	if (p->has_preshared_key &&
	    nla_put(msg, WGPEER_A_PRESHARED_KEY, WG_KEY_LEN, p->preshared_key) < 0)
		return -ENOMEM;
	if (p->has_endpoint) {
		struct sockaddr_storage sa;
		socklen_t len = ip_sockaddr(&p->endpoint, &sa);

		if (nla_put(msg, WGPEER_A_ENDPOINT, (int)len, &sa) < 0)
			return -ENOMEM;
	}
	if (p->has_keepalive &&
	    nla_put_u16(msg, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, p->keepalive) < 0)
		return -ENOMEM;
	return 0;
}

/* as many allowed IPs as fit; returns 1 when those were all, 0 when the peer goes on, -errno */
static int put_allowed_ips(struct nl_msg *msg, const struct wg_peer *p, struct cursor *at,
			   size_t max)
{
	size_t n = p->remove ? 0 : p->n_allowed_ips;
	struct nlattr *nest;

	if (at->allowed_ip == n)
		return 1;
	nest = nla_nest_start(msg, WGPEER_A_ALLOWEDIPS);
	if (!nest)
		return -ENOMEM;
	while (at->allowed_ip < n && used(msg) + ALLOWED_IP_BYTES <= max) {
		if (put_allowed_ip(msg, &p->allowed_ips[at->allowed_ip]) < 0)
			return -ENOMEM;
		at->allowed_ip++;
	}
	nla_nest_end(msg, nest);
	return at->allowed_ip == n;
}

/* one peer from @at on; returns 1 when it is finished, 0 when the message is full, -errno */
static int put_peer(struct nl_msg *msg, const struct wg_peer *p, struct cursor *at, size_t max)
{
	struct nlattr *nest = nla_nest_start(msg, 0);
	int r;

	if (!nest || nla_put(msg, WGPEER_A_PUBLIC_KEY, WG_KEY_LEN, p->public_key) < 0 ||
	    (!at->in_peer && put_peer_settings(msg, p) < 0))
		return -ENOMEM;
	at->in_peer = true;
	r = put_allowed_ips(msg, p, at, max);
	nla_nest_end(msg, nest);
	return r;
}

static int put_peers(struct nl_msg *msg, const struct wg_config *c, struct cursor *at, size_t max)
{
	struct nlattr *nest;
	int r = 1;

	if (at->peer == c->n_peers)
		return 0;
	nest = nla_nest_start(msg, WGDEVICE_A_PEERS);
	if (!nest)
		return -ENOMEM;
	while (r == 1 && at->peer < c->n_peers &&
	       used(msg) + PEER_BYTES + ALLOWED_IP_BYTES <= max) {
		r = put_peer(msg, &c->peers[at->peer], at, max);
		if (r == 1)
			*at = (struct cursor){.peer = at->peer + 1};
	}
	nla_nest_end(msg, nest);
	return r < 0 ? r : 0;
}

static int put_device(struct nl_msg *msg, const struct wg_config *c)
{
	if (c->has_private_key &&
	    nla_put(msg, WGDEVICE_A_PRIVATE_KEY, WG_KEY_LEN, c->private_key) < 0)
		return -ENOMEM;
	if (c->has_listen_port && nla_put_u16(msg, WGDEVICE_A_LISTEN_PORT, c->listen_port) < 0)
		return -ENOMEM;
	if (c->has_fwmark && nla_put_u32(msg, WGDEVICE_A_FWMARK, c->fwmark) < 0)
		return -ENOMEM;
	if (c->replace_peers && nla_put_u32(msg, WGDEVICE_A_FLAGS, WGDEVICE_F_REPLACE_PEERS) < 0)
		return -ENOMEM;
	return 0;
}

static struct nl_msg *next_message(uint16_t family, const char *ifname, const struct wg_config *c,
				   struct cursor *at, bool first, size_t max)
{
	struct genlmsghdr genl = {.cmd = WG_CMD_SET_DEVICE, .version = WG_GENL_VERSION};
	struct nlmsghdr nlh = {.nlmsg_type = family};
	struct nl_msg *msg = nlmsg_alloc_size(max + 64);

	if (!msg)
		return NULL;
	if (!nlmsg_put(msg, 0, 0, nlh.nlmsg_type, 0, 0) ||
	    nlmsg_append(msg, &genl, sizeof(genl), NLMSG_ALIGNTO) < 0 ||
	    nla_put_string(msg, WGDEVICE_A_IFNAME, ifname) < 0 ||
	    (first && put_device(msg, c) < 0) || put_peers(msg, c, at, max) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int wg_fragment(uint16_t family, const char *ifname, const struct wg_config *config, size_t max,
		int (*emit)(struct nl_msg *msg, void *arg, struct err *e), void *arg, struct err *e)
{
	struct cursor at = {0};
	bool first = true;
	int r;

	do {
		struct nl_msg *msg = next_message(family, ifname, config, &at, first, max);

		if (!msg)
			return err_code(e, ENOMEM, "configure %s", ifname);
		first = false;
		r = emit(msg, arg, e);
	} while (r >= 0 && at.peer < config->n_peers);
	return r < 0 ? r : 0;
}

/* --- get ------------------------------------------------------------------------------------ */

static struct nla_policy device_policy[WGDEVICE_A_MAX + 1] = {
	[WGDEVICE_A_PRIVATE_KEY] = {.minlen = WG_KEY_LEN, .maxlen = WG_KEY_LEN},
	[WGDEVICE_A_PUBLIC_KEY] = {.minlen = WG_KEY_LEN, .maxlen = WG_KEY_LEN},
	[WGDEVICE_A_LISTEN_PORT] = {.type = NLA_U16},
	[WGDEVICE_A_FWMARK] = {.type = NLA_U32},
	[WGDEVICE_A_PEERS] = {.type = NLA_NESTED},
};

static struct nla_policy peer_policy[WGPEER_A_MAX + 1] = {
	[WGPEER_A_PUBLIC_KEY] = {.minlen = WG_KEY_LEN, .maxlen = WG_KEY_LEN},
	[WGPEER_A_PRESHARED_KEY] = {.minlen = WG_KEY_LEN, .maxlen = WG_KEY_LEN},
	[WGPEER_A_ENDPOINT] = {.minlen = sizeof(struct sockaddr_in)},
	[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL] = {.type = NLA_U16},
	[WGPEER_A_LAST_HANDSHAKE_TIME] = {.minlen = sizeof(struct __kernel_timespec)},
	[WGPEER_A_RX_BYTES] = {.type = NLA_U64},
	[WGPEER_A_TX_BYTES] = {.type = NLA_U64},
	[WGPEER_A_ALLOWEDIPS] = {.type = NLA_NESTED},
};

static struct nla_policy allowed_ip_policy[WGALLOWEDIP_A_MAX + 1] = {
	[WGALLOWEDIP_A_FAMILY] = {.type = NLA_U16},
	[WGALLOWEDIP_A_IPADDR] = {.minlen = sizeof(struct in_addr)},
	[WGALLOWEDIP_A_CIDR_MASK] = {.type = NLA_U8},
};

static int take_allowed_ip(struct nlattr *nest, struct ip_prefix *ret)
{
	struct nlattr *tb[WGALLOWEDIP_A_MAX + 1];
	struct ip_prefix p = {0};

	if (nla_parse_nested(tb, WGALLOWEDIP_A_MAX, nest, allowed_ip_policy) < 0 ||
	    !tb[WGALLOWEDIP_A_FAMILY] || !tb[WGALLOWEDIP_A_IPADDR] || !tb[WGALLOWEDIP_A_CIDR_MASK])
		return -EPROTO;
	p.addr.family = nla_get_u16(tb[WGALLOWEDIP_A_FAMILY]);
	p.len = nla_get_u8(tb[WGALLOWEDIP_A_CIDR_MASK]);
	if ((p.addr.family != AF_INET && p.addr.family != AF_INET6) ||
	    nla_len(tb[WGALLOWEDIP_A_IPADDR]) != (int)ip_addr_size(&p.addr) ||
	    p.len > ip_addr_bits(&p.addr))
		return -EPROTO;
	memcpy(p.addr.bytes, nla_data(tb[WGALLOWEDIP_A_IPADDR]), ip_addr_size(&p.addr));
	*ret = p;
	return 0;
}

static int take_allowed_ips(struct nlattr *list, struct wg_peer *p)
{
	size_t n = p->n_allowed_ips;
	struct ip_prefix *v;
	struct nlattr *a;
	int rem;

	nla_for_each_nested(a, list, rem)
		n++;
	if (n == p->n_allowed_ips)
		return 0;
	v = reallocarray(p->allowed_ips, n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	p->allowed_ips = v;
	nla_for_each_nested(a, list, rem) {
		if (take_allowed_ip(a, &v[p->n_allowed_ips]) < 0)
			return -EPROTO;
		p->n_allowed_ips++;
	}
	return 0;
}

static int take_endpoint(struct nlattr *a, struct wg_peer *p)
{
	struct sockaddr_storage sa = {0};
	size_t len = (size_t)nla_len(a);

	memcpy(&sa, nla_data(a), len < sizeof(sa) ? len : sizeof(sa));
	if (sa.ss_family == AF_INET6 && len < sizeof(struct sockaddr_in6))
		return -EPROTO;
	p->has_endpoint = ip_from_sockaddr((struct sockaddr *)&sa, &p->endpoint) == 0;
	return p->has_endpoint ? 0 : -EPROTO;
}

static int take_peer_settings(struct nlattr **tb, struct wg_peer *p)
{
	struct __kernel_timespec handshake;

	if (tb[WGPEER_A_PRESHARED_KEY]) {
		memcpy(p->preshared_key, nla_data(tb[WGPEER_A_PRESHARED_KEY]), WG_KEY_LEN);
		p->has_preshared_key = !sodium_is_zero(p->preshared_key, WG_KEY_LEN);
	}
	if (tb[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL])
		p->keepalive = nla_get_u16(tb[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL]);
	if (tb[WGPEER_A_LAST_HANDSHAKE_TIME]) {
		memcpy(&handshake, nla_data(tb[WGPEER_A_LAST_HANDSHAKE_TIME]), sizeof(handshake));
		p->latest_handshake = handshake.tv_sec;
	}
	if (tb[WGPEER_A_RX_BYTES])
		p->rx_bytes = nla_get_u64(tb[WGPEER_A_RX_BYTES]);
	if (tb[WGPEER_A_TX_BYTES])
		p->tx_bytes = nla_get_u64(tb[WGPEER_A_TX_BYTES]);
	return tb[WGPEER_A_ENDPOINT] ? take_endpoint(tb[WGPEER_A_ENDPOINT], p) : 0;
}

/* the peer of that key at the end of the list, or a new one; NULL: out of memory */
static struct wg_peer *last_peer(struct wg_config *c, const uint8_t *key)
{
	struct wg_peer *peers = c->peers;
	size_t n = c->n_peers;

	if (n && memcmp(peers[n - 1].public_key, key, WG_KEY_LEN) == 0)
		return &peers[n - 1];
	/* grows at powers of two */
	if (!(n & (n - 1))) {
		peers = reallocarray(peers, n ? n * 2 : 1, sizeof(*peers));
		if (!peers)
			return NULL;
		c->peers = peers;
	}
	peers[n] = (struct wg_peer){.has_keepalive = true};
	memcpy(peers[n].public_key, key, WG_KEY_LEN);
	c->n_peers++;
	return &peers[n];
}

static int take_peer(struct nlattr *nest, struct wg_config *c)
{
	struct nlattr *tb[WGPEER_A_MAX + 1];
	struct wg_peer *p;
	int r;

	if (nla_parse_nested(tb, WGPEER_A_MAX, nest, peer_policy) < 0 || !tb[WGPEER_A_PUBLIC_KEY])
		return -EPROTO;
	p = last_peer(c, nla_data(tb[WGPEER_A_PUBLIC_KEY]));
	if (!p)
		return -ENOMEM;
	r = take_peer_settings(tb, p);
	if (!r && tb[WGPEER_A_ALLOWEDIPS])
		r = take_allowed_ips(tb[WGPEER_A_ALLOWEDIPS], p);
	return r;
}

static int take_device(struct nlattr **tb, struct wg_config *c)
{
	struct nlattr *a;
	int rem, r = 0;

	if (tb[WGDEVICE_A_PRIVATE_KEY]) {
		memcpy(c->private_key, nla_data(tb[WGDEVICE_A_PRIVATE_KEY]), WG_KEY_LEN);
		c->has_private_key = !sodium_is_zero(c->private_key, WG_KEY_LEN);
	}
	if (tb[WGDEVICE_A_PUBLIC_KEY])
		memcpy(c->public_key, nla_data(tb[WGDEVICE_A_PUBLIC_KEY]), WG_KEY_LEN);
	if (tb[WGDEVICE_A_LISTEN_PORT]) {
		c->has_listen_port = true;
		c->listen_port = nla_get_u16(tb[WGDEVICE_A_LISTEN_PORT]);
	}
	if (tb[WGDEVICE_A_FWMARK]) {
		c->has_fwmark = true;
		c->fwmark = nla_get_u32(tb[WGDEVICE_A_FWMARK]);
	}
	if (!tb[WGDEVICE_A_PEERS])
		return 0;
	nla_for_each_nested(a, tb[WGDEVICE_A_PEERS], rem)
		if (!r)
			r = take_peer(a, c);
	return r;
}

int wg_parse_device(const struct nlmsghdr *nlh, struct wg_config *c, struct err *e)
{
	struct nlattr *tb[WGDEVICE_A_MAX + 1];
	int r = -EPROTO;

	if (nlmsg_parse((struct nlmsghdr *)nlh, GENL_HDRLEN, tb, WGDEVICE_A_MAX, device_policy) >=
	    0)
		r = take_device(tb, c);
	if (r == -EPROTO)
		return err_set(e, EPROTO, "the kernel's answer is malformed");
	return r < 0 ? err_code(e, -r, "read the kernel's answer") : 0;
}

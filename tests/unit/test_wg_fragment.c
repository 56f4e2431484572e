/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's answer has the layout of the request, so what wg_fragment() makes is read back
 * with wg_parse_device(); flags, which only a request has, are looked at by themselves.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <netlink/attr.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "wg/kernel_msg.h"

#define FAMILY 0x1234

struct seen {
	size_t max, messages, longest;
	size_t replace_peers, replace_allowed_ips, removed, private_keys, keepalives;
	bool device_flags_late; /* in another than the first message */
	int fail_at;            /* message number, from 1 */
	struct wg_config back;
};

static void see_peer(struct nlattr *nest, struct seen *s)
{
	struct nlattr *tb[WGPEER_A_MAX + 1];
	uint32_t flags;

	assert_true(nla_parse_nested(tb, WGPEER_A_MAX, nest, NULL) >= 0);
	flags = tb[WGPEER_A_FLAGS] ? nla_get_u32(tb[WGPEER_A_FLAGS]) : 0;
	s->replace_allowed_ips += (flags & WGPEER_F_REPLACE_ALLOWEDIPS) != 0;
	s->removed += (flags & WGPEER_F_REMOVE_ME) != 0;
	s->keepalives += tb[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL] != NULL;
}

static int see(struct nl_msg *msg, void *arg, struct err *e)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct genlmsghdr *genl = nlmsg_data(nlh);
	struct nlattr *tb[WGDEVICE_A_MAX + 1], *a;
	struct seen *s = arg;
	int rem, r;

	s->messages++;
	assert_int_equal(nlh->nlmsg_type, FAMILY);
	assert_int_equal(genl->cmd, WG_CMD_SET_DEVICE);
	assert_int_equal(genl->version, 1);
	assert_true(nlh->nlmsg_len <= s->max);
	if (nlh->nlmsg_len > s->longest)
		s->longest = nlh->nlmsg_len;
	assert_int_equal(nlmsg_parse(nlh, GENL_HDRLEN, tb, WGDEVICE_A_MAX, NULL), 0);
	assert_string_equal(nla_get_string(tb[WGDEVICE_A_IFNAME]), "wg0");
	if (tb[WGDEVICE_A_FLAGS] || tb[WGDEVICE_A_PRIVATE_KEY] || tb[WGDEVICE_A_LISTEN_PORT] ||
	    tb[WGDEVICE_A_FWMARK])
		s->device_flags_late |= s->messages > 1;
	if (tb[WGDEVICE_A_FLAGS])
		s->replace_peers +=
			(nla_get_u32(tb[WGDEVICE_A_FLAGS]) & WGDEVICE_F_REPLACE_PEERS) != 0;
	s->private_keys += tb[WGDEVICE_A_PRIVATE_KEY] != NULL;
	if (tb[WGDEVICE_A_PEERS])
		nla_for_each_nested(a, tb[WGDEVICE_A_PEERS], rem)
			see_peer(a, s);
	r = wg_parse_device(nlh, &s->back, e);
	nlmsg_free(msg);
	assert_int_equal(r, 0);
	return s->fail_at == (int)s->messages ? err_set(e, ENOSPC, "enough") : 0;
}

static struct seen fragment(const struct wg_config *c, size_t max)
{
	struct seen s = {.max = max};
	struct err e = ERR_INIT;

	assert_int_equal(wg_fragment(FAMILY, "wg0", c, max, see, &s, &e), 0);
	return s;
}

/* @n allowed IPs, of both families in turn */
static void fill(struct wg_peer *p, size_t n, uint32_t base)
{
	p->allowed_ips = calloc(n, sizeof(*p->allowed_ips));
	p->n_allowed_ips = n;
	for (size_t i = 0; i < n; i++) {
		struct ip_prefix *a = &p->allowed_ips[i];

		if (i % 2) {
			a->addr.family = AF_INET6;
			a->addr.v6.s6_addr[0] = 0xfd;
			a->addr.v6.s6_addr32[3] = htonl(base + (uint32_t)i);
			a->len = 128;
		} else {
			a->addr.family = AF_INET;
			a->addr.v4.s_addr = htonl(0x0a000000 + base + (uint32_t)i);
			a->len = 32;
		}
	}
}

static struct wg_config make(size_t n_peers, size_t n_ips)
{
	struct wg_config c = {
		.has_private_key = true,
		.private_key = {1, 2, 3},
		.has_listen_port = true,
		.listen_port = 51820,
		.has_fwmark = true,
		.fwmark = 0x1234,
		.replace_peers = true,
		.n_peers = n_peers,
	};

	c.peers = calloc(n_peers, sizeof(*c.peers));
	for (size_t i = 0; i < n_peers; i++) {
		struct wg_peer *p = &c.peers[i];

		p->public_key[0] = (uint8_t)i;
		p->public_key[1] = (uint8_t)(i >> 8);
		p->public_key[31] = 1;
		p->replace_allowed_ips = true;
		p->has_preshared_key = true;
		p->preshared_key[5] = (uint8_t)(i + 1);
		p->preshared_key[6] = 1;
		p->has_keepalive = true;
		p->keepalive = (uint16_t)(i + 1);
		p->has_endpoint = true;
		assert_int_equal(ip_endpoint_parse(i % 2 ? "192.0.2.1:1" : "[2001:db8::1]:65535",
						   &p->endpoint),
				 0);
		fill(p, n_ips, (uint32_t)(i * n_ips));
	}
	return c;
}

static void assert_same(const struct wg_config *a, const struct wg_config *b)
{
	assert_memory_equal(a->private_key, b->private_key, WG_KEY_LEN);
	assert_int_equal(a->listen_port, b->listen_port);
	assert_int_equal(a->fwmark, b->fwmark);
	assert_int_equal(a->n_peers, b->n_peers);
	for (size_t i = 0; i < a->n_peers; i++) {
		const struct wg_peer *p = &a->peers[i], *q = &b->peers[i];

		assert_memory_equal(p->public_key, q->public_key, WG_KEY_LEN);
		assert_memory_equal(p->preshared_key, q->preshared_key, WG_KEY_LEN);
		assert_int_equal(p->keepalive, q->keepalive);
		assert_int_equal(ip_addr_cmp(&p->endpoint.addr, &q->endpoint.addr), 0);
		assert_int_equal(p->endpoint.port, q->endpoint.port);
		assert_int_equal(p->n_allowed_ips, q->n_allowed_ips);
		for (size_t j = 0; j < p->n_allowed_ips; j++) {
			assert_int_equal(
				ip_addr_cmp(&p->allowed_ips[j].addr, &q->allowed_ips[j].addr), 0);
			assert_int_equal(p->allowed_ips[j].len, q->allowed_ips[j].len);
		}
	}
}

static void check(size_t n_peers, size_t n_ips, size_t max, size_t least_messages)
{
	struct wg_config c = make(n_peers, n_ips);
	struct seen s = fragment(&c, max);

	assert_true(s.messages >= least_messages);
	if (s.messages > 2)
		assert_true(s.longest > max * 2 / 5); /* they are filled */
	assert_false(s.device_flags_late);
	assert_int_equal(s.replace_peers, 1);
	assert_int_equal(s.private_keys, 1);
	assert_int_equal(s.replace_allowed_ips, n_peers);
	assert_int_equal(s.keepalives, n_peers);
	assert_same(&c, &s.back);
	wg_config_free(&c);
	wg_config_free(&s.back);
}

static void test_sizes(void **state)
{
	(void)state;
	check(0, 0, WG_FRAGMENT_BYTES, 1);
	check(1, 0, WG_FRAGMENT_BYTES, 1);
	check(3, 2, WG_FRAGMENT_BYTES, 1);
	check(1, 10000, WG_FRAGMENT_BYTES, 20);
	check(1000, 1, WG_FRAGMENT_BYTES, 8);
	check(1000, 7, WG_FRAGMENT_BYTES, 20);
}

/* every place at which a message can be full */
static void test_boundaries(void **state)
{
	(void)state;
	for (size_t max = 512; max < 1200; max += 4)
		check(7, 9, max, 2);
}

static void test_remove(void **state)
{
	struct wg_config c = make(2, 300);
	struct seen s;

	(void)state;
	c.replace_peers = c.has_private_key = c.has_listen_port = c.has_fwmark = false;
	c.peers[0].remove = true;
	c.peers[0].replace_allowed_ips = false;
	s = fragment(&c, WG_FRAGMENT_BYTES);
	assert_int_equal(s.removed, 1);
	assert_int_equal(s.replace_peers, 0);
	assert_int_equal(s.private_keys, 0);
	/* who goes gets no new settings */
	assert_int_equal(s.back.peers[0].n_allowed_ips, 0);
	assert_false(s.back.peers[0].has_preshared_key);
	assert_int_equal(s.back.peers[1].n_allowed_ips, 300);
	wg_config_free(&c);
	wg_config_free(&s.back);
}

static void test_stops(void **state)
{
	struct wg_config c = make(1000, 1);
	struct seen s = {.max = WG_FRAGMENT_BYTES, .fail_at = 2};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(wg_fragment(FAMILY, "wg0", &c, s.max, see, &s, &e), -ENOSPC);
	assert_int_equal(s.messages, 2);
	wg_config_free(&c);
	wg_config_free(&s.back);
}

struct damage {
	uint16_t type;
	uint8_t data[64];
	int len;
};

static void test_malformed(void **state)
{
	static const struct damage damages[] = {
		{WGDEVICE_A_PRIVATE_KEY, {0}, 31},
		{WGDEVICE_A_PUBLIC_KEY, {0}, 33},
		{WGDEVICE_A_LISTEN_PORT, {0}, 1},
		{WGDEVICE_A_FWMARK, {0}, 3},
		/* a peer that is no attribute, one that is longer than the list, one without a key */
		{WGDEVICE_A_PEERS | NLA_F_NESTED, {8, 0, 0, 0x80, 4, 0, 9, 0}, 8},
		{WGDEVICE_A_PEERS | NLA_F_NESTED, {4, 0, 0, 0x80}, 4},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		struct genlmsghdr genl = {.cmd = WG_CMD_GET_DEVICE, .version = 1};
		struct nl_msg *msg = nlmsg_alloc_simple(FAMILY, 0);
		struct wg_config c = {0};
		struct err e = ERR_INIT;

		nlmsg_append(msg, &genl, sizeof(genl), NLMSG_ALIGNTO);
		nla_put(msg, damages[i].type, damages[i].len, damages[i].data);
		assert_int_equal(wg_parse_device(nlmsg_hdr(msg), &c, &e), -EPROTO);
		nlmsg_free(msg);
		wg_config_free(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),     cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_remove),    cmocka_unit_test(test_stops),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

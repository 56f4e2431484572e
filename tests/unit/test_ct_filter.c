/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which conntrack entries a filter means, what of it the kernel is told, the first N of many, sums.
 */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "nat/ct_filter.h"
#include "nat/ct_stats.h"
#include "nat/ct_top.h"
#include "nat/kernel.h"

#define SECOND 1000000000ull

static struct ip_addr addr(const char *s)
{
	struct ip_addr a = {.family = AF_UNSPEC};

	assert_int_equal(ip_addr_parse(s, &a), 0);
	return a;
}

/* 192.168.1.10:40000 asks 203.0.113.1:80 as 100.64.0.20:50001 */
static struct ct_entry session(void)
{
	return (struct ct_entry){
		.l4proto = IPPROTO_TCP,
		.orig = {addr("192.168.1.10"), addr("203.0.113.1"), true, 40000, 80},
		.reply = {addr("203.0.113.1"), addr("100.64.0.20"), true, 80, 50001},
		.has_tcp_state = true,
		.tcp_state = TCP_CONNTRACK_ESTABLISHED,
		.has_status = true,
		.status = IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED | IPS_SRC_NAT,
		.has_mark = true,
		.mark = 0x17,
		.has_counters = {true, true},
		.packets = {10, 20},
		.bytes = {1000, 2000},
		.has_start = true,
		.start = 1000 * SECOND,
	};
}

static struct ct_filter place(enum ct_where where, const char *prefix, uint16_t first,
			      uint16_t last)
{
	struct ct_filter f = {.has_proto = false};

	if (prefix) {
		assert_int_equal(ip_prefix_parse(prefix, &f.prefix[where]), 0);
		f.has_prefix[where] = true;
	}
	if (last) {
		f.has_ports[where] = true;
		f.ports[where] = (struct ct_ports){first, last};
	}
	return f;
}

static void expect(struct ct_filter f, bool want)
{
	const struct ct_entry ct = session();

	assert_int_equal(ct_filter_match(&f, &ct), want);
	assert_false(ct_filter_empty(&f));
}

static void everything(void **state)
{
	const struct ct_filter f = {.now_ns = 5};
	const struct ct_entry ct = session();

	(void)state;
	assert_true(ct_filter_match(NULL, &ct));
	assert_true(ct_filter_match(&f, &ct));
	assert_true(ct_filter_empty(NULL));
	assert_true(ct_filter_empty(&f));
	assert_false(ct_filter_blind(NULL, &ct));
	assert_int_equal(ct_filter_family(NULL), AF_UNSPEC);
}

static void proto_and_state(void **state)
{
	(void)state;
	expect((struct ct_filter){.has_proto = true, .proto = IPPROTO_TCP}, true);
	expect((struct ct_filter){.has_proto = true, .proto = IPPROTO_UDP}, false);
	/* number 0 is a protocol like any other */
	expect((struct ct_filter){.has_proto = true}, false);
	expect((struct ct_filter){.state = "ESTABLISHED"}, true);
	expect((struct ct_filter){.state = "TIME_WAIT"}, false);
}

static void places(void **state)
{
	(void)state;
	expect(place(CT_ORIG_SRC, "192.168.1.10", 0, 0), true);
	expect(place(CT_ORIG_SRC, "192.168.0.0/16", 0, 0), true);
	expect(place(CT_ORIG_SRC, "192.168.1.11", 0, 0), false);
	expect(place(CT_ORIG_SRC, "203.0.113.1", 0, 0), false);
	expect(place(CT_ORIG_SRC, "::/0", 0, 0), false);
	expect(place(CT_ORIG_DST, "203.0.113.0/24", 0, 0), true);
	expect(place(CT_REPLY_SRC, "203.0.113.1", 80, 80), true);
	expect(place(CT_REPLY_DST, "100.64.0.20", 50001, 50001), true);
	expect(place(CT_REPLY_DST, "100.64.0.20", 50002, 50003), false);
	expect(place(CT_ORIG_SRC, NULL, 39999, 40000), true);
	expect(place(CT_ORIG_SRC, NULL, 40001, 65535), false);
	expect(place(CT_ORIG_DST, NULL, 80, 80), true);
	/* anywhere: both at one end */
	expect(place(CT_ANYWHERE, "100.64.0.20", 0, 0), true);
	expect(place(CT_ANYWHERE, NULL, 50001, 50001), true);
	expect(place(CT_ANYWHERE, "100.64.0.20", 50001, 50001), true);
	expect(place(CT_ANYWHERE, "100.64.0.20", 80, 80), false);
	expect(place(CT_ANYWHERE, "10.0.0.0/8", 0, 0), false);
}

static void icmp_id_is_the_port(void **state)
{
	struct ct_entry ct = session();
	struct ct_filter f = place(CT_REPLY_DST, "100.64.0.20", 77, 77);

	(void)state;
	ct.l4proto = IPPROTO_ICMP;
	ct.orig.has_ports = ct.reply.has_ports = false;
	assert_false(ct_filter_match(&f, &ct));
	ct.orig.has_icmp = ct.reply.has_icmp = true;
	ct.orig.icmp_id = ct.reply.icmp_id = 77;
	assert_true(ct_filter_match(&f, &ct));
}

static void status_and_mark(void **state)
{
	(void)state;
	expect((struct ct_filter){.status = IPS_SRC_NAT, .status_mask = IPS_SRC_NAT}, true);
	expect((struct ct_filter){.status = IPS_DST_NAT, .status_mask = IPS_DST_NAT}, false);
	expect((struct ct_filter){.status = IPS_NAT_MASK, .status_mask = IPS_NAT_MASK}, false);
	expect((struct ct_filter){.status_mask = IPS_SEEN_REPLY}, false);
	expect((struct ct_filter){.status_mask = IPS_DYING}, true);
	expect((struct ct_filter){.not_status = IPS_SEEN_REPLY | IPS_DYING}, true);
	expect((struct ct_filter){.not_status = IPS_SEEN_REPLY | IPS_ASSURED}, false);
	expect((struct ct_filter){.has_mark = true, .mark = 0x17, .mark_mask = UINT32_MAX}, true);
	expect((struct ct_filter){.has_mark = true, .mark = 0x10, .mark_mask = 0xf0}, true);
	expect((struct ct_filter){.has_mark = true, .mark = 0x20, .mark_mask = 0xf0}, false);
	expect((struct ct_filter){.has_mark = true, .mark = 0, .mark_mask = UINT32_MAX}, false);
}

static void bytes_and_age(void **state)
{
	struct ct_filter f = {.has_bytes = true, .bytes = 3000};
	struct ct_entry ct = session();

	(void)state;
	expect(f, true);
	f.bytes = 3001;
	expect(f, false);
	f = (struct ct_filter){.has_age = true, .age_s = 60, .now_ns = 1060 * SECOND};
	expect(f, true);
	f.now_ns--;
	expect(f, false);
	f.now_ns = 999 * SECOND; /* the clock was set back */
	f.age_s = 0;
	expect(f, false);
	/* what was not counted is not zero */
	ct.has_counters[1] = false;
	f = (struct ct_filter){.has_bytes = true};
	assert_false(ct_filter_match(&f, &ct));
	assert_true(ct_filter_blind(&f, &ct));
	ct.has_start = false;
	f = (struct ct_filter){.has_age = true, .now_ns = UINT64_MAX};
	assert_false(ct_filter_match(&f, &ct));
	assert_true(ct_filter_blind(&f, &ct));
	f.has_proto = true;
	f.proto = IPPROTO_UDP;
	assert_false(ct_filter_blind(&f, &ct));
}

static void family(void **state)
{
	struct ct_filter f = place(CT_ANYWHERE, "2001:db8::/32", 0, 0);

	(void)state;
	assert_int_equal(ct_filter_family(&f), AF_INET6);
	f = (struct ct_filter){.has_proto = true, .proto = IPPROTO_ICMP};
	assert_int_equal(ct_filter_family(&f), AF_INET);
	f.proto = IPPROTO_ICMPV6;
	assert_int_equal(ct_filter_family(&f), AF_INET6);
	f.proto = IPPROTO_TCP;
	assert_int_equal(ct_filter_family(&f), AF_UNSPEC);
}

/* --- what the kernel is told --------------------------------------------------------------- */

struct told {
	_Alignas(struct nlmsghdr) char buf[512];
	uint32_t orig, reply, status, mask, mark;
	bool has_filter, has_status, has_mark;
	struct ct_entry tuples; /* as if it were an entry */
};

static int hear_flags(const struct nlattr *attr, void *arg)
{
	struct told *t = arg;

	if (mnl_attr_get_type(attr) == CTA_FILTER_ORIG_FLAGS)
		t->orig = mnl_attr_get_u32(attr);
	if (mnl_attr_get_type(attr) == CTA_FILTER_REPLY_FLAGS)
		t->reply = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int hear(const struct nlattr *attr, void *arg)
{
	struct told *t = arg;

	switch (mnl_attr_get_type(attr)) {
	case CTA_FILTER:
		t->has_filter = true;
		return mnl_attr_parse_nested(attr, hear_flags, t);
	case CTA_STATUS:
		t->has_status = true;
		t->status = be32toh(mnl_attr_get_u32(attr));
		break;
	case CTA_STATUS_MASK:
		t->mask = be32toh(mnl_attr_get_u32(attr));
		break;
	case CTA_MARK:
		t->has_mark = true;
		t->mark = be32toh(mnl_attr_get_u32(attr));
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static struct told tell(const struct ct_filter *f)
{
	struct told t = {.has_filter = false};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(t.buf);

	ct_filter_put(nlh, f);
	assert_true(nlh->nlmsg_len <= MNL_NLMSG_HDRLEN + 256);
	mnl_attr_parse(nlh, 0, hear, &t);
	ct_parse(mnl_nlmsg_get_payload(nlh), mnl_nlmsg_get_payload_len(nlh), &t.tuples);
	return t;
}

static void nothing_told(void **state)
{
	struct ct_filter f = {.has_bytes = true, .has_age = true, .state = "CLOSE"};
	struct told t;

	(void)state;
	t = tell(NULL);
	assert_int_equal(((struct nlmsghdr *)t.buf)->nlmsg_len, MNL_NLMSG_HDRLEN);
	t = tell(&f);
	assert_int_equal(((struct nlmsghdr *)t.buf)->nlmsg_len, MNL_NLMSG_HDRLEN);
	/* the kernel compares whole addresses of a family that is known */
	f = place(CT_ORIG_SRC, "192.168.0.0/16", 0, 0);
	assert_false(tell(&f).has_filter);
	f = place(CT_ANYWHERE, "192.168.1.10", 80, 80);
	assert_false(tell(&f).has_filter);
	f = (struct ct_filter){.has_proto = true, .proto = IPPROTO_UDP};
	assert_false(tell(&f).has_filter);
	/* a port without a protocol means several */
	f = place(CT_ORIG_DST, NULL, 80, 80);
	assert_false(tell(&f).has_filter);
}

static void tuples_told(void **state)
{
	struct ct_filter f = place(CT_ORIG_SRC, "192.168.1.10", 0, 0);
	struct told t = tell(&f);

	(void)state;
	assert_int_equal(t.orig, 1);
	assert_int_equal(t.reply, 0);
	f.has_proto = true;
	f.proto = IPPROTO_UDP;
	f.has_ports[CT_ORIG_DST] = true;
	f.ports[CT_ORIG_DST] = (struct ct_ports){53, 53};
	t = tell(&f);
	assert_int_equal(t.orig, 1 | 8 | 32);
	assert_int_equal(t.tuples.l4proto, IPPROTO_UDP);
	assert_int_equal(t.tuples.orig.dport, 53);
	f.ports[CT_ORIG_DST].last = 54;
	assert_int_equal(tell(&f).orig, 1 | 8);
	f = place(CT_REPLY_DST, "100.64.0.20", 4000, 4000);
	assert_int_equal(tell(&f).reply, 2);
	f.has_proto = true;
	f.proto = IPPROTO_TCP;
	t = tell(&f);
	assert_int_equal(t.reply, 2 | 8 | 32);
	assert_int_equal(t.orig, 8);
	/* the parser wants the addresses of both ends */
	f.has_prefix[CT_ORIG_SRC] = f.has_prefix[CT_ORIG_DST] = true;
	f.prefix[CT_ORIG_SRC] = f.prefix[CT_ORIG_DST] = f.prefix[CT_REPLY_DST];
	t = tell(&f);
	assert_int_equal(t.orig, 1 | 2 | 8);
	assert_int_equal(t.tuples.reply.dport, 4000);
	assert_int_equal(ip_addr_cmp(&t.tuples.reply.dst, &f.prefix[CT_REPLY_DST].addr), 0);
	/* IPv6 addresses: the kernel would leave out the wrong ones */
	f = place(CT_REPLY_DST, "2001:db8::20", 4000, 4000);
	assert_false(tell(&f).has_filter);
	f.has_proto = true;
	f.proto = IPPROTO_TCP;
	t = tell(&f);
	assert_int_equal(t.reply, 8 | 32);
	assert_int_equal(t.orig, 8);
}

static void bits_told(void **state)
{
	struct ct_filter f = {.status_mask = IPS_SEEN_REPLY};
	struct told t = tell(&f);

	(void)state;
	assert_true(t.has_status);
	assert_int_equal(t.status, 0);
	assert_int_equal(t.mask, IPS_SEEN_REPLY);
	f = (struct ct_filter){.has_mark = true, .mark = 7, .mark_mask = 15};
	t = tell(&f);
	assert_true(t.has_mark);
	assert_int_equal(t.mark, 7);
}

/* --- the first N ------------------------------------------------------------------------------ */

/* the first @max by @order of @n entries of pseudo-random, often equal, numbers */
static void check_top(enum ct_order order, size_t n, size_t max)
{
	struct ct_top all = {.order = order}, some = {.order = order, .max = max};
	uint32_t seed = 12345;

	for (size_t i = 0; i < n; i++) {
		struct ct_entry ct = session();

		seed = seed * 1103515245 + 12345;
		ct.bytes[0] = seed >> 16 & 63;
		ct.packets[1] = seed >> 20 & 15;
		ct.start = seed >> 18 & 31;
		ct.has_start = (seed >> 25 & 7) != 0;
		assert_int_equal(ct_top_add(&all, &ct, NULL), 0);
		assert_int_equal(ct_top_add(&some, &ct, NULL), 0);
	}
	ct_top_sort(&all);
	ct_top_sort(&some);
	assert_int_equal(all.n, n);
	assert_int_equal(some.n, n < max ? n : max);
	for (size_t i = 0; i < some.n; i++)
		assert_int_equal(some.v[i].place, all.v[i].place);
	for (size_t i = 1; i < all.n; i++) {
		const struct ct_entry *a = &all.v[i - 1].ct, *b = &all.v[i].ct;

		if (order == CT_BY_BYTES)
			assert_true(a->bytes[0] >= b->bytes[0]);
		if (order == CT_BY_PACKETS)
			assert_true(a->packets[1] >= b->packets[1]);
		if (order == CT_BY_AGE)
			assert_true(!b->has_start || (a->has_start && a->start <= b->start));
	}
	ct_top_free(&all);
	ct_top_free(&some);
}

static void first_ones(void **state)
{
	(void)state;
	for (enum ct_order o = CT_BY_BYTES; o <= CT_BY_AGE; o++) {
		check_top(o, 0, 3);
		check_top(o, 2, 3);
		check_top(o, 3, 3);
		check_top(o, 500, 1);
		check_top(o, 500, 7);
		check_top(o, 500, 499);
	}
}

/* --- sums --------------------------------------------------------------------------------------- */

static void sums(void **state)
{
	struct ct_totals t = {.sessions = 0}, all = {.sessions = 0};
	struct ct_entry ct = session();

	(void)state;
	ct_totals_add(&t, &ct);
	ct.l4proto = IPPROTO_ICMPV6;
	ct.status = IPS_DST_NAT;
	ct.has_counters[1] = false;
	ct_totals_add(&t, &ct);
	ct.l4proto = 253;
	ct.has_status = false;
	ct.status = 0;
	ct_totals_add(&t, &ct);
	ct_totals_join(&all, &t);
	ct_totals_join(&all, &t);
	assert_int_equal(t.sessions, 3);
	assert_int_equal(t.tcp, 1);
	assert_int_equal(t.udp, 0);
	assert_int_equal(t.icmp, 1);
	assert_int_equal(t.other, 1);
	/* without a status nothing is known */
	assert_int_equal(t.unreplied, 1);
	assert_int_equal(t.assured, 1);
	assert_int_equal(t.snat, 1);
	assert_int_equal(t.dnat, 1);
	assert_int_equal(t.counted, 1);
	assert_int_equal(t.bytes[0], 1000);
	assert_int_equal(all.sessions, 6);
	assert_int_equal(all.bytes[1], 4000);
	assert_int_equal(all.packets[0], 20);
	assert_int_equal(all.dnat, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything),      cmocka_unit_test(proto_and_state),
		cmocka_unit_test(places),          cmocka_unit_test(icmp_id_is_the_port),
		cmocka_unit_test(status_and_mark), cmocka_unit_test(bytes_and_age),
		cmocka_unit_test(family),          cmocka_unit_test(nothing_told),
		cmocka_unit_test(tuples_told),     cmocka_unit_test(bits_told),
		cmocka_unit_test(first_ones),      cmocka_unit_test(sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conntrack entries: attributes in, the line of `conntrack -L` out.  That the lines are the right
 * ones is what tests/system/nat.sh asks conntrack itself.
 */
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <string.h>

#include "base/cleanup.h"
#include "nat/conntrack.h"
#include "nat/kernel.h"

struct message {
	_Alignas(struct nlmsghdr) char buf[4096];
	struct nlmsghdr *nlh;
};

static void begin(struct message *m)
{
	memset(m, 0, sizeof(*m));
	m->nlh = mnl_nlmsg_put_header(m->buf);
}

static void put_addr(struct message *m, const char *src, const char *dst)
{
	struct nlattr *nest = mnl_attr_nest_start(m->nlh, CTA_TUPLE_IP);
	struct ip_addr a = {.family = 0}, b = {.family = 0};
	bool v4;

	assert_int_equal(ip_addr_parse(src, &a), 0);
	assert_int_equal(ip_addr_parse(dst, &b), 0);
	v4 = a.family == AF_INET;
	mnl_attr_put(m->nlh, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, ip_addr_size(&a), a.bytes);
	mnl_attr_put(m->nlh, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, ip_addr_size(&b), b.bytes);
	mnl_attr_nest_end(m->nlh, nest);
}

static void put_tuple(struct message *m, uint16_t which, const char *src, const char *dst,
		      uint8_t proto, uint16_t a, uint16_t b)
{
	struct nlattr *tuple = mnl_attr_nest_start(m->nlh, which), *nest;

	put_addr(m, src, dst);
	nest = mnl_attr_nest_start(m->nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(m->nlh, CTA_PROTO_NUM, proto);
	if (proto == IPPROTO_ICMP) {
		mnl_attr_put_u16(m->nlh, CTA_PROTO_ICMP_ID, htobe16(b));
		mnl_attr_put_u8(m->nlh, CTA_PROTO_ICMP_TYPE, (uint8_t)a);
		mnl_attr_put_u8(m->nlh, CTA_PROTO_ICMP_CODE, 0);
	} else if (a) {
		mnl_attr_put_u16(m->nlh, CTA_PROTO_SRC_PORT, htobe16(a));
		mnl_attr_put_u16(m->nlh, CTA_PROTO_DST_PORT, htobe16(b));
	}
	mnl_attr_nest_end(m->nlh, nest);
	mnl_attr_nest_end(m->nlh, tuple);
}

static void put_state(struct message *m, uint8_t state)
{
	struct nlattr *info = mnl_attr_nest_start(m->nlh, CTA_PROTOINFO);
	struct nlattr *tcp = mnl_attr_nest_start(m->nlh, CTA_PROTOINFO_TCP);

	mnl_attr_put_u8(m->nlh, CTA_PROTOINFO_TCP_STATE, state);
	mnl_attr_nest_end(m->nlh, tcp);
	mnl_attr_nest_end(m->nlh, info);
}

static void put_counters(struct message *m, uint16_t which, uint64_t packets, uint64_t bytes)
{
	struct nlattr *nest = mnl_attr_nest_start(m->nlh, which);

	mnl_attr_put_u64(m->nlh, CTA_COUNTERS_PACKETS, htobe64(packets));
	mnl_attr_put_u64(m->nlh, CTA_COUNTERS_BYTES, htobe64(bytes));
	mnl_attr_nest_end(m->nlh, nest);
}

static void put_u32(struct message *m, uint16_t which, uint32_t value)
{
	mnl_attr_put_u32(m->nlh, which, htobe32(value));
}

static void parse(const struct message *m, struct ct_entry *ct)
{
	assert_int_equal(
		ct_parse(mnl_nlmsg_get_payload(m->nlh), mnl_nlmsg_get_payload_len(m->nlh), ct), 0);
}

static void expect_entry(const struct ct_entry *ct, const char *want)
{
	_cleanup_free_ char *got = NULL;
	size_t len;
	FILE *f = open_memstream(&got, &len);

	assert_non_null(f);
	ct_print(ct, f);
	fclose(f);
	assert_string_equal(got, want);
}

static void expect_line(const struct message *m, const char *want)
{
	struct ct_entry ct;

	parse(m, &ct);
	expect_entry(&ct, want);
}

static void icmp(void **state)
{
	struct message m;

	(void)state;
	begin(&m);
	put_tuple(&m, CTA_TUPLE_ORIG, "192.168.1.10", "100.64.0.10", IPPROTO_ICMP, 8, 1);
	put_tuple(&m, CTA_TUPLE_REPLY, "100.64.0.10", "100.64.0.20", IPPROTO_ICMP, 0, 1);
	put_u32(&m, CTA_STATUS, IPS_SEEN_REPLY | IPS_CONFIRMED | IPS_SRC_NAT);
	put_u32(&m, CTA_TIMEOUT, 29);
	put_u32(&m, CTA_MARK, 0);
	put_u32(&m, CTA_USE, 1);
	expect_line(&m, "icmp     1 29 src=192.168.1.10 dst=100.64.0.10 type=8 code=0 id=1 "
			"src=100.64.0.10 dst=100.64.0.20 type=0 code=0 id=1 mark=0 use=1");
}

static void tcp_with_everything(void **state)
{
	struct nlattr *nest;
	struct message m;

	(void)state;
	begin(&m);
	put_tuple(&m, CTA_TUPLE_ORIG, "2001:db8::1", "2001:db8::2", IPPROTO_TCP, 40000, 80);
	put_tuple(&m, CTA_TUPLE_REPLY, "2001:db8::2", "2001:db8::9", IPPROTO_TCP, 80, 65535);
	put_u32(&m, CTA_STATUS, IPS_SEEN_REPLY | IPS_ASSURED);
	put_u32(&m, CTA_TIMEOUT, 431999);
	put_state(&m, TCP_CONNTRACK_ESTABLISHED);
	put_counters(&m, CTA_COUNTERS_ORIG, 5, 1ull << 40);
	put_counters(&m, CTA_COUNTERS_REPLY, 4, 400);
	put_u32(&m, CTA_MARK, 0xffffffff);
	mnl_attr_put_u16(m.nlh, CTA_ZONE, htobe16(7));
	nest = mnl_attr_nest_start(m.nlh, CTA_HELP);
	mnl_attr_put_strz(m.nlh, CTA_HELP_NAME, "ftp");
	mnl_attr_nest_end(m.nlh, nest);
	nest = mnl_attr_nest_start(m.nlh, CTA_SECCTX);
	mnl_attr_put_strz(m.nlh, CTA_SECCTX_NAME, "system_u:object_r:x_t:s0");
	mnl_attr_nest_end(m.nlh, nest);
	put_u32(&m, CTA_USE, 2);
	expect_line(&m, "tcp      6 431999 ESTABLISHED src=2001:db8::1 dst=2001:db8::2 sport=40000 "
			"dport=80 packets=5 bytes=1099511627776 src=2001:db8::2 dst=2001:db8::9 "
			"sport=80 dport=65535 packets=4 bytes=400 [ASSURED] mark=4294967295 "
			"secctx=system_u:object_r:x_t:s0 zone=7 helper=ftp use=2");
}

static void unreplied_and_unknown(void **state)
{
	struct message m;

	(void)state;
	begin(&m);
	put_tuple(&m, CTA_TUPLE_ORIG, "10.0.0.1", "10.0.0.2", IPPROTO_UDP, 53, 5353);
	put_tuple(&m, CTA_TUPLE_REPLY, "10.0.0.2", "10.0.0.1", IPPROTO_UDP, 5353, 53);
	put_u32(&m, CTA_STATUS, IPS_CONFIRMED);
	expect_line(&m, "udp      17 src=10.0.0.1 dst=10.0.0.2 sport=53 dport=5353 [UNREPLIED] "
			"src=10.0.0.2 dst=10.0.0.1 sport=5353 dport=53");
	begin(&m);
	put_tuple(&m, CTA_TUPLE_ORIG, "10.0.0.1", "10.0.0.2", 253, 0, 0);
	put_tuple(&m, CTA_TUPLE_REPLY, "10.0.0.2", "10.0.0.1", 253, 0, 0);
	put_u32(&m, CTA_STATUS, IPS_OFFLOAD | IPS_SEEN_REPLY | IPS_ASSURED);
	expect_line(&m, "unknown  253 src=10.0.0.1 dst=10.0.0.2 src=10.0.0.2 dst=10.0.0.1 "
			"[OFFLOAD]");
	begin(&m);
	put_tuple(&m, CTA_TUPLE_ORIG, "10.0.0.1", "10.0.0.2", IPPROTO_GRE, 0xab, 0x1);
	put_tuple(&m, CTA_TUPLE_REPLY, "10.0.0.2", "10.0.0.1", IPPROTO_GRE, 0x1, 0xab);
	expect_line(&m, "gre      47 src=10.0.0.1 dst=10.0.0.2 srckey=0xab dstkey=0x1 "
			"src=10.0.0.2 dst=10.0.0.1 srckey=0x1 dstkey=0xab");
}

static void age(void **state)
{
	struct ct_entry ct = {.l4proto = IPPROTO_UDP,
			      .has_start = true,
			      .start = 1000999999999,
			      .has_stop = true,
			      .stop = 1063000000000};

	(void)state;
	expect_entry(&ct, "udp      17 delta-time=63");
	ct.has_stop = false;
	ct.start = ((uint64_t)time(NULL) - 5) * 1000000000;
	/* the second may have changed in between */
	for (int i = 5; i <= 6; i++) {
		_cleanup_free_ char *got = NULL;
		char want[64];
		size_t len;
		FILE *f = open_memstream(&got, &len);

		ct_print(&ct, f);
		fclose(f);
		snprintf(want, sizeof(want), "udp      17 delta-time=%d", i);
		if (!strcmp(got, want))
			return;
	}
	fail_msg("no age of 5 or 6 seconds");
}

/* whatever is cut off or lies about its length: no crash, and nothing read behind the end */
static void broken(void **state)
{
	struct ct_entry ct;
	struct message m;
	uint8_t *copy;
	size_t len, all;

	(void)state;
	begin(&m);
	put_tuple(&m, CTA_TUPLE_ORIG, "10.0.0.1", "10.0.0.2", IPPROTO_TCP, 1, 2);
	put_tuple(&m, CTA_TUPLE_REPLY, "10.0.0.2", "10.0.0.1", IPPROTO_TCP, 2, 1);
	put_state(&m, 200);
	put_counters(&m, CTA_COUNTERS_ORIG, 1, 2);
	all = mnl_nlmsg_get_payload_len(m.nlh);
	for (len = 0; len <= all; len++) {
		copy = malloc(len ? len : 1);
		assert_non_null(copy);
		memcpy(copy, mnl_nlmsg_get_payload(m.nlh), len);
		if (len < 52)
			assert_int_equal(ct_parse(copy, len, &ct), -EBADMSG);
		else
			assert_int_equal(ct_parse(copy, len, &ct), 0);
		free(copy);
	}
	parse(&m, &ct);
	assert_true(ct.has_tcp_state);
	assert_null(ct_tcp_state_name(ct.tcp_state));
	expect_entry(&ct, "tcp      6 NONE src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 packets=1 "
			  "bytes=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1");
	/* a mark of two bytes is none */
	begin(&m);
	put_tuple(&m, CTA_TUPLE_ORIG, "10.0.0.1", "10.0.0.2", IPPROTO_TCP, 1, 2);
	mnl_attr_put_u16(m.nlh, CTA_MARK, 1);
	parse(&m, &ct);
	assert_false(ct.has_mark);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(ct_proto_name(IPPROTO_ICMPV6), "icmpv6");
	assert_null(ct_proto_name(0));
	assert_null(ct_proto_name(255));
	assert_string_equal(ct_tcp_state_name(TCP_CONNTRACK_TIME_WAIT), "TIME_WAIT");
	assert_null(ct_tcp_state_name(TCP_CONNTRACK_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(icmp),
		cmocka_unit_test(tcp_with_everything),
		cmocka_unit_test(unreplied_and_unknown),
		cmocka_unit_test(age),
		cmocka_unit_test(broken),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conntrack entries in the words of `conntrack -L`.
 */
#include <time.h>

#include "base/cleanup.h"
#include "nat/conntrack.h"
#include "nat/kernel.h"

static const char *const proto_names[] = {
	[IPPROTO_ICMP] = "icmp", [IPPROTO_TCP] = "tcp",         [IPPROTO_UDP] = "udp",
	[IPPROTO_DCCP] = "dccp", [IPPROTO_GRE] = "gre",         [IPPROTO_ICMPV6] = "icmpv6",
	[IPPROTO_SCTP] = "sctp", [IPPROTO_UDPLITE] = "udplite",
};

static const char *const tcp_state_names[] = {
	[TCP_CONNTRACK_NONE] = "NONE",         [TCP_CONNTRACK_SYN_SENT] = "SYN_SENT",
	[TCP_CONNTRACK_SYN_RECV] = "SYN_RECV", [TCP_CONNTRACK_ESTABLISHED] = "ESTABLISHED",
	[TCP_CONNTRACK_FIN_WAIT] = "FIN_WAIT", [TCP_CONNTRACK_CLOSE_WAIT] = "CLOSE_WAIT",
	[TCP_CONNTRACK_LAST_ACK] = "LAST_ACK", [TCP_CONNTRACK_TIME_WAIT] = "TIME_WAIT",
	[TCP_CONNTRACK_CLOSE] = "CLOSE",       [TCP_CONNTRACK_SYN_SENT2] = "SYN_SENT2",
};

static const char *const sctp_state_names[] = {
	[SCTP_CONNTRACK_NONE] = "NONE",
	[SCTP_CONNTRACK_CLOSED] = "CLOSED",
	[SCTP_CONNTRACK_COOKIE_WAIT] = "COOKIE_WAIT",
	[SCTP_CONNTRACK_COOKIE_ECHOED] = "COOKIE_ECHOED",
	[SCTP_CONNTRACK_ESTABLISHED] = "ESTABLISHED",
	[SCTP_CONNTRACK_SHUTDOWN_SENT] = "SHUTDOWN_SENT",
	[SCTP_CONNTRACK_SHUTDOWN_RECD] = "SHUTDOWN_RECD",
	[SCTP_CONNTRACK_SHUTDOWN_ACK_SENT] = "SHUTDOWN_ACK_SENT",
};

const char *ct_proto_name(uint8_t l4proto)
{
	return l4proto < ARRAY_SIZE(proto_names) ? proto_names[l4proto] : NULL;
}

const char *ct_tcp_state_name(uint8_t state)
{
	return state < ARRAY_SIZE(tcp_state_names) ? tcp_state_names[state] : NULL;
}

const char *ct_state_name(const struct ct_entry *ct)
{
	if (ct->has_tcp_state)
		return ct_tcp_state_name(ct->tcp_state);
	if (ct->has_sctp_state && ct->sctp_state < ARRAY_SIZE(sctp_state_names))
		return sctp_state_names[ct->sctp_state];
	return NULL;
}

const char *ct_state_word(size_t i)
{
	if (i < ARRAY_SIZE(tcp_state_names))
		return tcp_state_names[i];
	i -= ARRAY_SIZE(tcp_state_names);
	return i < ARRAY_SIZE(sctp_state_names) ? sctp_state_names[i] : NULL;
}

static void print_state(const struct ct_entry *ct, FILE *out)
{
	const char *name = ct_state_name(ct);

	if (ct->has_tcp_state || ct->has_sctp_state)
		fprintf(out, " %s", name ? name : "NONE");
}

static void print_tuple(const struct ct_entry *ct, size_t direction, FILE *out)
{
	const struct ct_tuple *t = direction ? &ct->reply : &ct->orig;
	char buf[INET6_ADDRSTRLEN];

	if (t->src.family != AF_UNSPEC)
		fprintf(out, " src=%s", ip_addr_format(&t->src, buf));
	if (t->dst.family != AF_UNSPEC)
		fprintf(out, " dst=%s", ip_addr_format(&t->dst, buf));
	if (t->has_icmp)
		fprintf(out, " type=%u code=%u id=%u", t->icmp_type, t->icmp_code, t->icmp_id);
	else if (t->has_ports && ct->l4proto == IPPROTO_GRE)
		fprintf(out, " srckey=0x%x dstkey=0x%x", t->sport, t->dport);
	else if (t->has_ports)
		fprintf(out, " sport=%u dport=%u", t->sport, t->dport);
	if (t->has_zone)
		fprintf(out, " zone-%s=%u", direction ? "reply" : "orig", t->zone);
	if (ct->has_counters[direction])
		fprintf(out, " packets=%llu bytes=%llu", (unsigned long long)ct->packets[direction],
			(unsigned long long)ct->bytes[direction]);
}

static void print_status(const struct ct_entry *ct, FILE *out)
{
	if (!ct->has_status)
		return;
	if (ct->status & IPS_HW_OFFLOAD)
		fputs(" [HW_OFFLOAD]", out);
	else if (ct->status & IPS_OFFLOAD)
		fputs(" [OFFLOAD]", out);
	else if (ct->status & IPS_ASSURED)
		fputs(" [ASSURED]", out);
}

/* seconds since it began, or that it lasted; whole seconds of each are subtracted */
static void print_age(const struct ct_entry *ct, FILE *out)
{
	const uint64_t second = 1000000000;
	uint64_t end;

	if (!ct->has_start)
		return;
	end = ct->has_stop && ct->stop ? ct->stop / second : (uint64_t)time(NULL);
	fprintf(out, " delta-time=%llu", (unsigned long long)(end - ct->start / second));
}

void ct_print(const struct ct_entry *ct, FILE *out)
{
	const char *proto = ct_proto_name(ct->l4proto);

	fprintf(out, "%-8s %u", proto ? proto : "unknown", ct->l4proto);
	if (ct->has_timeout)
		fprintf(out, " %u", ct->timeout);
	print_state(ct, out);
	print_tuple(ct, 0, out);
	if (ct->has_status && !(ct->status & IPS_SEEN_REPLY))
		fputs(" [UNREPLIED]", out);
	print_tuple(ct, 1, out);
	print_status(ct, out);
	if (ct->has_mark)
		fprintf(out, " mark=%u", ct->mark);
	if (ct->secctx[0])
		fprintf(out, " secctx=%s", ct->secctx);
	if (ct->has_zone)
		fprintf(out, " zone=%u", ct->zone);
	print_age(ct, out);
	if (ct->helper[0])
		fprintf(out, " helper=%s", ct->helper);
	if (ct->has_use)
		fprintf(out, " use=%u", ct->use);
}

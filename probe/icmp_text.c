/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/icmp_text.h"

#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <stdio.h>

#include "base/cleanup.h"

static const char *const unreachable[] = {
	[ICMP_NET_UNREACH] = "Destination Net Unreachable",
	[ICMP_HOST_UNREACH] = "Destination Host Unreachable",
	[ICMP_PROT_UNREACH] = "Destination Protocol Unreachable",
	[ICMP_PORT_UNREACH] = "Destination Port Unreachable",
	[ICMP_FRAG_NEEDED] = "Frag needed and DF set",
	[ICMP_SR_FAILED] = "Source Route Failed",
	[ICMP_NET_UNKNOWN] = "Destination Net Unknown",
	[ICMP_HOST_UNKNOWN] = "Destination Host Unknown",
	[ICMP_HOST_ISOLATED] = "Source Host Isolated",
	[ICMP_NET_ANO] = "Destination Net Prohibited",
	[ICMP_HOST_ANO] = "Destination Host Prohibited",
	[ICMP_NET_UNR_TOS] = "Destination Net Unreachable for Type of Service",
	[ICMP_HOST_UNR_TOS] = "Destination Host Unreachable for Type of Service",
	[ICMP_PKT_FILTERED] = "Packet filtered",
	[ICMP_PREC_VIOLATION] = "Precedence Violation",
	[ICMP_PREC_CUTOFF] = "Precedence Cutoff",
};

static const char *const exceeded[] = {
	[ICMP_EXC_TTL] = "Time to live exceeded",
	[ICMP_EXC_FRAGTIME] = "Frag reassembly time exceeded",
};

static const char *const unreachable6[] = {
	[ICMP6_DST_UNREACH_NOROUTE] = "Destination unreachable: No route",
	[ICMP6_DST_UNREACH_ADMIN] = "Destination unreachable: Administratively prohibited",
	[ICMP6_DST_UNREACH_BEYONDSCOPE] = "Destination unreachable: Beyond scope of source address",
	[ICMP6_DST_UNREACH_ADDR] = "Destination unreachable: Address unreachable",
	[ICMP6_DST_UNREACH_NOPORT] = "Destination unreachable: Port unreachable",
	[5] = "Destination unreachable: Failed source policy",
	[6] = "Destination unreachable: Reject route",
};

static const char *const exceeded6[] = {
	[ICMP6_TIME_EXCEED_TRANSIT] = "Time exceeded: Hop limit",
	[ICMP6_TIME_EXCEED_REASSEMBLY] = "Time exceeded: Defragmentation failure",
};

static const char *lookup(const char *const *table, size_t n, uint8_t code)
{
	return code < n ? table[code] : NULL;
}

static const char *known(bool v6, uint8_t type, uint8_t code)
{
	if (v6 && type == ICMP6_DST_UNREACH)
		return lookup(unreachable6, ARRAY_SIZE(unreachable6), code);
	if (v6 && type == ICMP6_TIME_EXCEEDED)
		return lookup(exceeded6, ARRAY_SIZE(exceeded6), code);
	if (v6)
		return NULL;
	if (type == ICMP_DEST_UNREACH)
		return lookup(unreachable, ARRAY_SIZE(unreachable), code);
	if (type == ICMP_TIME_EXCEEDED)
		return lookup(exceeded, ARRAY_SIZE(exceeded), code);
	return NULL;
}

const char *icmp_text(bool v6, uint8_t type, uint8_t code, uint32_t info,
		      char buf[static ICMP_TEXT_LEN])
{
	const char *text = known(v6, type, code);

	if (v6 && type == ICMP6_PACKET_TOO_BIG)
		snprintf(buf, ICMP_TEXT_LEN, "Packet too big: mtu=%u", info);
	else if (!v6 && type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED)
		snprintf(buf, ICMP_TEXT_LEN, "Frag needed and DF set (mtu = %u)", info);
	else if (text)
		snprintf(buf, ICMP_TEXT_LEN, "%s", text);
	else
		snprintf(buf, ICMP_TEXT_LEN, "ICMP%s error: type %u code %u", v6 ? "v6" : "", type,
			 code);
	return buf;
}

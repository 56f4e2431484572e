/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conntrack entries of a namespace, over libmnl.
 */
#ifndef WARREN_NAT_CONNTRACK_H
#define WARREN_NAT_CONNTRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/err.h"

struct ct_tuple {
	struct ip_addr src, dst;
	bool has_ports;
	uint16_t sport, dport; /* host byte order */
	bool has_icmp;
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id; /* host byte order */
};

struct ct_entry {
	uint8_t l4proto; /* IPPROTO_TCP … */
	struct ct_tuple orig, reply;
	bool has_tcp_state;
	uint8_t tcp_state; /* enum tcp_conntrack */
	bool has_timeout;
	uint32_t timeout; /* seconds left */
	uint32_t status;  /* IPS_* */
	bool has_mark;
	uint32_t mark;
	bool has_counters;             /* nf_conntrack_acct=1 */
	uint64_t packets[2], bytes[2]; /* original, reply */
	bool has_id;
	uint32_t id;
	uint32_t use;
};

/*
 * ct_dump - call @fn for each entry of the namespace of @sock (AF_NETLINK, NETLINK_NETFILTER).
 * @fn returns 0 to go on; a negative value ends the dump and is returned.
 */
int ct_dump(int sock, int (*fn)(const struct ct_entry *ct, void *arg, struct err *e), void *arg,
	    struct err *e);

/* ct_print - one line without its newline, character by character what `conntrack -L` prints. */
void ct_print(const struct ct_entry *ct, FILE *out);

/* ct_proto_name - "tcp", "udp", "icmp" …, or NULL where there is no name. */
const char *ct_proto_name(uint8_t l4proto);

/* ct_tcp_state_name - "ESTABLISHED" …, or NULL. */
const char *ct_tcp_state_name(uint8_t state);

#endif

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

#define CT_HELPER_LEN 16 /* NF_CT_HELPER_NAME_LEN */

struct ct_tuple {
	struct ip_addr src, dst;
	bool has_ports;
	uint16_t sport, dport; /* host byte order; of GRE: the keys */
	bool has_icmp;
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id; /* host byte order */
	bool has_zone;    /* a zone of this direction only */
	uint16_t zone;
};

struct ct_entry {
	uint8_t l4proto; /* IPPROTO_TCP … */
	struct ct_tuple orig, reply;
	bool has_tcp_state;
	uint8_t tcp_state; /* enum tcp_conntrack */
	bool has_sctp_state;
	uint8_t sctp_state; /* enum sctp_conntrack */
	bool has_timeout;
	uint32_t timeout; /* seconds left */
	bool has_status;
	uint32_t status; /* IPS_* */
	bool has_mark;
	uint32_t mark;
	bool has_counters[2];          /* nf_conntrack_acct=1 */
	uint64_t packets[2], bytes[2]; /* original, reply */
	bool has_id;
	uint32_t id;
	bool has_use;
	uint32_t use;
	bool has_zone; /* of both directions */
	uint16_t zone;
	bool has_start, has_stop;       /* nf_conntrack_timestamp=1; stop: only after its end */
	uint64_t start, stop;           /* nanoseconds since the epoch */
	char helper[CT_HELPER_LEN + 1]; /* "ftp" …; "": none */
	char secctx[256];               /* security context; "": none */
	bool has_labels;
	uint32_t labels[4]; /* connlabels, 128 bits, the lowest first */
};

/*
 * ct_parse - the attributes of one conntrack message (a dump's or an event's).
 * @attrs: what follows the struct nfgenmsg, @len bytes.
 * Attributes that are not known, or shorter than they should be, are passed over.
 * Returns 0, or -EBADMSG where it has no original tuple.
 */
int ct_parse(const void *attrs, size_t len, struct ct_entry *ret);

struct ct_filter;

/*
 * ct_dump - call @fn for each entry of the namespace of @sock (AF_NETLINK, NETLINK_NETFILTER),
 * of both families.
 * @filter: the kernel leaves out what it can tell that it does not match (nat/ct_filter.h); @fn sees
 * others as well and asks ct_filter_match() itself.  NULL: nothing is left out.
 * The kernel walks its one table for all namespaces (ctnetlink_dump_table()), so this takes its
 * time with an empty namespace, too.  Nothing else may be under way on @sock.  Blocks until the kernel is done.
 * @fn returns 0 to go on; a negative value ends the dump and is returned, when what is left of
 * it has been read and thrown away, so that the socket can be used again.
 * -EINTR: the kernel says that the list changed so that entries may be missing or double; @fn
 * has seen it all, and the caller starts again.
 */
int ct_dump(int sock, const struct ct_filter *filter,
	    int (*fn)(const struct ct_entry *ct, void *arg, struct err *e), void *arg,
	    struct err *e);

/*
 * ct_print - one line without its newline, character by character what `conntrack -L` prints
 * (1.4.7; connlabels and ids are left out, as it does unless asked).
 */
void ct_print(const struct ct_entry *ct, FILE *out);

/* ct_proto_name - "tcp", "udp", "icmp" …, or NULL where there is no name. */
const char *ct_proto_name(uint8_t l4proto);

/* ct_tcp_state_name - "ESTABLISHED" …, or NULL. */
const char *ct_tcp_state_name(uint8_t state);

/* ct_state_name - the state of a TCP or SCTP session; NULL: it has none, or one without a name. */
const char *ct_state_name(const struct ct_entry *ct);

/* ct_state_word - the @i-th name of a state, from 0: of TCP, then of SCTP; NULL: that was all. */
const char *ct_state_word(size_t i);

/* ct_counted - has it counters of both directions? */
static inline bool ct_counted(const struct ct_entry *ct)
{
	return ct->has_counters[0] && ct->has_counters[1];
}

#endif

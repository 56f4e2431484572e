/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of disturb_tool: what flows, what is counted of it, and who does what.
 */
#ifndef WARREN_TESTS_DISTURB_H
#define WARREN_TESTS_DISTURB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

#define NAME_LENGTH 64
#define PHASES_MAX  16

/* what befell what was sent in one phase */
struct count {
	unsigned int sent, send_errors, lost_up, lost_down, duplicated, reordered, moved;
	unsigned int records, records_lost, broken, retransmitted, spurious;
	double worst_udp_ms, worst_tcp_ms;
};

/* what is on the wire, both by UDP and by TCP */
struct message {
	uint32_t flow, number, phase, zero;
	double sent; /* seconds */
};

struct packet {
	uint8_t phase, at_server, back;
};

struct conn {
	int fd;
	uint32_t next;
	char in[sizeof(struct message)];
	size_t n_in;
	unsigned int retransmitted, spurious; /* told up to now */
	struct conn *other;                   /* the server's: the one before */
};

struct flow {
	char name[NAME_LENGTH], netns[NAME_LENGTH];
	struct ip_addr source;
	int udp;
	struct conn tcp, *server;
	struct packet *packets;
	size_t n_packets, room;
	uint32_t top_up, top_down, records;
	struct ip_endpoint seen_as; /* by the server */
	bool tcp_broken, heard_udp, heard_tcp;
	struct count of[PHASES_MAX];
};

struct phase {
	char name[NAME_LENGTH];
	double from, to, until; /* seconds; until: "over" is to be said, 0: no */
	double behind_ms;
};

struct tool {
	struct flow *flows;
	size_t n_flows;
	struct phase phases[PHASES_MAX];
	size_t n_phases; /* 0 is what is before the first */
	int epoll, udp, listener;
	struct conn *conns; /* of the server */
	double rate, last_came;
	bool ready, ending, overflow;
};

/* what befalls what is sent now */
static inline struct count *count_now(const struct tool *t, struct flow *f)
{
	return &f->of[t->n_phases - 1];
}

/* disturb_traffic.c */
int open_server(struct tool *t, const char *netns, const struct ip_addr *a, struct err *e);
int open_flow(struct tool *t, struct flow *f, const struct ip_addr *server, struct err *e);
int watch(const struct tool *t, int fd, void *tag, struct err *e);
int send_packet(struct tool *t, struct flow *f, struct err *e);
void send_record(struct tool *t, struct flow *f);
/* what has come on the socket that was watched with @tag, all of it */
int receive(struct tool *t, void *tag, struct err *e);
/* to be called at the end of a phase */
void count_segments(struct tool *t);
void close_all(struct tool *t);

/* disturb_report.c: the table on standard error, and JSON into @file, if it is not NULL */
int report(struct tool *t, const char *file, bool *ret_whole, struct err *e);

#endif

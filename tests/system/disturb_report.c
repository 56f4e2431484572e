/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What disturb_tool has counted: numbers, JSON, and lines of its table. */
#include <errno.h>
#include <jansson.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <sys/socket.h>

#include "tests/system/disturb.h"

static void add(struct count *sum, const struct count *c)
{
	sum->sent += c->sent;
	sum->send_errors += c->send_errors;
	sum->lost_up += c->lost_up;
	sum->lost_down += c->lost_down;
	sum->duplicated += c->duplicated;
	sum->reordered += c->reordered;
	sum->moved += c->moved;
	sum->records += c->records;
	sum->records_lost += c->records_lost;
	sum->broken += c->broken;
	sum->retransmitted += c->retransmitted;
	sum->spurious += c->spurious;
	if (c->worst_udp_ms > sum->worst_udp_ms)
		sum->worst_udp_ms = c->worst_udp_ms;
	if (c->worst_tcp_ms > sum->worst_tcp_ms)
		sum->worst_tcp_ms = c->worst_tcp_ms;
}

/* segments that were sent again and had not arrived */
static unsigned int segments_lost(const struct count *c)
{
	return c->retransmitted > c->spurious ? c->retransmitted - c->spurious : 0;
}

static bool is_whole(const struct count *c)
{
	return !(c->lost_up || c->lost_down || c->moved || c->records_lost || c->broken ||
		 segments_lost(c));
}

static json_t *count_json(const char *name, const struct count *c)
{
	return json_pack(
		"{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, "
		"s:f, s:b}",
		"name", name, "udp_sent", c->sent, "udp_send_errors", c->send_errors, "udp_lost_up",
		c->lost_up, "udp_lost_down", c->lost_down, "udp_duplicated", c->duplicated,
		"udp_reordered", c->reordered, "udp_moved", c->moved, "tcp_records", c->records,
		"tcp_records_lost", c->records_lost, "tcp_broken", c->broken, "tcp_retransmitted",
		c->retransmitted, "tcp_spurious", c->spurious, "tcp_segments_lost",
		segments_lost(c), "udp_worst_ms", c->worst_udp_ms, "tcp_worst_ms", c->worst_tcp_ms,
		"whole", is_whole(c));
}

static void print_head(void)
{
	fprintf(stderr, "%-20s %8s %6s %6s %5s %5s %5s %7s %8s %6s %5s %6s %6s %7s\n",
		"phase, flow", "packets", "lost>", "lost<", "dup", "reord", "moved", "ms",
		"records", "lost", "reset", "resent", "needl.", "ms");
}

static void print_count(const char *name, const struct count *c)
{
	fprintf(stderr, "%-20s %8u %6u %6u %5u %5u %5u %7.1f %8u %6u %5u %6u %6u %7.1f\n", name,
		c->sent, c->lost_up, c->lost_down, c->duplicated, c->reordered, c->moved,
		c->worst_udp_ms, c->records, c->records_lost, c->broken, c->retransmitted,
		c->spurious, c->worst_tcp_ms);
}

static void find_losses(struct tool *t)
{
	for (size_t i = 0; i < t->n_flows; i++) {
		struct flow *f = &t->flows[i];
		uint32_t drops[SK_MEMINFO_VARS] = {0};
		socklen_t len = sizeof(drops);

		for (size_t k = 0; k < f->n_packets; k++) {
			struct count *c = &f->of[f->packets[k].phase];

			if (!f->packets[k].at_server)
				c->lost_up++;
			else if (!f->packets[k].back)
				c->lost_down++;
		}
		getsockopt(i ? f->udp : t->udp, SOL_SOCKET, SO_MEMINFO, drops, &len);
		t->overflow |= drops[SK_MEMINFO_DROPS] > 0;
	}
}

/* one phase: the sum, and those flows that something befell */
static bool report_phase(const struct tool *t, size_t phase, json_t *phases)
{
	const struct phase *p = &t->phases[phase];
	json_t *flows = json_array(), *j;
	struct count sum = {0};
	bool whole = true;

	for (size_t i = 0; i < t->n_flows; i++) {
		const struct flow *f = &t->flows[i];

		add(&sum, &f->of[phase]);
		if (is_whole(&f->of[phase]))
			continue;
		whole = false;
		json_array_append_new(flows, count_json(f->name, &f->of[phase]));
		print_count(f->name, &f->of[phase]);
	}
	print_count(p->name, &sum);
	j = count_json(p->name, &sum);
	json_object_set_new(j, "whole", json_boolean(whole));
	json_object_set_new(j, "seconds", json_real(p->to - p->from));
	json_object_set_new(j, "behind_ms", json_real(p->behind_ms));
	json_object_set_new(j, "flows", flows);
	json_array_append_new(phases, j);
	return whole;
}

int report(struct tool *t, const char *file, bool *ret_whole, struct err *e)
{
	json_t *all, *phases = json_array();
	int r = 0;

	find_losses(t);
	*ret_whole = true;
	print_head();
	for (size_t i = 1; i < t->n_phases; i++)
		*ret_whole &= report_phase(t, i, phases);
	all = json_pack("{s:i, s:f, s:b, s:b, s:o}", "flows", (int)t->n_flows, "rate", t->rate,
			"overflow", t->overflow, "whole", *ret_whole, "phases", phases);
	if (file && json_dump_file(all, file, JSON_INDENT(1)) < 0)
		r = err_set(e, EIO, "%s: cannot be written", file);
	json_decref(all);
	return r;
}

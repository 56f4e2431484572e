/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traffic that notices everything: does a change of a running lab disturb anybody else?
 *
 *	disturb_tool [-r RATE] [-t SECONDS] [-o FILE] FLOWS SERVER-NETNS SERVER-ADDRESS
 *
 * FLOWS: a file of lines "NAME NETNS SOURCE".  For each, numbered UDP packets go from SOURCE in
 * NETNS to an echo server on SERVER-ADDRESS, RATE (20) a second and evenly spread, and as many
 * numbered records over one long TCP connection; both come back.  What is counted belongs to the
 * phase in which it was sent.  On standard input:
 *
 *	phase NAME [SECONDS]	from now on; after SECONDS "over NAME" is printed
 *
 * The end of standard input is the end: what is still on its way is waited for.  "ready" is printed
 * once each flow has heard itself by both ways; what happened before is no phase and counts nowhere.
 * The table goes to standard error, the same as JSON into FILE.
 *
 * Exit status: 0 nothing was lost, 1 something was, 2 usage, 3 it could not be tried.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "tests/system/disturb.h"

#define READY_MS  60000
#define DRAIN_MS  10000 /* the longest that a straggler is waited for */
#define QUIET_MS  3000  /* … after the last one that came */
#define BEHIND_MS 50    /* later than this, what is due is left out rather than sent at once */

static int usage(void)
{
	fputs("usage: disturb_tool [-r RATE] [-t SECONDS] [-o FILE] FLOWS SERVER-NETNS "
	      "SERVER-ADDRESS\n",
	      stderr);
	return 2;
}

/* --- phases ----------------------------------------------------------------------------------- */

static void end_phase(struct tool *t)
{
	count_segments(t);
	t->phases[t->n_phases - 1].to = clock_seconds();
}

static void begin_phase(struct tool *t, const char *name, double seconds)
{
	struct phase *p = &t->phases[t->n_phases];

	if (t->n_phases)
		end_phase(t);
	*p = (struct phase){.from = clock_seconds()};
	p->until = seconds > 0 ? p->from + seconds : 0;
	snprintf(p->name, sizeof(p->name), "%s", name);
	t->n_phases++;
}

static void say(const char *word, const char *name)
{
	printf("%s%s%s\n", word, *name ? " " : "", name);
	fflush(stdout);
}

static int obey(struct tool *t, struct err *e)
{
	static char line[256];
	static size_t n;
	char name[NAME_LENGTH], *end;
	ssize_t got = read(0, line + n, sizeof(line) - 1 - n);

	if (got <= 0) {
		t->ending = true;
		epoll_ctl(t->epoll, EPOLL_CTL_DEL, 0, NULL);
		return 0;
	}
	n += (size_t)got;
	line[n] = '\0';
	while ((end = strchr(line, '\n'))) {
		double seconds = 0;

		*end = '\0';
		if (sscanf(line, "phase %63s %lf", name, &seconds) < 1 || t->n_phases == PHASES_MAX)
			return err_set(e, EINVAL, "not understood: %s", line);
		begin_phase(t, name, seconds);
		n -= (size_t)(end + 1 - line);
		memmove(line, end + 1, n + 1);
	}
	return 0;
}

/* --- the loop -------------------------------------------------------------------------------- */

/* for at most @ms, and all that has come */
static int listen_for(struct tool *t, int ms, struct err *e)
{
	struct epoll_event ev[64];
	int n = epoll_wait(t->epoll, ev, ARRAY_SIZE(ev), ms), r = 0;

	if (n < 0 && errno != EINTR)
		return err_errno(e, "epoll");
	for (int i = 0; i < n && !r; i++)
		r = ev[i].data.ptr ? receive(t, ev[i].data.ptr, e) : obey(t, e);
	return r;
}

static bool all_heard(const struct tool *t)
{
	for (size_t i = 0; i < t->n_flows; i++)
		if (!t->flows[i].heard_udp || !t->flows[i].heard_tcp)
			return false;
	return true;
}

static int not_ready(const struct tool *t, struct err *e)
{
	for (size_t i = 0; i < t->n_flows; i++)
		if (!t->flows[i].heard_udp || !t->flows[i].heard_tcp)
			return err_set(e, ETIMEDOUT, "%s: no answer by %s", t->flows[i].name,
				       t->flows[i].heard_udp ? "TCP" : "UDP");
	return 0;
}

/* what is due: one packet and one record of each flow in turn */
static int send_due(struct tool *t, double *next, size_t *turn, struct err *e)
{
	const double gap = 1 / (t->rate * (double)t->n_flows);
	double clock = clock_seconds(), behind_ms = (clock - *next) * 1000;
	struct phase *p = &t->phases[t->n_phases - 1];
	int r = 0;

	if (behind_ms > p->behind_ms)
		p->behind_ms = behind_ms;
	if (behind_ms > BEHIND_MS)
		*next = clock;
	for (; *next <= clock && !r; *next += gap) {
		struct flow *f = &t->flows[(*turn)++ % t->n_flows];

		r = send_packet(t, f, e);
		send_record(t, f);
	}
	return r;
}

static int run(struct tool *t, double limit, struct err *e)
{
	const double begun = clock_seconds();
	double next = begun;
	size_t turn = 0;
	int r = 0;

	begin_phase(t, "start", 0);
	while (!t->ending && !r) {
		struct phase *p = &t->phases[t->n_phases - 1];

		if (clock_seconds() - begun > limit)
			return err_set(e, ETIMEDOUT, "not told to end within %.0f s", limit);
		if (!t->ready && (t->ready = all_heard(t)))
			say("ready", "");
		if (!t->ready && clock_seconds() - begun > READY_MS / 1000.0)
			return not_ready(t, e);
		if (p->until > 0 && clock_seconds() > p->until) {
			p->until = 0;
			say("over", p->name);
		}
		r = send_due(t, &next, &turn, e);
		if (!r)
			r = listen_for(t, 1, e);
	}
	return r;
}

static bool all_back(const struct tool *t)
{
	for (size_t i = 0; i < t->n_flows; i++) {
		const struct flow *f = &t->flows[i];

		for (size_t k = f->n_packets; k-- > 0;)
			if (!f->packets[k].back && f->packets[k].phase)
				return false;
		for (size_t k = 1; k < t->n_phases; k++)
			if (f->of[k].records_lost)
				return false;
	}
	return true;
}

static int drain(struct tool *t, struct err *e)
{
	const double begun = clock_seconds();
	int r = 0;

	t->last_came = begun;
	while (!r && !all_back(t) && clock_seconds() - begun < DRAIN_MS / 1000.0 &&
	       clock_seconds() - t->last_came < QUIET_MS / 1000.0)
		r = listen_for(t, 10, e);
	end_phase(t);
	return r;
}

/* --- the whole ----------------------------------------------------------------------------------- */

static int read_flows(struct tool *t, const char *file, struct err *e)
{
	char source[INET6_ADDRSTRLEN + 1];
	_cleanup_free_ char *text = NULL;
	int used, r = io_read_file(file, 1 << 20, &text, NULL, e);
	struct flow f = {.udp = -1};

	for (const char *at = text;
	     !r && sscanf(at, "%63s %63s %46s %n", f.name, f.netns, source, &used) == 3;
	     at += used) {
		struct flow *grown = realloc(t->flows, (t->n_flows + 1) * sizeof(*grown));

		if (!grown)
			return err_code(e, ENOMEM, "flows");
		t->flows = grown;
		if (ip_addr_parse(source, &f.source) < 0)
			return err_set(e, EINVAL, "%s: not an address: %s", file, source);
		t->flows[t->n_flows++] = f;
	}
	return r < 0 || t->n_flows ? r : err_set(e, EINVAL, "%s: no flows", file);
}

static int begin(struct tool *t, char **argv, struct err *e)
{
	struct ip_addr server;
	int r;

	if (ip_addr_parse(argv[2], &server) < 0)
		return err_set(e, EINVAL, "not an address: %s", argv[2]);
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll < 0)
		return err_errno(e, "epoll");
	r = read_flows(t, argv[0], e);
	if (!r)
		r = watch(t, 0, NULL, e);
	if (!r)
		r = open_server(t, argv[1], &server, e);
	for (size_t i = 0; i < t->n_flows && !r; i++)
		r = open_flow(t, &t->flows[i], &server, e);
	return r;
}

int main(int argc, char **argv)
{
	struct tool t = {.rate = 20};
	struct err e = ERR_INIT;
	const char *file = NULL;
	double limit = 300;
	bool whole = false;
	int opt, r;

	while ((opt = getopt(argc, argv, "r:t:o:")) != -1) {
		if (opt == 'r')
			t.rate = strtod(optarg, NULL);
		else if (opt == 't')
			limit = strtod(optarg, NULL);
		else if (opt == 'o')
			file = optarg;
		else
			return usage();
	}
	if (argc - optind != 3 || !(t.rate > 0) || !(limit > 0))
		return usage();
	r = begin(&t, argv + optind, &e);
	if (!r)
		r = run(&t, limit, &e);
	if (!r)
		r = drain(&t, &e);
	if (!r)
		r = report(&t, file, &whole, &e);
	close_all(&t);
	if (!r)
		return whole ? 0 : 1;
	fprintf(stderr, "disturb_tool: %s\n", e.msg);
	return 3;
}

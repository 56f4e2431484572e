/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a lab still whole?  What was recorded, and what the model wants, is looked for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/nl.h"
#include "base/ns.h"
#include "base/proc.h"
#include "lab/lab.h"
#include "lab/tunnel.h"
#include "nat/rules.h"
#include "netns/link.h"
#include "netns/pin.h"

struct health {
	const struct lab *l;
	void (*fn)(const char *text, void *arg);
	void *arg;
	int problems;
	int here;       /* the caller's namespace */
	bool elsewhere; /* host mode: that is not the host */
};

static void problem(struct health *h, const char *kind, const char *name, const char *what)
{
	char text[512];

	snprintf(text, sizeof(text), "%s %s %s", kind, name, what);
	h->problems++;
	if (h->fn)
		h->fn(text, h->arg);
}

static bool is_same_netns(const struct record *rec)
{
	struct err why = ERR_INIT;
	_cleanup_close_ int fd = netns_open(rec->text, &why);
	_cleanup_close_ int sock = -1;
	uint64_t cookie;

	if (fd < 0 || ns_enter(fd, &why) < 0)
		return false;
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return sock >= 0 && ns_cookie(sock, &cookie, &why) == 0 && cookie == rec->number;
}

/* --- what the model wants and a namespace may have lost ------------------------------------ */

static void check_link(struct health *h, struct chan *rtnl, const struct ifname *ifname,
		       const char *kind, const char *name)
{
	struct err why = ERR_INIT;
	uint32_t index;
	char text[200];

	if (link_index(rtnl, ifname->name, &index, &why) != -ENODEV)
		return;
	snprintf(text, sizeof(text), "has lost its interface %s", ifname->full);
	problem(h, kind, name, text);
}

static void check_napt(struct health *h, const char *kind, const char *name)
{
	_cleanup_close_ int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	enum nat_found found = NAT_OURS;
	struct err why = ERR_INIT;
	char owner[64];

	if (sock >= 0 && nat_find(sock, napt_owner(h->l->t, owner), &found, &why) == 0 &&
	    found != NAT_OURS)
		problem(h, kind, name, "has lost its NAPT rules");
}

/* enters the namespace called @netns (NULL: the caller's); NULL: it is gone, which is said */
static struct chan *enter(const struct health *h, const char *netns)
{
	struct err why = ERR_INIT;
	_cleanup_close_ int fd = netns ? netns_open(netns, &why) : dup(h->here);
	struct chan *c = NULL;

	if (fd < 0 || ns_enter(fd, &why) < 0 || chan_open_here(NETLINK_ROUTE, &c, &why) < 0)
		return NULL;
	return c;
}

static void check_tenants(struct health *h, const struct gateway *gw)
{
	for (size_t i = 0; i < gw->n_tenants; i++) {
		const struct tenant *t = &gw->tenants[i];
		struct chan *c = enter(h, t->netns);

		if (!c)
			continue;
		check_link(h, c, &t->outside_if, "tenant", t->name);
		if (h->l->backend != BACKEND_NONE)
			check_link(h, c, &t->tunnel_if, "tenant", t->name);
		check_napt(h, "tenant", t->name);
		chan_close(c);
	}
}

static void check_host(struct health *h, const struct host *host)
{
	/* host mode, asked from elsewhere: of the host itself nothing can be said */
	bool elsewhere = h->l->host && h->elsewhere;
	struct chan *c = elsewhere ? NULL : enter(h, h->l->host ? NULL : host->netns);

	for (size_t i = 0; c && i < host->n_attachments; i++)
		check_link(h, c, &host->attachments[i].ifname, "host", host->name);
	for (size_t i = 0; c && i < host->n_bridges; i++)
		check_link(h, c, &host->bridges[i].ifname, "host", host->name);
	for (size_t i = 0; c && i < host->n_tunnels && h->l->backend != BACKEND_NONE; i++)
		check_link(h, c, &host->tunnels[i].ifname, "host", host->name);
	if (c && host->n_napts)
		check_napt(h, "host", host->name);
	chan_close(c);
	if (host->gateway)
		check_tenants(h, host->gateway);
}

static int check_model(struct health *h, struct err *e)
{
	const struct topology *t = h->l->t;

	struct err why = ERR_INIT;

	h->elsewhere = lab_is_here(h->l, &why) < 0;
	h->here = ns_open_self(e);
	if (h->here < 0)
		return h->here;
	for (size_t i = 0; i < t->n_hosts; i++)
		if (!h->l->host || h->l->host == &t->hosts[i])
			check_host(h, &t->hosts[i]);
	close(h->here);
	return h->problems;
}

static int check_records(void *arg, struct err *e)
{
	struct health *h = arg;
	size_t n;
	const struct record *recs = journal_records(h->l->journal, &n);
	int r = check_model(h, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct proc_id id = {.pid = (pid_t)recs[i].index, .start = recs[i].number};

		if (!recs[i].live)
			continue;
		if (recs[i].kind == REC_NETNS && !is_same_netns(&recs[i]))
			problem(h, "namespace", recs[i].text, "is gone");
		/* a program of run: may end, having done its work; a tunnel's may not */
		if (recs[i].kind == REC_PROCESS &&
		    !strncmp(recs[i].text, TUNNEL_PROCESS, strlen(TUNNEL_PROCESS)) &&
		    !proc_alive(&id))
			problem(h, "process", recs[i].text, "has ended");
	}
	return h->problems;
}

int lab_problems(const struct lab *l, void (*fn)(const char *text, void *arg), void *arg,
		 struct err *e)
{
	struct health h = {.l = l, .fn = fn, .arg = arg};

	return ns_run(-1, check_records, &h, e);
}

const char *lab_state_name(const struct lab *l)
{
	struct err why = ERR_INIT;

	switch (journal_state(l->journal)) {
	case LAB_UP:
		return lab_problems(l, NULL, NULL, &why) ? "degraded" : "up";
	case LAB_CHANGING:
		return "changing";
	case LAB_REMOVING:
		return "removing";
	default:
		return "making";
	}
}

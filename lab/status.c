/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/status.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/ns.h"
#include "netns/pin.h"
#include "netns/sysctl.h"

struct reader {
	const struct lab *l;
	struct lab_status *s;
	int here;
};

static int read_config(const struct lab *l, int ns_fd, struct tunnel_status *t)
{
	char uapi[320];
	const struct wg_handle h = {.kind = l->backend == BACKEND_KERNEL ? WG_KERNEL : WG_USERSPACE,
				    .ifname = t->ifname->name,
				    .home_ns = ns_fd,
				    .uapi_path = uapi};
	struct err why = ERR_INIT;
	int r;

	snprintf(uapi, sizeof(uapi), "%s/wg/%s/%s.sock", l->store.dir,
		 t->tenant ? t->tenant->netns : t->host->netns, t->ifname->name);
	r = wg_get(&h, &t->config, &why);
	t->alive = !r;
	if (r == -ECONNREFUSED || r == -ENOENT || r == -ECONNRESET || r == -EPIPE)
		snprintf(t->why, sizeof(t->why), "its wireguard-go has ended");
	else if (r == -ENODEV)
		snprintf(t->why, sizeof(t->why), "the interface is gone");
	else if (r < 0)
		snprintf(t->why, sizeof(t->why), "%.150s", why.msg);
	return r;
}

static void read_tunnel(const struct lab *l, const struct netns_status *ns, int ns_fd,
			struct tunnel_status *t)
{
	if (!read_config(l, ns_fd, t) && !links_find(&ns->links, t->ifname->name)) {
		t->alive = false;
		snprintf(t->why, sizeof(t->why), "the interface is gone");
	}
}

/* runs in a helper thread, which it leaves in the namespace */
static int read_netns(const struct reader *v, struct netns_status *ns, struct err *e)
{
	_cleanup_close_ int fd = ns->netns ? netns_open(ns->netns, e) : dup(v->here);
	struct err why = ERR_INIT;
	struct chan *c = NULL;
	char count[32];
	int r;

	if (fd < 0)
		return 0; /* gone: lab_problems() says so */
	r = ns_enter(fd, e);
	if (!r)
		r = chan_open_here(NETLINK_ROUTE, &c, e);
	if (r < 0)
		return r;
	r = links_observe(c, &ns->links, e);
	chan_close(c);
	if (r < 0)
		return r;
	ns->there = true;
	ns->has_sessions =
		sysctl_get("net.netfilter.nf_conntrack_count", count, sizeof(count), &why) == 0;
	if (ns->has_sessions)
		ns->sessions = strtoull(count, NULL, 10);
	for (size_t i = 0; i < ns->n_tunnels; i++)
		read_tunnel(v->l, ns, fd, &ns->tunnels[i]);
	return 0;
}

static void add_problem(const char *text, void *arg)
{
	struct lab_status *s = arg;
	char **grown = reallocarray(s->problems, s->n_problems + 1, sizeof(*grown));

	if (!grown)
		return;
	s->problems = grown;
	grown[s->n_problems] = strdup(text);
	s->n_problems += grown[s->n_problems] != NULL;
}

static int read_all(void *arg, struct err *e)
{
	struct reader *v = arg;
	int r = 0;

	v->here = ns_open_self(e);
	if (v->here < 0)
		return v->here;
	for (size_t i = 0; i < v->l->t->n_hosts && !r; i++)
		if (!v->l->host || v->l->host == &v->l->t->hosts[i])
			r = read_netns(v, &v->s->hosts[i], e);
	for (size_t i = 0; i < v->s->n_tenants && !r; i++)
		r = read_netns(v, &v->s->tenants[i], e);
	sysctl_view_end();
	close(v->here);
	return r;
}

static int set_tunnels(struct netns_status *ns, const struct lab *l, const struct host *h,
		       const struct tenant *t)
{
	ns->netns = t ? t->netns : l->host ? NULL : h->netns;
	ns->n_tunnels = l->backend == BACKEND_NONE ? 0 : t ? 1 : h->n_tunnels;
	ns->tunnels = calloc(ns->n_tunnels ? ns->n_tunnels : 1, sizeof(*ns->tunnels));
	if (!ns->tunnels)
		return -ENOMEM;
	for (size_t i = 0; i < ns->n_tunnels; i++)
		ns->tunnels[i] =
			(struct tunnel_status){.host = h,
					       .tenant = t,
					       .ifname = t ? &t->tunnel_if : &h->tunnels[i].ifname};
	return 0;
}

static int set_up(const struct lab *l, struct lab_status *s)
{
	const struct topology *t = l->t;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < t->n_hosts; i++)
		if (t->hosts[i].gateway && (!l->host || l->host == &t->hosts[i]))
			n += t->hosts[i].gateway->n_tenants;
	s->hosts = calloc(t->n_hosts + 1, sizeof(*s->hosts));
	s->tenants = calloc(n ? n : 1, sizeof(*s->tenants));
	if (!s->hosts || !s->tenants)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_hosts && !r; i++) {
		const struct host *h = &t->hosts[i];

		r = set_tunnels(&s->hosts[i], l, h, NULL);
		if (!h->gateway || (l->host && l->host != h))
			continue;
		for (size_t k = 0; k < h->gateway->n_tenants && !r; k++)
			r = set_tunnels(&s->tenants[s->n_tenants++], l, h, &h->gateway->tenants[k]);
	}
	return r;
}

int lab_status_read(const struct lab *l, struct lab_status *ret, struct err *e)
{
	struct lab_status s = {0};
	struct reader v = {l, &s, -1};
	int r = lab_is_here(l, e);

	if (r < 0)
		return r;
	r = set_up(l, &s);
	if (r < 0)
		err_code(e, -r, "lab %s", l->t->name);
	else
		r = ns_run(-1, read_all, &v, e);
	if (!r)
		r = lab_problems(l, add_problem, &s, e);
	if (r < 0) {
		lab_status_free(l, &s);
		return r;
	}
	*ret = s;
	return 0;
}

static void clear_netns(struct netns_status *ns)
{
	links_seen_free(&ns->links);
	for (size_t i = 0; i < ns->n_tunnels && ns->tunnels; i++)
		wg_config_free(&ns->tunnels[i].config);
	free(ns->tunnels);
}

void lab_status_free(const struct lab *l, struct lab_status *s)
{
	for (size_t i = 0; s->hosts && i < l->t->n_hosts; i++)
		clear_netns(&s->hosts[i]);
	for (size_t i = 0; i < s->n_tenants; i++)
		clear_netns(&s->tenants[i]);
	for (size_t i = 0; i < s->n_problems; i++)
		free(s->problems[i]);
	free(s->hosts);
	free(s->tenants);
	free(s->problems);
	*s = (struct lab_status){0};
}

int lab_tunnel_read(const struct lab *l, const struct tenant *t, struct tunnel_status *ret,
		    struct err *e)
{
	struct tunnel_status s = {.tenant = t, .ifname = &t->tunnel_if};
	const char *netns;
	_cleanup_close_ int ns = lab_ns_open(l, t->netns, &netns, e);

	if (ns < 0)
		return err_wrap(e, "tenant %s", t->name);
	if (l->backend == BACKEND_NONE)
		snprintf(s.why, sizeof(s.why), "the lab is without tunnels");
	else
		read_config(l, ns, &s);
	*ret = s;
	return 0;
}

void lab_tunnel_clear(struct tunnel_status *t)
{
	wg_config_free(&t->config);
}

const struct wg_peer *tunnel_peer_of(const struct tunnel_status *t, const struct ip_addr *a)
{
	const struct wg_peer *best = NULL;
	unsigned int len = 0;

	for (size_t i = 0; i < t->config.n_peers; i++) {
		const struct wg_peer *p = &t->config.peers[i];

		for (size_t k = 0; k < p->n_allowed_ips; k++)
			if (ip_prefix_contains(&p->allowed_ips[k], a) &&
			    (!best || p->allowed_ips[k].len > len)) {
				best = p;
				len = p->allowed_ips[k].len;
			}
	}
	return best;
}

const char *peer_name(const struct lab *l, const struct tunnel_status *t,
		      const uint8_t public_key[static WG_KEY_LEN], char *buf, size_t size)
{
	const struct tunnel *tunnel =
		t->tenant ? NULL
			  : (const struct tunnel *)((const char *)t->ifname -
						    offsetof(struct tunnel, ifname));
	const struct peer *peers = t->tenant ? t->tenant->peers : tunnel->peers;
	size_t n = t->tenant ? t->tenant->n_peers : tunnel->n_peers;

	for (size_t i = 0; i < n; i++) {
		const struct peer *p = &peers[i];
		const struct host *h;

		if (memcmp(p->public_key.bytes, public_key, WG_KEY_LEN) || !p->public_key.present)
			continue;
		if (p->name || p->ref == PEER_BY_KEY)
			return p->name;
		h = &l->t->hosts[p->ref_host];
		snprintf(buf, size, "%s/%s", h->name,
			 p->ref == PEER_BY_HOST ? h->tunnels[p->ref_index].ifname.full
						: h->gateway->tenants[p->ref_index].name);
		return buf;
	}
	return NULL;
}

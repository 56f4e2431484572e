/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/tunnel.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/ns.h"

#define MBIT UINT64_C(125000) /* bytes */

struct lookup {
	const char *name;
	uint16_t port;
	struct ip_endpoint found;
};

static int look_up(void *arg, struct err *e)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
	struct lookup *l = arg;
	struct addrinfo *list;
	int r = getaddrinfo(l->name, NULL, &hints, &list);

	if (r)
		return err_set(e, EHOSTUNREACH, "endpoint %s: %s", l->name, gai_strerror(r));
	r = ip_from_sockaddr(list->ai_addr, &l->found);
	freeaddrinfo(list);
	l->found.port = l->port;
	return r < 0 ? err_code(e, -r, "endpoint %s", l->name) : 0;
}

/* @c: only what it names; NULL: all */
static int peer_config(const struct peer *p, const struct peer_change *c, int birth_ns,
		       struct wg_peer *ret, struct err *e)
{
	bool endpoint = p->has_endpoint && (!c || c->endpoint);

	*ret = (struct wg_peer){.replace_allowed_ips = !c || c->allowed_ips,
				.has_preshared_key = c ? c->preshared_key
						       : p->preshared_key.present,
				.has_endpoint = endpoint,
				.endpoint = p->endpoint,
				.has_keepalive = !c || c->keepalive,
				.keepalive = p->persistent_keepalive};
	memcpy(ret->public_key, p->public_key.bytes, WG_KEY_LEN);
	memcpy(ret->preshared_key, p->preshared_key.bytes, WG_KEY_LEN);
	if (endpoint && p->endpoint_name) {
		struct lookup l = {.name = p->endpoint_name, .port = p->endpoint.port};
		int r = ns_run(birth_ns, look_up, &l, e);

		if (r < 0)
			return r;
		ret->endpoint = l.found;
	}
	if (!p->allowed_ips.n || !ret->replace_allowed_ips)
		return 0;
	ret->allowed_ips = calloc(p->allowed_ips.n, sizeof(*ret->allowed_ips));
	if (!ret->allowed_ips)
		return err_code(e, ENOMEM, "peer");
	memcpy(ret->allowed_ips, p->allowed_ips.v, p->allowed_ips.n * sizeof(*ret->allowed_ips));
	ret->n_allowed_ips = p->allowed_ips.n;
	return 0;
}

int tunnel_config(const struct plan_tunnel *k, int birth_ns, struct wg_config *ret, struct err *e)
{
	const struct key *key = k->tenant ? &k->tenant->private_key : &k->tunnel->private_key;
	const struct peer *peers = k->tenant ? k->tenant->peers : k->tunnel->peers;
	size_t n = k->tenant ? k->tenant->n_peers : k->tunnel->n_peers;
	struct wg_config c = {.has_private_key = true, .replace_peers = true};

	memcpy(c.private_key, key->bytes, WG_KEY_LEN);
	c.has_listen_port = k->tenant || k->tunnel->has_listen_port;
	c.listen_port = k->tenant ? k->tenant->listen_port : k->tunnel->listen_port;
	c.has_fwmark = k->tunnel && k->tunnel->fwmark;
	c.fwmark = k->tunnel ? k->tunnel->fwmark : 0;
	c.peers = calloc(n ? n : 1, sizeof(*c.peers));
	if (!c.peers)
		return err_code(e, ENOMEM, "tunnel %s", k->ifname->full);
	for (; c.n_peers < n; c.n_peers++) {
		int r = peer_config(&peers[c.n_peers], NULL, birth_ns, &c.peers[c.n_peers], e);

		if (r < 0) {
			wg_config_free(&c);
			return r;
		}
	}
	*ret = c;
	return 0;
}

int tunnel_change_config(const struct plan_tunnel *k, const struct tunnel_change *change,
			 int birth_ns, struct wg_config *ret, struct err *e)
{
	const struct key *key = k->tenant ? &k->tenant->private_key : &k->tunnel->private_key;
	struct wg_config c = {.has_private_key = change->private_key,
			      .has_listen_port = change->listen_port || change->release_port,
			      .has_fwmark = change->fwmark,
			      .fwmark = k->tenant ? 0 : k->tunnel->fwmark};

	if (change->private_key)
		memcpy(c.private_key, key->bytes, WG_KEY_LEN);
	if (change->listen_port)
		c.listen_port = k->tenant ? k->tenant->listen_port : k->tunnel->listen_port;
	c.peers = calloc(change->n_peers + 1, sizeof(*c.peers));
	if (!c.peers)
		return err_code(e, ENOMEM, "tunnel %s", k->ifname->full);
	for (; c.n_peers < change->n_peers; c.n_peers++) {
		const struct peer_change *p = &change->peers[c.n_peers];
		struct wg_peer *w = &c.peers[c.n_peers];
		int r = 0;

		if (p->peer)
			r = peer_config(p->peer, p, birth_ns, w, e);
		else
			*w = (struct wg_peer){.remove = true};
		memcpy(w->public_key, p->public_key, WG_KEY_LEN);
		if (r < 0) {
			wg_config_free(&c);
			return r;
		}
	}
	*ret = c;
	return 0;
}

const char *napt_owner(const struct topology *t, char buf[static 64])
{
	snprintf(buf, 64, "warren lab %s", t->name);
	return buf;
}

static int tenant_ruleset(const struct nat_spec *base, const struct tenant *tenant,
			  struct nat_ruleset **ret, struct err *e)
{
	struct ip_addr *addresses = calloc(tenant->napt_addresses.n, sizeof(*addresses));
	struct nat_forward *forwards = calloc(tenant->n_forwards + 1, sizeof(*forwards));
	const struct nat_tenant nt = {.inside = tenant->tunnel_if.name,
				      .outside = tenant->outside_if.name,
				      .addresses = addresses,
				      .n_addresses = tenant->napt_addresses.n,
				      .has_ports = tenant->has_ports,
				      .port_first = tenant->port_first,
				      .port_last = tenant->port_last,
				      .forwards = forwards,
				      .n_forwards = tenant->n_forwards,
				      .sessions = tenant->limits.sessions,
				      .new_sessions_per_second =
					      tenant->limits.new_sessions_per_second,
				      .upload_rate = tenant->limits.upload_mbit * MBIT,
				      .download_rate = tenant->limits.download_mbit * MBIT};
	struct nat_spec spec = *base;
	int r;

	if (!addresses || !forwards) {
		free(addresses);
		free(forwards);
		return err_code(e, ENOMEM, "NAPT rules");
	}
	for (size_t i = 0; i < tenant->n_forwards; i++) {
		const struct forward *f = &tenant->forwards[i];

		forwards[i] = (struct nat_forward){.tcp = f->tcp,
						   .udp = f->udp,
						   .port_first = f->port_first,
						   .port_last = f->port_last,
						   .to = f->to,
						   .has_to_port = f->has_to_port,
						   .to_port = f->to_port};
	}
	for (size_t i = 0; i < nt.n_addresses; i++)
		addresses[i] = tenant->napt_addresses.v[i].addr;
	spec.tenant = &nt;
	r = nat_ruleset_build(&spec, ret, e);
	free(addresses);
	free(forwards);
	return r;
}

static int plain_ruleset(const struct nat_spec *base, const struct host *host,
			 struct nat_ruleset **ret, struct err *e)
{
	struct nat_plain *plain = calloc(host->n_napts, sizeof(*plain));
	struct nat_spec spec = *base;
	int r;

	if (!plain)
		return err_code(e, ENOMEM, "NAPT rules");
	for (size_t i = 0; i < host->n_napts; i++) {
		const struct napt_rule *n = &host->napts[i];

		plain[i] = (struct nat_plain){.out = n->out,
					      .sources = n->sources.v,
					      .n_sources = n->sources.n,
					      .has_to = n->has_to,
					      .to = n->to,
					      .has_ports = n->has_ports,
					      .port_first = n->port_first,
					      .port_last = n->port_last};
	}
	spec.plain = plain;
	spec.n_plain = host->n_napts;
	r = nat_ruleset_build(&spec, ret, e);
	free(plain);
	return r;
}

int napt_ruleset(const struct topology *t, const struct tenant *tenant, const struct host *host,
		 struct nat_ruleset **ret, struct err *e)
{
	char owner[64];
	const struct nat_spec base = {.owner = napt_owner(t, owner)};

	return tenant ? tenant_ruleset(&base, tenant, ret, e) : plain_ruleset(&base, host, ret, e);
}

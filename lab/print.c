/* SPDX-License-Identifier: GPL-2.0-or-later */
/* the model as YAML, in a fixed order; what was not given and has no default is left out */
#include "lab/load.h"
#include "lab/print_text.h"
#include "wg/key.h"

#define TABLE_MAIN 254

static void print_network(struct printer *p, const struct network *net)
{
	if (!net->prefixes.n && !net->mtu) {
		print_empty(p, net->name);
		return;
	}
	print_open(p, net->name);
	print_prefixes(p, "prefixes", &net->prefixes);
	if (net->mtu)
		print_number(p, "mtu", net->mtu);
	print_close(p);
}

static void print_attachment(struct printer *p, const struct topology *t,
			     const struct attachment *a)
{
	print_open(p, t->networks[a->network].name);
	print_text(p, "interface", a->ifname.full);
	print_prefixes(p, "addresses", &a->addresses);
	print_close(p);
}

static void print_bridge(struct printer *p, const struct bridge *b)
{
	if (!b->addresses.n && !b->mtu) {
		print_empty(p, b->ifname.full);
		return;
	}
	print_open(p, b->ifname.full);
	print_prefixes(p, "addresses", &b->addresses);
	if (b->mtu)
		print_number(p, "mtu", b->mtu);
	print_close(p);
}

static void print_routes(struct printer *p, const struct route *routes, size_t n)
{
	if (!n)
		return;
	print_open(p, "routes");
	p->depth++;
	for (size_t i = 0; i < n; i++) {
		const struct route *r = &routes[i];
		char buf[IP_PREFIX_STRLEN];

		p->item = true;
		/* not "default": its family would depend on via */
		print_text(p, "to", ip_prefix_format(&r->to, buf));
		if (r->has_via)
			print_address(p, "via", &r->via);
		print_text(p, "dev", r->dev);
		if (r->has_metric)
			print_number(p, "metric", r->metric);
		if (r->table != TABLE_MAIN)
			print_number(p, "table", r->table);
	}
	p->depth--;
	print_close(p);
}

/* "host: HOST/IF" or "tenant: HOST/TENANT" */
static void print_reference(struct printer *p, const struct topology *t, const struct peer *peer)
{
	const struct host *h = &t->hosts[peer->ref_host];
	bool tenant = peer->ref == PEER_BY_TENANT;
	const char *name = tenant ? h->gateway->tenants[peer->ref_index].name
				  : h->tunnels[peer->ref_index].ifname.full;
	char text[NETNS_NAME_MAX + ALT_NAME_MAX + 2];

	snprintf(text, sizeof(text), "%s/%s", h->name, name);
	print_text(p, tenant ? "tenant" : "host", text);
}

static void print_peer_endpoint(struct printer *p, const struct peer *peer)
{
	if (!peer->has_endpoint)
		return;
	if (!peer->endpoint_name) {
		print_endpoint(p, "endpoint", &peer->endpoint);
		return;
	}
	print_indent(p);
	fprintf(p->out, "endpoint: \"%s:%u\"\n", peer->endpoint_name, peer->endpoint.port);
}

static void print_peer(struct printer *p, const struct topology *t, const struct peer *peer)
{
	char buf[WG_KEY_BASE64_LEN];

	p->item = true;
	if (peer->ref == PEER_BY_KEY)
		print_text(p, "public_key", wg_key_format(peer->public_key.bytes, buf));
	else
		print_reference(p, t, peer);
	print_text(p, "name", peer->name);
	print_key(p, "preshared_key", &peer->preshared_key);
	print_text(p, "preshared_key_file", peer->preshared_key_file);
	print_peer_endpoint(p, peer);
	print_prefixes(p, "allowed_ips", &peer->allowed_ips);
	if (peer->persistent_keepalive)
		print_number(p, "persistent_keepalive", peer->persistent_keepalive);
}

static void print_peers(struct printer *p, const struct topology *t, const struct peer *peers,
			size_t n)
{
	if (!n)
		return;
	print_open(p, "peers");
	p->depth++;
	for (size_t i = 0; i < n; i++)
		print_peer(p, t, &peers[i]);
	p->depth--;
	print_close(p);
}

static void print_tunnel(struct printer *p, const struct topology *t, const struct tunnel *tun)
{
	print_open(p, tun->ifname.full);
	print_key(p, "private_key", &tun->private_key);
	print_text(p, "private_key_file", tun->private_key_file);
	if (tun->has_listen_port)
		print_number(p, "listen_port", tun->listen_port);
	print_prefixes(p, "addresses", &tun->addresses);
	print_number(p, "mtu", tun->mtu);
	if (tun->fwmark)
		print_number(p, "fwmark", tun->fwmark);
	print_peers(p, t, tun->peers, tun->n_peers);
	print_close(p);
}

static void print_ports(struct printer *p, const char *key, uint16_t first, uint16_t last)
{
	print_indent(p);
	fprintf(p->out, "%s: %u", key, first);
	if (last != first)
		fprintf(p->out, "-%u", last);
	fputc('\n', p->out);
}

static void print_forward(struct printer *p, const struct forward *f)
{
	struct ip_endpoint to = {.addr = f->to, .port = f->to_port};

	p->item = true;
	print_text(p, "proto", f->tcp && f->udp ? "both" : f->udp ? "udp" : "tcp");
	print_ports(p, "port", f->port_first, f->port_last);
	if (f->has_to_port)
		print_endpoint(p, "to", &to);
	else
		print_address(p, "to", &f->to);
}

static void print_limit(struct printer *p, const char *key, uint32_t value)
{
	if (value)
		print_number(p, key, value);
}

static void print_tenant_nat(struct printer *p, const struct tenant *t)
{
	if (t->n_forwards) {
		print_open(p, "forwards");
		p->depth++;
		for (size_t i = 0; i < t->n_forwards; i++)
			print_forward(p, &t->forwards[i]);
		p->depth--;
		print_close(p);
	}
	if (t->limits.sessions || t->limits.new_sessions_per_second || t->limits.upload_mbit ||
	    t->limits.download_mbit) {
		print_open(p, "limits");
		print_limit(p, "sessions", t->limits.sessions);
		print_limit(p, "new_sessions_per_second", t->limits.new_sessions_per_second);
		print_limit(p, "upload_mbit", t->limits.upload_mbit);
		print_limit(p, "download_mbit", t->limits.download_mbit);
		print_close(p);
	}
	if (t->has_ports) {
		print_open(p, "napt");
		print_ports(p, "ports", t->port_first, t->port_last);
		print_close(p);
	}
}

static void print_tenant_dns(struct printer *p, const struct tenant *t)
{
	char buf[INET6_ADDRSTRLEN];

	if (!t->n_dns)
		return;
	print_indent(p);
	for (size_t i = 0; i < t->n_dns; i++)
		fprintf(p->out, "%s\"%s\"", i ? ", " : "dns: [", ip_addr_format(&t->dns[i], buf));
	fputs("]\n", p->out);
}

static void print_tenant(struct printer *p, const struct topology *topo, const struct tenant *t)
{
	print_open(p, t->name);
	print_number(p, "number", t->number);
	print_text(p, "netns", t->netns);
	if (t->has_own_key) {
		print_key(p, "private_key", &t->private_key);
		print_text(p, "private_key_file", t->private_key_file);
	}
	print_number(p, "listen_port", t->listen_port);
	print_prefixes(p, "napt_addresses", &t->napt_addresses);
	print_peers(p, topo, t->peers, t->n_peers);
	print_routes(p, t->routes, t->n_routes);
	print_tenant_nat(p, t);
	print_tenant_dns(p, t);
	if (t->n_labels) {
		print_open(p, "labels");
		for (size_t i = 0; i < t->n_labels; i++)
			print_text(p, t->labels[i].key, t->labels[i].value);
		print_close(p);
	}
	print_close(p);
}

static void print_gateway(struct printer *p, const struct topology *t, const struct host *h)
{
	const struct gateway *g = h->gateway;

	print_open(p, "gateway");
	print_text(p, "bridge", h->bridges[g->bridge].ifname.full);
	print_key(p, "private_key", &g->private_key);
	print_text(p, "private_key_file", g->private_key_file);
	print_number(p, "mtu", g->mtu);
	if (g->n_tenants) {
		print_open(p, "tenants");
		for (size_t i = 0; i < g->n_tenants; i++)
			print_tenant(p, t, &g->tenants[i]);
		print_close(p);
	}
	print_close(p);
}

static void print_napts(struct printer *p, const struct host *h)
{
	if (!h->n_napts)
		return;
	print_open(p, "napt");
	p->depth++;
	for (size_t i = 0; i < h->n_napts; i++) {
		const struct napt_rule *r = &h->napts[i];

		p->item = true;
		print_text(p, "out", r->out);
		print_prefixes(p, "source", &r->sources);
		if (r->has_to)
			print_address(p, "to", &r->to);
		if (r->has_ports)
			print_ports(p, "ports", r->port_first, r->port_last);
	}
	p->depth--;
	print_close(p);
}

static void print_runs(struct printer *p, const struct host *h)
{
	if (!h->n_runs)
		return;
	print_open(p, "run");
	p->depth++;
	for (size_t i = 0; i < h->n_runs; i++) {
		const struct run *r = &h->runs[i];
		size_t n = 0;

		while (r->argv[n])
			n++;
		p->item = true;
		print_strings(p, "command", r->argv, n, TEXT_COMMAND);
		if (r->has_ready) {
			print_open(p, "ready");
			print_endpoint(p, "tcp", &r->ready);
			print_close(p);
		}
	}
	p->depth--;
	print_close(p);
}

/* what a host has by name: networks, bridges, sysctls, tunnels */
static void print_host_named(struct printer *p, const struct topology *t, const struct host *h)
{
	if (h->n_attachments) {
		print_open(p, "networks");
		for (size_t i = 0; i < h->n_attachments; i++)
			print_attachment(p, t, &h->attachments[i]);
		print_close(p);
	}
	if (h->n_bridges) {
		print_open(p, "bridges");
		for (size_t i = 0; i < h->n_bridges; i++)
			print_bridge(p, &h->bridges[i]);
		print_close(p);
	}
	if (h->n_sysctls) {
		print_open(p, "sysctls");
		for (size_t i = 0; i < h->n_sysctls; i++)
			print_text(p, h->sysctls[i].key, h->sysctls[i].value);
		print_close(p);
	}
	if (h->n_tunnels) {
		print_open(p, "wireguard");
		for (size_t i = 0; i < h->n_tunnels; i++)
			print_tunnel(p, t, &h->tunnels[i]);
		print_close(p);
	}
}

static void print_host(struct printer *p, const struct topology *t, const struct host *h)
{
	print_open(p, h->name);
	print_text(p, "netns", h->netns);
	print_bool(p, "forwarding", h->forwarding);
	if (h->proxy_arp_ifs.n)
		print_strings(p, "proxy_arp", h->proxy_arp_ifs.v, h->proxy_arp_ifs.n, TEXT_PLAIN);
	else if (h->proxy_arp)
		print_bool(p, "proxy_arp", true);
	print_host_named(p, t, h);
	print_routes(p, h->routes, h->n_routes);
	print_napts(p, h);
	print_runs(p, h);
	if (h->gateway)
		print_gateway(p, t, h);
	print_close(p);
}

static void print_check(struct printer *p, const struct check *c)
{
	static const char *const methods[] = {[CHECK_ICMP] = "icmp",
					      [CHECK_DNS] = "dns",
					      [CHECK_TCP] = "tcp",
					      [CHECK_HTTP] = "http"};

	p->item = true;
	print_text(p, "name", c->name);
	print_text(p, "from", c->from);
	print_text(p, methods[c->method], c->target);
	print_text(p, "source", c->source);
	print_text(p, "expect", c->expect_ok ? "ok" : "fail");
	print_number(p, "retries", c->retries);
	print_indent(p);
	fprintf(p->out, "timeout: %ums\n", c->timeout_ms);
}

static void print_webhook(struct printer *p, const struct webhook *w)
{
	p->item = true;
	print_text(p, "url", w->url);
	print_text(p, "format", w->form ? "form" : "json");
	print_secret(p, "secret", w->secret);
	print_strings(p, "events", w->events.v, w->events.n, TEXT_PLAIN);
	print_strings(p, "tenants", w->tenants.v, w->tenants.n, TEXT_PLAIN);
}

static void print_watch(struct printer *p, const struct watch_settings *w)
{
	print_open(p, "watch");
	if (w->has_listen)
		print_endpoint(p, "listen", &w->listen);
	print_number(p, "cycle_time", w->cycle_time);
	print_number(p, "cycles_wait", w->cycles_wait);
	print_number(p, "cycles_checking", w->cycles_checking);
	print_number(p, "cycles_checkperiod", w->cycles_checkperiod);
	print_number(p, "cycles_slowcheckingperiod", w->cycles_slowcheckingperiod);
	print_number(p, "ping_interval", w->ping_interval);
	print_number(p, "ping_failafternum", w->ping_failafternum);
	print_number(p, "offline_after", w->offline_after);
	if (w->n_webhooks) {
		print_open(p, "webhooks");
		p->depth++;
		for (size_t i = 0; i < w->n_webhooks; i++)
			print_webhook(p, &w->webhooks[i]);
		p->depth--;
		print_close(p);
	}
	if (w->influx_file || w->influx_url) {
		print_open(p, "influx");
		print_text(p, "file", w->influx_file);
		print_text(p, "url", w->influx_url);
		print_close(p);
	}
	print_text(p, "log", w->log);
	print_close(p);
}

void topology_print_part(const struct topology *t, const struct host *host,
			 const struct tenant *tenant, FILE *out)
{
	struct printer p = {.out = out, .show_secrets = true};
	struct gateway gateway;
	struct host alone;

	if (tenant) {
		print_tenant(&p, t, tenant);
	} else if (host) {
		alone = *host;
		if (host->gateway) {
			gateway = *host->gateway;
			gateway.n_tenants = 0;
			alone.gateway = &gateway;
		}
		print_host(&p, t, &alone);
	} else {
		for (size_t i = 0; i < t->n_networks; i++)
			print_network(&p, &t->networks[i]);
	}
}

void topology_print(const struct topology *t, enum secrets secrets, FILE *out)
{
	struct printer p = {.out = out, .show_secrets = secrets == SECRETS_SHOWN};

	print_text(&p, "name", t->name);
	if (t->n_networks) {
		print_open(&p, "networks");
		for (size_t i = 0; i < t->n_networks; i++)
			print_network(&p, &t->networks[i]);
		print_close(&p);
	}
	if (t->n_hosts) {
		print_open(&p, "hosts");
		for (size_t i = 0; i < t->n_hosts; i++)
			print_host(&p, t, &t->hosts[i]);
		print_close(&p);
	} else {
		print_empty(&p, "hosts");
	}
	if (t->n_checks) {
		print_open(&p, "checks");
		p.depth++;
		for (size_t i = 0; i < t->n_checks; i++)
			print_check(&p, &t->checks[i]);
		p.depth--;
		print_close(&p);
	}
	if (t->watch.present)
		print_watch(&p, &t->watch);
}

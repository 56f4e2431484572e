/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/out.h"
#include "cmd/status.h"
#include "lab/preflight.h"
#include "lab/status.h"

/* --- JSON ---------------------------------------------------------------------------- */

static json_t *prefixes_json(const struct ip_prefix *v, size_t n)
{
	json_t *list = json_array();
	char text[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(ip_prefix_format(&v[i], text)));
	return list;
}

static json_t *peer_json(const struct lab *l, const struct tunnel_status *t,
			 const struct wg_peer *p)
{
	char key[WG_KEY_BASE64_LEN], endpoint[IP_ENDPOINT_STRLEN], name[160];

	return json_pack("{s:s, s:s*, s:s*, s:I, s:I, s:I, s:o}", "public_key",
			 wg_key_format(p->public_key, key), "name",
			 peer_name(l, t, p->public_key, name, sizeof(name)), "endpoint",
			 p->has_endpoint ? ip_endpoint_format(&p->endpoint, endpoint) : NULL,
			 "latest_handshake", (json_int_t)p->latest_handshake, "rx_bytes",
			 (json_int_t)p->rx_bytes, "tx_bytes", (json_int_t)p->tx_bytes,
			 "allowed_ips", prefixes_json(p->allowed_ips, p->n_allowed_ips));
}

json_t *status_tunnel_json(const struct lab *l, const struct tunnel_status *t)
{
	char key[WG_KEY_BASE64_LEN];
	json_t *peers = json_array(), *o;

	for (size_t i = 0; i < t->config.n_peers; i++)
		json_array_append_new(peers, peer_json(l, t, &t->config.peers[i]));
	o = json_pack("{s:s, s:s, s:b, s:o}", "interface", t->ifname->full, "backend",
		      backend_name(l->backend), "alive", t->alive, "peers", peers);
	if (t->alive) {
		json_object_set_new(o, "public_key",
				    json_string(wg_key_format(t->config.public_key, key)));
		json_object_set_new(o, "listen_port", json_integer(t->config.listen_port));
	} else {
		json_object_set_new(o, "error", json_string(t->why));
	}
	return o;
}

static json_t *host_json(const struct lab *l, const struct host *h, const struct netns_status *ns)
{
	json_t *links = json_array(), *tunnels = json_array();

	for (size_t i = 0; i < ns->links.n; i++) {
		const struct link_seen *k = &ns->links.v[i];

		json_array_append_new(links,
				      json_pack("{s:s, s:b, s:i, s:o}", "name", k->name, "up",
						k->up, "mtu", (int)k->mtu, "addresses",
						prefixes_json(k->addresses, k->n_addresses)));
	}
	for (size_t i = 0; i < ns->n_tunnels; i++)
		json_array_append_new(tunnels, status_tunnel_json(l, &ns->tunnels[i]));
	return json_pack("{s:s, s:s?, s:b, s:o, s:o}", "name", h->name, "netns", ns->netns, "there",
			 ns->there, "interfaces", links, "wireguard", tunnels);
}

static json_t *tenant_json(const struct lab *l, const struct host *h, const struct tenant *t,
			   const struct netns_status *ns)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:b, s:i, s:o}", "name", t->name, "host", h->name,
			      "netns", t->netns, "there", ns->there, "listen_port",
			      (int)t->listen_port, "napt_addresses",
			      prefixes_json(t->napt_addresses.v, t->napt_addresses.n));

	if (ns->has_sessions)
		json_object_set_new(o, "sessions", json_integer((json_int_t)ns->sessions));
	if (ns->n_tunnels)
		json_object_set_new(o, "wireguard", status_tunnel_json(l, &ns->tunnels[0]));
	return o;
}

static json_t *status_json(const struct lab *l, const struct lab_status *s)
{
	json_t *hosts = json_array(), *tenants = json_array(), *problems = json_array();
	size_t k = 0;

	for (size_t i = 0; i < l->t->n_hosts; i++) {
		const struct host *h = &l->t->hosts[i];

		if (l->host && l->host != h)
			continue;
		json_array_append_new(hosts, host_json(l, h, &s->hosts[i]));
		for (size_t j = 0; h->gateway && j < h->gateway->n_tenants; j++, k++)
			json_array_append_new(tenants, tenant_json(l, h, &h->gateway->tenants[j],
								   &s->tenants[k]));
	}
	for (size_t i = 0; i < s->n_problems; i++)
		json_array_append_new(problems, json_string(s->problems[i]));
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "lab", l->t->name, "state",
			 lab_state_name(l), "backend", backend_name(l->backend), "file",
			 l->meta.file, "hosts", hosts, "tenants", tenants, "problems", problems);
}

/* --- for people -------------------------------------------------------------------------- */

static void print_hosts(const struct lab *l, const struct lab_status *s)
{
	static const char *const heads[] = {"HOST", "NAMESPACE", "INTERFACE", "ADDRESSES"};
	struct out_table *t = out_table_new(heads, 4);

	for (size_t i = 0; i < l->t->n_hosts; i++) {
		const struct netns_status *ns = &s->hosts[i];
		const struct gateway *gw = l->t->hosts[i].gateway;
		size_t ports = 0;
		bool first = true;

		if (l->host && l->host != &l->t->hosts[i])
			continue;
		for (size_t k = 0; k < ns->links.n; k++) {
			const struct link_seen *link = &ns->links.v[k];
			char text[400] = "", one[IP_PREFIX_STRLEN];
			size_t len = 0;

			/* a gateway's ports are many and have no addresses: their number will do */
			if (gw && link->master && !link->n_addresses) {
				ports++;
				continue;
			}
			for (size_t a = 0; a < link->n_addresses && len + 60 < sizeof(text); a++)
				len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
							a ? "  " : "",
							ip_prefix_format(&link->addresses[a], one));
			out_cell(t, COLOUR_NONE, "%s", first ? l->t->hosts[i].name : "");
			out_cell(t, COLOUR_NONE, "%s",
				 !first      ? ""
				 : ns->netns ? ns->netns
					     : "(this one)");
			out_cell(t, link->up ? COLOUR_NONE : COLOUR_BAD, "%s%s", link->name,
				 link->up ? "" : " (down)");
			out_cell(t, COLOUR_NONE, "%s", text);
			first = false;
		}
		if (!ports)
			continue;
		out_cell(t, COLOUR_NONE, "%s", "");
		out_cell(t, COLOUR_NONE, "%s", "");
		out_cell(t, COLOUR_DIM, "%zu port%s", ports, out_plural(ports));
		out_cell(t, COLOUR_DIM, "on the bridge %s",
			 l->t->hosts[i].bridges[gw->bridge].ifname.full);
	}
	out_table_print(t);
}

static void print_peer_cells(struct out_table *out, const struct lab *l,
			     const struct tunnel_status *t, size_t i)
{
	char endpoint[IP_ENDPOINT_STRLEN], ago[24], rx[16], tx[16], name[160];
	const struct wg_peer *p;
	const char *who;

	if (!t->alive || i >= t->config.n_peers) {
		out_cell(out, t->alive ? COLOUR_NONE : COLOUR_BAD, "%s",
			 !t->alive   ? t->why
			 : t->ifname ? "no peer"
				     : "no tunnel");
		for (int k = 0; k < 3; k++)
			out_cell(out, COLOUR_NONE, "%s", "");
		return;
	}
	p = &t->config.peers[i];
	who = peer_name(l, t, p->public_key, name, sizeof(name));
	out_cell(out, COLOUR_NONE, "%s", who ? who : wg_key_format(p->public_key, name));
	out_cell(out, COLOUR_NONE, "%s",
		 p->has_endpoint ? ip_endpoint_format(&p->endpoint, endpoint) : "-");
	out_cell(out, p->latest_handshake ? COLOUR_GOOD : COLOUR_DIM, "%s",
		 out_ago(p->latest_handshake, ago));
	out_cell(out, COLOUR_NONE, "%s / %s", out_bytes(p->rx_bytes, rx),
		 out_bytes(p->tx_bytes, tx));
}

static void print_tenants(const struct lab *l, const struct lab_status *s)
{
	static const char *const heads[] = {"TENANT", "PORT",     "NAPT ADDRESS", "SESSIONS",
					    "PEER",   "ENDPOINT", "HANDSHAKE",    "RX / TX"};
	static const struct tunnel_status none = {.alive = true};
	struct out_table *out = out_table_new(heads, 8);

	for (size_t i = 0; i < s->n_tenants; i++) {
		const struct netns_status *ns = &s->tenants[i];
		const struct tunnel_status *t = ns->n_tunnels ? &ns->tunnels[0] : &none;
		size_t n = t->config.n_peers ? t->config.n_peers : 1;
		const struct tenant *tenant = ns->n_tunnels ? t->tenant : lab_tenant(l, i);
		char address[IP_PREFIX_STRLEN];

		for (size_t k = 0; k < n; k++) {
			out_cell(out, ns->there ? COLOUR_NONE : COLOUR_BAD, "%s%s",
				 k ? "" : tenant->name, ns->there ? "" : " (gone)");
			if (k)
				out_cell(out, COLOUR_NONE, "%s", "");
			else
				out_cell(out, COLOUR_NONE, "%u", tenant->listen_port);
			out_cell(out, COLOUR_NONE, "%s",
				 k ? "" : ip_prefix_format(&tenant->napt_addresses.v[0], address));
			if (k || !ns->has_sessions)
				out_cell(out, COLOUR_NONE, "%s", k ? "" : "-");
			else
				out_cell(out, COLOUR_NONE, "%" PRIu64, ns->sessions);
			print_peer_cells(out, l, t, k);
		}
	}
	out_table_print(out);
}

static void print_tunnels(const struct lab *l, const struct lab_status *s)
{
	static const char *const heads[] = {"TUNNEL",   "PORT",      "PEER",
					    "ENDPOINT", "HANDSHAKE", "RX / TX"};
	struct out_table *out = out_table_new(heads, 6);

	for (size_t i = 0; i < l->t->n_hosts; i++) {
		for (size_t k = 0; k < s->hosts[i].n_tunnels; k++) {
			const struct tunnel_status *t = &s->hosts[i].tunnels[k];
			size_t n = t->config.n_peers ? t->config.n_peers : 1;

			if (l->host && l->host != t->host)
				continue;
			for (size_t p = 0; p < n; p++) {
				out_cell(out, COLOUR_NONE, "%s/%s", t->host->name, t->ifname->full);
				out_cell(out, COLOUR_NONE, "%u", t->config.listen_port);
				print_peer_cells(out, l, t, p);
			}
		}
	}
	out_table_print(out);
}

static void print_status(const struct lab *l, const struct lab_status *s)
{
	const char *state = lab_state_name(l);
	bool up = !strcmp(state, "up");

	printf("lab %s is %s%s%s, WireGuard: %s, from %s\n", l->t->name,
	       out_colour(up ? COLOUR_GOOD : COLOUR_BAD), state, out_plain(),
	       backend_name(l->backend), l->meta.file);
	for (size_t i = 0; i < s->n_problems; i++)
		printf("  %s%s%s\n", out_colour(COLOUR_BAD), s->problems[i], out_plain());
	putchar('\n');
	print_hosts(l, s);
	if (s->n_tenants)
		putchar('\n');
	print_tenants(l, s);
	if (l->backend != BACKEND_NONE) {
		putchar('\n');
		print_tunnels(l, s);
	}
}

/* --- the command ------------------------------------------------------------------------------ */

static int status_one(struct cmd *c, const char *name)
{
	struct lab_status s = {0};
	int status = STATUS_DONE;
	struct lab l;
	int r = lab_open(name, &l, &c->err);

	if (!r)
		r = lab_status_read(&l, &s, &c->err);
	if (r)
		status = cmd_fail(c);
	else if (c->json)
		status = out_json(c, status_json(&l, &s));
	else
		print_status(&l, &s);
	if (!r)
		lab_status_free(&l, &s);
	lab_close(&l);
	return status;
}

static int run(struct cmd *c, size_t argc, char **argv)
{
	int status = STATUS_DONE;
	char **names;
	size_t n;

	if (argc)
		return status_one(c, argv[0]);
	if (store_list(&names, &n, &c->err) < 0)
		return cmd_fail(c);
	if (!n && !c->json && !c->quiet)
		puts("no lab is up");
	for (size_t i = 0; i < n; i++) {
		int s = status_one(c, names[i]);

		if (i + 1 < n && !c->json)
			putchar('\n');
		if (s > status)
			status = s;
	}
	store_list_free(names, n);
	return status;
}

const struct command cmd_status = {
	.name = "status",
	.args = "[LAB]",
	.summary = "show hosts, tenants, tunnels and sessions of a lab",
	.details =
		"What the kernel and the tunnels say now, not what the file says.  A namespace or a\n"
		"process that is gone makes a lab \"degraded\".  Without LAB, every lab is shown.",
	.complete = COMPLETE_LAB_OR_FILE,
	.max_args = 1,
	.run = run,
};

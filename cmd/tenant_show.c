/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tenant show, tenant list: what the file has, expanded, and what is known of it where it runs */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmd/out.h"
#include "cmd/status.h"
#include "cmd/tenant.h"
#include "lab/keys.h"

/* the tenant where it runs */
struct running {
	struct lab lab;
	struct lab_status status;
	bool up;                            /* its lab is, and was made from this file */
	const struct netns_status *ns;      /* NULL: the lab does not have it (yet) */
	const struct tunnel_status *tunnel; /* NULL: none */
};

/* without a lock: nothing is going to be written */
static int read_model(struct tenant_job *job)
{
	struct err why = ERR_INIT;
	int status = tenant_look(job);

	/* for public keys, as far as they are known here */
	if (!status)
		(void)keys_resolve(job->whole.t, NULL, KEYS_FIND, &why);
	return status;
}

/* --- where it runs ------------------------------------------------------------------------- */

static void find_running(struct running *r, const char *host, const char *name)
{
	size_t at = 0;

	for (size_t i = 0; i < r->lab.t->n_hosts; i++) {
		const struct host *h = &r->lab.t->hosts[i];

		if (!h->gateway || (r->lab.host && r->lab.host != h))
			continue;
		for (size_t k = 0; k < h->gateway->n_tenants; k++, at++)
			if (!strcmp(h->name, host) && !strcmp(h->gateway->tenants[k].name, name))
				r->ns = &r->status.tenants[at];
	}
	if (r->ns && r->ns->n_tunnels)
		r->tunnel = &r->ns->tunnels[0];
}

static int read_running(struct tenant_job *job, struct running *r)
{
	struct err *e = &job->c->err;
	int q = lab_open(job->whole.t->name, &r->lab, e);

	/* who may not look, and who asks for a file of another lab, sees the file alone */
	if (q < 0 || strcmp(r->lab.meta.file, job->whole.path) != 0) {
		*e = (struct err)ERR_INIT;
		return STATUS_DONE;
	}
	if (lab_status_read(&r->lab, &r->status, e) < 0) {
		if (e->kind == ERR_FAILED)
			err_kind_set(e, ERR_CANNOT);
		return cmd_fail(job->c);
	}
	r->up = true;
	find_running(r, job->host->name, job->name);
	return STATUS_DONE;
}

static void running_clear(struct running *r)
{
	if (r->up)
		lab_status_free(&r->lab, &r->status);
	lab_close(&r->lab);
}

static const struct wg_peer *live_peer(const struct running *r, const struct peer *p)
{
	const struct wg_config *c = r->tunnel && r->tunnel->alive ? &r->tunnel->config : NULL;

	for (size_t i = 0; c && p->public_key.present && i < c->n_peers; i++)
		if (!memcmp(c->peers[i].public_key, p->public_key.bytes, WG_KEY_LEN))
			return &c->peers[i];
	return NULL;
}

/* --- text of parts ---------------------------------------------------------------------------- */

static const char *peer_called(const struct topology *t, const struct peer *p, char buf[static 160])
{
	const struct host *h = &t->hosts[p->ref == PEER_BY_KEY ? 0 : p->ref_host];

	if (p->name)
		return p->name;
	if (p->ref == PEER_BY_KEY)
		return "-";
	snprintf(buf, 160, "%s/%s", h->name,
		 p->ref == PEER_BY_HOST ? h->tunnels[p->ref_index].ifname.full
					: h->gateway->tenants[p->ref_index].name);
	return buf;
}

static const char *peer_endpoint(const struct peer *p, char buf[static 300])
{
	char text[IP_ENDPOINT_STRLEN];

	if (!p->has_endpoint)
		return NULL;
	if (p->endpoint_name)
		snprintf(buf, 300, "%s:%u", p->endpoint_name, p->endpoint.port);
	else
		snprintf(buf, 300, "%s", ip_endpoint_format(&p->endpoint, text));
	return buf;
}

static char *prefixes_text(const struct prefix_list *list, const char *between)
{
	char *out = NULL, text[IP_PREFIX_STRLEN];
	size_t len;
	FILE *f = open_memstream(&out, &len);

	if (!f)
		return NULL;
	for (size_t i = 0; i < list->n; i++)
		fprintf(f, "%s%s", i ? between : "", ip_prefix_format(&list->v[i], text));
	fclose(f);
	return out;
}

/* --- JSON ------------------------------------------------------------------------------------------ */

static json_t *prefixes_json(const struct prefix_list *list)
{
	json_t *out = json_array();
	char text[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(out, json_string(ip_prefix_format(&list->v[i], text)));
	return out;
}

static json_t *dns_json(const struct tenant *t)
{
	json_t *out = json_array();
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < t->n_dns; i++)
		json_array_append_new(out, json_string(ip_addr_format(&t->dns[i], text)));
	return out;
}

static json_t *labels_json(const struct tenant *t)
{
	json_t *out = json_object();

	for (size_t i = 0; i < t->n_labels; i++)
		json_object_set_new(out, t->labels[i].key, json_string(t->labels[i].value));
	return out;
}

static json_t *routes_json(const struct tenant *t)
{
	json_t *out = json_array();
	char to[IP_PREFIX_STRLEN], via[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < t->n_routes; i++) {
		const struct route *r = &t->routes[i];

		json_array_append_new(out,
				      json_pack("{s:s, s:s*, s:s*, s:o*, s:I}", "to",
						ip_prefix_format(&r->to, to), "via",
						r->has_via ? ip_addr_format(&r->via, via) : NULL,
						"dev", r->dev, "metric",
						r->has_metric ? json_integer(r->metric) : NULL,
						"table", (json_int_t)r->table));
	}
	return out;
}

static json_t *peers_json(const struct topology *t, const struct tenant *tenant)
{
	json_t *out = json_array();

	for (size_t i = 0; i < tenant->n_peers; i++) {
		const struct peer *p = &tenant->peers[i];
		char key[WG_KEY_BASE64_LEN], name[160], endpoint[300];
		const char *called = peer_called(t, p, name);

		json_array_append_new(
			out,
			json_pack("{s:s*, s:s*, s:s*, s:o, s:i, s:b}", "public_key",
				  p->public_key.present ? wg_key_format(p->public_key.bytes, key)
							: NULL,
				  "name", called[0] == '-' && !called[1] ? NULL : called,
				  "endpoint", peer_endpoint(p, endpoint), "allowed_ips",
				  prefixes_json(&p->allowed_ips), "persistent_keepalive",
				  (int)p->persistent_keepalive, "preshared_key",
				  p->preshared_key.present || p->preshared_key_file));
	}
	return out;
}

static json_t *tenant_json(const struct tenant_job *job)
{
	const struct tenant *t = job->tenant;
	char key[WG_KEY_BASE64_LEN], file[PATH_MAX];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:o, s:s, s:b, s:s*, s:s*, s:o, s:o, "
			 "s:o, s:o}",
			 "lab", job->whole.t->name, "host", job->host->name, "name", t->name,
			 "netns", t->netns, "file", tenant_file_name(job, t->src, file), "line",
			 t->src.line, "listen_port", (int)t->listen_port, "napt_addresses",
			 prefixes_json(&t->napt_addresses), "interface", t->tunnel_if.full,
			 "own_key", t->has_own_key, "private_key_file", t->private_key_file,
			 "public_key", tenant_public_key(t, key), "peers",
			 peers_json(job->whole.t, t), "routes", routes_json(t), "dns", dns_json(t),
			 "labels", labels_json(t));
}

static int show_json(const struct tenant_job *job, const struct running *r)
{
	json_t *o = tenant_json(job);

	if (o)
		json_object_set_new(o, "state",
				    json_string(!r->up         ? "down"
						: !r->ns       ? "not applied"
						: r->ns->there ? "up"
							       : "gone"));
	if (o && r->ns && r->ns->has_sessions)
		json_object_set_new(o, "sessions", json_integer((json_int_t)r->ns->sessions));
	if (o && r->tunnel)
		json_object_set_new(o, "wireguard", status_tunnel_json(&r->lab, r->tunnel));
	return out_json(job->c, o);
}

/* --- for people --------------------------------------------------------------------------------- */

static void row(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void row(const char *name, const char *fmt, ...)
{
	va_list ap;

	printf("  %-15s ", name);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static void print_key_row(const struct tenant *t)
{
	char key[WG_KEY_BASE64_LEN];
	const char *public = tenant_public_key(t, key);

	row("public key", "%s%s", public ? public : "(not known here)",
	    t->has_own_key ? "" : ", the gateway's");
	if (t->private_key_file)
		row("private key", "in %s", t->private_key_file);
}

static void print_extras(const struct tenant *t)
{
	char text[IP_PREFIX_STRLEN], via[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < t->n_routes; i++) {
		const struct route *r = &t->routes[i];

		row("route", "%s%s%s%s%s", ip_prefix_format(&r->to, text),
		    r->has_via ? " via " : "", r->has_via ? ip_addr_format(&r->via, via) : "",
		    r->dev ? " dev " : "", r->dev ? r->dev : "");
	}
	for (size_t i = 0; i < t->n_dns; i++)
		row("name server", "%s", ip_addr_format(&t->dns[i], via));
	for (size_t i = 0; i < t->n_labels; i++)
		row("label", "%s = %s", t->labels[i].key, t->labels[i].value);
}

static void print_state(const struct running *r)
{
	if (!r->up)
		row("state", "the lab is not up");
	else if (!r->ns)
		row("state", "not made yet (`warren apply` does)");
	else if (!r->ns->there)
		row("state", "its namespace is gone");
	else if (r->tunnel && !r->tunnel->alive)
		row("state", "%s", r->tunnel->why);
	else if (r->ns->has_sessions)
		row("state", "up, %" PRIu64 " session%s", r->ns->sessions,
		    out_plural(r->ns->sessions));
	else
		row("state", "up");
}

static void print_peer_row(struct out_table *out, const struct tenant_job *job,
			   const struct running *r, const struct peer *p)
{
	const struct wg_peer *live = live_peer(r, p);
	char key[WG_KEY_BASE64_LEN], name[160], endpoint[300], ago[24], rx[16], tx[16];
	char *allowed _cleanup_free_ = prefixes_text(&p->allowed_ips, ", ");
	const char *where = peer_endpoint(p, endpoint);

	if (live && live->has_endpoint)
		where = ip_endpoint_format(&live->endpoint, endpoint);
	out_cell(out, COLOUR_NONE, "%s", peer_called(job->whole.t, p, name));
	out_cell(out, COLOUR_NONE, "%s",
		 p->public_key.present ? wg_key_format(p->public_key.bytes, key) : "-");
	out_cell(out, COLOUR_NONE, "%s", allowed ? allowed : "");
	out_cell(out, COLOUR_NONE, "%s", where ? where : "-");
	out_cell(out, COLOUR_NONE, "%s", live ? out_ago(live->latest_handshake, ago) : "");
	if (live)
		out_cell(out, COLOUR_NONE, "%s / %s", out_bytes(live->rx_bytes, rx),
			 out_bytes(live->tx_bytes, tx));
	else
		out_cell(out, COLOUR_NONE, "%s", "");
}

static void show_text(const struct tenant_job *job, const struct running *r)
{
	static const char *const heads[] = {"PEER",     "PUBLIC KEY", "ALLOWED IPS",
					    "ENDPOINT", "HANDSHAKE",  "RX / TX"};
	const struct tenant *t = job->tenant;
	char *addresses _cleanup_free_ = prefixes_text(&t->napt_addresses, ", ");
	char file[PATH_MAX];
	struct out_table *out;

	printf("tenant %s%s%s of %s in lab %s\n", out_colour(COLOUR_HEAD), t->name, out_plain(),
	       job->host->name, job->whole.t->name);
	row("file", "%s:%d", tenant_file_name(job, t->src, file), t->src.line);
	row("namespace", "%s", t->netns);
	row("tunnel", "%s, UDP port %u", t->tunnel_if.full, t->listen_port);
	row("NAPT addresses", "%s", addresses ? addresses : "");
	print_key_row(t);
	print_extras(t);
	print_state(r);
	out = out_table_new(heads, 6);
	for (size_t i = 0; i < t->n_peers; i++)
		print_peer_row(out, job, r, &t->peers[i]);
	if (t->n_peers)
		putchar('\n');
	out_table_print(out);
}

int tenant_show(struct tenant_job *job)
{
	struct running r = {.lab.store.lock_fd = -1};
	int status = read_model(job);

	if (!status)
		status = tenant_find(job);
	if (!status)
		status = read_running(job, &r);
	if (!status && job->c->json)
		status = show_json(job, &r);
	else if (!status)
		show_text(job, &r);
	running_clear(&r);
	return status;
}

/* --- list --------------------------------------------------------------------------------------------- */

static int list_one(const struct tenant_job *job, struct out_table *out, const struct host *h,
		    const struct tenant *t, bool hosts)
{
	char *addresses _cleanup_free_ = NULL;

	if (job->c->json)
		return out_json(job->c,
				json_pack("{s:s, s:s, s:s, s:s, s:i, s:o, s:i}", "lab",
					  job->whole.t->name, "host", h->name, "name", t->name,
					  "netns", t->netns, "listen_port", (int)t->listen_port,
					  "napt_addresses", prefixes_json(&t->napt_addresses),
					  "peers", (int)t->n_peers));
	addresses = prefixes_text(&t->napt_addresses, ", ");
	out_cell(out, COLOUR_NONE, "%s", t->name);
	if (hosts)
		out_cell(out, COLOUR_NONE, "%s", h->name);
	out_cell(out, COLOUR_NONE, "%s", t->netns);
	out_cell(out, COLOUR_NONE, "%u", t->listen_port);
	out_cell(out, COLOUR_NONE, "%s", addresses ? addresses : "");
	out_cell(out, COLOUR_NONE, "%zu", t->n_peers);
	return STATUS_DONE;
}

static int list_all(struct tenant_job *job)
{
	static const char *const heads[] = {"TENANT", "NAMESPACE", "PORT", "NAPT ADDRESSES",
					    "PEERS"};
	static const char *const with_host[] = {"TENANT", "HOST",           "NAMESPACE",
						"PORT",   "NAPT ADDRESSES", "PEERS"};
	const char *only = cmd_value(job->c, "host");
	struct out_table *out;
	size_t gateways = 0, n = 0;
	int status = STATUS_DONE;

	for (size_t i = 0; i < job->whole.t->n_hosts; i++)
		gateways += job->whole.t->hosts[i].gateway != NULL;
	out = gateways > 1 ? out_table_new(with_host, 6) : out_table_new(heads, 5);
	for (size_t i = 0; i < job->whole.t->n_hosts; i++) {
		const struct host *h = &job->whole.t->hosts[i];

		if (!h->gateway || (only && strcmp(only, h->name) != 0))
			continue;
		for (size_t k = 0; k < h->gateway->n_tenants && !status; k++, n++)
			status = list_one(job, out, h, &h->gateway->tenants[k], gateways > 1);
	}
	out_table_print(out);
	if (!n && !job->c->json && !job->c->quiet)
		printf("%s has no tenants\n", job->topology);
	return status;
}

int tenant_list(struct tenant_job *job)
{
	int status = read_model(job);

	if (!status && cmd_value(job->c, "host"))
		status = tenant_find_gateway(job);
	return status ? status : list_all(job);
}

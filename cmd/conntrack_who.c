/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conntrack who: the tenant, and the address inside, behind an address and port outside */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <linux/netfilter/nf_conntrack_common.h>

#include "base/text.h"
#include "cmd/conntrack.h"
#include "cmd/out.h"
#include "lab/status.h"

struct search {
	struct ip_endpoint asked;
	struct tunnel_status tunnel; /* of the tenant that is looked at */
	bool inward;                 /* sessions that came from outside, by a forward */
	struct out_table *out;
	size_t n;
};

/* one end of a session; of ICMP the id is the port */
static struct ip_endpoint end_of(const struct ct_tuple *t, bool src)
{
	const uint16_t port = src ? t->sport : t->dport;

	return (struct ip_endpoint){src ? t->src : t->dst, t->has_icmp ? t->icmp_id : port};
}

static bool has_address(const struct tenant *t, const struct ip_addr *a)
{
	for (size_t i = 0; i < t->napt_addresses.n; i++)
		if (!ip_addr_cmp(&t->napt_addresses.v[i].addr, a))
			return true;
	return false;
}

/* who has the address inside; NULL: no peer, as of what the namespace itself sends */
static const struct wg_peer *peer_of(const struct search *s, const struct tenant *t,
				     const struct ip_addr *inside)
{
	return has_address(t, inside) ? NULL : tunnel_peer_of(&s->tunnel, inside);
}

/* --- printing -------------------------------------------------------------------------- */

static json_t *end_json(const struct ip_endpoint *end)
{
	char address[INET6_ADDRSTRLEN];

	return json_pack("{s:s, s:i}", "address", ip_addr_format(&end->addr, address), "port",
			 end->port);
}

static json_t *peer_json(const struct ct_view *v, const struct search *s, const struct wg_peer *p)
{
	char key[WG_KEY_BASE64_LEN], name[128];

	if (!p)
		return json_null();
	return json_pack("{s:s, s:s?}", "public_key", wg_key_format(p->public_key, key), "name",
			 peer_name(v->l, &s->tunnel, p->public_key, name, sizeof(name)));
}

static json_t *found_json(const struct ct_view *v, const struct search *s, const struct tenant *t,
			  const struct ct_entry *ct, const struct ip_endpoint *inside,
			  const struct ip_endpoint *remote)
{
	const char *proto = ct_proto_name(ct->l4proto);
	json_t *o = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:o}", "lab", v->l->t->name,
			      "tenant", t->name, "netns", t->netns, "proto",
			      proto ? json_string(proto) : json_integer(ct->l4proto), "outside",
			      end_json(&s->asked), "inside", end_json(inside), "remote",
			      end_json(remote), "direction", s->inward ? "in" : "out", "peer",
			      peer_json(v, s, peer_of(s, t, &inside->addr)));

	if (ct->has_start)
		json_object_set_new(o, "start_epoch_s",
				    json_integer((json_int_t)(ct->start / 1000000000)));
	return o;
}

static void peer_cell(const struct ct_view *v, const struct search *s, const struct wg_peer *p)
{
	char name[128];
	const char *who = p ? peer_name(v->l, &s->tunnel, p->public_key, name, sizeof(name)) : NULL;

	out_cell(s->out, COLOUR_NONE, "%s",
		 who ? who
		 : p ? wg_key_format(p->public_key, name)
		     : "-");
}

static void since_cell(const struct search *s, const struct ct_entry *ct)
{
	const time_t start = (time_t)(ct->start / 1000000000);
	char text[32] = "-", ago[24];
	struct tm tm;

	if (ct->has_start && localtime_r(&start, &tm))
		strftime(text, sizeof(text), "%F %T", &tm);
	if (ct->has_start)
		out_cell(s->out, COLOUR_NONE, "%s (%s)", text, out_ago(start, ago));
	else
		out_cell(s->out, COLOUR_NONE, "-");
}

static void found_row(const struct ct_view *v, const struct search *s, const struct tenant *t,
		      const struct ct_entry *ct, const struct ip_endpoint *inside,
		      const struct ip_endpoint *remote)
{
	const char *proto = ct_proto_name(ct->l4proto);
	char text[IP_ENDPOINT_STRLEN];

	out_cell(s->out, COLOUR_HEAD, "%s", t->name);
	if (proto)
		out_cell(s->out, COLOUR_NONE, "%s", proto);
	else
		out_cell(s->out, COLOUR_NONE, "%u", ct->l4proto);
	out_cell(s->out, COLOUR_NONE, "%s", ip_endpoint_format(inside, text));
	peer_cell(v, s, peer_of(s, t, &inside->addr));
	out_cell(s->out, COLOUR_NONE, "%s", ip_endpoint_format(remote, text));
	since_cell(s, ct);
}

/* --- searching ------------------------------------------------------------------------- */

static int on_entry(struct ct_view *v, const struct tenant *t, const struct ct_entry *ct, void *arg,
		    struct err *e)
{
	struct search *s = arg;
	const struct ip_endpoint inside = s->inward ? end_of(&ct->reply, true)
						    : end_of(&ct->orig, true);
	const struct ip_endpoint remote = s->inward ? end_of(&ct->orig, true)
						    : end_of(&ct->orig, false);

	(void)e;
	s->n++;
	v->n_blind += !ct->has_start;
	if (v->c->json)
		out_json(v->c, found_json(v, s, t, ct, &inside, &remote));
	else
		found_row(v, s, t, ct, &inside, &remote);
	return 0;
}

/* what is asked for is where the answers go to, or, of a session from outside, what it asked for */
static int search_tenant(struct ct_view *v, struct search *s, const struct tenant *t, struct err *e)
{
	const struct ct_filter f = v->filter;
	int r = lab_tunnel_read(v->l, t, &s->tunnel, e);

	for (int inward = 0; inward < 2 && r >= 0; inward++) {
		const enum ct_where where = inward ? CT_ORIG_DST : CT_REPLY_DST;

		s->inward = inward;
		v->filter.prefix[where] =
			(struct ip_prefix){s->asked.addr, (uint8_t)ip_addr_bits(&s->asked.addr)};
		v->filter.ports[where] = (struct ct_ports){s->asked.port, s->asked.port};
		v->filter.has_prefix[where] = v->filter.has_ports[where] = true;
		v->filter.status = v->filter.status_mask = inward ? IPS_DST_NAT : 0;
		r = ct_view_each(v, t, on_entry, s, e);
		v->filter = f;
	}
	lab_tunnel_clear(&s->tunnel);
	s->tunnel = (struct tunnel_status){.alive = false};
	return r;
}

static int nobody(struct ct_view *v, const struct search *s, const struct tenant *owner)
{
	char asked[IP_ENDPOINT_STRLEN], address[INET6_ADDRSTRLEN];
	struct err *e = &v->c->err;

	ip_endpoint_format(&s->asked, asked);
	ip_addr_format(&s->asked.addr, address);
	if (owner)
		err_set(e, ENOENT,
			"nobody is behind %s now: tenant %s, which has %s, has no such "
			"session",
			asked, owner->name, address);
	else
		err_set(e, ENOENT, "nobody is behind %s: no tenant %s %s", asked,
			v->n_tenants && cmd_value(v->c, "tenant") ? "of those named has"
								  : "of the lab has",
			address);
	err_kind_set(e, ERR_NO);
	return cmd_fail(v->c);
}

int conntrack_who(struct ct_view *v)
{
	static const char *const heads[] = {"TENANT", "PROTO", "INSIDE", "PEER", "REMOTE", "SINCE"};
	struct search s = {.n = 0};
	const struct tenant *owner = NULL;
	int r = 0;

	if (ip_endpoint_parse(v->word, &s.asked) < 0)
		return cmd_usage(v->c,
				 "`%s` is no ADDRESS:PORT such as 192.0.2.1:40000 or "
				 "[2001:db8::1]:40000",
				 show(v->word).s);
	s.out = out_table_new(heads, sizeof(heads) / sizeof(heads[0]));
	/* an address belongs to one tenant; the others are not asked */
	for (size_t i = 0; i < v->n_tenants && r >= 0; i++) {
		if (!has_address(v->tenants[i], &s.asked.addr))
			continue;
		owner = v->tenants[i];
		r = search_tenant(v, &s, owner, &v->c->err);
	}
	out_table_print(s.out);
	if (r < 0)
		return cmd_fail(v->c);
	if (!s.n)
		return nobody(v, &s, owner);
	ct_view_notes(v, "without a start");
	return STATUS_DONE;
}

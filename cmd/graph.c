/* SPDX-License-Identifier: GPL-2.0-or-later */
/* graph: a drawing of a topology, for a terminal or for graphviz */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/out.h"
#include "cmd/read.h"

/* a bridge with many tenants is drawn with the first few */
#define TENANTS_SHOWN 8

static void print_prefixes(const struct prefix_list *l, const char *between)
{
	char text[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < l->n; i++)
		printf("%s%s", i ? between : "", ip_prefix_format(&l->v[i], text));
}

/* the other end of a tunnel: HOST/IF, HOST/TENANT, a name, or a key's beginning */
static void print_peer(const struct topology *t, const struct peer *p)
{
	const struct host *h = &t->hosts[p->ref == PEER_BY_KEY ? 0 : p->ref_host];

	if (p->ref == PEER_BY_HOST)
		printf("%s/%s", h->name, h->tunnels[p->ref_index].ifname.full);
	else if (p->ref == PEER_BY_TENANT)
		printf("%s/%s", h->name, h->gateway->tenants[p->ref_index].name);
	else
		printf("%s", p->name ? p->name : "(a peer by its key)");
}

/* --- ascii ----------------------------------------------------------------------------- */

static void ascii_tenant(const struct topology *t, const struct tenant *k, bool last)
{
	printf("  |   %c-- %s  ", last ? '`' : '|', k->name);
	print_prefixes(&k->napt_addresses, " ");
	printf("  <= NAPT <=  %s :%u", k->tunnel_if.full, k->listen_port);
	for (size_t i = 0; i < k->n_peers; i++) {
		printf("%s", i ? ", " : "  <~~  ");
		print_peer(t, &k->peers[i]);
	}
	putchar('\n');
}

static void ascii_gateway(const struct topology *t, const struct gateway *gw)
{
	size_t shown = gw->n_tenants > TENANTS_SHOWN ? TENANTS_SHOWN : gw->n_tenants;

	for (size_t i = 0; i < shown; i++)
		ascii_tenant(t, &gw->tenants[i], i + 1 == gw->n_tenants);
	if (shown < gw->n_tenants)
		printf("  |   `-- ... and %zu more tenants\n", gw->n_tenants - shown);
}

static void ascii_host(const struct topology *t, const struct host *h)
{
	printf("%s%s%s\n", out_colour(COLOUR_HEAD), h->name, out_plain());
	for (size_t i = 0; i < h->n_attachments; i++) {
		printf("  |-- %s  ", h->attachments[i].ifname.full);
		print_prefixes(&h->attachments[i].addresses, " ");
		printf("  --- [%s]\n", t->networks[h->attachments[i].network].name);
	}
	for (size_t i = 0; i < h->n_tunnels; i++) {
		printf("  |-- %s%s", h->tunnels[i].ifname.full,
		       h->tunnels[i].addresses.n ? "  " : "");
		print_prefixes(&h->tunnels[i].addresses, " ");
		for (size_t k = 0; k < h->tunnels[i].n_peers; k++) {
			printf("%s", k ? ", " : "  ~~>  ");
			print_peer(t, &h->tunnels[i].peers[k]);
		}
		putchar('\n');
	}
	for (size_t i = 0; i < h->n_bridges; i++) {
		printf("  |-- (%s)  ", h->bridges[i].ifname.full);
		print_prefixes(&h->bridges[i].addresses, " ");
		putchar('\n');
		if (h->gateway && h->gateway->bridge == i)
			ascii_gateway(t, h->gateway);
	}
	putchar('\n');
}

static void draw_ascii(const struct topology *t)
{
	printf("%s%s%s\n\n", out_colour(COLOUR_HEAD), t->name, out_plain());
	for (size_t i = 0; i < t->n_networks; i++) {
		printf("[%s]  ", t->networks[i].name);
		print_prefixes(&t->networks[i].prefixes, "  ");
		putchar('\n');
	}
	if (t->n_networks)
		putchar('\n');
	for (size_t i = 0; i < t->n_hosts; i++)
		ascii_host(t, &t->hosts[i]);
	puts("--- link   ~~> tunnel   [network]   (bridge)");
}

/* --- dot ---------------------------------------------------------------------------------- */

static void dot_edges(const struct topology *t, const struct host *h)
{
	for (size_t i = 0; i < h->n_attachments; i++) {
		printf("  \"h:%s\" -- \"n:%s\" [label=\"%s\\n", h->name,
		       t->networks[h->attachments[i].network].name, h->attachments[i].ifname.full);
		print_prefixes(&h->attachments[i].addresses, "\\n");
		puts("\"];");
	}
	for (size_t i = 0; i < h->n_tunnels; i++) {
		for (size_t k = 0; k < h->tunnels[i].n_peers; k++) {
			const struct peer *p = &h->tunnels[i].peers[k];
			const struct host *o = &t->hosts[p->ref_host];

			if (p->ref == PEER_BY_KEY)
				continue;
			printf("  \"h:%s\" -- \"%s:%s%s%s\" [style=dashed, color=blue, label=\"%s\"];\n",
			       h->name, p->ref == PEER_BY_TENANT ? "t" : "h", o->name,
			       p->ref == PEER_BY_TENANT ? "/" : "",
			       p->ref == PEER_BY_TENANT ? o->gateway->tenants[p->ref_index].name
							: "",
			       h->tunnels[i].ifname.full);
		}
	}
}

static void dot_gateway(const struct host *h)
{
	for (size_t i = 0; h->gateway && i < h->gateway->n_tenants; i++) {
		const struct tenant *k = &h->gateway->tenants[i];

		printf("  \"t:%s/%s\" [shape=box, style=rounded, label=\"%s\\n%s :%u\"];\n",
		       h->name, k->name, k->name, k->tunnel_if.full, k->listen_port);
		printf("  \"t:%s/%s\" -- \"b:%s/%s\" [label=\"NAPT ", h->name, k->name, h->name,
		       h->bridges[h->gateway->bridge].ifname.full);
		print_prefixes(&k->napt_addresses, "\\n");
		puts("\"];");
	}
}

static void draw_dot(const struct topology *t)
{
	printf("graph \"%s\" {\n  node [shape=box];\n", t->name);
	for (size_t i = 0; i < t->n_networks; i++) {
		printf("  \"n:%s\" [shape=ellipse, label=\"%s\\n", t->networks[i].name,
		       t->networks[i].name);
		print_prefixes(&t->networks[i].prefixes, "\\n");
		puts("\"];");
	}
	for (size_t i = 0; i < t->n_hosts; i++) {
		const struct host *h = &t->hosts[i];

		printf("  \"h:%s\" [style=bold, label=\"%s\"];\n", h->name, h->name);
		for (size_t k = 0; k < h->n_bridges; k++) {
			printf("  \"b:%s/%s\" [shape=ellipse, label=\"%s\\n", h->name,
			       h->bridges[k].ifname.full, h->bridges[k].ifname.full);
			print_prefixes(&h->bridges[k].addresses, "\\n");
			printf("\"];\n  \"h:%s\" -- \"b:%s/%s\";\n", h->name, h->name,
			       h->bridges[k].ifname.full);
		}
		dot_gateway(h);
	}
	for (size_t i = 0; i < t->n_hosts; i++)
		dot_edges(t, &t->hosts[i]);
	puts("}");
}

/* --- the command ----------------------------------------------------------------------------- */

static int draw(struct cmd *c, const struct topology *t)
{
	const char *format = cmd_value(c, "format");

	if (c->json)
		return cmd_usage(c, "a drawing is not JSON: --format dot is for programs");
	if (!format || !strcmp(format, "ascii"))
		draw_ascii(t);
	else if (!strcmp(format, "dot"))
		draw_dot(t);
	else
		return cmd_usage(c, "no format `%s`: ascii or dot", format);
	return STATUS_DONE;
}

static int run(struct cmd *c, size_t argc, char **argv)
{
	struct lab_file f;
	struct lab l;
	int status;

	(void)argc;
	/* the name of a running lab, or else a file */
	if (!lab_is_file(argv[0])) {
		status = lab_open(argv[0], &l, &c->err) < 0 ? cmd_fail(c) : draw(c, l.t);
		lab_close(&l);
		return status;
	}
	status = read_file(c, argv[0], &f);
	if (!status)
		status = draw(c, f.t);
	lab_file_clear(&f);
	return status;
}

static const struct option_spec options[] = {
	{"format", 0, "FORMAT", "ascii (default) or dot, for graphviz", "ascii|dot"},
	{0},
};

const struct command cmd_graph = {
	.name = "graph",
	.args = "FILE|LAB",
	.summary = "draw a topology",
	.details =
		"For example, a picture:\n"
		"\n"
		"  warren graph --format dot topologies/niransix.yaml | dot -Tsvg > niransix.svg",
	.options = options,
	.complete = COMPLETE_LAB_OR_FILE,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};

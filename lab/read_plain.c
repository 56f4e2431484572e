/* SPDX-License-Identifier: GPL-2.0-or-later */
/* a host's routes, sysctls, NAPT rules and programs */
#include <string.h>

#include "base/cleanup.h"
#include "lab/read.h"

#define TABLE_MAIN 254 /* RT_TABLE_MAIN */
#define TEXT_MAX   4096

/* --- routes, of a host or a tenant ------------------------------------------------------ */

struct routing {
	struct route r;
	bool to_default;
	const char *dev;
	struct src src_dev, src_via;
	struct route **list;
	size_t *n;
};

static void route_to(struct load *ld, const struct node *n, void *obj)
{
	struct routing *rt = obj;

	rt->to_default = n->kind == NODE_SCALAR && strcmp(n->text, "default") == 0;
	if (!rt->to_default)
		read_prefix(ld, n, PREFIX_NETWORK, &rt->r.to);
}

static void route_via(struct load *ld, const struct node *n, void *obj)
{
	struct routing *rt = obj;

	rt->src_via = src_of(n);
	rt->r.has_via = read_address(ld, n, &rt->r.via);
}

static void route_dev(struct load *ld, const struct node *n, void *obj)
{
	struct routing *rt = obj;

	rt->src_dev = src_of(n);
	rt->dev = read_text(ld, n, EXPAND_NAME);
}

static void route_metric(struct load *ld, const struct node *n, void *obj)
{
	struct routing *rt = obj;

	rt->r.has_metric = read_u32(ld, n, 0, UINT32_MAX, &rt->r.metric);
}

static void route_table(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, 1, UINT32_MAX, &((struct routing *)obj)->r.table);
}

/* what is wrong with the route as a whole; fills in the family of a default route */
static void route_whole(struct load *ld, struct routing *rt, bool has_hop)
{
	struct route *r = &rt->r;

	if (!has_hop)
		diag(ld, r->src, "a route needs `via` or `dev`");
	if (rt->to_default)
		r->to.addr.family = r->has_via ? r->via.family : AF_INET;
	else if (r->has_via && r->to.addr.family && r->to.addr.family != r->via.family)
		diag(ld, rt->src_via, "`via` is IPv%d, `to` is IPv%d (both have to be the same)",
		     r->via.family == AF_INET ? 4 : 6, r->to.addr.family == AF_INET ? 4 : 6);
}

static void read_route(struct load *ld, const struct node *n, void *obj)
{
	static const struct field fields[] = {
		{"to", route_to, NEEDED},         {"via", route_via, OPTIONAL},
		{"dev", route_dev, OPTIONAL},     {"metric", route_metric, OPTIONAL},
		{"table", route_table, OPTIONAL},
	};
	struct routing *outer = obj;
	struct routing rt = {.r = {.src = src_of(n), .table = TABLE_MAIN}};
	uint64_t seen = read_map(ld, n, "a route", fields, ARRAY_SIZE(fields), &rt);
	struct route *v;

	route_whole(ld, &rt, seen & (2 | 4));
	v = grow(ld, rt.r.src, *outer->list, *outer->n, sizeof(*v));
	if (!v)
		return;
	*outer->list = v;
	if (rt.dev)
		ref_add(ld, REF_ROUTE_DEV, rt.src_dev, rt.dev, *outer->n, 0);
	(*outer->list)[(*outer->n)++] = rt.r;
}

void read_routes(struct load *ld, const struct node *n, struct route **ret, size_t *ret_n)
{
	struct routing rt = {.list = ret, .n = ret_n};

	read_list(ld, n, read_route, &rt);
}

/* --- sysctls --------------------------------------------------------------------------- */

/* below net, and nowhere else: slashes or dots, no way out by ".." */
static bool is_net_sysctl(const char *key)
{
	if (strncmp(key, "net.", 4) != 0 && strncmp(key, "net/", 4) != 0)
		return false;
	if (strstr(key, "..") || strstr(key, "//") || strstr(key, "./") || strstr(key, "/."))
		return false;
	for (const unsigned char *p = (const unsigned char *)key; *p; p++)
		if (*p <= ' ' || *p == 0x7f)
			return false;
	return strlen(key) < 256 && !strchr("./", key[strlen(key) - 1]);
}

static void read_sysctl(struct load *ld, const char *name, const struct node *key,
			const struct node *value, void *obj)
{
	struct host *h = obj;
	struct sysctl s = {.src = src_of(key), .key = name}, *v;

	if (!is_net_sysctl(name))
		diag(ld, s.src, "`%s` is not a sysctl of a namespace (they are net.…)",
		     show(name).s);
	s.value = read_words(ld, value, EXPAND_VALUE);
	if (!s.value)
		return;
	if (strlen(s.value) > TEXT_MAX || strpbrk(s.value, "\r\n")) {
		diag(ld, src_of(value), "the value of a sysctl has to be one line");
		return;
	}
	v = grow(ld, s.src, h->sysctls, h->n_sysctls, sizeof(*v));
	if (!v)
		return;
	h->sysctls = v;
	h->sysctls[h->n_sysctls++] = s;
}

void read_sysctls(struct load *ld, const struct node *n, void *obj)
{
	read_named(ld, n, read_sysctl, obj);
}

/* --- NAPT on a plain host --------------------------------------------------------------- */

struct napting {
	struct napt_rule r;
	size_t index;
	struct src src_to;
};

static void napt_out(struct load *ld, const struct node *n, void *obj)
{
	struct napting *np = obj;

	np->r.out = read_text(ld, n, EXPAND_NAME);
	if (np->r.out)
		ref_add(ld, REF_NAPT_OUT, src_of(n), np->r.out, np->index, 0);
}

static void napt_source(struct load *ld, const struct node *n, void *obj)
{
	struct napt_rule *r = &((struct napting *)obj)->r;
	struct ip_prefix p;

	if (n->kind == NODE_LIST)
		read_prefixes(ld, n, PREFIX_NETWORK, &r->sources);
	else if (read_prefix(ld, n, PREFIX_NETWORK, &p))
		prefix_add(ld, &r->sources, src_of(n), &p);
}

static void napt_to(struct load *ld, const struct node *n, void *obj)
{
	struct napting *np = obj;

	np->src_to = src_of(n);
	np->r.has_to = read_address(ld, n, &np->r.to);
}

static void napt_ports(struct load *ld, const struct node *n, void *obj)
{
	struct napt_rule *r = &((struct napting *)obj)->r;

	r->has_ports = read_ports(ld, n, &r->port_first, &r->port_last);
}

static void read_napt(struct load *ld, const struct node *n, void *obj)
{
	static const struct field fields[] = {
		{"out", napt_out, NEEDED},
		{"source", napt_source, OPTIONAL},
		{"to", napt_to, OPTIONAL},
		{"ports", napt_ports, OPTIONAL},
	};
	struct host *h = obj;
	struct napting np = {.r = {.src = src_of(n)}, .index = h->n_napts};
	struct napt_rule *v;

	read_map(ld, n, "a NAPT rule", fields, ARRAY_SIZE(fields), &np);
	for (size_t i = 0; np.r.has_to && i < np.r.sources.n; i++)
		if (np.r.sources.v[i].addr.family != np.r.to.family)
			diag(ld, np.src_to,
			     "`to` and `source` are of different families (make it two rules)");
	v = grow(ld, np.r.src, h->napts, h->n_napts, sizeof(*v));
	if (!v)
		return;
	h->napts = v;
	h->napts[h->n_napts++] = np.r;
}

void read_host_napt(struct load *ld, const struct node *n, void *obj)
{
	read_list(ld, n, read_napt, obj);
}

/* --- programs ---------------------------------------------------------------------------- */

struct arguments {
	const char **v;
	size_t n;
};

static void add_argument(struct load *ld, struct arguments *a, struct src src, const char *text)
{
	/* one more than there are: NULL at the end */
	const char **v = grow(ld, src, a->v, a->n, sizeof(*v));

	if (!v)
		return;
	a->v = v;
	a->v[a->n] = text;
	if (text)
		a->n++;
}

static void read_argument(struct load *ld, const struct node *n, void *obj)
{
	const char *text = read_words(ld, n, EXPAND_COMMAND);

	if (text)
		add_argument(ld, obj, src_of(n), text);
}

static void run_command(struct load *ld, const struct node *n, void *obj)
{
	struct arguments a = {.v = NULL};

	if (n->kind == NODE_LIST) {
		read_list(ld, n, read_argument, &a);
		if (!n->child)
			diag(ld, src_of(n), "`command` is empty (name a program)");
	} else {
		add_argument(ld, &a, src_of(n), "sh");
		add_argument(ld, &a, src_of(n), "-c");
		read_argument(ld, n, &a);
	}
	add_argument(ld, &a, src_of(n), NULL);
	((struct run *)obj)->argv = a.v;
}

static void ready_tcp(struct load *ld, const struct node *n, void *obj)
{
	struct run *r = obj;

	r->has_ready = read_endpoint(ld, n, &r->ready);
}

static void run_ready(struct load *ld, const struct node *n, void *obj)
{
	static const struct field fields[] = {
		{"tcp", ready_tcp, NEEDED},
	};

	read_map(ld, n, "`ready`", fields, ARRAY_SIZE(fields), obj);
}

/* how many programs of this host have had this command before; counts this one */
static unsigned int count_alike(struct load *ld, const char *const *argv, struct src src)
{
	size_t len = sizeof(ld->host), n = 0;
	char *key, *p;

	for (size_t i = 0; argv && argv[i]; i++)
		len += strlen(argv[i]) + 1;
	key = ld->stop ? NULL : arena_alloc(ld->work, len);
	if (!key) {
		too_big(ld, src);
		return 0;
	}
	memcpy(key, &ld->host, sizeof(ld->host));
	p = key + sizeof(ld->host);
	for (size_t i = 0; argv && argv[i]; i++)
		p = stpcpy(p, argv[i]) + 1;
	(void)table_get(&ld->runs, key, len, &n);
	if (table_set(&ld->runs, key, len, n + 1) < 0)
		too_big(ld, src);
	return (unsigned int)n;
}

static void read_run(struct load *ld, const struct node *n, void *obj)
{
	static const struct field fields[] = {
		{"command", run_command, NEEDED},
		{"ready", run_ready, OPTIONAL},
	};
	struct host *h = obj;
	struct run r = {.src = src_of(n)}, *v;

	read_map(ld, n, "a program", fields, ARRAY_SIZE(fields), &r);
	r.place = (unsigned int)h->n_runs;
	r.number = count_alike(ld, r.argv, r.src);
	v = grow(ld, r.src, h->runs, h->n_runs, sizeof(*v));
	if (!v)
		return;
	h->runs = v;
	h->runs[h->n_runs++] = r;
}

void read_runs(struct load *ld, const struct node *n, void *obj)
{
	read_list(ld, n, read_run, obj);
}

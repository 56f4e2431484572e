/* SPDX-License-Identifier: GPL-2.0-or-later */
/* what each profile becomes, and which of them belong together; see lab/import.h */
#include "lab/import.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lab/import_build.h"
#include "lab/load.h"

#define TENANTS_MAX 1000 /* of one gateway: its bridge has 1023 ports */

void *import_grow(struct import *im, void *array, size_t n, size_t size)
{
	void *v = im->no_memory ? NULL : arena_grow(im->a, array, n, size);

	im->no_memory |= !v;
	return v;
}

static void *take(struct import *im, size_t n, size_t size)
{
	void *v = im->no_memory ? NULL : arena_alloc(im->a, (n + 1) * size);

	im->no_memory |= !v;
	return v;
}

/* --- allowed IPs ------------------------------------------------------------------------- */

static void add_prefix(struct import *im, struct prefix_list *list, const struct ip_prefix *p)
{
	struct ip_prefix *v = import_grow(im, list->v, list->n, sizeof(*v));

	if (!v)
		return;
	list->v = v;
	v[list->n++] = *p;
}

/* table_add() for a prefix */
static int add_key(struct import *im, struct table *t, const struct ip_prefix *p, size_t value,
		   size_t *ret_old)
{
	const size_t size = 2 + sizeof(p->addr.bytes);
	uint8_t *key = take(im, size, 1);
	int added;

	if (!key)
		return -ENOMEM;
	key[0] = p->addr.family == AF_INET6;
	key[1] = p->len;
	memcpy(key + 2, p->addr.bytes, ip_addr_size(&p->addr));
	added = table_add(t, key, size, value, ret_old);
	im->no_memory |= added < 0;
	return added;
}

/* a prefix belongs to the last peer that has it, as wg(8) sets it */
static void share_out(struct import *im, struct import_end *end, size_t n)
{
	struct table seen _cleanup_table_ = TABLE_INIT;

	for (size_t i = n; i-- > 0 && !im->no_memory;) {
		struct import_peer *peer = &end->peers[i];

		for (size_t k = 0; k < peer->p->n_allowed_ips && !im->no_memory; k++) {
			struct ip_prefix net = ip_prefix_network(&peer->p->allowed_ips[k].prefix);
			size_t owner = i;
			int added = add_key(im, &seen, &net, i, &owner);

			if (added > 0)
				add_prefix(im, &peer->allowed, &net);
			else if (owner != i)
				add_prefix(im, &peer->taken, &net);
		}
	}
}

/* by address, the larger prefix first: what contains another then stands before it */
static int by_prefix(const void *a, const void *b)
{
	const struct ip_prefix *x = a, *y = b;
	int order = ip_addr_cmp(&x->addr, &y->addr);

	return order ? order : x->len - y->len;
}

static bool overlap(struct import *im, const struct import_end *end, size_t n)
{
	size_t count = 0, peers = 0, outer = 0;
	struct ip_prefix *all;
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		count += end->peers[i].allowed.n;
		peers += end->peers[i].allowed.n > 0;
	}
	all = take(im, count, sizeof(*all));
	if (!all || peers < 2)
		return false;
	count = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < end->peers[i].allowed.n; k++)
			all[count++] = end->peers[i].allowed.v[k];
	qsort(all, count, sizeof(*all), by_prefix);
	for (size_t i = 1; i < count && !found; i++) {
		found = ip_prefix_overlap(&all[outer], &all[i]);
		outer = i;
	}
	return found;
}

/* --- ends ---------------------------------------------------------------------------------- */

/* somebody has to call it: it has a port, and does not call everybody itself */
static bool waits(const struct profile *p)
{
	for (size_t i = 0; i < p->n_peers; i++)
		if (!p->peers[i].has_endpoint)
			return p->has_listen_port && p->listen_port;
	return false;
}

static void read_end(struct import *im, struct import_end *end)
{
	const struct profile *p = import_profile(end);

	end->warnings->arena = arena_new(0);
	im->no_memory |= !end->warnings->arena;
	end->has_key = p->has_private_key;
	if (end->has_key)
		wg_key_public(p->private_key, end->public_key);
	end->peers = take(im, p->n_peers, sizeof(*end->peers));
	if (!end->peers)
		return;
	for (size_t i = 0; i < p->n_peers; i++)
		end->peers[i] = (struct import_peer){.p = &p->peers[i], .other = NO_END};
	share_out(im, end, p->n_peers);
	end->overlaps = overlap(im, end, p->n_peers);
	end->is_tenant = waits(p) && !end->overlaps;
}

static struct import_host *add_host(struct import *im)
{
	struct import_host *v = import_grow(im, im->hosts, im->n_hosts, sizeof(*v));

	if (!v)
		return NULL;
	im->hosts = v;
	return &v[im->n_hosts++];
}

/* the first gateway that has the port free */
static void place_tenant(struct import *im, struct import_end *end)
{
	const uint16_t *port = &import_profile(end)->listen_port;
	struct import_host *h;
	size_t i = 0;

	while (i < im->n_gateways && (im->hosts[i].n_tenants == TENANTS_MAX ||
				      table_get(&im->hosts[i].ports, port, sizeof(*port), NULL)))
		i++;
	if (i == im->n_gateways) {
		h = add_host(im);
		if (!h)
			return;
		h->is_gateway = true;
		im->n_gateways++;
	}
	h = &im->hosts[i];
	end->host = i;
	end->number = h->n_tenants++;
	im->no_memory |= table_add(&h->ports, port, sizeof(*port), 0, NULL) < 0;
}

static void place_ends(struct import *im)
{
	for (size_t i = 0; i < im->n_ends && !im->no_memory; i++)
		if (im->ends[i].is_tenant)
			place_tenant(im, &im->ends[i]);
	for (size_t i = 0; i < im->n_ends && !im->no_memory; i++) {
		if (im->ends[i].is_tenant)
			continue;
		im->ends[i].host = im->n_hosts;
		add_host(im);
	}
}

/* --- who belongs together -------------------------------------------------------------------- */

static bool has_peer(const struct import_end *end, const uint8_t key[static KEY_LEN])
{
	const struct profile *p = import_profile(end);

	for (size_t i = 0; i < p->n_peers; i++)
		if (memcmp(p->peers[i].public_key, key, KEY_LEN) == 0)
			return true;
	return false;
}

/* several files may have one key: a gateway's, or copies of one file */
static int likeness(const struct import_end *end, const struct profile_peer *peer,
		    const struct import_end *other)
{
	const struct profile *p = import_profile(other);

	return 2 * (end->has_key && has_peer(other, end->public_key)) +
	       (peer->has_endpoint && p->has_listen_port && peer->endpoint.port == p->listen_port);
}

/* @first: the first end with the peer's key, from which @next leads to the others with it */
static size_t most_like(const struct import *im, const struct import_end *end,
			const struct profile_peer *peer, size_t first, const size_t *next)
{
	size_t best = first;

	if (next[first] == NO_END)
		return first;
	for (size_t i = first; i != NO_END; i = next[i])
		if (likeness(end, peer, &im->ends[i]) > likeness(end, peer, &im->ends[best]))
			best = i;
	return best;
}

static void join(struct import *im)
{
	struct table by_key _cleanup_table_ = TABLE_INIT;
	size_t *next = take(im, im->n_ends, sizeof(*next)), first;

	/* from the last: chains are in the order of the files then */
	for (size_t i = im->n_ends; i-- > 0 && !im->no_memory;) {
		next[i] = NO_END;
		if (!im->ends[i].has_key)
			continue;
		table_get(&by_key, im->ends[i].public_key, KEY_LEN, &next[i]);
		im->no_memory |= table_set(&by_key, im->ends[i].public_key, KEY_LEN, i) < 0;
	}
	for (size_t i = 0; i < im->n_ends && !im->no_memory; i++) {
		struct import_end *end = &im->ends[i];

		for (size_t k = 0; k < import_profile(end)->n_peers; k++)
			if (table_get(&by_key, end->peers[k].p->public_key, KEY_LEN, &first))
				end->peers[k].other =
					most_like(im, end, end->peers[k].p, first, next);
	}
}

static bool is_joined(const struct import_peer *peer)
{
	return peer->other != NO_END && peer->allowed.n;
}

/* the host that is called by an address has it, unless another has */
static void give_address(struct import *im, const struct import_end *end, struct import_peer *peer,
			 struct table *owners)
{
	const struct ip_endpoint *at = &peer->p->endpoint;
	size_t callee = im->ends[peer->other].host, owner = callee;

	if (!peer->p->has_endpoint || !import_is_unicast(&at->addr) ||
	    ip_prefix_contains(&im->underlay.v4, &at->addr) ||
	    ip_prefix_contains(&im->underlay.v6, &at->addr) ||
	    import_profile(&im->ends[peer->other])->listen_port != at->port ||
	    add_key(im, owners, &(struct ip_prefix){.addr = at->addr}, callee, &owner) < 0)
		return;
	peer->keeps_endpoint = owner == callee;
	if (!peer->keeps_endpoint)
		return;
	im->underlay.has_v6 |= at->addr.family == AF_INET6;
	import_add_address(im, &im->hosts[callee].called, &at->addr);
	if (end->host != callee)
		import_add_address(im, &im->hosts[end->host].calls, &at->addr);
}

/* who calls it by a name, or not at all, is given what others call it by */
static void give_routes(struct import *im, const struct import_end *end,
			const struct import_peer *peer)
{
	const struct import_addresses *called = &im->hosts[im->ends[peer->other].host].called;

	if (peer->keeps_endpoint || end->host == im->ends[peer->other].host)
		return;
	for (size_t i = 0; i < called->n; i++)
		import_add_address(im, &im->hosts[end->host].calls, &called->v[i]);
}

static void give_addresses(struct import *im)
{
	struct table owners _cleanup_table_ = TABLE_INIT;

	for (size_t i = 0; i < im->n_ends; i++)
		for (size_t k = 0; k < import_profile(&im->ends[i])->n_peers; k++)
			if (is_joined(&im->ends[i].peers[k]))
				give_address(im, &im->ends[i], &im->ends[i].peers[k], &owners);
	for (size_t i = 0; i < im->n_ends; i++)
		for (size_t k = 0; k < import_profile(&im->ends[i])->n_peers; k++)
			if (is_joined(&im->ends[i].peers[k]))
				give_routes(im, &im->ends[i], &im->ends[i].peers[k]);
}

/* --- all of it ---------------------------------------------------------------------------------- */

/* what is handed out is valid: whatever is wrong with it is our fault, or its size's */
static int check_result(const struct import_result *r, struct err *e)
{
	struct topology *t = NULL;
	struct diags d;
	int status;

	if (r->len > LAB_FILE_MAX) {
		err_set(e, E2BIG, "the topology would have more than %zu MB", LAB_FILE_MAX >> 20);
		err_hint(e, "import fewer files at a time");
		return err_kind_set(e, ERR_INVALID);
	}
	status = topology_load(r->text, r->len, "/", &t, &d, e);
	if (status == -EINVAL && d.n) {
		err_set(e, E2BIG, "the topology cannot be made of this: line %d: %s", d.v[0].line,
			d.v[0].text);
		err_hint(e, "import fewer files at a time");
		status = err_kind_set(e, ERR_INVALID);
	}
	diags_free(&d);
	topology_free(t);
	return status;
}

static int write_result(struct import *im, struct err *e)
{
	FILE *f = open_memstream(&im->out->text, &im->out->len);

	if (!f)
		return err_errno(e, "topology");
	import_write(im, f);
	if (fclose(f) < 0)
		return err_errno(e, "topology");
	for (size_t i = 0; i < im->n_ends; i++)
		diags_sort(im->ends[i].warnings);
	return im->no_memory ? err_code(e, ENOMEM, "topology") : 0;
}

static int make(struct import *im, struct err *e)
{
	for (size_t i = 0; i < im->n_ends && !im->no_memory; i++)
		read_end(im, &im->ends[i]);
	place_ends(im);
	if (!im->no_memory)
		import_name(im);
	if (!im->no_memory)
		join(im);
	if (!im->no_memory)
		import_find_nets(im);
	if (!im->no_memory)
		give_addresses(im);
	return im->no_memory ? err_code(e, ENOMEM, "topology") : write_result(im, e);
}

int import_make(const struct import_file *files, size_t n, const struct import_options *o,
		struct import_result *ret, struct err *e)
{
	struct import im = {.o = o, .out = ret, .n_ends = n};
	int r;

	*ret = (struct import_result){.arena = arena_new(0), .n_files = n};
	im.a = ret->arena;
	if (!im.a)
		return err_code(e, ENOMEM, "topology");
	if (n > IMPORT_FILES_MAX) {
		err_set(e, E2BIG, "more than %d files", IMPORT_FILES_MAX);
		return err_kind_set(e, ERR_INVALID);
	}
	im.ends = take(&im, n, sizeof(*im.ends));
	ret->warnings = take(&im, n, sizeof(*ret->warnings));
	if (im.no_memory)
		return err_code(e, ENOMEM, "topology");
	for (size_t i = 0; i < n; i++) {
		im.ends[i].file = &files[i];
		im.ends[i].warnings = &ret->warnings[i];
	}
	r = make(&im, e);
	table_free(&im.names);
	for (size_t i = 0; i < im.n_hosts; i++)
		table_free(&im.hosts[i].ports);
	return r < 0 ? r : check_result(ret, e);
}

void import_free(struct import_result *r)
{
	for (size_t i = 0; r->warnings && i < r->n_files; i++)
		diags_free(&r->warnings[i]);
	arena_free(r->arena);
	free(r->text);
	*r = (struct import_result){.text = NULL};
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations that are rtnetlink requests: queued, and sent together. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/fault.h"
#include "lab/apply_ops.h"
#include "netns/addr.h"
#include "netns/link.h"

bool op_is_link(const struct op *op)
{
	switch (op->kind) {
	case OP_BRIDGE:
	case OP_VETH:
	case OP_PORT:
	case OP_ADDRESS:
	case OP_LINK_UP:
	case OP_ROUTE:
	case OP_MTU:
	case OP_LINK_DEL:
	case OP_LINKS_DEL:
	case OP_ADDRESS_DEL:
	case OP_ROUTE_DEL:
		return true;
	default:
		return false;
	}
}

/* @ok: an errno value that is success, for what may be done already; 0: none */
static int queue_ok(struct apply *a, size_t ns, struct nl_msg *msg, int ok, const struct op *op,
		    struct err *e)
{
	int r = apply_chan(a, ns, e);

	if (r < 0) {
		nlmsg_free(msg);
		return r;
	}
	a->pending = a->ns[ns].rtnl;
	r = chan_queue(a->pending, msg, ok, op, e);
	if (r < 0 || !fault_active())
		return r;
	/* for tests, each request is an instant of its own */
	r = chan_flush(a->pending, NULL, e);
	return !r ? fault_point("requested", e) : r;
}

static int queue(struct apply *a, size_t ns, struct nl_msg *msg, const struct op *op, struct err *e)
{
	return queue_ok(a, ns, msg, 0, op, e);
}

/* the names that a link has besides its own: the mark of its owner, and the file's long name */
int apply_altnames(struct apply *a, size_t ns, const struct op *op, const char *full, struct err *e)
{
	char mark[ALT_NAME_MAX + 1];
	const char *names[3] = {plan_altname(a->plan->topology, op->ifname, mark), NULL, NULL};

	if (full && strcmp(full, op->ifname))
		names[1] = full;
	return queue_ok(a, ns, link_msg_altnames(op->index, names), EEXIST, op, e);
}

static int add_bridge(struct apply *a, const struct op *op, struct err *e)
{
	const struct link_end end = {
		.name = op->ifname, .index = op->index, .mtu = op->bridge.mtu, .ns_fd = -1};
	int r = 0;

	if (apply_is_here(a, op->ns))
		r = apply_record(a, REC_LINK, a->ns[op->ns].cookie, op->index, op->ifname, e);
	if (!r)
		r = queue(a, op->ns, link_msg_bridge(&end), op, e);
	if (!r)
		r = apply_altnames(a, op->ns, op, op->bridge.full, e);
	return r;
}

static int add_veth(struct apply *a, const struct op *op, struct err *e)
{
	const struct link_end end = {
		.name = op->ifname,
		.index = op->index,
		.mtu = op->veth.mtu,
		.group = apply_is_here(a, op->ns) ? a->group : 0,
		.ns_fd = -1,
	};
	struct link_end peer = {
		.name = op->veth.peer,
		.index = op->veth.peer_index,
		.mtu = op->veth.mtu,
	};
	int r = apply_open(a, op->veth.peer_ns, e);

	if (r < 0)
		return r;
	peer.ns_fd = a->ns[op->veth.peer_ns].fd;
	return queue(a, op->ns, link_msg_veth(&end, &peer), op, e);
}

static int add_port(struct apply *a, const struct op *op, struct err *e)
{
	int r = apply_altnames(a, op->ns, op, op->port.full, e);

	/* a port that is up would be in no isolation on its new bridge for a moment */
	if (!r && op->port.move)
		r = queue(a, op->ns, link_msg_down(op->index), op, e);
	if (!r)
		r = queue(a, op->ns, link_msg_enslave(op->index, op->port.bridge_index), op, e);
	/* isolated first, raised then: it never forwards without */
	if (!r && (op->port.isolated || op->port.there))
		r = queue(a, op->ns, link_msg_isolate(op->index, op->port.isolated), op, e);
	return !r ? queue(a, op->ns, link_msg_up(op->index, 0), op, e) : r;
}

/* in the caller's own namespace: a link that was there before us keeps its number */
static bool is_foreign_link(const struct apply *a, const struct op *op)
{
	return apply_is_here(a, op->ns) && op->index < a->plan->first_index;
}

/*
 * In the caller's own namespace: written down, then made at once.  What is there already is not
 * ours, and must not stay in the journal as if it were.
 */
static int make_recorded(struct apply *a, const struct op *op, struct nl_msg *msg,
			 enum record_kind kind, uint32_t index, const char *text, struct err *e)
{
	struct err why = ERR_INIT;
	int r = apply_flush(a, e);

	if (!r)
		r = apply_chan(a, op->ns, e);
	if (!r)
		r = apply_record(a, kind, a->ns[op->ns].cookie, index, text, e);
	if (r < 0) {
		nlmsg_free(msg);
		return r;
	}
	r = chan_do(a->ns[op->ns].rtnl, msg, e);
	if (r == -EEXIST)
		(void)apply_unrecord(a, &why);
	return r;
}

static int raise_link(struct apply *a, const struct op *op, struct err *e)
{
	int r = 0;

	if (is_foreign_link(a, op))
		r = apply_record(a, REC_RAISED, a->ns[op->ns].cookie, op->index, op->ifname, e);
	if (op->up.full)
		r = apply_altnames(a, op->ns, op, op->up.full, e);
	if (!r && !op->up.ipv6)
		r = queue(a, op->ns, link_msg_no_autoconf(op->index), op, e);
	return !r ? queue(a, op->ns, link_msg_up(op->index, op->up.mtu), op, e) : r;
}

static int add_address(struct apply *a, const struct op *op, struct err *e)
{
	struct nl_msg *msg = addr_msg_add(op->index, &op->address);
	char text[IP_PREFIX_STRLEN];

	if (is_foreign_link(a, op))
		return make_recorded(a, op, msg, REC_ADDRESS, op->index,
				     ip_prefix_format(&op->address, text), e);
	return queue(a, op->ns, msg, op, e);
}

static int remove_address(struct apply *a, const struct op *op, struct err *e)
{
	int r = apply_flush(a, e);

	if (!r)
		r = apply_chan(a, op->ns, e);
	if (!r)
		r = apply_enter(a, op->ns, e);
	return !r ? addr_remove(a->ns[op->ns].rtnl, op->index, &op->address, e) : r;
}

/* is there a route to @to that we have made? */
static bool is_recorded_route(const struct apply *a, const char *to)
{
	size_t n, len = strlen(to);
	const struct record *recs = journal_records(a->journal, &n);

	for (size_t i = 0; i < n; i++)
		if (recs[i].live && recs[i].kind == REC_ROUTE && !strncmp(recs[i].text, to, len) &&
		    recs[i].text[len] == ' ')
			return true;
	return false;
}

/* a route that the machine has already is left alone, now and when the lab goes */
static int add_route_here(struct apply *a, const struct op *op, const struct route_spec *spec,
			  struct err *e)
{
	char to[IP_PREFIX_STRLEN], via[INET6_ADDRSTRLEN] = "-", metric[16] = "-";
	char text[160];
	int r = apply_flush(a, e);

	if (!r)
		r = apply_chan(a, op->ns, e);
	if (!r)
		r = route_exists(a->ns[op->ns].rtnl, spec, e);
	if (r)
		return r < 0 ? r : 0;
	if (spec->has_via)
		ip_addr_format(&spec->via, via);
	if (spec->has_metric)
		snprintf(metric, sizeof(metric), "%u", spec->metric);
	snprintf(text, sizeof(text), "%s %s %s %u", ip_prefix_format(&spec->to, to), via, metric,
		 spec->table);
	if (op->replace_route && !is_recorded_route(a, to))
		r = err_code(e, EEXIST, "route %s", to);
	if (!r)
		r = make_recorded(a, op, route_msg_add(spec, op->replace_route), REC_ROUTE,
				  spec->index, text, e);
	if (r == -EEXIST)
		err_hint(e, "the machine has another route to there: take one of the two out");
	return r;
}

static int add_route(struct apply *a, const struct op *op, struct err *e)
{
	struct route_spec spec = op->route;
	int r;

	if (op->ifname && !op->index) {
		/* a link that we did not make: its number is the kernel's */
		r = apply_flush(a, e);
		if (!r)
			r = apply_chan(a, op->ns, e);
		if (!r)
			r = link_index(a->ns[op->ns].rtnl, op->ifname, &spec.index, e);
		if (r < 0)
			return r;
	}
	return apply_is_here(a, op->ns)
		       ? add_route_here(a, op, &spec, e)
		       : queue(a, op->ns, route_msg_add(&spec, op->replace_route), op, e);
}

/*
 * Each link that is removed by itself makes the kernel wait until nobody looks at it any more; those
 * of a group are waited for together.
 */
static int delete_links(struct apply *a, const struct op *op, struct err *e)
{
	uint32_t group;
	int r = 0;

	if (getrandom(&group, sizeof(group), 0) != sizeof(group))
		return err_errno(e, "random numbers");
	group = (group & 0x7fffffff) | 0x40000000;
	for (size_t i = 0; i < op->links.n && !r; i++)
		r = queue_ok(a, op->ns, link_msg_group(op->links.indices[i], group), ENODEV, op, e);
	return !r ? queue_ok(a, op->ns, link_msg_delete_group(group), ENODEV, op, e) : r;
}

int apply_link_op(struct apply *a, const struct op *op, struct err *e)
{
	switch (op->kind) {
	case OP_BRIDGE:
		return add_bridge(a, op, e);
	case OP_VETH:
		return add_veth(a, op, e);
	case OP_PORT:
		return add_port(a, op, e);
	case OP_ADDRESS:
		return add_address(a, op, e);
	case OP_LINK_UP:
		return raise_link(a, op, e);
	case OP_ROUTE:
		return add_route(a, op, e);
	case OP_MTU:
		return queue(a, op->ns, link_msg_mtu(op->index, op->mtu), op, e);
	case OP_LINK_DEL:
		return queue_ok(a, op->ns, link_msg_delete(op->index), ENODEV, op, e);
	case OP_LINKS_DEL:
		return delete_links(a, op, e);
	case OP_ADDRESS_DEL:
		return remove_address(a, op, e);
	case OP_ROUTE_DEL:
		return queue_ok(a, op->ns, route_msg_del(&op->route), ESRCH, op, e);
	default:
		return err_set(e, EINVAL, "not a request about links");
	}
}

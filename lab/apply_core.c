/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all operations need: the namespace they act in, the queue of requests, the journal. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/ns.h"
#include "lab/apply_ops.h"
#include "netns/pin.h"

bool apply_is_here(const struct apply *a, size_t ns)
{
	return !a->plan->ns[ns].name;
}

int apply_record(struct apply *a, enum record_kind kind, uint64_t number, uint32_t index,
		 const char *text, struct err *e)
{
	struct record r = {.kind = kind, .number = number, .index = index, .text = text};

	return journal_add(a->journal, &r, e);
}

/* a namespace that was made, and let go of in the meantime: is it still the same? */
static int reopen(struct apply *a, size_t ns, struct err *e)
{
	struct apply_ns *s = &a->ns[ns];
	_cleanup_close_ int fd = netns_open(a->plan->ns[ns].name, e);
	_cleanup_close_ int sock = -1;
	uint64_t cookie;
	int r;

	if (fd < 0)
		return fd;
	r = ns_enter(fd, e);
	if (r < 0)
		return r;
	a->current = ns;
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return err_errno(e, "open a socket");
	r = ns_cookie(sock, &cookie, e);
	if (!r && cookie != s->cookie)
		r = err_set(e, ESTALE, "somebody else has put another namespace there");
	if (!r)
		s->fd = steal_fd(&fd);
	return r;
}

int apply_unrecord(struct apply *a, struct err *e)
{
	size_t n;

	journal_records(a->journal, &n);
	return journal_drop(a->journal, (unsigned int)n, e);
}

int apply_open(struct apply *a, size_t ns, struct err *e)
{
	return a->ns[ns].fd >= 0 ? 0 : reopen(a, ns, e);
}

int apply_chan(struct apply *a, size_t ns, struct err *e)
{
	int r = apply_open(a, ns, e);

	if (r < 0 || a->ns[ns].rtnl)
		return r;
	r = apply_enter(a, ns, e);
	return !r ? chan_open_here(NETLINK_ROUTE, &a->ns[ns].rtnl, e) : r;
}

int apply_enter(struct apply *a, size_t ns, struct err *e)
{
	int r;

	if (a->current == ns)
		return 0;
	r = apply_open(a, ns, e);
	if (!r)
		r = ns_enter(a->ns[ns].fd, e);
	if (!r)
		a->current = ns;
	return r;
}

/* "tenant c17: address 100.64.0.20/24 on eth0: why" */
int apply_wrap(const struct apply *a, const struct op *op, struct err *e)
{
	_cleanup_free_ char *words = NULL;
	size_t len;
	FILE *f = open_memstream(&words, &len);

	if (f) {
		op_describe(a->plan, op, f);
		fclose(f);
	}
	return err_wrap(e, "%s: %s", a->plan->ns[op->ns].subject,
			words ? words : op_kind_name(op->kind));
}

int apply_flush(struct apply *a, struct err *e)
{
	struct chan *c = a->pending;
	const void *tag = NULL;
	double before, took;
	int r;

	a->pending = NULL;
	if (!c)
		return 0;
	before = clock_seconds();
	r = chan_flush(c, &tag, e);
	/* the time of requests that were queued is theirs, not that of whatever comes next */
	took = clock_seconds() - before;
	a->timing->seconds[OP_VETH] += took;
	a->charged += took;
	return r < 0 && tag ? apply_wrap(a, tag, e) : r;
}

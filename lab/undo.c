/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation.  The journal is worked through from its end.  Each object
 * is first looked at: gone already is success; there, but not the one we made
 * (another namespace of the same name, another process of the same number) is
 * left alone and said.  What lives inside a namespace of ours has no record: it
 * goes with the namespace.  A record is dropped after its object is gone, so the
 * work can be cut at any instant and taken up again.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/nl.h"
#include "base/ns.h"
#include "base/proc.h"
#include "lab/apply.h"
#include "nat/rules.h"
#include "netns/addr.h"
#include "netns/find.h"
#include "netns/link.h"
#include "netns/pin.h"
#include "netns/sysctl.h"

#define GRACE_MS 2000 /* between SIGTERM and SIGKILL */

struct undo {
	struct journal *j;
	const struct apply_hooks *hooks;
	int here;          /* the caller's namespace */
	struct chan *rtnl; /* of it */
	uint64_t cookie;   /* of it */
};

static void note(const struct undo *u, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(const struct undo *u, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!u->hooks->note)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	u->hooks->note(text, u->hooks->arg);
}

/* --- namespaces ------------------------------------------------------------------- */

/* the cookie of a namespace; leaves the thread in it */
static int cookie_of(int ns_fd, uint64_t *ret, struct err *e)
{
	_cleanup_close_ int sock = -1;
	int r = ns_enter(ns_fd, e);

	if (r < 0)
		return r;
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return sock < 0 ? err_errno(e, "open a socket") : ns_cookie(sock, ret, e);
}

/* the file that netns_pin() makes before it mounts, and nothing more */
static bool is_bare_pin(const char *name)
{
	char path[sizeof(NETNS_DIR) + 256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", NETNS_DIR, name);
	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && !st.st_size && !(st.st_mode & 0777);
}

static int undo_netns(struct undo *u, const struct record *rec, struct err *e)
{
	struct err why = ERR_INIT;
	_cleanup_close_ int fd = netns_open(rec->text, &why);
	uint64_t cookie = 0;
	int r;

	if (fd == -ENOENT || fd == -ELOOP)
		return 0;
	if (fd < 0 && !is_bare_pin(rec->text)) {
		note(u, "%s/%s is not the namespace that was made: left alone", NETNS_DIR,
		     rec->text);
		return 0;
	}
	if (fd >= 0) {
		r = cookie_of(fd, &cookie, e);
		if (r < 0)
			return r;
		if (cookie != rec->number) {
			note(u, "namespace %s is not the one that was made: left alone", rec->text);
			return 0;
		}
	}
	return netns_unpin(rec->text, e);
}

/* did the removal of something in there fail?  Then the folder's turn comes next time. */
static bool still_holds(const struct undo *u, const struct record *folder, enum record_kind kind)
{
	size_t n, len = strlen(folder->text);
	const struct record *recs = journal_records(u->j, &n);

	for (size_t i = folder->id; i < n; i++)
		if (recs[i].live && recs[i].kind == kind &&
		    !strncmp(recs[i].text, folder->text, len))
			return true;
	return false;
}

static int undo_netns_dir(struct undo *u, const struct record *rec, struct err *e)
{
	if (still_holds(u, rec, REC_NETNS))
		return err_set(e, EBUSY, "namespaces are left in it");
	return netns_dir_release(e);
}

/* --- things in the caller's own namespace --------------------------------------------- */

static int ignore(int r, int code)
{
	return r == -code ? 0 : r;
}

static int undo_link(struct undo *u, const struct record *rec, struct err *e)
{
	int r = link_is(u->rtnl, rec->index, rec->text, NULL, e);

	if (r < 0)
		return r;
	if (!r) {
		struct err gone = ERR_INIT;
		uint32_t index;

		if (!link_index(u->rtnl, rec->text, &index, &gone))
			note(u, "interface %s is not the one that was made: left alone", rec->text);
		return 0;
	}
	/* a TUN goes with its process, maybe just now */
	return ignore(chan_do(u->rtnl, link_msg_delete(rec->index), e), ENODEV);
}

static int undo_raised(struct undo *u, const struct record *rec, struct err *e)
{
	int r = link_is(u->rtnl, rec->index, rec->text, NULL, e);

	return r > 0 ? ignore(chan_do(u->rtnl, link_msg_down(rec->index), e), ENODEV) : r;
}

static int undo_group(struct undo *u, const struct record *rec, struct err *e)
{
	return ignore(chan_do(u->rtnl, link_msg_delete_group(rec->index), e), ENODEV);
}

static int undo_address(struct undo *u, const struct record *rec, struct err *e)
{
	struct ip_prefix p;

	if (ip_prefix_parse(rec->text, &p) < 0)
		return err_set(e, EBADMSG, "not an address");
	if (ns_enter(u->here, e) < 0)
		return -e->code;
	return addr_remove(u->rtnl, rec->index, &p, e);
}

static int undo_route(struct undo *u, const struct record *rec, struct err *e)
{
	struct route_spec s = {.index = rec->index};
	char to[64], via[64], metric[16];

	if (sscanf(rec->text, "%63s %63s %15s %" SCNu32, to, via, metric, &s.table) != 4 ||
	    ip_prefix_parse(to, &s.to) < 0)
		return err_set(e, EBADMSG, "not a route");
	s.has_via = ip_addr_parse(via, &s.via) == 0;
	s.has_metric = metric[0] != '-';
	s.metric = (uint32_t)strtoul(metric, NULL, 10);
	return ignore(ignore(chan_do(u->rtnl, route_msg_del(&s), e), ESRCH), ENODEV);
}

static int undo_sysctl(struct undo *u, const struct record *rec, struct err *e)
{
	_cleanup_free_ char *key = strdup(rec->text);
	char *old = key ? strchr(key, ' ') : NULL;

	if (!old)
		return err_set(e, EBADMSG, "not a sysctl");
	*old++ = '\0';
	if (ns_enter(u->here, e) < 0)
		return -e->code;
	return ignore(sysctl_set(key, old, e), ENOENT);
}

static int undo_table(struct undo *u, const struct record *rec, struct err *e)
{
	_cleanup_close_ int sock = -1;
	int r;

	if (ns_enter(u->here, e) < 0)
		return -e->code;
	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (sock < 0)
		return err_errno(e, "open a netfilter socket");
	r = nat_remove(sock, rec->text, e);
	return r > 0 ? 0 : r;
}

/* --- processes and files ------------------------------------------------------------------ */

static struct proc_id process_of(const struct record *rec)
{
	return (struct proc_id){.pid = (pid_t)rec->index, .start = rec->number};
}

static int undo_process(struct undo *u, const struct record *rec, struct err *e)
{
	struct proc_id id = process_of(rec);

	(void)u;
	return proc_end(&id, GRACE_MS, e);
}

static int undo_programs(struct undo *u, const struct record *rec, struct err *e)
{
	(void)u;
	return proc_end_marked(rec->text, GRACE_MS, e);
}

static int undo_file(struct undo *u, const struct record *rec, struct err *e)
{
	(void)u;
	return unlink(rec->text) < 0 && errno != ENOENT ? err_errno(e, "remove it") : 0;
}

static int undo_folder(struct undo *u, const struct record *rec, struct err *e)
{
	if (still_holds(u, rec, REC_FILE) || still_holds(u, rec, REC_FOLDER))
		return err_set(e, ENOTEMPTY, "something of ours is left in it");
	/* somebody put something in there: it is theirs now */
	if (rmdir(rec->text) < 0 && errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST)
		return err_errno(e, "remove it");
	return 0;
}

/* --- the whole ------------------------------------------------------------------------------ */

static const struct {
	int (*undo)(struct undo *u, const struct record *rec, struct err *e);
	const char *word;
	bool in_namespace; /* must be done in the namespace of record.number */
} how[REC_KINDS] = {
	[REC_NETNS_DIR] = {undo_netns_dir, "folder of namespaces", false},
	[REC_NETNS] = {undo_netns, "namespace", false},
	[REC_LINK] = {undo_link, "interface", true},
	[REC_RAISED] = {undo_raised, "interface", true},
	[REC_GROUP] = {undo_group, "interfaces", true},
	[REC_ADDRESS] = {undo_address, "address", true},
	[REC_ROUTE] = {undo_route, "route", true},
	[REC_SYSCTL] = {undo_sysctl, "sysctl", true},
	[REC_TABLE] = {undo_table, "NAPT rules", true},
	[REC_PROCESS] = {undo_process, "process", false},
	[REC_PROGRAMS] = {undo_programs, "processes", false},
	[REC_FILE] = {undo_file, "file", false},
	[REC_FOLDER] = {undo_folder, "folder", false},
};

/* an object of a namespace that we are not in: either it is there, or it went with it */
static int elsewhere(const struct undo *u, const struct record *rec, struct err *e)
{
	int r = netns_is_alive(rec->number, e);

	if (r < 0)
		return r;
	if (!r) {
		note(u, "%s %s went with its namespace", how[rec->kind].word, rec->text);
		return 0;
	}
	err_set(e, EXDEV, "it is in another network namespace than this command");
	return err_hint(e, "run the command where `warren up --host` was run");
}

static int undo_record(struct undo *u, const struct record *rec, struct err *e)
{
	int r = fault_point(how[rec->kind].word, e);

	if (!r && how[rec->kind].in_namespace && rec->number != u->cookie)
		r = elsewhere(u, rec, e);
	else if (!r)
		r = how[rec->kind].undo(u, rec, e);
	if (!r)
		r = fault_point("removed", e);
	if (!r)
		r = journal_drop(u->j, rec->id, e);
	if (r == -ENOSPC) /* it is gone all the same, which is found out again next time */
		r = 0;
	return r < 0 ? err_wrap(e, "%s %s", how[rec->kind].word, rec->text) : 0;
}

/*
 * All tunnels are asked to end before the first is waited for.  Not the programs of run: once
 * their leader is gone, nothing tells their children from somebody else's processes.
 */
static void ask_tunnels(const struct record *recs, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		struct proc_id id = process_of(&recs[i]);

		if (recs[i].live && recs[i].kind == REC_PROCESS &&
		    !strncmp(recs[i].text, TUNNEL_PROCESS, strlen(TUNNEL_PROCESS)) &&
		    proc_alive(&id))
			kill(id.pid, SIGTERM);
	}
}

static int undo_records(struct undo *u, struct err *e)
{
	size_t n, done = 0;
	const struct record *recs = journal_records(u->j, &n);
	int failed = 0;

	ask_tunnels(recs, n);
	for (size_t i = n; i-- > 0;) {
		struct err why = ERR_INIT;

		if (recs[i].live && undo_record(u, &recs[i], &why) < 0 && !failed) {
			*e = why;
			failed = -why.code;
		}
		if (u->hooks->progress)
			u->hooks->progress(++done, n, u->hooks->arg);
	}
	return failed;
}

void undo_end(struct undo *u)
{
	if (!u)
		return;
	chan_close(u->rtnl);
	if (u->here >= 0)
		close(u->here);
	free(u);
}

int undo_begin(struct journal *j, const struct apply_hooks *hooks, struct undo **ret, struct err *e)
{
	struct undo *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return err_code(e, ENOMEM, "undo");
	*u = (struct undo){.j = j, .hooks = hooks, .here = ns_open_self(e)};
	r = u->here < 0 ? u->here : chan_open_here(NETLINK_ROUTE, &u->rtnl, e);
	if (!r)
		r = ns_cookie(chan_fd(u->rtnl), &u->cookie, e);
	if (r < 0)
		undo_end(u);
	else
		*ret = u;
	return r;
}

int undo_one(struct undo *u, unsigned int id, struct err *e)
{
	size_t n;
	const struct record *recs = journal_records(u->j, &n);

	return recs[id - 1].live ? undo_record(u, &recs[id - 1], e) : 0;
}

struct undo_all {
	struct journal *j;
	const struct apply_hooks *hooks;
};

static int undo_thread(void *arg, struct err *e)
{
	const struct undo_all *all = arg;
	struct undo *u = NULL;
	int r = undo_begin(all->j, all->hooks, &u, e);

	if (r < 0 || !u)
		return r;
	r = undo_records(u, e);
	sysctl_view_end();
	undo_end(u);
	return r;
}

int undo_journal(struct journal *j, const struct apply_hooks *hooks, struct err *e)
{
	struct undo_all all = {j, hooks};
	int r = journal_set_state(j, LAB_REMOVING, e);

	if (r == -ENOSPC) /* no reason to keep what could be removed */
		r = 0;
	return !r ? ns_run(-1, undo_thread, &all, e) : r;
}

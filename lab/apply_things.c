/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations that are more than requests about links: namespaces, rules, files, programs. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/io.h"
#include "base/ns.h"
#include "lab/apply_ops.h"
#include "lab/owner.h"
#include "lab/tunnel.h"
#include "nat/rules.h"
#include "netns/pin.h"
#include "netns/sysctl.h"
#include "probe/probe.h"

/* a program has ten seconds to answer; whether it has failed is looked at in between */
#define READY_ROUNDS  50
#define READY_TRIES   4
#define READY_EVERY   50 /* milliseconds */
#define SYSCTL_LENGTH 1024

/* --- namespaces ------------------------------------------------------------------ */

int apply_netns(struct apply *a, const struct op *op, struct err *e)
{
	struct apply_ns *s = &a->ns[op->ns];
	int r;

	s->fd = netns_create_here(e);
	if (s->fd < 0)
		return s->fd;
	a->current = op->ns;
	r = chan_open_here(NETLINK_ROUTE, &s->rtnl, e);
	if (!r)
		r = ns_cookie(chan_fd(s->rtnl), &s->cookie, e);
	/* until it is pinned it goes with this thread: the record comes in between */
	if (!r)
		r = apply_record(a, REC_NETNS, s->cookie, 0, a->plan->ns[op->ns].name, e);
	if (!r)
		r = netns_pin(a->plan->ns[op->ns].name, s->fd, e);
	return r;
}

struct fresh {
	const char *key;
	char *value;
};

static int read_fresh(void *arg, struct err *e)
{
	_cleanup_close_ int ns = netns_create_here(e);
	const struct fresh *f = arg;
	int r = ns < 0 ? ns : sysctl_get(f->key, f->value, SYSCTL_LENGTH, e);

	sysctl_view_end();
	return r;
}

/* what @key is in a new namespace; that of an interface is what new interfaces have there */
static int fresh_value(const char *key, char value[static SYSCTL_LENGTH], struct err *e)
{
	char path[SYSCTL_LENGTH], general[SYSCTL_LENGTH + 16], link[16];
	struct fresh f = {.key = path, .value = value};
	const char *at;

	if (sysctl_path(key, path, sizeof(path)) < 0)
		return err_code(e, EINVAL, "sysctl %s", key);
	if (sysctl_link(path, link)) {
		at = strrchr(path, '/');
		/* new namespaces have no neigh/default */
		snprintf(general, sizeof(general), "%.*s%s%s",
			 (int)(at - path - (ptrdiff_t)strlen(link)), path,
			 strstr(path, "/neigh/") ? "lo" : "default", at);
		f.key = general;
	}
	return ns_run(-1, read_fresh, &f, e);
}

/* is what the machine had for @key written down already?  That is what it gets back. */
static bool is_recorded_sysctl(const struct apply *a, const char *key)
{
	char path[SYSCTL_LENGTH], old[2 * SYSCTL_LENGTH], other[SYSCTL_LENGTH];
	size_t n;
	const struct record *recs = journal_records(a->journal, &n);

	if (sysctl_path(key, path, sizeof(path)) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!recs[i].live || recs[i].kind != REC_SYSCTL)
			continue;
		snprintf(old, sizeof(old), "%.*s", (int)strcspn(recs[i].text, " "), recs[i].text);
		if (sysctl_path(old, other, sizeof(other)) == 0 && !strcmp(other, path))
			return true;
	}
	return false;
}

int apply_sysctl(struct apply *a, const struct op *op, struct err *e)
{
	char old[SYSCTL_LENGTH], text[2 * SYSCTL_LENGTH], both[3 * SYSCTL_LENGTH];
	const char *value = op->sysctl.value;
	int r = 0;

	if (!value) {
		r = fresh_value(op->sysctl.key, old, e);
		value = old;
	}
	if (!r)
		r = apply_enter(a, op->ns, e);

	if (!r && apply_is_here(a, op->ns)) {
		r = sysctl_get(op->sysctl.key, old, sizeof(old), e);
		if (!r && !strcmp(old, value))
			return 0;
		if (op->sysctl.append && old[0]) {
			snprintf(both, sizeof(both), "%s,%s", old, value);
			value = both;
		}
		snprintf(text, sizeof(text), "%s %s", op->sysctl.key, old);
		if (!r && !is_recorded_sysctl(a, op->sysctl.key))
			r = apply_record(a, REC_SYSCTL, a->ns[op->ns].cookie, 0, text, e);
	}
	return !r ? sysctl_set(op->sysctl.key, value, e) : r;
}

/* --- NAPT ------------------------------------------------------------------------- */

int apply_napt(struct apply *a, const struct op *op, struct err *e)
{
	const struct topology *t = a->plan->topology;
	struct nat_ruleset *rs = NULL;
	_cleanup_close_ int sock = -1;
	char owner[64];
	int r = apply_enter(a, op->ns, e);

	if (r < 0)
		return r;
	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (sock < 0)
		return err_errno(e, "open a netfilter socket");
	r = napt_ruleset(t, op->napt.tenant, op->napt.host, &rs, e);
	if (!r && apply_is_here(a, op->ns) && !op->napt.replace)
		r = apply_record(a, REC_TABLE, a->ns[op->ns].cookie, 0, napt_owner(t, owner), e);
	if (!r)
		r = nat_apply(sock, rs, !op->napt.replace, e);
	if (r == -EEXIST && apply_is_here(a, op->ns)) {
		struct err why = ERR_INIT;

		(void)apply_unrecord(a, &why);
		err_hint(e, "somebody else has a table inet " NAT_TABLE
			    ": `nft delete table inet " NAT_TABLE "` if it is not needed");
	}
	nat_ruleset_free(rs);
	return r;
}

int apply_napt_del(struct apply *a, const struct op *op, struct err *e)
{
	_cleanup_close_ int sock = -1;
	char owner[64];
	int r = apply_enter(a, op->ns, e);

	if (r < 0)
		return r;
	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (sock < 0)
		return err_errno(e, "open a netfilter socket");
	r = nat_remove(sock, napt_owner(a->plan->topology, owner), e);
	return r < 0 ? r : 0;
}

/* --- what the journal says --------------------------------------------------------- */

int apply_undo(struct apply *a, const struct op *op, struct err *e)
{
	int r;

	if (!a->undo) {
		/* it is to begin in the caller's namespace */
		r = ns_enter(a->here, e);
		if (!r)
			r = undo_begin(a->journal, a->hooks, &a->undo, e);
		if (r < 0)
			return r;
	}
	r = undo_one(a->undo, op->undo.record, e);
	a->current = SIZE_MAX; /* anywhere */
	return r;
}

/* --- files -------------------------------------------------------------------------- */

static bool is_recorded(const struct apply *a, enum record_kind kind, const char *text)
{
	size_t n;
	const struct record *recs = journal_records(a->journal, &n);

	for (size_t i = 0; i < n; i++)
		if (recs[i].live && recs[i].kind == kind && !strcmp(recs[i].text, text))
			return true;
	return false;
}

int apply_folder(struct apply *a, const char *path, struct err *e)
{
	const bool recorded = is_recorded(a, REC_FOLDER, path);
	const bool there = access(path, F_OK) == 0;
	char lab[LAB_NAME_MAX + 1];
	int r;

	/* one that another lab has made is left by that lab to us, and by us to the next */
	if (there && (recorded || !owner_find(REC_FOLDER, path, lab)))
		return 0;
	r = recorded ? 0 : apply_record(a, REC_FOLDER, 0, 0, path, e);
	if (!r && mkdir(path, 0755) < 0 && errno != EEXIST)
		r = err_errno(e, "%s", path);
	return !r ? fault_point("folder made", e) : r;
}

/* the same file, not another one of its name: programs that have it laid over /etc's see it */
static int rewrite(const struct op *op, struct err *e)
{
	_cleanup_close_ int fd =
		open(op->file.path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0);
	int r = fd < 0 ? err_errno(e, "write it")
		       : io_write_all(fd, op->file.text, strlen(op->file.text));

	return fd >= 0 && r < 0 ? err_code(e, -r, "write it") : r;
}

/* one that this lab made before its record was lost, with the folders it is in */
static int take_up(struct apply *a, const struct op *op, const char *folder, struct err *e)
{
	int r = is_recorded(a, REC_FOLDER, "/etc/netns")
			? 0
			: apply_record(a, REC_FOLDER, 0, 0, "/etc/netns", e);

	if (!r && !is_recorded(a, REC_FOLDER, folder))
		r = apply_record(a, REC_FOLDER, 0, 0, folder, e);
	if (!r)
		r = apply_record(a, REC_FILE, 0, 0, op->file.path, e);
	return !r ? rewrite(op, e) : r;
}

int apply_file(struct apply *a, const struct op *op, struct err *e)
{
	_cleanup_close_ int fd = -1;
	char folder[256];
	int r;

	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(op->file.path, '/') - op->file.path),
		 op->file.path);
	r = apply_folder(a, "/etc/netns", e);
	if (!r)
		r = apply_folder(a, folder, e);
	if (!r && op->file.replace)
		return rewrite(op, e);
	if (!r && owner_lost_file(op->file.path, op->file.text))
		return take_up(a, op, folder, e);
	if (!r && access(op->file.path, F_OK) == 0)
		return err_code(e, EEXIST, "not ours");
	if (!r)
		r = apply_record(a, REC_FILE, 0, 0, op->file.path, e);
	if (r < 0)
		return r;
	fd = open(op->file.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return err_errno(e, "make it");
	if (fault_point("file made", e) < 0)
		return -e->code;
	r = io_write_all(fd, op->file.text, strlen(op->file.text));
	return r < 0 ? err_code(e, -r, "write it") : 0;
}

/* --- programs ------------------------------------------------------------------------- */

struct process_record {
	struct apply *a;
	const char *program;
};

static int record_process(const struct proc_id *id, void *arg, struct err *e)
{
	const struct process_record *p = arg;

	return apply_record(p->a, REC_PROCESS, id->start, (uint32_t)id->pid, p->program, e);
}

/* has it ended in failure?  (One that ends well may have left a server in the background.) */
static bool has_failed(const struct proc_id *id, int *ret_status)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)id->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid)
		return false;
	*ret_status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	return *ret_status != 0;
}

static int wait_ready(struct apply *a, const struct op *op, const struct proc_id *id,
		      const char *log, struct err *e)
{
	char endpoint[IP_ENDPOINT_STRLEN];
	struct probe p;
	int status;

	ip_endpoint_format(&op->run->ready, endpoint);
	for (int i = 0; i < READY_ROUNDS; i++) {
		int r;

		p = (struct probe){.method = PROBE_TCP,
				   .ns_fd = a->ns[op->ns].fd,
				   .target = op->run->ready,
				   .retries = READY_TRIES - 1,
				   .timeout_ms = READY_EVERY};
		r = probe_run(&p, 1, a->hooks->stop, NULL, NULL, e);
		if (r == -EINTR)
			return err_set(e, EINTR, "interrupted");
		if (r < 0 || p.ok)
			return r;
		if (has_failed(id, &status)) {
			err_set(e, ECHILD, "it ended with status %d before %s answered", status,
				endpoint);
			return err_hint(e, "see what it printed: %s", log);
		}
	}
	err_set(e, ETIMEDOUT, "%s does not answer: %s", endpoint, p.message);
	return err_hint(e, "see what it printed: %s", log);
}

int apply_run(struct apply *a, const struct op *op, struct err *e)
{
	const char *name = a->plan->ns[op->ns].name;
	struct process_record p = {a, op->run->argv[0]};
	char folder[256], log[512], etc[256], mark[128];
	const char *const env[] = {mark, NULL};
	struct proc_spec spec = {
		.argv = op->run->argv, .env = env, .log = log, .mount_ns = true, .etc_dir = etc};
	struct proc_id id;
	int r = apply_open(a, op->ns, e);

	store_path(a->store, "log", folder, sizeof(folder));
	if (!r)
		r = io_mkdir_p(folder, 0700, e);
	spec.ns_fd = a->ns[op->ns].fd;
	snprintf(log, sizeof(log), "%s/%s.%u.log", folder, name ? name : "here", op->run->place);
	snprintf(etc, sizeof(etc), "/etc/netns/%s", name ? name : "");
	if (!name || access(etc, F_OK) < 0)
		spec.etc_dir = NULL;
	/* what it starts, and what leaves its session, is found by this */
	plan_run_mark(a->plan->topology, a->ns[op->ns].cookie, op->run, mark);
	if (!r)
		r = apply_record(a, REC_PROGRAMS, 0, 0, mark, e);
	if (!r)
		r = proc_start(&spec, &id, record_process, &p, e);
	if (!r)
		r = fault_point("process started", e);
	return !r && op->run->has_ready ? wait_ready(a, op, &id, log, e) : r;
}

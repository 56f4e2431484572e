/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/ceilings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"

/* a wireguard-go: measured idle, version 0.0.20220316, two CPUs */
#define GO_THREADS 10
#define GO_FILES   12
#define GO_MIB     6
#define HEADROOM   128  /* in what we recommend: others want some, too */
#define OTHERS     1000 /* threads, files, mounts of whatever else runs */
#define NEIGHBOURS 2    /* a tenant and the gateway know each other */
#define SESSIONS   500  /* a household's, at a busy hour */

void demand_of(const struct topology *t, const struct host *only, enum backend backend,
	       struct demand *ret)
{
	struct demand d = {.namespaces = only ? 0 : 1};

	for (size_t i = 0; i < t->n_hosts; i++) {
		const struct host *h = &t->hosts[i];
		size_t n = h->gateway ? h->gateway->n_tenants : 0;

		if (only && only != h)
			continue;
		d.namespaces += (only ? 0 : 1) + n;
		d.tenants += n;
		if (backend == BACKEND_USERSPACE)
			d.processes += h->n_tunnels + n;
		for (size_t k = 0; k < n; k++) {
			const struct prefix_list *l = &h->gateway->tenants[k].napt_addresses;
			bool v6 = false;

			for (size_t a = 0; a < l->n; a++)
				v6 |= l->v[a].addr.family == AF_INET6;
			d.tenants_v6 += v6;
			d.limited += h->gateway->tenants[k].limits.sessions > 0;
			d.sessions += h->gateway->tenants[k].limits.sessions;
		}
	}
	*ret = d;
}

/* the number in a file below @proc, or the most there is where it cannot be read */
static uint64_t limit_of(const char *proc, const char *file)
{
	struct err why = ERR_INIT;
	char path[256], value[64];

	snprintf(path, sizeof(path), "%s/%s", proc, file);
	if (io_read_value(path, value, sizeof(value), &why) < 0 || value[0] < '0' || value[0] > '9')
		return UINT64_MAX;
	return strtoull(value, NULL, 10);
}

/* "net.ipv4.neigh.default.gc_thresh3" of "sys/net/ipv4/neigh/default/gc_thresh3" */
static const char *key_of(const char *file, char key[static 128])
{
	snprintf(key, 128, "%s", file + strlen("sys/"));
	for (char *c = key; *c; c++)
		if (*c == '/')
			*c = '.';
	return key;
}

struct ceiling {
	const char *file; /* below /proc */
	const char *what; /* "%zu … need %llu …": for whom */
	uint64_t need;
	bool later; /* met with traffic only: a note */
};

static int too_low(const struct ceiling *c, uint64_t is, void (*note)(const char *text, void *arg),
		   void *arg, struct err *e)
{
	char key[128], text[512];

	key_of(c->file, key);
	if (c->later) {
		snprintf(text, sizeof(text),
			 "%s: %" PRIu64 " are needed when all are busy, %" PRIu64
			 " are allowed: sysctl %s=%" PRIu64,
			 c->what, c->need, is, key, c->need + HEADROOM);
		if (note)
			note(text, arg);
		return 0;
	}
	err_set(e, EMFILE, "%s: %" PRIu64 " are needed, and %" PRIu64 " are allowed", c->what,
		c->need, is);
	err_hint(e, "sysctl %s=%" PRIu64, key, c->need + HEADROOM);
	return err_kind_set(e, ERR_CANNOT);
}

static uint64_t available_mib(const char *proc)
{
	_cleanup_free_ char *text = NULL;
	struct err why = ERR_INIT;
	char path[256];
	const char *line;

	snprintf(path, sizeof(path), "%s/meminfo", proc);
	if (io_read_file(path, 65536, &text, NULL, &why) < 0)
		return UINT64_MAX;
	line = strstr(text, "MemAvailable:");
	return line ? strtoull(line + strlen("MemAvailable:"), NULL, 10) / 1024 : UINT64_MAX;
}

static void check_memory(const char *proc, const struct demand *d,
			 void (*note)(const char *text, void *arg), void *arg)
{
	uint64_t need = (uint64_t)d->processes * GO_MIB, is = available_mib(proc);
	char text[256];

	if (need <= is || !note)
		return;
	snprintf(text, sizeof(text),
		 "%zu processes of wireguard-go take %" PRIu64 " MiB idle, and %" PRIu64
		 " MiB are available: use a kernel with WireGuard",
		 d->processes, need, is);
	note(text, arg);
}

int ceilings_check(const char *proc, const struct demand *d,
		   void (*note)(const char *text, void *arg), void *arg, struct err *e)
{
	const uint64_t others = d->processes ? OTHERS : 0;
	char sessions[128];
	const struct ceiling list[] = {
		{"sys/user/max_net_namespaces", "network namespaces", d->namespaces, false},
		{"sys/fs/mount-max", "mounts, one a namespace", d->namespaces, false},
		{"sys/fs/inotify/max_user_instances",
		 "inotify instances, one for each wireguard-go (a kernel with WireGuard needs none)",
		 d->processes, false},
		{"sys/fs/inotify/max_user_watches", "inotify watches, one for each wireguard-go",
		 d->processes, false},
		{"sys/kernel/pid_max", "process numbers, for the threads of wireguard-go",
		 (uint64_t)d->processes * GO_THREADS + others, false},
		{"sys/kernel/threads-max", "threads of wireguard-go",
		 (uint64_t)d->processes * GO_THREADS + others, false},
		{"sys/fs/file-max", "open files of wireguard-go",
		 (uint64_t)d->processes * GO_FILES + others, false},
		{"sys/net/ipv4/neigh/default/gc_thresh3", "neighbours (ARP), two a tenant",
		 d->tenants * NEIGHBOURS, true},
		{"sys/net/ipv6/neigh/default/gc_thresh3", "IPv6 neighbours, two a tenant",
		 d->tenants_v6 * NEIGHBOURS, true},
		{"sys/net/ipv6/route/max_size", "IPv6 routes", d->tenants_v6, true},
		{"sys/net/nf_conntrack_max", sessions,
		 (d->tenants - d->limited) * SESSIONS + d->sessions, true},
	};

	if (d->limited)
		snprintf(sessions, sizeof(sessions),
			 "sessions, %" PRIu64
			 " by the limits of %zu tenants and %d for each of %zu",
			 d->sessions, d->limited, SESSIONS, d->tenants - d->limited);
	else
		snprintf(sessions, sizeof(sessions), "sessions, %d a tenant", SESSIONS);
	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		uint64_t is = limit_of(proc, list[i].file);
		int r = list[i].need > is ? too_low(&list[i], is, note, arg, e) : 0;

		if (r < 0)
			return r;
	}
	check_memory(proc, d, note, arg);
	return 0;
}

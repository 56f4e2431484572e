/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/io.h"
#include "base/proc.h"
#include "cmd/cmd.h"
#include "cmd/out.h"
#include "lab/preflight.h"
#include "wg/device.h"

struct finding {
	const char *what;
	bool ok;
	bool needed; /* a lab does not work without */
	const char *why, *hint;
};

struct report {
	struct cmd *c;
	struct out_table *table;
	bool fit; /* nothing that is needed is missing */
};

static void tell(struct report *v, const struct finding *f)
{
	v->fit &= f->ok || !f->needed;
	if (v->c->json) {
		out_json(v->c, json_pack("{s:s, s:b, s:b, s:s*, s:s*}", "what", f->what, "ok",
					 f->ok, "needed", f->needed, "why", f->ok ? NULL : f->why,
					 "hint", f->ok || !f->hint[0] ? NULL : f->hint));
		return;
	}
	out_cell(v->table,
		 f->ok       ? COLOUR_GOOD
		 : f->needed ? COLOUR_BAD
			     : COLOUR_DIM,
		 "%s",
		 f->ok       ? "ok"
		 : f->needed ? "MISSING"
			     : "missing");
	out_cell(v->table, COLOUR_NONE, "%s", f->what);
	out_cell(v->table, COLOUR_NONE, "%s%s%s%s", f->ok ? "" : f->why,
		 !f->ok && f->hint[0] ? " (" : "", f->ok ? "" : f->hint,
		 !f->ok && f->hint[0] ? ")" : "");
}

static bool ask(struct report *v, const char *what, bool needed, int (*fn)(struct err *e))
{
	struct err e = ERR_INIT;
	bool ok = fn(&e) >= 0;

	tell(v, &(struct finding){what, ok, needed, e.msg, e.hint});
	return ok;
}

static int run_dir_writable(struct err *e)
{
	char path[] = "/run/.warren-doctor-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0)
		return err_errno(e, "/run");
	close(fd);
	unlink(path);
	return 0;
}

static void ask_program(struct report *v, const char *program, const char *what,
			const char *package)
{
	struct err e = ERR_INIT;
	char *path = NULL, hint[64];
	bool ok = proc_find(program, &path, &e) >= 0;

	snprintf(hint, sizeof(hint), "apt install %s", package);
	tell(v, &(struct finding){what, ok, false, "no such program", hint});
	free(path);
}

static void ask_limits(struct report *v)
{
	struct err e = ERR_INIT;
	char value[32] = "", why[128];
	long instances;

	if (io_read_value("/proc/sys/fs/inotify/max_user_instances", value, sizeof(value), &e) < 0)
		return;
	instances = strtol(value, NULL, 10);
	snprintf(why, sizeof(why),
		 "fs.inotify.max_user_instances is %ld: about %ld userspace tunnels", instances,
		 instances > 20 ? instances - 20 : 0);
	tell(v, &(struct finding){"more than 100 userspace tunnels", instances >= 1024, false, why,
				  "sysctl fs.inotify.max_user_instances=8192"});
}

static int run(struct cmd *c, size_t argc, char **argv)
{
	static const char *const heads[] = {"", "WHAT", ""};
	struct report v = {.c = c, .table = out_table_new(heads, 3), .fit = true};
	bool kernel, user;
	struct utsname u;

	(void)argc;
	(void)argv;
	if (!c->json && !c->quiet && uname(&u) == 0)
		printf("%s %s on %s\n\n", u.sysname, u.release, u.machine);
	ask(&v, "privilege", true, preflight_privilege);
	ask(&v, "/run can be written", true, run_dir_writable);
	ask(&v, "namespaces, veth pairs, bridges, isolated ports", true, preflight_links);
	ask(&v, "nf_tables with NAT and conntrack", true, preflight_nat);
	kernel = ask(&v, "WireGuard in the kernel", false, wg_kernel_available);
	user = ask(&v, "WireGuard in userspace (wireguard-go)", !kernel, wg_userspace_available);
	ask_limits(&v);
	ask_program(&v, "wg", "wg, to look at tunnels by hand", "wireguard-tools");
	ask_program(&v, "ip", "ip, to look at namespaces by hand", "iproute2");
	ask_program(&v, "nft", "nft, to look at rules by hand", "nftables");
	ask_program(&v, "conntrack", "conntrack, to look at sessions by hand", "conntrack");
	ask_program(&v, "tcpdump", "tcpdump, for `warren capture`", "tcpdump");
	out_table_print(v.table);
	if (!c->json && !c->quiet)
		printf("\n%s\n",
		       v.fit ? (kernel || user ? "this machine can run labs"
					       : "this machine can run labs without tunnels")
			     : "this machine cannot run labs yet: see MISSING above");
	return v.fit ? STATUS_DONE : STATUS_CANNOT;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.args = "",
	.summary = "say what this machine can and cannot do for a lab",
	.details =
		"Everything is found out by trying it, in namespaces that are thrown away.  Status 3\n"
		"where something is missing without which no lab works.",
	.run = run,
};

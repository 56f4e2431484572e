/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/clash.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "lab/owner.h"
#include "nat/rules.h"
#include "netns/pin.h"

/* the first clash is told whole; of the others, their number */
struct clashes {
	struct err *e;
	size_t n;
};

static void clash(struct clashes *c, const char *kind, const char *name, const char *whose,
		  const char *hint)
{
	if (c->n++)
		return;
	err_set(c->e, EEXIST, "%s %s is there already%s", kind, name, whose);
	err_hint(c->e, "%s", hint);
}

static void check_netns(struct clashes *c, const char *name)
{
	char lab[LAB_NAME_MAX + 1], whose[64] = "";

	if (!netns_exists(name))
		return;
	if (owner_find(REC_NETNS, name, lab))
		snprintf(whose, sizeof(whose), ", of lab %s", lab);
	clash(c, "namespace", name, whose,
	      whose[0]
		      ? "take that lab down, or give the other name with netns:"
		      : "`ip netns del` it if it is not needed, `warren adopt` if it is this lab's, "
			"whose record was lost, or give another name with netns:");
}

/* host mode: a table of the name that ours will have */
static void check_table(struct clashes *c)
{
	_cleanup_close_ int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	enum nat_found found = NAT_NONE;
	struct err why = ERR_INIT;

	if (sock >= 0 && nat_find(sock, "", &found, &why) == 0 && found != NAT_NONE)
		clash(c, "table", "inet " NAT_TABLE, "",
		      "`nft delete table inet " NAT_TABLE "` if it is not needed, or take the lab "
		      "down that has it");
}

static void check_here(struct clashes *c, const struct plan *p, const struct op *op,
		       const struct links_seen *links)
{
	bool makes = op->kind == OP_BRIDGE || op->kind == OP_VETH;

	if (op->kind == OP_TUNNEL)
		makes = op->tunnel->home == op->ns;
	if (op->kind == OP_NAPT && !p->ns[op->ns].name)
		check_table(c);
	if (makes && !p->ns[op->ns].name && links_find(links, op->ifname))
		clash(c, "interface", op->ifname, "",
		      "remove or rename it, or give another name in the file");
}

int clash_check(const struct plan *plan, const struct links_seen *links, struct err *e)
{
	struct clashes c = {.e = e};

	for (size_t i = 0; i < plan->n_ns; i++)
		if (plan->ns[i].name)
			check_netns(&c, plan->ns[i].name);
	for (size_t i = 0; i < plan->n_ops; i++) {
		const struct op *op = &plan->ops[i];

		if (links)
			check_here(&c, plan, op, links);
		if (op->kind == OP_FILE && access(op->file.path, F_OK) == 0 &&
		    !owner_lost_file(op->file.path, op->file.text))
			clash(&c, "file", op->file.path, "", "remove it, or leave out dns:");
	}
	if (!c.n)
		return 0;
	if (c.n > 1)
		err_wrap(e, "%zu names are taken; the first", c.n);
	return err_kind_set(e, ERR_CANNOT);
}

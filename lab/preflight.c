/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/preflight.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/nl.h"
#include "base/ns.h"
#include "nat/rules.h"
#include "netns/link.h"
#include "netns/pin.h"
#include "wg/device.h"

static const char *const backend_names[] = {
	[BACKEND_AUTO] = "auto",
	[BACKEND_KERNEL] = "kernel",
	[BACKEND_USERSPACE] = "userspace",
	[BACKEND_NONE] = "none",
};

const char *backend_name(enum backend b)
{
	return backend_names[b];
}

int backend_parse(const char *s, enum backend *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(backend_names); i++) {
		if (strcmp(s, backend_names[i]))
			continue;
		*ret = (enum backend)i;
		return 0;
	}
	return -EINVAL;
}

int preflight_privilege(struct err *e)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {0};
	const uint32_t need = 1U << CAP_NET_ADMIN | 1U << CAP_SYS_ADMIN;

	if (syscall(SYS_capget, &head, caps) < 0)
		return err_errno(e, "ask for this process's capabilities");
	if ((caps[0].effective & need) == need)
		return 0;
	err_set(e, EPERM, "this needs root");
	err_hint(e, "run it with sudo; exactly, CAP_NET_ADMIN and CAP_SYS_ADMIN");
	return err_kind_set(e, ERR_CANNOT);
}

static int try_links(void *arg, struct err *e)
{
	_cleanup_close_ int ns = netns_create_here(e);
	const struct link_end bridge = {.name = "b", .index = 16, .ns_fd = -1};
	const struct link_end a = {.name = "v0", .index = 17, .ns_fd = -1};
	const struct link_end b = {.name = "v1", .index = 18, .ns_fd = -1};
	struct chan *c;
	int r;

	(void)arg;
	if (ns < 0)
		return ns;
	r = chan_open_here(NETLINK_ROUTE, &c, e);
	if (r < 0)
		return r;
	r = chan_do(c, link_msg_bridge(&bridge), e);
	if (r < 0)
		err_wrap(e, "bridge");
	if (!r) {
		r = chan_do(c, link_msg_veth(&a, &b), e);
		if (r < 0)
			err_wrap(e, "veth pair");
	}
	if (!r)
		r = chan_do(c, link_msg_enslave(17, 16), e);
	if (!r) {
		r = chan_do(c, link_msg_isolate(17, true), e);
		if (r < 0)
			err_wrap(e, "isolated bridge port");
	}
	chan_close(c);
	return r;
}

static int cannot(int r, const char *what, struct err *e)
{
	if (r < 0) {
		err_wrap(e, "%s", what);
		err_kind_set(e, ERR_CANNOT);
	}
	return r;
}

int preflight_links(struct err *e)
{
	int r = ns_run(-1, try_links, NULL, e);

	if (r < 0)
		err_hint(e, "the kernel needs CONFIG_NET_NS, CONFIG_VETH and CONFIG_BRIDGE: "
			    "modprobe veth bridge");
	return cannot(r, "this kernel cannot make links", e);
}

int preflight_nat(struct err *e)
{
	return cannot(nat_available(e), "this kernel cannot do NAPT", e);
}

int preflight_backend(enum backend wanted, enum backend *ret, struct err *e)
{
	struct err kernel = ERR_INIT;
	int r;

	if (wanted == BACKEND_NONE) {
		*ret = wanted;
		return 0;
	}
	if (wanted != BACKEND_USERSPACE) {
		r = wg_kernel_available(&kernel);
		if (!r) {
			*ret = BACKEND_KERNEL;
			return 0;
		}
		if (wanted == BACKEND_KERNEL) {
			*e = kernel;
			return err_kind_set(e, ERR_CANNOT);
		}
	}
	r = wg_userspace_available(e);
	if (!r)
		*ret = BACKEND_USERSPACE;
	return cannot(r,
		      wanted == BACKEND_AUTO
			      ? "no WireGuard here, neither in the kernel nor as a program"
			      : "no userspace WireGuard here",
		      e);
}

size_t topology_tunnels(const struct topology *t, const struct host *only)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_hosts; i++) {
		const struct host *h = &t->hosts[i];

		if (!only || only == h)
			n += h->n_tunnels + (h->gateway ? h->gateway->n_tenants : 0);
	}
	return n;
}

/* tries what @t needs of links and NAPT */
static int try_topology(const struct topology *t, const struct host *only, struct err *e)
{
	bool nat = false;
	int r;

	for (size_t i = 0; i < t->n_hosts; i++)
		if (!only || only == &t->hosts[i])
			nat |= t->hosts[i].n_napts || t->hosts[i].gateway;
	r = preflight_links(e);
	return !r && nat ? preflight_nat(e) : r;
}

int preflight_topology(const struct topology *t, const struct host *only, enum backend wanted,
		       enum backend *ret, struct err *e)
{
	size_t tunnels = topology_tunnels(t, only);
	int r = only ? try_topology(t, only, e) : 0;

	return !r ? preflight_backend(tunnels ? wanted : BACKEND_NONE, ret, e) : r;
}

void preflight_explain(const struct topology *t, const struct host *only, struct err *e)
{
	struct err why = ERR_INIT;

	if (try_topology(t, only, &why) < 0)
		*e = why;
}

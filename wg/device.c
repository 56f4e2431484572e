/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wg/device.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "wg/backend.h"

static const char *const kind_names[] = {
	[WG_KERNEL] = "kernel",
	[WG_USERSPACE] = "userspace",
};
_Static_assert(ARRAY_SIZE(kind_names) == WG_USERSPACE + 1, "a kind lacks its name");

int wg_set(const struct wg_handle *h, const struct wg_config *config, struct err *e)
{
	if (h->kind == WG_KERNEL)
		return wg_kernel_set(h->home_ns, h->ifname, config, e);
	return wg_userspace_set(h->uapi_path, config, e);
}

int wg_get(const struct wg_handle *h, struct wg_config *ret, struct err *e)
{
	if (h->kind == WG_KERNEL)
		return wg_kernel_get(h->home_ns, h->ifname, ret, e);
	return wg_userspace_get(h->uapi_path, ret, e);
}

void wg_config_free(struct wg_config *c)
{
	for (size_t i = 0; i < c->n_peers; i++) {
		free(c->peers[i].allowed_ips);
		sodium_memzero(&c->peers[i], sizeof(c->peers[i]));
	}
	free(c->peers);
	sodium_memzero(c, sizeof(*c));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two backends offer to device.c, which chooses between them.
 */
#ifndef WARREN_WG_BACKEND_H
#define WARREN_WG_BACKEND_H

#include "wg/device.h"

/* wg_kernel_set, wg_kernel_get - as wg_set() and wg_get(), over genetlink in @home_ns. */
int wg_kernel_set(int home_ns, const char *ifname, const struct wg_config *config, struct err *e);
int wg_kernel_get(int home_ns, const char *ifname, struct wg_config *ret, struct err *e);

/* wg_userspace_set, wg_userspace_get - the same over the socket at @uapi_path. */
int wg_userspace_set(const char *uapi_path, const struct wg_config *config, struct err *e);
int wg_userspace_get(const char *uapi_path, struct wg_config *ret, struct err *e);

#endif

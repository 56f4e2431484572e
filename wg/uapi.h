/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text in which a userspace WireGuard is configured, and the socket it goes through.
 *
 * A request is "set=1" or "get=1" and lines of key=value up to an empty one; the answer
 * is lines up to an empty one too, the last of which is errno=N.  Keys are in hex.
 * https://www.wireguard.com/xplatform/#configuration-protocol
 */
#ifndef WARREN_WG_UAPI_H
#define WARREN_WG_UAPI_H

#include <stddef.h>

#include "base/err.h"
#include "wg/device.h"

#define UAPI_GET "get=1\n\n"

/*
 * uapi_format_set - the request that makes @config so.  Pure.
 * *@ret (@ret_len bytes, NUL appended) holds keys: wipe it before it is freed.
 */
int uapi_format_set(const struct wg_config *config, char **ret, size_t *ret_len, struct err *e);

/*
 * uapi_parse_get - an answer to UAPI_GET.  Pure.
 * @text: @len bytes, a NUL after them.  *@ret is freed with wg_config_free(), and untouched on
 * failure: -EPROTO for what is no whole answer, or the error that the answer reports.
 */
int uapi_parse_get(const char *text, size_t len, struct wg_config *ret, struct err *e);

/* uapi_parse_errno - an answer to a set request: 0, the -errno it reports, or -EPROTO.  Pure. */
int uapi_parse_errno(const char *text, size_t len, struct err *e);

/*
 * uapi_listen - a listening unix socket at @path (mode 0600), however long its folder's name is.
 * A socket file on which nobody listens any more is replaced; -EADDRINUSE: somebody does.
 * Returns the descriptor, which the caller owns, or -errno.
 */
int uapi_listen(const char *path, struct err *e);

/*
 * uapi_request - send @request to the socket at @path and read the whole answer, to be wiped
 * and freed.  Each step waits @timeout_ms at most.
 * -ENOENT, -ECONNREFUSED: nobody is there; -ETIMEDOUT; -EPROTO: an answer too long or cut.
 */
int uapi_request(const char *path, const char *request, size_t len, int timeout_ms, char **ret,
		 size_t *ret_len, struct err *e);

#endif

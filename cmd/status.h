/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parts of `warren status` that others show as well.
 */
#ifndef WARREN_CMD_STATUS_H
#define WARREN_CMD_STATUS_H

#include <jansson.h>

#include "lab/status.h"

/* status_tunnel_json - interface, backend, public key and peers of a tunnel that runs. */
json_t *status_tunnel_json(const struct lab *l, const struct tunnel_status *t);

#endif

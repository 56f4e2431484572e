/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the model to what wg/ and nat/ understand.  Pure, but for the look-up of endpoint names.
 */
#ifndef WARREN_LAB_TUNNEL_H
#define WARREN_LAB_TUNNEL_H

#include "base/err.h"
#include "lab/plan.h"
#include "nat/rules.h"
#include "wg/device.h"

/*
 * tunnel_config - the WireGuard settings that the model wants for @k: all its peers, and no others.
 * @birth_ns: endpoint names are looked up there; blocks on the resolver's time-outs.
 * *@ret is freed with wg_config_free(); keys must have been resolved (lab/keys.h).
 */
int tunnel_config(const struct plan_tunnel *k, int birth_ns, struct wg_config *ret, struct err *e);

/* tunnel_change_config - the same for a change of a tunnel that runs: nothing else is touched, and
 * the sessions of peers that are not in it go on. */
int tunnel_change_config(const struct plan_tunnel *k, const struct tunnel_change *change,
			 int birth_ns, struct wg_config *ret, struct err *e);

/*
 * napt_ruleset - the NAPT rules of a tenant's namespace, or of a plain host's.
 * Exactly one of @tenant and @host.  *@ret is freed with nat_ruleset_free().
 */
int napt_ruleset(const struct topology *t, const struct tenant *tenant, const struct host *host,
		 struct nat_ruleset **ret, struct err *e);

/* napt_owner - the comment of the lab's tables: "warren lab NAME". */
const char *napt_owner(const struct topology *t, char buf[static 64]);

#endif

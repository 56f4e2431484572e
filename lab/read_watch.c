/* SPDX-License-Identifier: GPL-2.0-or-later */
/* settings of the resident service */
#include <string.h>

#include "base/cleanup.h"
#include "lab/read.h"

#define SECRET_MAX 1024 /* bytes */
#define CYCLES_MAX 100000
#define DAY        86400 /* seconds */

static const char *const event_names[] = {"connect",  "disconnect", "roam", "link_up", "link_down",
					  "probe_ok", "probe_fail", "all",  NULL};

static const char *const format_names[] = {"json", "form", NULL};

/* --- webhooks --------------------------------------------------------------------------- */

static void webhook_url(struct load *ld, const struct node *n, void *obj)
{
	((struct webhook *)obj)->url = read_url(ld, n);
}

static void webhook_format(struct load *ld, const struct node *n, void *obj)
{
	size_t i;

	if (read_choice(ld, n, format_names, &i))
		((struct webhook *)obj)->form = i;
}

static void webhook_secret(struct load *ld, const struct node *n, void *obj)
{
	const char *secret = read_literal(ld, n);

	if (secret && (!*secret || strlen(secret) > SECRET_MAX))
		diag(ld, src_of(n), "`secret` has to have 1 to %d bytes", SECRET_MAX);
	((struct webhook *)obj)->secret = secret;
}

static void add_string(struct load *ld, struct string_list *list, struct src src, const char *s)
{
	const char **v = grow(ld, src, list->v, list->n, sizeof(*v));

	if (!v)
		return;
	list->v = v;
	list->v[list->n++] = s;
}

static void webhook_event(struct load *ld, const struct node *n, void *obj)
{
	size_t i;

	if (read_choice(ld, n, event_names, &i))
		add_string(ld, obj, src_of(n), event_names[i]);
}

static void webhook_events(struct load *ld, const struct node *n, void *obj)
{
	struct string_list *events = &((struct webhook *)obj)->events;

	read_list(ld, n, webhook_event, events);
	for (size_t i = 0; i < events->n; i++)
		if (strcmp(events->v[i], "all") == 0)
			*events = (struct string_list){.n = 0};
}

static void webhook_tenant(struct load *ld, const struct node *n, void *obj)
{
	const char *name = read_text(ld, n, EXPAND_NAME);

	if (!name)
		return;
	ref_add(ld, REF_WEBHOOK, src_of(n), name, 0, 0);
	add_string(ld, obj, src_of(n), name);
}

static void webhook_tenants(struct load *ld, const struct node *n, void *obj)
{
	read_list(ld, n, webhook_tenant, &((struct webhook *)obj)->tenants);
}

static void read_webhook(struct load *ld, const struct node *n, void *obj)
{
	static const struct field fields[] = {
		{"url", webhook_url, NEEDED},           {"format", webhook_format, OPTIONAL},
		{"secret", webhook_secret, OPTIONAL},   {"events", webhook_events, OPTIONAL},
		{"tenants", webhook_tenants, OPTIONAL},
	};
	struct watch_settings *w = obj;
	struct webhook h = {.src = src_of(n)}, *v;

	read_map(ld, n, "a webhook", fields, ARRAY_SIZE(fields), &h);
	v = grow(ld, h.src, w->webhooks, w->n_webhooks, sizeof(*v));
	if (!v)
		return;
	w->webhooks = v;
	w->webhooks[w->n_webhooks++] = h;
}

static void watch_webhooks(struct load *ld, const struct node *n, void *obj)
{
	read_list(ld, n, read_webhook, obj);
}

/* --- where it writes to ------------------------------------------------------------------ */

static void influx_file(struct load *ld, const struct node *n, void *obj)
{
	((struct watch_settings *)obj)->influx_file = read_path(ld, n);
}

static void influx_url(struct load *ld, const struct node *n, void *obj)
{
	((struct watch_settings *)obj)->influx_url = read_url(ld, n);
}

static void watch_influx(struct load *ld, const struct node *n, void *obj)
{
	static const struct field fields[] = {
		{"file", influx_file, OPTIONAL},
		{"url", influx_url, OPTIONAL},
	};
	uint64_t seen = read_map(ld, n, "`influx`", fields, ARRAY_SIZE(fields), obj);

	if (seen != 1 && seen != 2)
		diag(ld, src_of(n), "`influx` needs one of `file` and `url`");
}

static void watch_log(struct load *ld, const struct node *n, void *obj)
{
	((struct watch_settings *)obj)->log = read_path(ld, n);
}

static void watch_listen(struct load *ld, const struct node *n, void *obj)
{
	struct watch_settings *w = obj;

	w->has_listen = read_endpoint(ld, n, &w->listen);
}

/* --- numbers ------------------------------------------------------------------------------ */

static void watch_cycle_time(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, 1, DAY, &((struct watch_settings *)obj)->cycle_time);
}

static void watch_cycles_wait(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, 0, CYCLES_MAX, &((struct watch_settings *)obj)->cycles_wait);
}

static void watch_cycles_checking(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, 0, CYCLES_MAX, &((struct watch_settings *)obj)->cycles_checking);
}

static void watch_cycles_checkperiod(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, 1, CYCLES_MAX, &((struct watch_settings *)obj)->cycles_checkperiod);
}

static void watch_cycles_slow(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, 1, CYCLES_MAX, &((struct watch_settings *)obj)->cycles_slowcheckingperiod);
}

static void watch_ping_interval(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, 1, DAY, &((struct watch_settings *)obj)->ping_interval);
}

static void watch_ping_failafternum(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, 1, 1000, &((struct watch_settings *)obj)->ping_failafternum);
}

static void watch_offline_after(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, 1, 365 * DAY, &((struct watch_settings *)obj)->offline_after);
}

void read_watch(struct load *ld, const struct node *n, void *obj)
{
	static const struct field fields[] = {
		{"listen", watch_listen, OPTIONAL},
		{"cycle_time", watch_cycle_time, OPTIONAL},
		{"cycles_wait", watch_cycles_wait, OPTIONAL},
		{"cycles_checking", watch_cycles_checking, OPTIONAL},
		{"cycles_checkperiod", watch_cycles_checkperiod, OPTIONAL},
		{"cycles_slowcheckingperiod", watch_cycles_slow, OPTIONAL},
		{"ping_interval", watch_ping_interval, OPTIONAL},
		{"ping_failafternum", watch_ping_failafternum, OPTIONAL},
		{"offline_after", watch_offline_after, OPTIONAL},
		{"webhooks", watch_webhooks, OPTIONAL},
		{"influx", watch_influx, OPTIONAL},
		{"log", watch_log, OPTIONAL},
	};

	(void)obj;
	ld->t->watch.present = true;
	read_map(ld, n, "`watch`", fields, ARRAY_SIZE(fields), &ld->t->watch);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any topology file, to which a tenant is added that is then taken out again, and of
 * which every tenant is taken out in turn.  What is refused is refused with the place; what is
 * done comes back to the same bytes; no secret shows in the text that is shown.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lab/edit.h"
#include "lab/load.h"
#include "wg/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAME     "fuzz-new"
#define TEXT_MAX ((size_t)65536) /* more is only slow */
#define TURNS    20              /* tenants of a host that are taken out */

static struct topology *load(const char *text, size_t len)
{
	struct topology *t = NULL;
	struct err e = ERR_INIT;
	struct diags diags;

	if (topology_load(text, len, "/dir", &t, &diags, &e) < 0)
		t = NULL;
	diags_free(&diags);
	return t;
}

static void must(bool good)
{
	if (!good)
		abort();
}

/* an error of a file that loads: nothing but what the file's style is in the way of */
static void refused(int r, const struct err *e, int otherwise)
{
	must(r == -EOPNOTSUPP || r == -ENOMEM || r == otherwise);
	must(e->code == -r && (strncmp(e->msg, "FILE:", 5) == 0 || r == -ENOMEM));
}

static void there_and_back(const struct edit_source *src, const struct host *h)
{
	const struct edit_tenant t = {.name = NAME, .listen_port = "7"};
	struct edited there, back;
	struct err e = ERR_INIT;
	int r = edit_add(src, h->name, &t, &there, &e);

	if (r < 0) {
		refused(r, &e, -EEXIST);
		return;
	}
	must(edit_remove(&(struct edit_source){"FILE", there.text, there.len}, h->name, NAME, &back,
			 &e) == 0);
	/* a gateway without any may have said so in another way than `{}` */
	if (h->gateway->n_tenants)
		must(back.len == src->len && !memcmp(back.text, src->text, back.len));
	free(there.text);
	free(back.text);
}

static void take_out(const struct edit_source *src, const struct host *h, const char *name)
{
	struct edited after;
	struct err e = ERR_INIT;
	int r = edit_remove(src, h->name, name, &after, &e);
	struct topology *t;

	if (r < 0) {
		refused(r, &e, -ERANGE);
		return;
	}
	t = load(after.text, after.len);
	for (size_t i = 0; t && i < t->n_hosts; i++)
		if (!strcmp(t->hosts[i].name, h->name))
			must(t->hosts[i].gateway->n_tenants == h->gateway->n_tenants - 1);
	topology_free(t);
	free(after.text);
}

static void no_secret(const char *masked, const struct key *k)
{
	char text[WG_KEY_BASE64_LEN];

	if (k->present)
		must(!strstr(masked, wg_key_format(k->bytes, text)));
}

static void look_for_secrets(const struct edit_source *src, const struct topology *t)
{
	char *masked _cleanup_free_ = edit_mask(src);

	must(masked && strlen(masked) == src->len);
	for (size_t i = 0; i < t->n_hosts; i++) {
		const struct gateway *g = t->hosts[i].gateway;

		for (size_t k = 0; k < t->hosts[i].n_tunnels; k++)
			no_secret(masked, &t->hosts[i].tunnels[k].private_key);
		if (g)
			no_secret(masked, &g->private_key);
		for (size_t k = 0; g && k < g->n_tenants; k++)
			no_secret(masked, &g->tenants[k].private_key);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct edit_source src = {"FILE", (const char *)data, size};
	struct topology *t = size <= TEXT_MAX ? load(src.text, size) : NULL;

	for (size_t i = 0; t && i < t->n_hosts && i < TURNS; i++) {
		const struct host *h = &t->hosts[i];

		if (!h->gateway)
			continue;
		there_and_back(&src, h);
		for (size_t k = 0; k < h->gateway->n_tenants && k < TURNS; k++)
			take_out(&src, h, h->gateway->tenants[k].name);
	}
	if (t)
		look_for_secrets(&src, t);
	topology_free(t);
	return 0;
}

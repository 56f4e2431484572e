/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The difference in settings.
 *
 * Theory of operation.  One setting may be written several times in a plan, under two notations or two
 * names: what counts is the last.  Some change others along with themselves (forwarding sets
 * accept_redirects, conf/all/forwarding that of every link): those are written again after them.  What
 * is told a link goes with the link, so it is told to the new one without further words.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/diff_build.h"
#include "netns/sysctl.h"

#define PATH_LENGTH 512

const char *sysctl_setting(const char *key, char *buf, size_t size)
{
	if (sysctl_path(key, buf, size) < 0)
		return key; /* there is none of that name, which shows when it is set */
	/* Documentation/networking/ip-sysctl.rst: the same under another name */
	return strcmp(buf, "net/ipv4/ip_forward") ? buf : "net/ipv4/conf/all/forwarding";
}

/* --- values ---------------------------------------------------------------------------------- */

/* numbers may be written as the kernel reads them, 010 or 0x8, and come back as 8 */
static bool same_word(const char *a, size_t a_len, const char *b, size_t b_len)
{
	char x[32], y[32], *x_end, *y_end;
	long long m, n;

	if (a_len == b_len && !memcmp(a, b, a_len))
		return true;
	if (!a_len || !b_len || a_len >= sizeof(x) || b_len >= sizeof(y))
		return false;
	snprintf(x, sizeof(x), "%.*s", (int)a_len, a);
	snprintf(y, sizeof(y), "%.*s", (int)b_len, b);
	m = strtoll(x, &x_end, 0);
	n = strtoll(y, &y_end, 0);
	return !*x_end && !*y_end && m == n;
}

/* as the kernel prints them, with tabs, or as people write them */
static bool same_value(const char *a, const char *b)
{
	static const char blank[] = " \t\n";

	for (;;) {
		size_t x, y;

		a += strspn(a, blank);
		b += strspn(b, blank);
		if (!*a || !*b)
			return !*a && !*b;
		x = strcspn(a, blank);
		y = strcspn(b, blank);
		if (!same_word(a, x, b, y))
			return false;
		a += x;
		b += y;
	}
}

struct port_range {
	unsigned int first, last;
};

/* takes "50000-50009" or "50000" off the front of *@text */
static bool take_range(const char **text, struct port_range *ret)
{
	int n = 0;

	if (sscanf(*text, " %u%n-%u%n", &ret->first, &n, &ret->last, &n) < 2)
		ret->last = ret->first;
	if (!n)
		return false;
	*text += n + (int)strspn(*text + n, ", \t\n");
	return true;
}

/* is each of the ports of @items among those of @list, which the kernel has sorted and joined? */
static bool has_ports(const char *list, const char *items)
{
	struct port_range want, is;

	while (take_range(&items, &want)) {
		const char *at = list;
		bool found = false;

		while (!found && take_range(&at, &is))
			found = is.first <= want.first && want.last <= is.last;
		if (!found)
			return false;
	}
	return true;
}

/* --- which settings have to do with each other -------------------------------------------------- */

static bool ends_with(const char *path, const char *leaf)
{
	size_t len = strlen(path), n = strlen(leaf);

	return len > n && !strcmp(path + len - n, leaf);
}

/* does writing it change others?  (net/ipv4/devinet.c, inet_forward_change(); net/ipv6/addrconf.c) */
static bool disturbs(const char *path)
{
	return ends_with(path, "/conf/all/forwarding") ||
	       ends_with(path, "/conf/default/forwarding") ||
	       ends_with(path, "/conf/all/disable_ipv6");
}

static bool can_be_disturbed(const char *path)
{
	return ends_with(path, "/forwarding") || ends_with(path, "/accept_redirects") ||
	       ends_with(path, "/disable_ipv6");
}

static bool is_of_new_link(const struct diff *d, size_t ns, const char *path)
{
	char name[16];

	if (!sysctl_link(path, name))
		return false;
	return diff_is_gone(d, ns, name) ||
	       (!strncmp(path, "net/ipv6/", 9) && diff_is_ipv6_anew(d, ns, name));
}

/* --- what is wanted ------------------------------------------------------------------------------ */

static const char *key_in(size_t ns, const char *key, char buf[static PATH_LENGTH + 32])
{
	char path[PATH_LENGTH];

	snprintf(buf, PATH_LENGTH + 32, "%zu %s", ns, sysctl_setting(key, path, sizeof(path)));
	return buf;
}

int diff_sysctls_begin(struct diff *d)
{
	const struct plan *p = d->in->want;
	char key[PATH_LENGTH + 32];

	d->disturbed = arena_alloc(d->arena, (p->n_ns + 1) * sizeof(*d->disturbed));
	d->is_set = arena_alloc(d->arena, (p->n_ops + 1) * sizeof(*d->is_set));
	if (!d->disturbed || !d->is_set)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_ops; i++) {
		const struct op *op = &p->ops[i];
		const char *kept;

		if (op->kind != OP_SYSCTL)
			continue;
		kept = arena_strdup(d->arena, key_in(op->ns, op->sysctl.key, key));
		if (!kept || table_set(&d->last_sysctls, kept, strlen(kept), i) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* does the plan set it once more, later? */
static bool is_overridden(const struct diff *d, size_t i)
{
	const struct op *op = &d->in->want->ops[i];
	char key[PATH_LENGTH + 32];
	size_t last;

	return table_get_str(&d->last_sysctls, key_in(op->ns, op->sysctl.key, key), &last) &&
	       last != i;
}

static void set(struct diff *d, size_t i, const char *path)
{
	const struct op *op = &d->in->want->ops[i];

	diff_emit(d, op, STAGE_MAKE);
	d->is_set[i] = true;
	d->disturbed[op->ns] |= disturbs(path);
}

static bool is_as_wanted(const struct diff *d, const struct op *op, const char *value)
{
	return op->sysctl.append && !d->in->want->ns[op->ns].name
		       ? has_ports(value, op->sysctl.value)
		       : same_value(value, op->sysctl.value);
}

void diff_sysctl(struct diff *d, size_t i)
{
	const struct op *op = &d->in->want->ops[i];
	const char *was = d->in->seen->ops[i].value;
	const bool had = diff_had(d, d->in->want, op);
	char buf[PATH_LENGTH];
	const char *path = sysctl_setting(op->sysctl.key, buf, sizeof(buf));
	const bool anew = is_of_new_link(d, op->ns, path);
	struct change *c;

	if (d->is_new[op->ns]) {
		diff_emit(d, op, STAGE_MAKE);
		return;
	}
	if (is_overridden(d, i))
		return;
	/* one that can be written only was written when the file was applied */
	if (!anew && (was ? is_as_wanted(d, op, was) : had))
		return;
	set(d, i, path);
	if (anew && had)
		return;
	c = diff_say(d, '~', op->unit, diff_printf(d, "sysctl %s", op->sysctl.key));
	c->from = anew ? NULL : was;
	c->to = op->sysctl.value;
}

void diff_sysctls_end(struct diff *d)
{
	const struct plan *p = d->in->want;
	char path[PATH_LENGTH];

	for (size_t i = 0; i < p->n_ops; i++) {
		const struct op *op = &p->ops[i];

		if (op->kind == OP_SYSCTL && d->disturbed[op->ns] && !d->is_new[op->ns] &&
		    !d->is_set[i] && !is_overridden(d, i) && !diff_skips(d, p, op->unit) &&
		    can_be_disturbed(sysctl_setting(op->sysctl.key, path, sizeof(path))))
			diff_emit(d, op, STAGE_MAKE);
	}
}

/* --- what is not wanted any more ------------------------------------------------------------------- */

/* what @path is by itself beside what the plan wants for all links; NULL: as in a new namespace */
static const char *inherited(const struct diff *d, size_t ns, const char *path)
{
	const char *leaf = strrchr(path, '/');
	char key[PATH_LENGTH + 32];
	const char *value;
	size_t i;

	if (!can_be_disturbed(path))
		return NULL;
	snprintf(key, sizeof(key), "%zu net/ipv%c/conf/all%s", ns, path[7],
		 strcmp(leaf, "/accept_redirects") ? leaf : "/forwarding");
	if (strlen(path) < 9 || !table_get_str(&d->last_sysctls, key, &i))
		return NULL;
	value = d->in->want->ops[i].sysctl.value;
	if (strcmp(leaf, "/accept_redirects"))
		return value;
	return !strcmp(path, "net/ipv4/conf/all/accept_redirects") && strtol(value, NULL, 0) ? "0"
											     : NULL;
}

bool diff_sysctl_goes(struct diff *d, const struct op *op, size_t ns, size_t unit)
{
	char buf[PATH_LENGTH], link[16];
	const char *path = sysctl_setting(op->sysctl.key, buf, sizeof(buf));
	struct op reset = *op;

	if (sysctl_link(path, link) &&
	    (!seen_link(d->in->seen, ns, link) || diff_is_gone(d, ns, link)))
		return false;
	reset.ns = ns;
	reset.unit = unit;
	reset.sysctl.value = inherited(d, ns, path);
	/* before others are written that it may change */
	diff_emit(d, &reset, STAGE_CLEAR);
	d->disturbed[ns] |= disturbs(path);
	return true;
}

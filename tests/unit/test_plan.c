/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plan is pure: operations, their order, their interface numbers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "lab/load.h"
#include "lab/plan.h"

static struct topology *load(const char *path)
{
	_cleanup_free_ char *text = NULL;
	struct topology *t = NULL;
	struct err e = ERR_INIT;
	struct diags d;
	size_t len;

	assert_int_equal(io_read_file(path, LAB_FILE_MAX, &text, &len, &e), 0);
	if (topology_load(text, len, "/", &t, &d, &e) < 0)
		fail_msg("%s: %s", path, d.n ? d.v[0].text : e.msg);
	diags_free(&d);
	return t;
}

static struct plan *plan_of(const struct topology *t, const struct plan_options *o)
{
	struct err e = ERR_INIT;
	struct plan *p = NULL;

	if (plan_build(t, o, &p, &e) < 0)
		fail_msg("%s", e.msg);
	return p;
}

/* the plan as `warren up --dry-run` prints it */
static char *text_of(const struct plan *p)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	for (size_t i = 0; i < p->n_ops; i++) {
		fprintf(f, "%s: ", p->ns[p->ops[i].ns].subject);
		op_describe(p, &p->ops[i], f);
		fputc('\n', f);
	}
	fclose(f);
	return text;
}

static void golden(const char *topology, enum backend backend, const char *file)
{
	const struct plan_options o = {.backend = backend};
	struct topology *t = load(topology);
	struct plan *p = plan_of(t, &o);
	_cleanup_free_ char *is = text_of(p), *wanted = NULL;
	struct err e = ERR_INIT;

	if (getenv("WARREN_GOLDEN_UPDATE"))
		assert_int_equal(io_write_file(file, is, strlen(is), 0644, &e), 0);
	assert_int_equal(io_read_file(file, 1 << 20, &wanted, NULL, &e), 0);
	assert_string_equal(is, wanted);
	plan_free(p);
	topology_free(t);
}

static void test_golden(void **state)
{
	(void)state;
	golden("topologies/niransix.yaml", BACKEND_KERNEL, "tests/golden/plan/niransix-kernel.txt");
	golden("topologies/niransix.yaml", BACKEND_USERSPACE,
	       "tests/golden/plan/niransix-userspace.txt");
	golden("topologies/niransix.yaml", BACKEND_NONE, "tests/golden/plan/niransix-none.txt");
	golden("topologies/double-nat.yaml", BACKEND_KERNEL,
	       "tests/golden/plan/double-nat-kernel.txt");
}

/* what each operation relies on stands before it, and no two links of a namespace share a number */
static void check_order(const struct plan *p)
{
	bool *made = calloc(p->n_ns, sizeof(*made));
	uint32_t *numbers = calloc(p->n_ops * 2, sizeof(*numbers));
	size_t *where = calloc(p->n_ops * 2, sizeof(*where)), n = 0;

	assert_true(made && numbers && where);
	for (size_t i = 0; i < p->n_ops; i++) {
		const struct op *op = &p->ops[i];

		if (op->kind == OP_NETNS) {
			assert_false(made[op->ns]);
			made[op->ns] = true;
		}
		assert_true(made[op->ns]);
		if (op->kind == OP_VETH) {
			assert_true(made[op->veth.peer_ns]);
			where[n] = op->veth.peer_ns;
			numbers[n++] = op->veth.peer_index;
		}
		if (op->kind == OP_TUNNEL)
			assert_true(made[op->tunnel->birth]);
		if (op->kind == OP_BRIDGE || op->kind == OP_VETH || op->kind == OP_TUNNEL) {
			where[n] = op->ns;
			numbers[n++] = op->index;
		}
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			assert_false(where[i] == where[k] && numbers[i] == numbers[k]);
	free(made);
	free(numbers);
	free(where);
}

static void test_order(void **state)
{
	static const char *const files[] = {
		"topologies/niransix.yaml",   "topologies/wireguard-intro.yaml",
		"topologies/overlap.yaml",    "topologies/double-nat.yaml",
		"topologies/dual-stack.yaml",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		for (enum backend b = BACKEND_KERNEL; b <= BACKEND_NONE; b++) {
			const struct plan_options o = {.backend = b};
			struct topology *t = load(files[i]);
			struct plan *p = plan_of(t, &o);

			check_order(p);
			plan_free(p);
			topology_free(t);
		}
	}
}

/* ports are raised, and keys set, in the order that spares floods and lost handshakes */
static void test_bridges_last(void **state)
{
	const struct plan_options o = {.backend = BACKEND_KERNEL};
	struct topology *t = load("topologies/niransix.yaml");
	struct plan *p = plan_of(t, &o);
	size_t last_port = 0, first_set = p->n_ops, raised = 0;

	(void)state;
	for (size_t i = 0; i < p->n_ops; i++) {
		const struct op *op = &p->ops[i];

		if (op->kind == OP_PORT)
			last_port = i;
		if (op->kind == OP_TUNNEL_SET && first_set == p->n_ops)
			first_set = i;
		if (op->kind == OP_LINK_UP && !strcmp(op->ifname, "internet"))
			raised = i;
	}
	assert_true(last_port < raised);
	assert_true(raised < first_set);
	plan_free(p);
	topology_free(t);
}

static struct link_seen *fake_link(struct links_seen *l, const char *name, uint32_t index)
{
	struct link_seen *k = &l->v[l->n++];

	*k = (struct link_seen){.index = index, .up = true};
	snprintf(k->name, sizeof(k->name), "%s", name);
	return k;
}

/* host mode: interfaces that are there get what they lack, and nothing else is made of others */
static void test_host_mode(void **state)
{
	struct link_seen room[4];
	struct links_seen links = {.v = room};
	struct topology *t = load("topologies/niransix.yaml");
	struct plan_options o = {.backend = BACKEND_KERNEL,
				 .host = &t->hosts[0],
				 .links = &links,
				 .first_index = 1000};
	struct err e = ERR_INIT;
	struct ip_prefix has;
	struct plan *p = NULL;
	_cleanup_free_ char *text = NULL;

	(void)state;
	/* without the underlay interface it is refused */
	assert_int_equal(plan_build(t, &o, &p, &e), -ENODEV);
	assert_int_equal(e.kind, ERR_CANNOT);
	assert_non_null(strstr(e.msg, "enp0s8"));
	/* with one of two addresses there, the other is added */
	assert_int_equal(ip_prefix_parse("203.0.113.10/24", &has), 0);
	struct link_seen *k = fake_link(&links, "enp0s8", 2);
	k->addresses = &has;
	k->n_addresses = 1;
	p = plan_of(t, &o);
	text = text_of(p);
	assert_non_null(strstr(text, "address 2001:db8::10/64 on enp0s8"));
	assert_null(strstr(text, "203.0.113.10"));
	assert_null(strstr(text, "vpn-client"));
	assert_null(strstr(text, "enp0s8 up"));
	assert_null(p->ns[0].name);
	for (size_t i = 0; i < p->n_ops; i++)
		if (p->ops[i].kind == OP_BRIDGE)
			assert_true(p->ops[i].index >= 1000);
	plan_free(p);
	topology_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_bridges_last),
		cmocka_unit_test(test_host_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

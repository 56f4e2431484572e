/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interface of wg/device.h on the command line, for wg_device.sh.
 *
 *	create KIND BIRTH HOME IFNAME MTU FOLDER
 *	many N BIRTH HOME FOLDER		userspace, started together: wm0 … in HOME
 *	set KIND HOME IFNAME FOLDER WORD…	words: key=K port=P mark=M replace peer=PUB
 *						psk=K endpoint=E keepalive=S only allow=P remove
 *						fill=N (10.0.0.0/32 and up) peers=N (made up)
 *	get KIND HOME IFNAME FOLDER		in the format of `wg show IFNAME dump`
 *	end FOLDER IFNAME
 *
 * BIRTH and HOME are files of namespaces.  FOLDER holds IFNAME.sock, .log and .pid.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "wg/device.h"

struct files {
	char sock[PATH_MAX], log[PATH_MAX], pid[PATH_MAX];
};

static struct files files_of(const char *folder, const char *ifname)
{
	struct files f;

	snprintf(f.sock, sizeof(f.sock), "%s/%s.sock", folder, ifname);
	snprintf(f.log, sizeof(f.log), "%s/%s.log", folder, ifname);
	snprintf(f.pid, sizeof(f.pid), "%s/%s.pid", folder, ifname);
	return f;
}

static int open_ns(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_errno(e, "%s", path) : fd;
}

static int record(const struct proc_id *id, void *arg, struct err *e)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%d %" PRIu64 "\n", (int)id->pid, id->start);

	return io_write_file(arg, text, (size_t)n, 0600, e);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int open_place(const char *birth, const char *home, struct wg_place *ret, struct err *e)
{
	*ret = (struct wg_place){.birth_ns = open_ns(birth, e), .home_ns = open_ns(home, e)};
	if (ret->birth_ns < 0 || ret->home_ns < 0)
		return -e->code;
	return chan_open(ret->birth_ns, NETLINK_ROUTE, &ret->birth_rtnl, e);
}

static void close_place(struct wg_place *p)
{
	chan_close(p->birth_rtnl);
	close(p->birth_ns);
	close(p->home_ns);
}

static int do_create(char **argv, struct err *e)
{
	struct files f = files_of(argv[5], argv[3]);
	struct wg_place p;
	struct proc_id id;
	double start = now_ms();
	int r = open_place(argv[1], argv[2], &p, e);

	if (r < 0)
		return r;
	p.ifname = argv[3];
	p.mtu = (uint32_t)strtoul(argv[4], NULL, 10);
	p.uapi_path = f.sock;
	p.log_path = f.log;
	if (strcmp(argv[0], "kernel") == 0)
		r = wg_kernel_create(&p, e);
	else
		r = wg_userspace_create(&p, &id, record, f.pid, e);
	if (!r)
		printf("created %.1f ms\n", now_ms() - start);
	close_place(&p);
	return r;
}

static int do_many(char **argv, struct err *e)
{
	int n = (int)strtol(argv[0], NULL, 10), r;
	struct wg_birth **births = calloc((size_t)n, sizeof(struct wg_birth *));
	struct files *files = calloc((size_t)n, sizeof(*files));
	char name[16];
	double start = now_ms();
	struct proc_id id;
	struct wg_place p;

	r = open_place(argv[1], argv[2], &p, e);
	p.mtu = 1420;
	p.ifname = name;
	for (int i = 0; i < n && !r; i++) {
		snprintf(name, sizeof(name), "wm%d", i);
		files[i] = files_of(argv[3], name);
		p.uapi_path = files[i].sock;
		p.log_path = files[i].log;
		r = wg_userspace_start(&p, record, files[i].pid, &births[i], e);
	}
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "wm%d", i);
		p.uapi_path = files[i].sock;
		if (r)
			wg_userspace_abort(births[i]);
		else
			r = wg_userspace_finish(&p, births[i], &id, e);
	}
	if (!r)
		printf("created %d in %.1f ms\n", n, now_ms() - start);
	close_place(&p);
	free(births);
	free(files);
	return r;
}

static int fill(struct wg_peer *peer, unsigned long n)
{
	peer->allowed_ips = reallocarray(peer->allowed_ips, n, sizeof(struct ip_prefix));
	peer->n_allowed_ips = n;
	for (unsigned long i = 0; i < n; i++) {
		peer->allowed_ips[i] = (struct ip_prefix){.addr = {.family = AF_INET}, .len = 32};
		peer->allowed_ips[i].addr.v4.s_addr = htonl((uint32_t)(0x0a000000 + i));
	}
	return 0;
}

static struct wg_peer *add_peers(struct wg_config *c, unsigned long n)
{
	c->peers = reallocarray(c->peers, c->n_peers + n, sizeof(*c->peers));
	for (unsigned long i = 0; i < n; i++) {
		c->peers[c->n_peers] = (struct wg_peer){.has_keepalive = n > 1, .keepalive = 25};
		/* any 32 bytes are a public key */
		c->peers[c->n_peers].public_key[0] = (uint8_t)(i + 1);
		c->peers[c->n_peers].public_key[1] = (uint8_t)((i + 1) >> 8);
		c->n_peers++;
	}
	return &c->peers[c->n_peers - 1];
}

static int peer_word(struct wg_peer *p, const char *key, const char *value)
{
	if (strcmp(key, "psk") == 0) {
		p->has_preshared_key = true;
		return wg_key_parse(value, p->preshared_key);
	}
	if (strcmp(key, "endpoint") == 0) {
		p->has_endpoint = true;
		return ip_endpoint_parse(value, &p->endpoint);
	}
	if (strcmp(key, "keepalive") == 0) {
		p->has_keepalive = true;
		p->keepalive = (uint16_t)strtoul(value, NULL, 10);
		return 0;
	}
	if (strcmp(key, "fill") == 0)
		return fill(p, strtoul(value, NULL, 10));
	if (strcmp(key, "allow") == 0) {
		p->allowed_ips = reallocarray(p->allowed_ips, p->n_allowed_ips + 1,
					      sizeof(struct ip_prefix));
		return ip_prefix_parse(value, &p->allowed_ips[p->n_allowed_ips++]);
	}
	return -EINVAL;
}

static int config_word(struct wg_config *c, struct wg_peer **peer, char *word)
{
	char *value = strchr(word, '=');

	if (strcmp(word, "replace") == 0)
		return c->replace_peers = true, 0;
	if (*peer && strcmp(word, "only") == 0)
		return (*peer)->replace_allowed_ips = true, 0;
	if (*peer && strcmp(word, "remove") == 0)
		return (*peer)->remove = true, 0;
	if (!value)
		return -EINVAL;
	*value++ = '\0';
	if (strcmp(word, "key") == 0) {
		c->has_private_key = true;
		return wg_key_parse(value, c->private_key);
	}
	if (strcmp(word, "port") == 0) {
		c->has_listen_port = true;
		c->listen_port = (uint16_t)strtoul(value, NULL, 10);
		return 0;
	}
	if (strcmp(word, "mark") == 0) {
		c->has_fwmark = true;
		c->fwmark = (uint32_t)strtoul(value, NULL, 0);
		return 0;
	}
	if (strcmp(word, "peer") == 0) {
		*peer = add_peers(c, 1);
		return wg_key_parse(value, (*peer)->public_key);
	}
	if (strcmp(word, "peers") == 0) {
		*peer = add_peers(c, strtoul(value, NULL, 10));
		return 0;
	}
	return *peer ? peer_word(*peer, word, value) : -EINVAL;
}

static int open_handle(char **argv, const struct files *f, struct wg_handle *ret, struct err *e)
{
	*ret = (struct wg_handle){
		.kind = strcmp(argv[0], "kernel") == 0 ? WG_KERNEL : WG_USERSPACE,
		.ifname = argv[2],
		.home_ns = open_ns(argv[1], e),
		.uapi_path = f->sock,
	};
	return ret->home_ns < 0 ? ret->home_ns : 0;
}

static int do_set(char **argv, struct err *e)
{
	struct files f = files_of(argv[3], argv[2]);
	struct wg_config c = {0};
	struct wg_peer *peer = NULL;
	struct wg_handle h;
	int r = open_handle(argv, &f, &h, e);

	for (argv += 4; !r && *argv; argv++)
		if (config_word(&c, &peer, *argv) < 0)
			r = err_set(e, EINVAL, "%s: what is that?", *argv);
	if (!r)
		r = wg_set(&h, &c, e);
	wg_config_free(&c);
	close(h.home_ns);
	return r;
}

static void print_key(bool has, const uint8_t key[static WG_KEY_LEN])
{
	char text[WG_KEY_BASE64_LEN];

	printf("%s\t", has ? wg_key_format(key, text) : "(none)");
}

static void print_peer(const struct wg_peer *p)
{
	char text[64];

	print_key(true, p->public_key);
	print_key(p->has_preshared_key, p->preshared_key);
	printf("%s\t", p->has_endpoint ? ip_endpoint_format(&p->endpoint, text) : "(none)");
	for (size_t i = 0; i < p->n_allowed_ips; i++)
		printf("%s%s", i ? "," : "", ip_prefix_format(&p->allowed_ips[i], text));
	printf("%s\t", p->n_allowed_ips ? "" : "(none)");
	printf("%" PRId64 "\t%" PRIu64 "\t%" PRIu64 "\t", p->latest_handshake, p->rx_bytes,
	       p->tx_bytes);
	if (p->keepalive)
		printf("%u\n", p->keepalive);
	else
		puts("off");
}

static int do_get(char **argv, struct err *e)
{
	struct files f = files_of(argv[3], argv[2]);
	struct wg_config c;
	struct wg_handle h;
	int r = open_handle(argv, &f, &h, e);

	if (!r)
		r = wg_get(&h, &c, e);
	if (r < 0)
		return r;
	print_key(c.has_private_key, c.private_key);
	print_key(c.has_private_key, c.public_key);
	printf("%u\t", c.listen_port);
	if (c.fwmark)
		printf("0x%x\n", c.fwmark);
	else
		puts("off");
	for (size_t i = 0; i < c.n_peers; i++)
		print_peer(&c.peers[i]);
	wg_config_free(&c);
	close(h.home_ns);
	return 0;
}

static int do_end(char **argv, struct err *e)
{
	struct files f = files_of(argv[0], argv[1]);
	_cleanup_free_ char *text = NULL;
	struct proc_id id;
	char *rest;
	int r = io_read_file(f.pid, 100, &text, NULL, e);

	if (r < 0)
		return r;
	id.pid = (pid_t)strtol(text, &rest, 10);
	id.start = strtoull(rest, NULL, 10);
	return proc_end(&id, 1000, e);
}

static int do_available(char **argv, struct err *e)
{
	return strcmp(argv[0], "kernel") == 0 ? wg_kernel_available(e) : wg_userspace_available(e);
}

static const struct {
	const char *name;
	int n_args;
	int (*fn)(char **argv, struct err *e);
} commands[] = {
	{"create", 6, do_create}, {"many", 4, do_many}, {"set", 4, do_set},
	{"get", 4, do_get},       {"end", 2, do_end},   {"available", 1, do_available},
};

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], commands[i].name) != 0 || argc - 2 < commands[i].n_args)
			continue;
		if (commands[i].fn(argv + 2, &e) == 0)
			return 0;
		fprintf(stderr, "%s: %s%s%s%s\n", strerrorname_np(e.code), e.msg,
			e.hint[0] ? " (" : "", e.hint, e.hint[0] ? ")" : "");
		return 1;
	}
	fputs("usage: see the head of wg_device_tool.c\n", stderr);
	return 2;
}

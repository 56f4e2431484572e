/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "wg/uapi.h"

#define KEY_A "e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a"
#define KEY_B "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
#define KEY_C "58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376"

/* after the example of https://www.wireguard.com/xplatform/ */
static const char answer[] =
	"private_key=" KEY_A "\n"
	"listen_port=12912\n"
	"fwmark=77\n"
	"public_key=" KEY_B "\n"
	"preshared_key=188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b7"
	"0fcf52\n"
	"protocol_version=1\n"
	"endpoint=[abcd:23::33]:51820\n"
	"last_handshake_time_sec=1500000000\n"
	"last_handshake_time_nsec=5\n"
	"tx_bytes=38333\n"
	"rx_bytes=18446744073709551615\n"
	"persistent_keepalive_interval=111\n"
	"allowed_ip=192.168.4.4/32\n"
	"allowed_ip=fd00::/8\n"
	"public_key=" KEY_C "\n"
	"preshared_key="
	"0000000000000000000000000000000000000000000000000000000000000000\n"
	"of_a_later_version=x=y\n"
	"endpoint=182.122.22.19:3233\n"
	"errno=0\n"
	"\n";

static void test_get(void **state)
{
	struct wg_config c;
	struct err e = ERR_INIT;
	char text[64];

	(void)state;
	assert_int_equal(uapi_parse_get(answer, strlen(answer), &c, &e), 0);
	assert_true(c.has_private_key);
	assert_int_equal(c.private_key[0], 0xe8);
	assert_int_equal(c.private_key[31], 0x7a);
	assert_true(c.public_key[0] | c.public_key[1]);
	assert_int_equal(c.listen_port, 12912);
	assert_int_equal(c.fwmark, 77);
	assert_int_equal(c.n_peers, 2);
	const struct wg_peer *p = c.peers;

	assert_int_equal(p->public_key[0], 0xb8);
	assert_true(p->has_preshared_key);
	assert_int_equal(p->preshared_key[31], 0x52);
	assert_string_equal(ip_endpoint_format(&p->endpoint, text), "[abcd:23::33]:51820");
	assert_int_equal(p->latest_handshake, 1500000000);
	assert_int_equal(p->tx_bytes, 38333);
	assert_true(p->rx_bytes == UINT64_MAX);
	assert_int_equal(p->keepalive, 111);
	assert_int_equal(p->n_allowed_ips, 2);
	assert_string_equal(ip_prefix_format(&p->allowed_ips[0], text), "192.168.4.4/32");
	assert_string_equal(ip_prefix_format(&p->allowed_ips[1], text), "fd00::/8");
	p++;
	assert_false(p->has_preshared_key);
	assert_string_equal(ip_endpoint_format(&p->endpoint, text), "182.122.22.19:3233");
	assert_int_equal(p->n_allowed_ips, 0);
	assert_int_equal(p->latest_handshake, 0);
	wg_config_free(&c);
}

/* cut at every byte: an error each time, and nothing handed out */
static void test_truncated(void **state)
{
	(void)state;
	for (size_t len = 0; len < strlen(answer); len++) {
		_cleanup_free_ char *cut = malloc(len + 1);
		struct wg_config c = {.listen_port = 1};
		struct err e = ERR_INIT;

		memcpy(cut, answer, len);
		cut[len] = '\0';
		assert_int_equal(uapi_parse_get(cut, len, &c, &e), -EPROTO);
		assert_int_equal(c.listen_port, 1);
	}
}

static void test_hostile(void **state)
{
	static const char *const bad[] = {
		"\n\n",
		"listen_port=1\n\n",          /* no errno */
		"errno=0\n\nerrno=0\n\n",     /* more behind the end */
		"errno=0\nlisten_port=1\n\n", /* or behind errno */
		"errno=\n\n",
		"errno=99999999999999999999\n\n",
		"errno=--1\n\n",
		"errno=0x1\n\n",
		"no equals sign\nerrno=0\n\n",
		"listen_port=65536\nerrno=0\n\n",
		"listen_port=-1\nerrno=0\n\n",
		"listen_port= 1\nerrno=0\n\n",
		"listen_port=\nerrno=0\n\n",
		"fwmark=4294967296\nerrno=0\n\n",
		"private_key=\nerrno=0\n\n",
		"private_key=" KEY_A "00\nerrno=0\n\n",
		"private_key=z84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a\n"
		"errno=0\n\n",
		"public_key=12\nerrno=0\n\n",
		"public_key=" KEY_B "\nrx_bytes=18446744073709551616\nerrno=0\n\n",
		"public_key=" KEY_B "\nlast_handshake_time_sec=9223372036854775808\nerrno=0\n\n",
		"public_key=" KEY_B "\npersistent_keepalive_interval=65536\nerrno=0\n\n",
		"public_key=" KEY_B "\nendpoint=example.org:1\nerrno=0\n\n",
		"public_key=" KEY_B "\nallowed_ip=10.0.0.0/33\nerrno=0\n\n",
		"public_key=" KEY_B "\nallowed_ip=10.0.0.0/8\nallowed_ip=x\nerrno=0\n\n",
		"public_key=" KEY_B "\npreshared_key=1\nerrno=0\n\n",
	};
	static const char nul[] = "listen_port=1\0\nerrno=0\n\n";
	struct err e = ERR_INIT;
	struct wg_config c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(uapi_parse_get(bad[i], strlen(bad[i]), &c, &e), -EPROTO);
		/* a value, which may be a key, is not repeated */
		assert_null(strstr(e.msg, "5a6d2717"));
	}
	assert_int_equal(uapi_parse_get(nul, sizeof(nul) - 1, &c, &e), -EPROTO);
}

static void test_errno(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(uapi_parse_errno("errno=0\n\n", 9, &e), 0);
	assert_int_equal(uapi_parse_errno("errno=-98\n\n", 11, &e), -EADDRINUSE);
	assert_int_equal(uapi_parse_errno("errno=98\n\n", 10, &e), -EADDRINUSE);
	assert_int_equal(uapi_parse_errno("errno=1\n\n", 9, &e), -EPERM);
	assert_int_equal(uapi_parse_errno("errno=1\n", 8, &e), -EPROTO);
}

static void test_format(void **state)
{
	struct ip_prefix ips[2];
	struct wg_peer peers[3] = {
		{.public_key = {0xab},
		 .has_preshared_key = true,
		 .preshared_key = {1},
		 .has_endpoint = true,
		 .has_keepalive = true,
		 .keepalive = 25,
		 .replace_allowed_ips = true,
		 .allowed_ips = ips,
		 .n_allowed_ips = 2},
		{.public_key = {0xcd}, .remove = true, .has_keepalive = true},
		{.public_key = {0xef}, .has_keepalive = true},
	};
	const struct wg_config c = {
		.has_private_key = true,
		.private_key = {0xff},
		.has_listen_port = true,
		.has_fwmark = true,
		.fwmark = 7,
		.replace_peers = true,
		.peers = peers,
		.n_peers = 3,
	};
	struct err e = ERR_INIT;
	_cleanup_free_ char *text = NULL;
	size_t len;

#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"
	(void)state;
	assert_int_equal(ip_endpoint_parse("[2001:db8::1]:51820", &peers[0].endpoint), 0);
	assert_int_equal(ip_prefix_parse("10.0.0.0/8", &ips[0]), 0);
	assert_int_equal(ip_prefix_parse("::/0", &ips[1]), 0);
	assert_int_equal(uapi_format_set(&c, &text, &len, &e), 0);
	assert_int_equal(len, strlen(text));
	assert_string_equal(text, "set=1\nprivate_key=ff" ZEROS "\nlisten_port=0\nfwmark=7\n"
				  "replace_peers=true\n"
				  "public_key=ab" ZEROS "\npreshared_key=01" ZEROS "\n"
				  "endpoint=[2001:db8::1]:51820\n"
				  "persistent_keepalive_interval=25\nreplace_allowed_ips=true\n"
				  "allowed_ip=10.0.0.0/8\nallowed_ip=::/0\n"
				  "public_key=cd" ZEROS "\nremove=true\n"
				  "public_key=ef" ZEROS "\npersistent_keepalive_interval=0\n\n");
}

static void test_format_nothing(void **state)
{
	const struct wg_config c = {0};
	struct err e = ERR_INIT;
	_cleanup_free_ char *text = NULL;
	size_t len;

	(void)state;
	assert_int_equal(uapi_format_set(&c, &text, &len, &e), 0);
	assert_string_equal(text, "set=1\n\n");
}

/* --- the socket ---------------------------------------------------------------------------- */

struct server {
	int fd;
	const char *answer;
	size_t read; /* bytes of the request to wait for before the answer */
};

static void *serve(void *arg)
{
	struct server *s = arg;
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
	char buf[4096];
	size_t got = 0;

	while (got < s->read) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	io_write_all(fd, s->answer, strlen(s->answer));
	close(fd);
	return NULL;
}

/* a folder whose name does not fit into a unix address */
static void test_socket(void **state)
{
	char top[] = "/tmp/warren-test-uapi-XXXXXX", path[512], folder[400];
	struct server s = {.answer = "errno=0\n\n", .read = 8};
	struct err e = ERR_INIT;
	_cleanup_free_ char *got = NULL;
	pthread_t thread;
	struct stat st;
	size_t len;

	(void)state;
	assert_non_null(mkdtemp(top));
	snprintf(folder, sizeof(folder), "%s/%0200d", top, 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	snprintf(path, sizeof(path), "%s/wg0.sock", folder);
	assert_int_equal(uapi_request(path, UAPI_GET, 7, 100, &got, &len, &e), -ENOENT);
	s.fd = uapi_listen(path, &e);
	assert_true(s.fd >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* alive: not to be replaced */
	assert_int_equal(uapi_listen(path, &e), -EADDRINUSE);
	close(accept4(s.fd, NULL, NULL, SOCK_CLOEXEC));
	pthread_create(&thread, NULL, serve, &s);
	assert_int_equal(uapi_request(path, "set=1\n\n", 8, 5000, &got, &len, &e), 0);
	pthread_join(thread, NULL);
	assert_string_equal(got, "errno=0\n\n");
	/* nobody answers; an answer cut short; nobody listens; its file is taken over */
	free(steal_ptr(got));
	assert_int_equal(uapi_request(path, UAPI_GET, 7, 50, &got, &len, &e), -ETIMEDOUT);
	close(accept4(s.fd, NULL, NULL, SOCK_CLOEXEC));
	s.answer = "errno=0\n";
	pthread_create(&thread, NULL, serve, &s);
	assert_int_equal(uapi_request(path, UAPI_GET, 8, 5000, &got, &len, &e), -ECONNRESET);
	pthread_join(thread, NULL);
	close(s.fd);
	assert_int_equal(uapi_request(path, UAPI_GET, 7, 100, &got, &len, &e), -ECONNREFUSED);
	s.fd = uapi_listen(path, &e);
	assert_true(s.fd >= 0);
	close(s.fd);
	unlink(path);
	rmdir(folder);
	rmdir(top);
}

/* the other side refuses in the middle of a large request: its answer is heard all the same */
static void test_early_answer(void **state)
{
	char top[] = "/tmp/warren-test-uapi-XXXXXX", path[64];
	struct server s = {.answer = "errno=-22\n\n", .read = 10};
	const size_t size = (size_t)8 * 1024 * 1024;
	_cleanup_free_ char *big = malloc(size), *got = NULL;
	struct err e = ERR_INIT;
	pthread_t thread;
	size_t len;

	(void)state;
	memset(big, 'x', size);
	assert_non_null(mkdtemp(top));
	snprintf(path, sizeof(path), "%s/s", top);
	s.fd = uapi_listen(path, &e);
	assert_true(s.fd >= 0);
	pthread_create(&thread, NULL, serve, &s);
	assert_int_equal(uapi_request(path, big, size, 5000, &got, &len, &e), 0);
	pthread_join(thread, NULL);
	assert_int_equal(uapi_parse_errno(got, len, &e), -EINVAL);
	close(s.fd);
	unlink(path);
	rmdir(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),     cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_errno),
		cmocka_unit_test(test_format),  cmocka_unit_test(test_format_nothing),
		cmocka_unit_test(test_socket),  cmocka_unit_test(test_early_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

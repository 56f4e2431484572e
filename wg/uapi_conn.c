/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wg/uapi.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"

#define BACKLOG    64
#define ANSWER_MAX ((size_t)64 * 1024 * 1024) /* bytes; a million allowed IPs fit */

/*
 * The address of @path by way of its open folder *@ret_dir, which the caller closes once it is
 * used: a unix address holds 107 bytes, the folder of a lab may be longer.
 */
static int address_of(const char *path, struct sockaddr_un *ret, int *ret_dir, struct err *e)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	_cleanup_free_ char *folder = NULL;
	_cleanup_close_ int dir = -1;
	int n;

	folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	if (!folder)
		return err_code(e, ENOMEM, "%s", path);
	dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(e, "%s", folder);
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	n = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dir, name);
	if (!*name || n >= (int)sizeof(ret->sun_path))
		return err_code(e, ENAMETOOLONG, "%s", path);
	*ret_dir = steal_fd(&dir);
	return 0;
}

static int connect_to(const char *path, int timeout_ms, struct err *e)
{
	const struct timeval t = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
	_cleanup_close_ int fd = -1, dir = -1;
	struct sockaddr_un addr;
	int r = address_of(path, &addr, &dir, e);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) < 0)
		return err_errno(e, "open a unix socket");
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		if (errno == EAGAIN)
			errno = ETIMEDOUT;
		return err_errno(e, "%s", path);
	}
	return steal_fd(&fd);
}

int uapi_listen(const char *path, struct err *e)
{
	_cleanup_close_ int fd = -1, dir = -1;
	struct err unused = ERR_INIT;
	struct sockaddr_un addr;
	int r = address_of(path, &addr, &dir, e);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* the mode of the socket is that of its file to be */
	if (fd < 0 || fchmod(fd, 0600) < 0)
		return err_errno(e, "open a unix socket");
	r = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	if (r < 0 && errno == EADDRINUSE) {
		_cleanup_close_ int other = connect_to(path, 100, &unused);

		if (other != -ECONNREFUSED)
			return err_code(e, EADDRINUSE, "%s", path);
		(void)unlink(path);
		r = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	}
	if (r < 0)
		return err_errno(e, "%s", path);
	if (listen(fd, BACKLOG) < 0) {
		r = err_errno(e, "%s", path);
		(void)unlink(path);
		return r;
	}
	return steal_fd(&fd);
}

/* returns 0 also where the other side closes early: its answer, sent before that, says why */
static int send_request(int fd, const char *request, size_t len, struct err *e)
{
	while (len) {
		ssize_t n = send(fd, request, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return 0;
		if (n < 0 && errno == EAGAIN)
			return err_code(e, ETIMEDOUT, "send a request");
		if (n < 0)
			return err_errno(e, "send a request");
		request += n;
		len -= (size_t)n;
	}
	return 0;
}

/* not realloc(): it would leave a copy of the keys behind */
static int grow(char **text, size_t len, size_t *size)
{
	size_t bigger = *size ? *size * 2 : 4096;
	char *moved;

	if (bigger > ANSWER_MAX)
		return -EPROTO;
	moved = malloc(bigger);
	if (!moved)
		return -ENOMEM;
	if (len) {
		memcpy(moved, *text, len);
		sodium_memzero(*text, len);
	}
	free(*text);
	*text = moved;
	*size = bigger;
	return 0;
}

static bool is_whole(const char *text, size_t len)
{
	return len >= 2 && text[len - 1] == '\n' && text[len - 2] == '\n';
}

/* recv(2) with its two odd ends as errors: returns bytes, more than 0, or -errno */
static ssize_t receive_some(int fd, char *buf, size_t size)
{
	ssize_t n;

	do {
		n = recv(fd, buf, size, 0);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return -ECONNRESET;
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return n;
}

static int read_answer(int fd, char **ret, size_t *ret_len, struct err *e)
{
	size_t len = 0, size = 0;
	char *text = NULL;
	ssize_t n = 0;

	while (n >= 0 && !is_whole(text, len)) {
		n = len + 1 >= size ? grow(&text, len, &size) : 0;
		if (n == 0)
			n = receive_some(fd, text + len, size - len - 1);
		if (n > 0)
			len += (size_t)n;
	}
	if (n < 0) {
		if (len)
			sodium_memzero(text, len);
		free(text);
		return err_code(e, (int)-n, "read an answer");
	}
	text[len] = '\0';
	*ret = text;
	*ret_len = len;
	return 0;
}

int uapi_request(const char *path, const char *request, size_t len, int timeout_ms, char **ret,
		 size_t *ret_len, struct err *e)
{
	_cleanup_close_ int fd = connect_to(path, timeout_ms, e);
	int r = fd;

	if (r >= 0)
		r = send_request(fd, request, len, e);
	if (r >= 0)
		r = read_answer(fd, ret, ret_len, e);
	return r < 0 ? r : 0;
}

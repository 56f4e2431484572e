/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WireGuard by wireguard-go.
 *
 * Theory of operation.  wireguard-go runs in the birth namespace, where its UDP sockets are to be,
 * and looks its TUN up there.  So the TUN is there while it starts, or a decoy is (see
 * userspace_decoy.h), or else it is moved home afterwards.  It learns that the
 * interface is up from netlink, which the move cuts off, and by asking the TUN itself: at once
 * when it starts, then every second.  A TUN that is up before the process is started is found up
 * by that first look, so nobody has to wait for a second one.  With the MTU that it would set
 * anyway already there, nothing is notified either, and the move, which lowers the interface for
 * a moment, is not noticed.  "Up" shows in a listen port that is not 0, the one it chose.
 */
#include "wg/userspace.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "wg/backend.h"
#include "wg/uapi.h"
#include "wg/userspace_decoy.h"
#include "wg/userspace_tun.h"

#define PROGRAM    "wireguard-go"
#define READY_MS   15000 /* on a busy machine; a process that dies is noticed at once */
#define REQUEST_MS 10000
#define BETWEEN_MS 1 /* two looks whether it is ready */
#define END_MS     300
#define LOG_TAIL   512 /* bytes of its output that are looked at when it dies */

struct wg_birth {
	struct proc_id id;
	int pidfd;
	enum tun_way way;
	int ifindex; /* of the TUN, where it was born */
	char *uapi_path;
	char *log_path;
	off_t log_start; /* where its own output begins */
};

int wg_userspace_available(struct err *e)
{
	_cleanup_close_ int tun = -1;
	_cleanup_free_ char *path = NULL;
	int r = proc_find(PROGRAM, &path, e);

	if (r < 0) {
		err_hint(e, "apt install wireguard-go");
		return err_kind_set(e, ERR_CANNOT);
	}
	tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (tun < 0) {
		err_errno(e, "/dev/net/tun");
		if (e->code == EACCES || e->code == EPERM)
			err_hint(e, "run as root");
		else
			err_hint(e, "modprobe tun, or let the container have /dev/net/tun");
		return err_kind_set(e, ERR_CANNOT);
	}
	return 0;
}

/* --- the process --------------------------------------------------------------------------- */

static void birth_free(struct wg_birth *b)
{
	if (b->pidfd >= 0)
		close(b->pidfd);
	free(b->uapi_path);
	free(b->log_path);
	free(b);
}

void wg_userspace_abort(struct wg_birth *b)
{
	struct err unused = ERR_INIT;

	if (!b)
		return;
	/* the TUN goes with the last descriptor of it, wherever it is by then */
	(void)proc_end(&b->id, END_MS, &unused);
	(void)unlink(b->uapi_path);
	birth_free(b);
}

/* the file that wireguard-go insists on; see hideaway_get() */
static int leave_file(int dir, const char *ifname, struct err *e)
{
	char name[IFNAMSIZ + 8];
	int fd;

	snprintf(name, sizeof(name), "%s.sock", ifname);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, "make %s", name);
	close(fd);
	return fault_point("file for " PROGRAM, e);
}

static int spawn(const struct wg_place *place, const struct tun *tun, int uapi_fd,
		 struct proc_id *ret,
		 int (*record)(const struct proc_id *id, void *arg, struct err *e), void *arg,
		 struct err *e)
{
	const char *const argv[] = {PROGRAM, "-f", tun->name, NULL};
	const char *const env[] = {"WG_PROCESS_FOREGROUND=1", "WG_TUN_FD=3", "WG_UAPI_FD=4",
				   "LOG_LEVEL=error",         place->mark,   NULL};
	const int fds[] = {tun->fd, uapi_fd, -1};
	struct proc_spec spec = {
		.argv = argv,
		.env = env,
		.fds = fds,
		.ns_fd = place->birth_ns,
		.log = place->log_path,
	};
	int dir, r;

	r = hideaway_get(&spec.mnt_ns_fd, &dir, e);
	if (!r)
		r = leave_file(dir, tun->name, e);
	return r < 0 ? r : proc_start(&spec, ret, record, arg, e);
}

static struct wg_birth *birth_new(const struct wg_place *place)
{
	struct wg_birth *b = calloc(1, sizeof(*b));
	struct stat st;

	if (!b)
		return NULL;
	b->pidfd = -1;
	b->uapi_path = strdup(place->uapi_path);
	b->log_path = strdup(place->log_path ? place->log_path : "/dev/null");
	if (!b->uapi_path || !b->log_path) {
		birth_free(b);
		return NULL;
	}
	if (place->log_path && stat(place->log_path, &st) == 0)
		b->log_start = st.st_size;
	return b;
}

int wg_userspace_start(const struct wg_place *place,
		       int (*record)(const struct proc_id *id, void *arg, struct err *e), void *arg,
		       struct wg_birth **ret, struct err *e)
{
	_cleanup_close_ int uapi_fd = -1;
	struct tun tun = {.fd = -1};
	struct wg_birth *b = birth_new(place);
	int r;

	if (!b)
		return err_code(e, ENOMEM, "%s", place->ifname);
	r = uapi_fd = uapi_listen(place->uapi_path, e);
	if (r < 0)
		goto fail;
	r = fault_point("socket made", e);
	if (!r)
		r = tun_create(place, &tun, e);
	if (r < 0)
		goto fail_socket;
	r = spawn(place, &tun, uapi_fd, &b->id, record, arg, e);
	/* its own copy keeps the interface alive from now on, and nobody else's */
	close(tun.fd);
	if (r < 0)
		goto fail_socket;
	b->way = tun.way;
	b->ifindex = tun.ifindex;
	b->pidfd = (int)syscall(SYS_pidfd_open, b->id.pid, 0);
	r = fault_point("process started", e);
	if (r < 0) {
		wg_userspace_abort(b);
		return r;
	}
	*ret = b;
	return 0;
fail_socket:
	(void)unlink(place->uapi_path);
fail:
	birth_free(b);
	return r;
}

/* --- ready ----------------------------------------------------------------------------------- */

/* why the process ended, from the last line of its output */
static int why_ended(const struct wg_birth *b, struct err *e)
{
	_cleanup_close_ int fd = open(b->log_path, O_RDONLY | O_CLOEXEC);
	char text[LOG_TAIL + 1], *line;
	off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	off_t from = end - LOG_TAIL > b->log_start ? end - LOG_TAIL : b->log_start;
	ssize_t n = fd >= 0 ? pread(fd, text, LOG_TAIL, from) : 0;

	while (n > 0 && text[n - 1] == '\n')
		n--;
	if (n <= 0)
		return err_set(e, ECONNREFUSED, PROGRAM " ended while it started");
	text[n] = '\0';
	line = strrchr(text, '\n');
	err_set(e, ECONNREFUSED, PROGRAM " ended while it started: %s", line ? line + 1 : text);
	if (strstr(text, "too many open files"))
		err_hint(e, "sysctl fs.inotify.max_user_instances=65536");
	return -e->code;
}

static bool has_ended(const struct wg_birth *b, int wait_ms)
{
	struct pollfd p = {.fd = b->pidfd, .events = POLLIN};

	return b->pidfd >= 0 ? poll(&p, 1, wait_ms) > 0 : !proc_alive(&b->id);
}

static int wait_ready(const struct wg_birth *b, struct err *e)
{
	int64_t end = clock_ms() + READY_MS;

	do {
		struct wg_config c;
		int r = wg_userspace_get(b->uapi_path, &c, e);

		if (!r) {
			bool up = c.listen_port != 0;

			wg_config_free(&c);
			if (up)
				return 0;
		}
		/* it has no event for this: a look costs a tenth of a millisecond */
		if (has_ended(b, r < 0 ? 100 : BETWEEN_MS))
			return why_ended(b, e);
		if (r < 0)
			return r;
	} while (clock_ms() < end);
	return err_set(e, ETIMEDOUT, PROGRAM " is not ready after %d s", READY_MS / 1000);
}

/*
 * wireguard-go pads packets up to the MTU it knows, and hears of a new one only in the birth
 * namespace.  The request behind makes it likely that it has heard; if not, padding is some
 * bytes too long and nothing worse.
 */
static void tell_mtu(const struct wg_place *place, const struct wg_birth *b)
{
	struct err unused = ERR_INIT;
	struct wg_config c;

	if (place->mtu == WIREGUARD_GO_MTU || b->way != TUN_MOVE ||
	    tun_set_mtu(place->birth_rtnl, b->ifindex, place->mtu, &unused) < 0)
		return;
	if (wg_userspace_get(b->uapi_path, &c, &unused) == 0)
		wg_config_free(&c);
}

int wg_userspace_finish(const struct wg_place *place, struct wg_birth *b, struct proc_id *ret,
			struct err *e)
{
	int r = wait_ready(b, e);

	if (!r) {
		tell_mtu(place, b);
		r = wg_userspace_calm(&b->id, b->pidfd, b->way != TUN_IN_PLACE, e);
	}
	if (!r)
		r = fault_point("process ready", e);
	if (!r)
		r = tun_bring_home(place, b->way, b->ifindex, e);
	if (!r)
		r = fault_point("TUN home", e);
	if (r < 0) {
		wg_userspace_abort(b);
		return r;
	}
	*ret = b->id;
	birth_free(b);
	return 0;
}

int wg_userspace_create(const struct wg_place *place, struct proc_id *ret,
			int (*record)(const struct proc_id *id, void *arg, struct err *e),
			void *arg, struct err *e)
{
	struct wg_birth *b = NULL;
	int r = wg_userspace_start(place, record, arg, &b, e);

	return r || !b ? r : wg_userspace_finish(place, b, ret, e);
}

/* --- configuration ---------------------------------------------------------------------------- */

static void wipe(char *text, size_t len)
{
	sodium_memzero(text, len);
	free(text);
}

int wg_userspace_get(const char *uapi_path, struct wg_config *ret, struct err *e)
{
	char *answer;
	size_t len;
	int r;

	r = uapi_request(uapi_path, UAPI_GET, strlen(UAPI_GET), REQUEST_MS, &answer, &len, e);
	if (r < 0)
		return r;
	r = uapi_parse_get(answer, len, ret, e);
	wipe(answer, len);
	return r;
}

int wg_userspace_set(const char *uapi_path, const struct wg_config *config, struct err *e)
{
	size_t len, answer_len;
	char *text, *answer;
	int r = uapi_format_set(config, &text, &len, e);

	if (r < 0)
		return r;
	r = uapi_request(uapi_path, text, len, REQUEST_MS, &answer, &answer_len, e);
	wipe(text, len);
	if (r < 0)
		return r;
	r = uapi_parse_errno(answer, answer_len, e);
	wipe(answer, answer_len);
	if (r == -EADDRINUSE && config->has_listen_port)
		err_set(e, EADDRINUSE, "port %u is in use", config->listen_port);
	return r;
}

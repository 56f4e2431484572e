/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Knowing a process again, and ending it.  Starting one is in proc.c.
 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/proc_id.h"

#define KILLED_MS 10000 /* until the kernel has taken one down, on a machine that is very busy */

int proc_identify(pid_t pid, uint64_t *ret_start, char *ret_state)
{
	char path[64], text[1024], state;
	_cleanup_close_ int fd = -1;
	const char *p;
	uint64_t start = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	/* the name may hold blanks and brackets of its own: fields count from the last one */
	p = strrchr(text, ')');
	if (!p ||
	    sscanf(p + 1,
		   " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
		   " %" SCNu64,
		   &state, &start) != 2)
		return -EPROTO;
	*ret_start = start;
	*ret_state = state;
	return 0;
}

/* the very process of @id, be it a zombie */
static bool exists(const struct proc_id *id, char *ret_state)
{
	uint64_t start = 0;

	return id->pid > 0 && !proc_identify(id->pid, &start, ret_state) && start == id->start;
}

bool proc_alive(const struct proc_id *id)
{
	char state = 0;

	return exists(id, &state) && state != 'Z' && state != 'X';
}

/* returns true once the process behind @pidfd has ended */
static bool wait_end(int pidfd, int timeout_ms)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int64_t end = clock_ms() + timeout_ms;
	int r;

	do {
		int64_t left = end - clock_ms();

		r = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (r < 0 && errno == EINTR);
	return r > 0;
}

/*
 * Signal the process and what it has started: proc_start() made it the leader of a group.
 * Its number names that group as long as one of its members lives, so while the process
 * itself is there, verified and held by @pidfd, no stranger can be in it.
 */
static int signal_all(const struct proc_id *id, int pidfd, int sig)
{
	if (getpgid(id->pid) == id->pid)
		(void)kill(-id->pid, sig);
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

/* what the ended process has left running in its group */
static void kill_rest(const struct proc_id *id)
{
	uint64_t start = 0;
	char state;
	bool taken = proc_identify(id->pid, &start, &state) == 0;

	/* a new owner of the number means that the old group is gone */
	if (!taken || start == id->start)
		(void)kill(-id->pid, SIGKILL);
}

int proc_end(const struct proc_id *id, int grace_ms, struct err *e)
{
	_cleanup_close_ int pidfd = -1;
	bool leader;
	char state;
	int r;

	if (id->pid <= 1 || !exists(id, &state))
		return 0;
	pidfd = (int)syscall(SYS_pidfd_open, id->pid, 0); /* close-on-exec by itself */
	if (pidfd < 0) {
		const int code = errno;

		/* one that is just being reaped: ESRCH, EINVAL or ENOENT, as the kernel has it */
		return exists(id, &state) ? err_code(e, code, "process %d", (int)id->pid) : 0;
	}
	/* now the descriptor holds it; was it still the right one? */
	if (!exists(id, &state))
		return 0;
	leader = getpgid(id->pid) == id->pid;
	r = signal_all(id, pidfd, SIGTERM);
	if (r < 0 && r != -ESRCH)
		return err_code(e, -r, "end process %d", (int)id->pid);
	if (!wait_end(pidfd, grace_ms)) {
		(void)signal_all(id, pidfd, SIGKILL);
		if (!wait_end(pidfd, KILLED_MS))
			return err_code(e, ETIMEDOUT, "end process %d", (int)id->pid);
	}
	if (fault_point("process ended", e) < 0)
		return -e->code;
	if (leader)
		kill_rest(id);
	/* a child of ours would stay a zombie; anybody else's is not for us to reap (ECHILD) */
	while (waitpid(id->pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting a process.
 *
 * Theory of operation.  All that needs memory (the path of the program, its
 * environment, the list of mounts) is prepared before fork(2): the child shares
 * the address space of a program with threads and may only make system calls.
 * The child arranges its namespaces and descriptors, then reads from the gate,
 * whose other end only the parent has.  The parent writes the child's
 * identity down and opens the gate; if the parent dies instead, the read ends
 * and so does the child.  What fails in the child comes back through the report,
 * a pipe, which a successful execve(2) closes: end of file is success.
 */
#include "base/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/proc_id.h"

#define FIRST_FD  3
#define MAX_FDS   16
#define MAX_COVER 32 /* files of etc_dir */

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

enum stage {
	STAGE_RECORD, /* the parent refused or died */
	STAGE_SESSION,
	STAGE_FDS,
	STAGE_NETNS,
	STAGE_MOUNTS,
	STAGE_COVER,
	STAGE_EXEC,
};

static const char *const stage_names[] = {
	[STAGE_RECORD] = "record the process",
	[STAGE_SESSION] = "start a session",
	[STAGE_FDS] = "pass file descriptors",
	[STAGE_NETNS] = "enter the network namespace",
	[STAGE_MOUNTS] = "make a mount namespace",
	[STAGE_COVER] = "cover a file of /etc",
	[STAGE_EXEC] = "execute",
};
_Static_assert(ARRAY_SIZE(stage_names) == STAGE_EXEC + 1, "a stage lacks its name");

struct report {
	enum stage stage;
	int code;  /* errno */
	int index; /* STAGE_COVER: which file */
};

/* everything the child needs, made ready by the parent */
struct launch {
	const struct proc_spec *spec;
	char *path;
	char **env;
	size_t n_fds;
	char *cover_from[MAX_COVER], *cover_to[MAX_COVER];
	int n_cover;
	int null_fd, log_fd;
	int gate[2], report[2]; /* [0] is read from, [1] written to; the gate is a socket pair */
};

/* --- before the fork ----------------------------------------------------------------- */

int proc_find(const char *program, char **ret, struct err *e)
{
	const char *dirs = getenv("PATH");
	struct stat st;

	if (strchr(program, '/')) {
		*ret = strdup(program);
		return *ret ? 0 : err_code(e, ENOMEM, "%s", program);
	}
	if (!dirs || !*dirs)
		dirs = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	while (*program && *dirs) {
		size_t len = strcspn(dirs, ":");
		_cleanup_free_ char *path = NULL;

		/* an empty element means the current folder: not for programs run as root */
		if (len && asprintf(&path, "%.*s/%s", (int)len, dirs, program) < 0)
			return err_code(e, ENOMEM, "%s", program);
		if (path && access(path, X_OK) == 0 && stat(path, &st) == 0 &&
		    S_ISREG(st.st_mode)) {
			*ret = steal_ptr(path);
			return 0;
		}
		dirs += len + (dirs[len] == ':');
	}
	err_set(e, ENOENT, "%s: no such program", program);
	return err_kind_set(e, ERR_CANNOT);
}

/* the same variable: "NAME=" of both alike? */
static bool same_variable(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strncmp(a, b, len) == 0 && b[len] == '=';
}

static bool is_overridden(const char *variable, const char *const *env)
{
	for (; *env; env++)
		if (same_variable(*env, variable))
			return true;
	return false;
}

/* the caller's environment with @add on top; the strings are borrowed */
static char **merge_env(const char *const *add)
{
	size_t n = 0, n_add = 0, used = 0;
	char **env;

	while (environ && environ[n])
		n++;
	while (add && add[n_add])
		n_add++;
	env = calloc(n + n_add + 1, sizeof(*env));
	if (!env)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (!add || !is_overridden(environ[i], add))
			env[used++] = environ[i];
	for (size_t i = 0; i < n_add; i++)
		env[used++] = (char *)add[i];
	return env;
}

static int list_covers(struct launch *l, const char *dir, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int r = 0;

	/* no folder, nothing to cover: as `ip netns exec` sees it */
	if (!d)
		return errno == ENOENT ? 0 : err_errno(e, "%s", dir);
	while (!r && (entry = readdir(d))) {
		char *from = NULL, *to = NULL;

		if (entry->d_name[0] == '.')
			continue;
		if (l->n_cover == MAX_COVER) {
			r = err_set(e, E2BIG, "%s: more than %d files", dir, MAX_COVER);
			break;
		}
		if (asprintf(&from, "%s/%s", dir, entry->d_name) < 0)
			from = NULL;
		if (asprintf(&to, "/etc/%s", entry->d_name) < 0)
			to = NULL;
		l->cover_from[l->n_cover] = from;
		l->cover_to[l->n_cover++] = to;
		if (!from || !to)
			r = err_code(e, ENOMEM, "%s", dir);
	}
	closedir(d);
	return r;
}

static int prepare(struct launch *l, const struct proc_spec *spec, struct err *e)
{
	int r;

	*l = (struct launch){.spec = spec, .null_fd = -1, .log_fd = -1};
	l->gate[0] = l->gate[1] = l->report[0] = l->report[1] = -1;
	while (spec->fds && spec->fds[l->n_fds] >= 0)
		if (++l->n_fds > MAX_FDS)
			return err_set(e, E2BIG, "more than %d file descriptors to pass", MAX_FDS);
	r = proc_find(spec->argv[0], &l->path, e);
	if (r < 0)
		return r;
	l->env = merge_env(spec->env);
	if (!l->env)
		return err_code(e, ENOMEM, "%s", l->path);
	if (spec->mount_ns && spec->etc_dir) {
		r = list_covers(l, spec->etc_dir, e);
		if (r < 0)
			return r;
	}
	l->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (l->null_fd < 0)
		return err_errno(e, "/dev/null");
	if (spec->log) {
		l->log_fd = open(spec->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
		if (l->log_fd < 0)
			return err_errno(e, "%s", spec->log);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, l->gate) < 0 ||
	    pipe2(l->report, O_CLOEXEC) < 0)
		return err_errno(e, "make a pipe");
	return 0;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void launch_free(struct launch *l)
{
	close_one(&l->null_fd);
	close_one(&l->log_fd);
	for (int i = 0; i < 2; i++) {
		close_one(&l->gate[i]);
		close_one(&l->report[i]);
	}
	for (int i = 0; i < l->n_cover; i++) {
		free(l->cover_from[i]);
		free(l->cover_to[i]);
	}
	free(l->path);
	free(l->env);
}

/* --- in the child: system calls only --------------------------------------------------- */

static void reset_signals(void)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;

	/* all are blocked until their handlers, which are the parent's, are gone */
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool enter_mounts(const struct launch *l, struct report *why)
{
	const struct proc_spec *s = l->spec;

	why->stage = STAGE_MOUNTS;
	if (s->mnt_ns_fd > 0 && setns(s->mnt_ns_fd, CLONE_NEWNS) < 0)
		return false;
	if (!s->mount_ns)
		return true;
	/* slave: what the machine mounts later is seen, what is mounted here stays here */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return false;
	/* only makes /sys/class/net show the right interfaces: a refusal is no reason to stop */
	(void)mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL);
	why->stage = STAGE_COVER;
	for (why->index = 0; why->index < l->n_cover; why->index++)
		if (mount(l->cover_from[why->index], l->cover_to[why->index], NULL, MS_BIND, NULL) <
		    0)
			return false;
	return true;
}

/*
 * Descriptors 0 to 2, then those of the caller's from 3 on, and no others.  They first get
 * numbers above all that are to be given, so that none is overwritten before it is moved.
 */
static bool arrange_fds(struct launch *l)
{
	const int floor = FIRST_FD + MAX_FDS + 2;
	int fds[MAX_FDS];

	l->gate[0] = fcntl(l->gate[0], F_DUPFD_CLOEXEC, floor);
	l->report[1] = fcntl(l->report[1], F_DUPFD_CLOEXEC, floor);
	if (l->gate[0] < 0 || l->report[1] < 0)
		return false;
	for (size_t i = 0; i < l->n_fds; i++) {
		fds[i] = fcntl(l->spec->fds[i], F_DUPFD_CLOEXEC, floor);
		if (fds[i] < 0)
			return false;
	}
	int out = fcntl(l->log_fd >= 0 ? l->log_fd : l->null_fd, F_DUPFD_CLOEXEC, floor);
	int in = fcntl(l->null_fd, F_DUPFD_CLOEXEC, floor);

	if (out < 0 || in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		return false;
	for (size_t i = 0; i < l->n_fds; i++)
		if (dup2(fds[i], FIRST_FD + (int)i) < 0)
			return false;
	/*
	 * Close for real what belongs to others: an end of a sibling's gate kept open here
	 * would let that sibling wait for ever when our parent dies.
	 */
	int low = l->gate[0] < l->report[1] ? l->gate[0] : l->report[1];
	int high = l->gate[0] < l->report[1] ? l->report[1] : l->gate[0];

	syscall(SYS_close_range, FIRST_FD + (unsigned int)l->n_fds, (unsigned int)low - 1, 0);
	syscall(SYS_close_range, (unsigned int)low + 1, (unsigned int)high - 1, 0);
	syscall(SYS_close_range, (unsigned int)high + 1, ~0U, 0);
	return true;
}

static bool gate_opens(int fd)
{
	ssize_t n;
	char c;

	do {
		n = read(fd, &c, 1);
	} while (n < 0 && errno == EINTR);
	return n == 1;
}

static void run_child(struct launch *l)
{
	struct report why = {.stage = STAGE_SESSION};

	reset_signals();
	if (setsid() < 0)
		goto fail;
	why.stage = STAGE_NETNS;
	if (l->spec->ns_fd >= 0 && setns(l->spec->ns_fd, CLONE_NEWNET) < 0)
		goto fail;
	if (!enter_mounts(l, &why))
		goto fail;
	why.stage = STAGE_FDS;
	if (!arrange_fds(l))
		goto fail;
	why.stage = STAGE_RECORD;
	if (!gate_opens(l->gate[0]))
		_exit(127);
	why.stage = STAGE_EXEC;
	execve(l->path, (char *const *)l->spec->argv, l->env);
fail:
	why.code = errno;
	if (l->report[1] >= 0)
		(void)!write(l->report[1], &why, sizeof(why));
	_exit(127);
}

/* --- in the parent ------------------------------------------------------------------------ */

static pid_t fork_child(struct launch *l)
{
	sigset_t all, old;
	pid_t pid;

	/* a handler of the parent's must not run in the child */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		run_child(l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return pid;
}

/* what the child says: 0 when it runs its program, else -errno */
static int read_report(const struct launch *l, struct err *e)
{
	struct report why;
	ssize_t n;

	do {
		n = read(l->report[0], &why, sizeof(why));
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	if (n != (ssize_t)sizeof(why) || why.stage > STAGE_EXEC)
		return err_set(e, EPROTO, "the child's report is broken");
	if (why.stage == STAGE_EXEC) {
		err_code(e, why.code, "%s", l->path);
		return err_kind_set(e, why.code == ENOENT ? ERR_CANNOT : ERR_FAILED);
	}
	if (why.stage == STAGE_COVER && why.index < l->n_cover)
		return err_code(e, why.code, "cover %s", l->cover_to[why.index]);
	return err_code(e, why.code, "%s", stage_names[why.stage]);
}

static int release_child(struct launch *l, const struct proc_id *id,
			 int (*record)(const struct proc_id *id, void *arg, struct err *e),
			 void *arg, struct err *e)
{
	int r = record ? record(id, arg, e) : 0;

	if (r < 0)
		return r;
	/* a child that failed meanwhile has closed its end: its report says why */
	if (send(l->gate[1], "", 1, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		return err_errno(e, "release the process");
	return read_report(l, e);
}

int proc_start(const struct proc_spec *spec, struct proc_id *ret,
	       int (*record)(const struct proc_id *id, void *arg, struct err *e), void *arg,
	       struct err *e)
{
	struct launch l;
	struct proc_id id = {0};
	char state;
	int r;

	r = prepare(&l, spec, e);
	if (r < 0)
		goto out;
	id.pid = fork_child(&l);
	if (id.pid < 0) {
		r = err_errno(e, "fork");
		goto out;
	}
	close_one(&l.gate[0]);
	close_one(&l.report[1]);
	r = proc_identify(id.pid, &id.start, &state);
	if (r < 0)
		err_code(e, -r, "process %d", (int)id.pid);
	else
		r = fault_point("process forked", e);
	if (!r)
		r = release_child(&l, &id, record, arg, e);
	if (r < 0) {
		/* the gate's end tells the child to go; a child that failed has gone */
		close_one(&l.gate[1]);
		while (waitpid(id.pid, NULL, 0) < 0 && errno == EINTR)
			;
		goto out;
	}
	*ret = id;
out:
	launch_free(&l);
	return r;
}

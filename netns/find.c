/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netns/find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/ns.h"
#include "netns/pin.h"

static bool has_cookie(const char *path, uint64_t wanted)
{
	struct err why = ERR_INIT;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int sock = -1;
	uint64_t cookie;

	if (fd < 0 || ns_enter(fd, &why) < 0)
		return false;
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return sock >= 0 && ns_cookie(sock, &cookie, &why) == 0 && cookie == wanted;
}

/* @below: where the namespace is, below an entry of @folder */
static int look_through(const char *folder, const char *below, uint64_t wanted, struct err *e)
{
	DIR *d = opendir(folder);
	struct dirent *entry;
	ino_t last = 0;
	int found = 0;

	if (!d)
		return errno == ENOENT ? 0 : err_errno(e, "%s", folder);
	while (!found && (entry = readdir(d))) {
		char path[512];
		struct stat st;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", folder, entry->d_name, below);
		/* most processes are where the one before is */
		if (stat(path, &st) < 0 || st.st_ino == last)
			continue;
		last = st.st_ino;
		found = has_cookie(path, wanted);
	}
	closedir(d);
	return found;
}

int netns_is_alive(uint64_t cookie, struct err *e)
{
	int r = look_through(NETNS_DIR, "", cookie, e);

	return r ? r : look_through("/proc", "/ns/net", cookie, e);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "lab/store.h"
#include "wg/key.h"

#define KEY_FILE_MAX ((size_t)4096) /* bytes */

struct resolver {
	struct topology *t;
	const struct host *only;
	enum keys_make make;
};

int keys_read(const char *path, struct key *ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	uint8_t bytes[KEY_LEN];
	size_t len;
	int r = io_read_file(path, KEY_FILE_MAX, &text, &len, e);

	if (r < 0)
		return r;
	while (len && strchr(" \t\r\n", text[len - 1]))
		text[--len] = '\0';
	if (wg_key_parse(text, bytes) < 0) {
		err_set(e, EINVAL, "%s: not a WireGuard key", path);
		err_hint(e, "44 characters of base64, as `warren key gen` prints");
		return err_kind_set(e, ERR_INVALID);
	}
	memcpy(ret->bytes, bytes, sizeof(bytes));
	ret->present = true;
	return 0;
}

static int make_folder(const char *path, struct err *e)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
	return io_mkdir_p(dir, 0700, e);
}

static int make_key(const char *path, struct key *ret, struct err *e)
{
	char text[WG_KEY_BASE64_LEN + 1];
	int r = make_folder(path, e);

	if (r < 0)
		return r;
	wg_key_generate_private(ret->bytes);
	ret->present = true;
	wg_key_format(ret->bytes, text);
	text[WG_KEY_BASE64_LEN - 1] = '\n';
	r = io_create_file(path, text, WG_KEY_BASE64_LEN, 0600, e);
	/* not every file system has files without a name */
	if (r == -EOPNOTSUPP || r == -EISDIR)
		r = io_write_file(path, text, WG_KEY_BASE64_LEN, 0600, e);
	return r;
}

const char *keys_path(const char *lab, const char *host, const char *name,
		      char buf[static PATH_MAX])
{
	snprintf(buf, PATH_MAX, "%s/%s/%s/%s.key", WARREN_STATE_DIR, lab, host, name);
	return buf;
}

/* @file: named in the topology; NULL: the one kept for HOST/NAME, made where it is missing */
static int private_key(const struct resolver *v, struct key *key, const char *file,
		       const char *host, const char *name, struct err *e)
{
	char kept[PATH_MAX];
	struct err why = ERR_INIT;
	int r;

	if (key->present)
		return 0;
	keys_path(v->t->name, host, name, kept);
	r = keys_read(file ? file : kept, key, &why);
	if (!r || v->make == KEYS_FIND)
		return 0;
	if (r == -ENOENT && !file)
		r = make_key(kept, key, &why);
	if (r < 0) {
		*e = why;
		return err_wrap(e, "private key of %s/%s", host, name + (name[0] == '.'));
	}
	return 0;
}

int keys_preshared(const struct peer *p, struct key *ret, struct err *e)
{
	*ret = p->preshared_key;
	return p->preshared_key_file ? keys_read(p->preshared_key_file, ret, e) : 0;
}

static int preshared_keys(const struct resolver *v, struct peer *peers, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct err why = ERR_INIT;
		int r = keys_preshared(&peers[i], &peers[i].preshared_key, &why);

		if (!r || v->make == KEYS_FIND)
			continue;
		*e = why;
		return err_wrap(e, "preshared key of a peer");
	}
	return 0;
}

static int gateway_keys(const struct resolver *v, const struct host *host, struct err *e)
{
	struct gateway *gw = host->gateway;
	bool shared = false;
	int r = 0;

	for (size_t i = 0; i < gw->n_tenants; i++)
		shared |= !gw->tenants[i].has_own_key;
	if (shared)
		r = private_key(v, &gw->private_key, gw->private_key_file, host->name, ".gateway",
				e);
	for (size_t i = 0; i < gw->n_tenants && !r; i++) {
		struct tenant *t = &gw->tenants[i];

		if (t->has_own_key)
			r = private_key(v, &t->private_key, t->private_key_file, host->name,
					t->name, e);
		else
			t->private_key = gw->private_key;
		if (!r)
			r = preshared_keys(v, t->peers, t->n_peers, e);
	}
	return r;
}

static int host_keys(const struct resolver *v, const struct host *host, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < host->n_tunnels && !r; i++) {
		struct tunnel *k = &host->tunnels[i];

		r = private_key(v, &k->private_key, k->private_key_file, host->name, k->ifname.full,
				e);
		if (!r)
			r = preshared_keys(v, k->peers, k->n_peers, e);
	}
	return !r && host->gateway ? gateway_keys(v, host, e) : r;
}

/* the public key of a peer named by reference, once its private key is known */
static int peer_key(const struct resolver *v, struct peer *p, struct err *e)
{
	const struct host *host;
	const struct key *key;
	const char *name;

	if (p->public_key.present || p->ref == PEER_BY_KEY)
		return 0;
	host = &v->t->hosts[p->ref_host];
	if (p->ref == PEER_BY_HOST) {
		key = &host->tunnels[p->ref_index].private_key;
		name = host->tunnels[p->ref_index].ifname.full;
	} else {
		key = &host->gateway->tenants[p->ref_index].private_key;
		name = host->gateway->tenants[p->ref_index].name;
	}
	if (key->present) {
		wg_key_public(key->bytes, p->public_key.bytes);
		p->public_key.present = true;
		return 0;
	}
	if (v->make == KEYS_FIND)
		return 0;
	err_set(e, ENOKEY, "peer %s/%s: its key is not in the file, and kept on another machine",
		host->name, name);
	err_hint(e, "give it a private_key or private_key_file, or name the peer by public_key");
	return err_kind_set(e, ERR_INVALID);
}

static int peer_keys(const struct resolver *v, struct peer *peers, size_t n, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < n && !r; i++)
		r = peer_key(v, &peers[i], e);
	return r;
}

static int host_peers(const struct resolver *v, const struct host *host, struct err *e)
{
	const struct gateway *gw = host->gateway;
	int r = 0;

	for (size_t i = 0; i < host->n_tunnels && !r; i++)
		r = peer_keys(v, host->tunnels[i].peers, host->tunnels[i].n_peers, e);
	for (size_t i = 0; gw && i < gw->n_tenants && !r; i++)
		r = peer_keys(v, gw->tenants[i].peers, gw->tenants[i].n_peers, e);
	return r < 0 ? err_wrap(e, "host %s", host->name) : 0;
}

int keys_resolve(struct topology *t, const struct host *only, enum keys_make make, struct err *e)
{
	const struct resolver v = {t, only, make};
	/* the others' kept keys are found where this is one machine for all, and nowhere else */
	const struct resolver others = {t, only, KEYS_FIND};
	int r = 0;

	for (size_t i = 0; i < t->n_hosts && !r; i++)
		r = host_keys(only && only != &t->hosts[i] ? &others : &v, &t->hosts[i], e);
	for (size_t i = 0; i < t->n_hosts && !r; i++)
		r = host_peers(only && only != &t->hosts[i] ? &others : &v, &t->hosts[i], e);
	return r;
}

/* --- keys that were set -------------------------------------------------------------------- */

static void each_reference(struct topology *t, void (*fn)(struct peer *p, void *arg), void *arg)
{
	for (size_t h = 0; h < t->n_hosts; h++) {
		struct host *host = &t->hosts[h];

		for (size_t i = 0; i < host->n_tunnels; i++)
			for (size_t k = 0; k < host->tunnels[i].n_peers; k++)
				if (host->tunnels[i].peers[k].ref != PEER_BY_KEY)
					fn(&host->tunnels[i].peers[k], arg);
		for (size_t i = 0; host->gateway && i < host->gateway->n_tenants; i++) {
			struct tenant *tenant = &host->gateway->tenants[i];

			for (size_t k = 0; k < tenant->n_peers; k++)
				if (tenant->peers[k].ref != PEER_BY_KEY)
					fn(&tenant->peers[k], arg);
		}
	}
}

static void write_key(struct peer *p, void *arg)
{
	char text[WG_KEY_BASE64_LEN + 1];

	if (p->public_key.present)
		wg_key_format(p->public_key.bytes, text);
	fprintf(arg, "%s\n", p->public_key.present ? text : "-");
}

char *keys_remember(const struct topology *t)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	each_reference((struct topology *)t, write_key, f);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

static void read_remembered(struct peer *p, void *arg)
{
	const char **at = arg;
	size_t len = strcspn(*at, "\n");
	char text[WG_KEY_BASE64_LEN + 1];

	if (!p->public_key.present && len == WG_KEY_BASE64_LEN - 1) {
		snprintf(text, sizeof(text), "%.*s", (int)len, *at);
		p->public_key.present = wg_key_parse(text, p->public_key.bytes) == 0;
	}
	*at += len + ((*at)[len] == '\n');
}

int keys_recall(struct topology *t, const struct host *only, const char *peers, struct err *e)
{
	each_reference(t, read_remembered, &peers);
	return keys_resolve(t, only, KEYS_FIND, e);
}

/* --- one key ------------------------------------------------------------------------------ */

int keys_keep(const char *path, struct key *ret, struct err *e)
{
	struct err why = ERR_INIT;
	int r = keys_read(path, ret, &why);

	if (r == -ENOENT)
		return make_key(path, ret, e);
	if (r < 0)
		*e = why;
	return r;
}

int keys_write(const char *path, const struct key *key, struct err *e)
{
	char text[WG_KEY_BASE64_LEN + 1];
	int r = make_folder(path, e);

	if (r < 0)
		return r;
	wg_key_format(key->bytes, text);
	text[WG_KEY_BASE64_LEN - 1] = '\n';
	return io_write_file(path, text, WG_KEY_BASE64_LEN, 0600, e);
}

int keys_replace(const char *path, const char *old, struct key *ret, struct err *e)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	char text[WG_KEY_BASE64_LEN + 1];
	struct key was = {.present = false};
	struct stat st;
	int r;

	if (!real && errno == ENOENT)
		return make_key(path, ret, e);
	if (!real || stat(real, &st) < 0)
		return err_errno(e, "%s", path);
	r = old ? keys_read(real, &was, e) : 0;
	if (!r && old)
		r = keys_write(old, &was, e);
	if (r < 0)
		return r;
	wg_key_generate_private(ret->bytes);
	ret->present = true;
	wg_key_format(ret->bytes, text);
	text[WG_KEY_BASE64_LEN - 1] = '\n';
	st.st_mode = S_IFREG | 0600;
	return io_replace_file(real, &st, text, WG_KEY_BASE64_LEN, e);
}

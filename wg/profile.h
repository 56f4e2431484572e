/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Profiles: the configuration files of wg(8) and wg-quick(8).
 *
 * An [Interface] and its [Peer]s, one KEY = VALUE a line, `#` begins a comment.  Case does not
 * matter in keys and names of sections.  What wg-quick takes is taken, with these exceptions, in
 * which it would go on with half of what was written: a key with one value that is given twice, a
 * second [Interface], two peers with one public key, a peer with the key of the interface itself.
 * Commands (PreUp …) are text that nobody runs.
 */
#ifndef WARREN_WG_PROFILE_H
#define WARREN_WG_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "wg/key.h"

#define PROFILE_MAX      ((size_t)2 * 1024 * 1024) /* bytes of a file */
#define PROFILE_NAME_MAX 128                       /* bytes of a peer's name; longer ones are cut */

enum profile_key {
	/* [Interface] */
	PROFILE_PRIVATE_KEY = 0,
	PROFILE_LISTEN_PORT,
	PROFILE_FWMARK,
	PROFILE_ADDRESS,
	PROFILE_DNS,
	PROFILE_MTU,
	PROFILE_TABLE,
	PROFILE_PRE_UP,
	PROFILE_POST_UP,
	PROFILE_PRE_DOWN,
	PROFILE_POST_DOWN,
	PROFILE_SAVE_CONFIG,
	/* [Peer] */
	PROFILE_PUBLIC_KEY,
	PROFILE_PRESHARED_KEY,
	PROFILE_ENDPOINT,
	PROFILE_ALLOWED_IPS,
	PROFILE_KEEPALIVE,
	PROFILE_KEYS,
	PROFILE_FIRST_OF_PEER = PROFILE_PUBLIC_KEY,
};

#define PROFILE_INTERFACE_KEYS PROFILE_FIRST_OF_PEER
#define PROFILE_PEER_KEYS      (PROFILE_KEYS - PROFILE_FIRST_OF_PEER)

/* where something stands in the file; line 0: it does not */
struct profile_place {
	int line, column; /* from 1 */
};

struct profile_prefix {
	struct ip_prefix prefix; /* host bits kept as they were given */
	struct profile_place place;
};

struct profile_text {
	const char *text;
	struct profile_place place;
};

struct profile_texts {
	struct profile_text *v;
	size_t n;
};

enum profile_table { PROFILE_TABLE_AUTO, PROFILE_TABLE_OFF, PROFILE_TABLE_NUMBER };

struct profile_peer {
	struct profile_place place; /* of its [Peer] */
	/* of its keys, by enum profile_key less PROFILE_FIRST_OF_PEER; the first of several */
	struct profile_place at[PROFILE_PEER_KEYS];
	/* the comment at the beginning of the section, or else just above it, if it looks like a
	 * name ("# alice", "# Name = alice"); NULL: none */
	const char *name;
	bool has_public_key; /* always, in what profile_read() gives */
	uint8_t public_key[WG_KEY_LEN];
	bool has_preshared_key;
	uint8_t preshared_key[WG_KEY_LEN];
	bool has_endpoint;
	struct ip_endpoint endpoint; /* addr.family AF_UNSPEC: see endpoint_name */
	const char *endpoint_name;   /* name of a host; NULL: endpoint.addr counts */
	struct profile_prefix *allowed_ips;
	size_t n_allowed_ips;
	bool has_keepalive;
	uint16_t keepalive; /* seconds; 0: off */
	/* profile_write(): what stands as a comment in the place of a key that is not there, by
	 * the same numbers as at; NULL: nothing */
	const char *missing[PROFILE_PEER_KEYS];
};

struct profile {
	struct arena *arena;                             /* holds all that is below */
	struct profile_place at[PROFILE_INTERFACE_KEYS]; /* of its keys; the first of several */
	bool has_private_key;
	uint8_t private_key[WG_KEY_LEN];
	bool has_listen_port;
	uint16_t listen_port; /* 0: the kernel's choice */
	bool has_fwmark;
	uint32_t fwmark; /* 0: off */
	struct profile_prefix *addresses;
	size_t n_addresses;
	struct ip_addr *dns;
	size_t n_dns;
	struct profile_texts dns_search;
	bool has_mtu;
	uint32_t mtu; /* bytes */
	enum profile_table table;
	uint32_t table_number;
	/* PreUp, PostUp, PreDown, PostDown, by enum profile_key less PROFILE_PRE_UP */
	struct profile_texts commands[4];
	bool save_config;
	struct profile_peer *peers;
	size_t n_peers;
	const char *title; /* profile_write(): a comment at the top; NULL: none */
	const char *missing[PROFILE_INTERFACE_KEYS]; /* as in struct profile_peer */
};

/*
 * profile_read - read @text (@len bytes, as read from a file).
 * Pure.  Returns 0 with *@ret, to be freed with profile_free(); or -EINVAL, kind ERR_INVALID, with
 * at least one entry in @diags, and all there are in the order of the file; or -ENOMEM.  No text in
 * @diags has a key in it.  @diags is initialised here and freed with diags_free().
 */
int profile_read(const char *text, size_t len, struct profile **ret, struct diags *diags,
		 struct err *e);

/* profile_new - an empty one, to be filled in from its arena.  NULL: no memory. */
struct profile *profile_new(void);

/* profile_free - NULL is allowed. */
void profile_free(struct profile *p);

/* profile_key_name - as it is written: "AllowedIPs". */
const char *profile_key_name(enum profile_key key);

/*
 * profile_write - as a file, keys in a fixed order.  What it writes can be read again and gives
 * the same profile, but for places and for what was said twice.
 */
void profile_write(const struct profile *p, FILE *out);

#endif

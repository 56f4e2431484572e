/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The anonymous sets and maps that statements look things up in.
 */
#include <errno.h>
#include <libnftnl/udata.h>
#include <string.h>

#include "base/cleanup.h"
#include "nat/expr.h"
#include "nat/kernel.h"

/* numbers of nft's data types (enum datatypes in its datatype.h); the kernel keeps them for it */
enum {
	NFT_TYPE_INTEGER = 4,
	NFT_TYPE_IPADDR = 7,
	NFT_TYPE_IP6ADDR = 8,
	NFT_TYPE_INET_PROTOCOL = 12,
};

/* enum byteorder of nft, which shows elements by it */
enum { NFT_BYTEORDER_HOST = 1, NFT_BYTEORDER_NETWORK = 2 };

static uint32_t addr_type(const struct ip_addr *a)
{
	return a->family == AF_INET ? NFT_TYPE_IPADDR : NFT_TYPE_IP6ADDR;
}

static struct nftnl_set *set_new(uint32_t id, uint32_t flags, uint32_t type, size_t len,
				 uint32_t byteorder)
{
	struct nftnl_set *set = nftnl_set_alloc();
	struct nftnl_udata_buf *udata = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);

	if (!set || !udata)
		goto fail;
	if (nftnl_set_set_str(set, NFTNL_SET_TABLE, NAT_TABLE) < 0 ||
	    nftnl_set_set_str(set, NFTNL_SET_NAME, flags & NFT_SET_MAP ? "__map%d" : "__set%d") < 0)
		goto fail;
	nftnl_set_set_u32(set, NFTNL_SET_ID, id);
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | flags);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, type);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, (uint32_t)len);
	nftnl_udata_put_u32(udata, NFTNL_UDATA_SET_KEYBYTEORDER, byteorder);
	if (flags & NFT_SET_MAP)
		nftnl_udata_put_u32(udata, NFTNL_UDATA_SET_DATABYTEORDER, NFT_BYTEORDER_NETWORK);
	if (nftnl_set_set_data(set, NFTNL_SET_USERDATA, nftnl_udata_buf_data(udata),
			       nftnl_udata_buf_len(udata)) < 0)
		goto fail;
	nftnl_udata_buf_free(udata);
	return set;
fail:
	if (set)
		nftnl_set_free(set);
	if (udata)
		nftnl_udata_buf_free(udata);
	return NULL;
}

/* @data: of a map, else NULL */
static int set_add(struct nftnl_set *set, const void *key, size_t len, uint32_t flags,
		   const struct ip_addr *data)
{
	struct nftnl_set_elem *elem = nftnl_set_elem_alloc();

	if (!elem)
		return -ENOMEM;
	if (nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, key, (uint32_t)len) < 0 ||
	    (data && nftnl_set_elem_set(elem, NFTNL_SET_ELEM_DATA, data->bytes,
					(uint32_t)ip_addr_size(data)) < 0)) {
		nftnl_set_elem_free(elem);
		return -ENOMEM;
	}
	if (flags)
		nftnl_set_elem_set_u32(elem, NFTNL_SET_ELEM_FLAGS, flags);
	nftnl_set_elem_add(set, elem);
	return 0;
}

static int fill_l4_ports(struct nftnl_set *set)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
	int r = 0;
	size_t i;

	for (i = 0; !r && i < ARRAY_SIZE(protocols); i++)
		r = set_add(set, &protocols[i], sizeof(protocols[i]), 0, NULL);
	nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, ARRAY_SIZE(protocols));
	return r;
}

/*
 * Intervals stand in a set as the point where each begins and the point where it has ended;
 * nft marks an end before the first one too, so that everything below it is known to be out.
 */
static int fill_ranges(struct nftnl_set *set, const struct stmt *s)
{
	static const struct ip_addr lowest;
	size_t size = ip_addr_size(&s->ranges[0].first), i;
	struct ip_addr end;
	uint32_t n = 0;
	int r = 0;

	if (memcmp(s->ranges[0].first.bytes, lowest.bytes, size)) {
		r = set_add(set, lowest.bytes, size, NFT_SET_ELEM_INTERVAL_END, NULL);
		n++;
	}
	for (i = 0; !r && i < s->n_ranges; i++) {
		r = set_add(set, s->ranges[i].first.bytes, size, 0, NULL);
		n++;
		/* after the last address of all there is no end */
		if (r || ip_addr_add(&s->ranges[i].last, 1, &end) < 0)
			continue;
		r = set_add(set, end.bytes, size, NFT_SET_ELEM_INTERVAL_END, NULL);
		n++;
	}
	nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, n);
	return r;
}

static int fill_addresses(struct nftnl_set *set, const struct stmt *s)
{
	uint32_t i;
	int r = 0;

	nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, addr_type(s->nat.addresses));
	nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, (uint32_t)ip_addr_size(s->nat.addresses));
	nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, (uint32_t)s->nat.n_addresses);
	for (i = 0; !r && i < s->nat.n_addresses; i++)
		r = set_add(set, &i, sizeof(i), 0, &s->nat.addresses[i]);
	return r;
}

static int filled(struct nftnl_set *set, int r, struct nftnl_set **ret)
{
	if (r < 0)
		nftnl_set_free(set);
	else
		*ret = set;
	return r;
}

int stmt_set(const struct stmt *s, uint32_t set_id, struct nftnl_set **ret)
{
	struct nftnl_set *set;

	*ret = NULL;
	switch (s->kind) {
	case STMT_L4_PORTS:
		set = set_new(set_id, 0, NFT_TYPE_INET_PROTOCOL, 1, NFT_BYTEORDER_HOST);
		return set ? filled(set, fill_l4_ports(set), ret) : -ENOMEM;
	case STMT_SADDR:
	case STMT_DADDR:
		if (s->n_ranges == 1)
			return 0;
		set = set_new(set_id, NFT_SET_INTERVAL, addr_type(&s->ranges[0].first),
			      ip_addr_size(&s->ranges[0].first), NFT_BYTEORDER_NETWORK);
		return set ? filled(set, fill_ranges(set, s), ret) : -ENOMEM;
	case STMT_SNAT:
		if (s->nat.n_addresses == 1)
			return 0;
		set = set_new(set_id, NFT_SET_MAP, NFT_TYPE_INTEGER, sizeof(uint32_t),
			      NFT_BYTEORDER_HOST);
		return set ? filled(set, fill_addresses(set, s), ret) : -ENOMEM;
	default:
		return 0;
	}
}

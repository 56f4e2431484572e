/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/table.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/ns.h"
#include "nat/kernel.h"
#include "nat/query.h"
#include "nat/rules.h"

static int set_comment(struct nftnl_table *t, const char *owner)
{
	struct nftnl_udata_buf *udata = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
	int r = -ENOMEM;

	if (!udata)
		return -ENOMEM;
	if (nftnl_udata_put_strz(udata, NFTNL_UDATA_TABLE_COMMENT, owner) &&
	    nftnl_table_set_data(t, NFTNL_TABLE_USERDATA, nftnl_udata_buf_data(udata),
				 nftnl_udata_buf_len(udata)) == 0)
		r = 0;
	nftnl_udata_buf_free(udata);
	return r;
}

int table_put_new(struct batch *b, const char *owner, uint16_t flags)
{
	struct nftnl_table *t = nftnl_table_alloc();
	struct nlmsghdr *nlh;
	int r = -ENOMEM;

	if (!t)
		return -ENOMEM;
	if (nftnl_table_set_str(t, NFTNL_TABLE_NAME, NAT_TABLE) < 0 ||
	    (owner && set_comment(t, owner) < 0))
		goto out;
	nlh = batch_message(b, NFT_MSG_NEWTABLE, flags, NULL);
	if (!nlh)
		goto out;
	nftnl_table_nlmsg_build_payload(nlh, t);
	batch_close(b, nlh);
	r = 0;
out:
	nftnl_table_free(t);
	return r;
}

int table_put_delete(struct batch *b, uint64_t handle)
{
	struct nftnl_table *t = nftnl_table_alloc();
	struct nlmsghdr *nlh = t ? batch_message(b, NFT_MSG_DELTABLE, 0, NULL) : NULL;
	int r = -ENOMEM;

	if (nlh) {
		if (handle) {
			nftnl_table_set_u64(t, NFTNL_TABLE_HANDLE, handle);
			r = 0;
		} else {
			r = nftnl_table_set_str(t, NFTNL_TABLE_NAME, NAT_TABLE) < 0 ? -ENOMEM : 0;
		}
		nftnl_table_nlmsg_build_payload(nlh, t);
		batch_close(b, nlh);
	}
	if (t)
		nftnl_table_free(t);
	return r;
}

static int on_udata(const struct nftnl_udata *attr, void *arg)
{
	const char **comment = arg;
	const char *value = nftnl_udata_get(attr);
	uint8_t len = nftnl_udata_len(attr);

	if (nftnl_udata_type(attr) == NFTNL_UDATA_TABLE_COMMENT && len && !value[len - 1])
		*comment = value;
	return 0;
}

int table_parse(const struct nlmsghdr *nlh, struct table_found *f)
{
	struct nftnl_table *t = nftnl_table_alloc();
	const char *comment = NULL;
	const void *udata;
	uint32_t len;

	if (!t || nftnl_table_nlmsg_parse(nlh, t) < 0) {
		if (t)
			nftnl_table_free(t);
		return t ? -EBADMSG : -ENOMEM;
	}
	f->any = true;
	f->handle = nftnl_table_get_u64(t, NFTNL_TABLE_HANDLE);
	f->flags = nftnl_table_get_u32(t, NFTNL_TABLE_FLAGS);
	udata = nftnl_table_get_data(t, NFTNL_TABLE_USERDATA, &len);
	if (udata && len)
		nftnl_udata_parse(udata, len, on_udata, &comment);
	f->ours = comment && !strcmp(comment, f->owner);
	nftnl_table_free(t);
	return 0;
}

static int on_table(const struct nlmsghdr *nlh, void *arg)
{
	return msg_type(nlh) == NFT_MSG_NEWTABLE ? table_parse(nlh, arg) : 0;
}

static int find_table(int sock, struct table_found *f, struct err *e)
{
	struct generation g = {.has = false};
	struct query q;

	query_begin(&q);
	query_ask(&q, NFT_MSG_GETTABLE, 0, NFTA_TABLE_NAME);
	return query_run(&q, sock, &g, on_table, f, e);
}

int nat_find(int sock, const char *owner, enum nat_found *ret, struct err *e)
{
	struct table_found f = {.owner = owner};
	int r = find_table(sock, &f, e);

	if (!r)
		*ret = f.ours ? NAT_OURS : f.any ? NAT_FOREIGN : NAT_NONE;
	return r;
}

int nat_remove(int sock, const char *owner, struct err *e)
{
	struct table_found f = {.owner = owner};
	const void *tag;
	struct batch b;
	int r;

	r = find_table(sock, &f, e);
	if (r < 0 || !f.ours)
		return r;
	batch_begin(&b);
	/* by the handle that was looked at: not another one that took its name meanwhile */
	r = table_put_delete(&b, f.handle);
	if (r < 0)
		err_code(e, -r, "delete table inet %s", NAT_TABLE);
	else if ((r = batch_commit(&b, sock, &tag, e)) == -ENOENT)
		r = 0;
	else if (r < 0)
		err_wrap(e, "delete table inet %s", NAT_TABLE);
	else
		r = 1;
	batch_free(&b);
	return r;
}

/* everything that a tenant's rules can hold, in a namespace that ends with the thread */
static int try_it(void *arg, struct err *e)
{
	_cleanup_close_ int sock = -1;
	struct ip_addr addresses[4];
	const struct nat_tenant tenant = {
		.inside = "inside",
		.outside = "outside",
		.addresses = addresses,
		.n_addresses = ARRAY_SIZE(addresses),
	};
	const struct nat_spec spec = {.owner = "warren trial", .tenant = &tenant};
	struct nat_ruleset *rs;
	int r;

	(void)arg;
	ip_addr_parse("192.0.2.1", &addresses[0]);
	ip_addr_parse("192.0.2.2", &addresses[1]);
	ip_addr_parse("2001:db8::1", &addresses[2]);
	ip_addr_parse("2001:db8::2", &addresses[3]);
	if (unshare(CLONE_NEWNET) < 0) {
		err_errno(e, "make a network namespace");
		return err_hint(e, "this needs CAP_SYS_ADMIN: run it as root");
	}
	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (sock < 0) {
		err_errno(e, "open a netfilter socket");
		return err_hint(e,
				"the kernel needs CONFIG_NETFILTER_NETLINK and CONFIG_NF_TABLES");
	}
	r = nat_ruleset_build(&spec, &rs, e);
	if (r < 0)
		return r;
	r = nat_apply(sock, rs, true, e);
	nat_ruleset_free(rs);
	return r;
}

int nat_available(struct err *e)
{
	int r = ns_run(-1, try_it, NULL, e);

	if (r < 0) {
		err_wrap(e, "NAPT");
		err_kind_set(e, ERR_CANNOT);
	}
	return r;
}

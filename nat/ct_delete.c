/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/ct_delete.h"

#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>

#include "nat/ct_ask.h"
#include "nat/ct_put.h"
#include "nat/kernel.h"

int ct_delete(int sock, const struct ct_entry *ct, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[256];
	struct nlmsghdr *nlh =
		ct_request(buf, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, ct->orig.src.family);
	struct err why = ERR_INIT;
	int r;

	ct_put_tuple(nlh, CTA_TUPLE_ORIG, &ct->orig, ct->l4proto);
	if (ct->has_zone)
		mnl_attr_put_u16(nlh, CTA_ZONE, htobe16(ct->zone));
	if (ct->has_id)
		mnl_attr_put_u32(nlh, CTA_ID, htobe32(ct->id));
	r = ct_ask(sock, nlh, NULL, NULL, "end a session", NULL, &why);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		*e = why;
	return r < 0 ? r : 1;
}

int ct_flush(int sock, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[64];
	struct nlmsghdr *nlh = ct_request(buf, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, AF_UNSPEC);

	return ct_ask(sock, nlh, NULL, NULL, "end all sessions", NULL, e);
}

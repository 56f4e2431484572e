/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <libmnl/libmnl.h>

#include "nat/conntrack.h"
#include "nat/ct_ask.h"
#include "nat/ct_filter.h"
#include "nat/kernel.h"

struct dump {
	int (*fn)(const struct ct_entry *ct, void *arg, struct err *e);
	void *arg;
	struct err *e;
	int result; /* of the first call of @fn that was negative */
};

static void on_entry(const struct nlmsghdr *nlh, void *arg)
{
	const size_t header = MNL_ALIGN(sizeof(struct nfgenmsg));
	struct dump *d = arg;
	struct ct_entry ct;

	/* after the caller has had enough, the rest is only read */
	if (d->result < 0 || mnl_nlmsg_get_payload_len(nlh) < header)
		return;
	if (ct_parse(mnl_nlmsg_get_payload_offset(nlh, header),
		     mnl_nlmsg_get_payload_len(nlh) - header, &ct) == 0)
		d->result = d->fn(&ct, d->arg, d->e);
}

int ct_dump(int sock, const struct ct_filter *filter,
	    int (*fn)(const struct ct_entry *ct, void *arg, struct err *e), void *arg,
	    struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[512];
	struct nlmsghdr *nlh =
		ct_request(buf, IPCTNL_MSG_CT_GET, NLM_F_DUMP, ct_filter_family(filter));
	struct dump d = {fn, arg, e, 0};
	struct err why = ERR_INIT;
	bool interrupted = false;
	int r;

	ct_filter_put(nlh, filter);
	r = ct_ask(sock, nlh, on_entry, &d, "list conntrack entries", &interrupted, &why);
	if (d.result < 0)
		return d.result;
	if (r < 0) {
		*e = why;
		return r;
	}
	if (interrupted)
		return err_code(e, EINTR, "the list of conntrack entries changed");
	return 0;
}

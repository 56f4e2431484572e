/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's netfilter headers together with the C library's.  Private to this room.
 */
#ifndef WARREN_NAT_KERNEL_H
#define WARREN_NAT_KERNEL_H

/* this one first: the kernel's then leave out what it has defined */
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_sctp.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netlink.h>

#endif

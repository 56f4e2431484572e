/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bare - the fastest plain way to a gateway with n tenants, for warren to be measured against.
 *
 *	bare up N	make what `warren up --backend none` makes of a file with N tenants
 *	bare down N	take it away
 *	bare dump N	read all of it: links, addresses, routes, rules, sysctl, and print how much
 *
 * A loop over raw netlink messages: links born where they live, bridges raised last, one socket
 * for each namespace, and nothing else: no file to read, no checks, no journal, no marks of
 * ownership, no undoing.  What the kernel takes for the objects themselves is all there is.
 * The rules come from nat/, as bytes taken once, so that both load the very same; for each
 * tenant only the names and the address in them are put in.
 */
/* before the other headers of the kernel */
#include "nat/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/err.h"
#include "nat/rules.h"

#define NETNS       "/run/netns"
#define FIRST_INDEX 16

static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void die(const char *fmt, ...)
{
	int code = errno;
	va_list ap;

	va_start(ap, fmt);
	fputs("bare: ", stderr);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerrordesc_np(code));
	exit(1);
}

/* --- netlink ----------------------------------------------------------------------------- */

static _Alignas(struct nlmsghdr) char buf[4096];
static struct nlmsghdr *const msg = (struct nlmsghdr *)buf;

static void begin(uint16_t type, uint16_t flags, const void *head, size_t len)
{
	*msg = (struct nlmsghdr){.nlmsg_len = (uint32_t)NLMSG_LENGTH(len),
				 .nlmsg_type = type,
				 .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags};
	memcpy(NLMSG_DATA(msg), head, len);
}

static struct rtattr *put(uint16_t type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)(buf + NLMSG_ALIGN(msg->nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	msg->nlmsg_len = NLMSG_ALIGN(msg->nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

static void put_u8(uint16_t type, uint8_t value)
{
	put(type, &value, sizeof(value));
}

static void put_u32(uint16_t type, uint32_t value)
{
	put(type, &value, sizeof(value));
}

static void put_name(const char *name)
{
	put(IFLA_IFNAME, name, strlen(name) + 1);
}

static struct rtattr *nest(uint16_t type)
{
	return put(type, NULL, 0);
}

static void nest_end(struct rtattr *a)
{
	a->rta_len = (uint16_t)(buf + msg->nlmsg_len - (char *)a);
}

/* the answers to a request: one, or to an nf_tables batch one for what failed before */
static void answer(int sock, const char *what)
{
	_Alignas(struct nlmsghdr) char reply[8192];
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)reply;
	const struct nlmsgerr *error = NLMSG_DATA(nlh);
	ssize_t n = recv(sock, reply, sizeof(reply), 0);

	if (n >= 0 && nlh->nlmsg_type == NLMSG_ERROR && error->error == 0)
		return;
	if (n >= 0)
		errno = -error->error;
	die("%s", what);
}

static void request(int sock, const char *what)
{
	if (send(sock, buf, msg->nlmsg_len, 0) < 0)
		die("%s", what);
	answer(sock, what);
}

static int netlink(int protocol)
{
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (sock < 0)
		die("netlink socket");
	return sock;
}

/* --- objects ------------------------------------------------------------------------------ */

/* a new namespace, pinned; the process is in it from then on */
static int new_netns(const char *name)
{
	char path[64];
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		die("unshare");
	snprintf(path, sizeof(path), NETNS "/%s", name);
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
	if (fd < 0)
		die("%s", path);
	close(fd);
	if (mount("/proc/self/ns/net", path, "none", MS_BIND, NULL) < 0)
		die("pin %s", path);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void bridge(int sock, const char *name, int index)
{
	struct ifinfomsg ifi = {.ifi_index = index};
	struct rtattr *info, *data;

	begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof(ifi));
	put_name(name);
	info = nest(IFLA_LINKINFO);
	put(IFLA_INFO_KIND, "bridge", sizeof("bridge"));
	data = nest(IFLA_INFO_DATA);
	put_u8(IFLA_BR_MCAST_SNOOPING, 0);
	nest_end(data);
	nest_end(info);
	request(sock, name);
}

/* as warren makes them: the same objects (netns/link.c says why one queue) */
static void put_queues(void)
{
	put_u32(IFLA_NUM_TX_QUEUES, 1);
	put_u32(IFLA_NUM_RX_QUEUES, 1);
}

static void veth(int sock, const char *name, int index, int peer_ns, const char *peer,
		 int peer_index)
{
	struct ifinfomsg ifi = {.ifi_index = index}, peer_ifi = {.ifi_index = peer_index};
	struct rtattr *info, *data, *end;

	begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof(ifi));
	put_name(name);
	put_queues();
	info = nest(IFLA_LINKINFO);
	put(IFLA_INFO_KIND, "veth", sizeof("veth"));
	data = nest(IFLA_INFO_DATA);
	end = put(VETH_INFO_PEER, &peer_ifi, sizeof(peer_ifi));
	put_name(peer);
	put_queues();
	put_u32(IFLA_NET_NS_FD, (uint32_t)peer_ns);
	nest_end(end);
	nest_end(data);
	nest_end(info);
	request(sock, name);
}

/* the mark of the owner, as on warren's links */
static void altname(int sock, int index, const char *ifname)
{
	struct ifinfomsg ifi = {.ifi_index = index};
	struct rtattr *list;
	char name[64];

	snprintf(name, sizeof(name), "%s.bench.warren", ifname);
	begin(RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof(ifi));
	list = nest(IFLA_PROP_LIST | NLA_F_NESTED);
	put(IFLA_ALT_IFNAME, name, strlen(name) + 1);
	nest_end(list);
	request(sock, name);
}

static void put_no_autoconf(void)
{
	struct rtattr *outer = nest(IFLA_AF_SPEC), *inner = nest(AF_INET6);

	put_u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nest_end(inner);
	nest_end(outer);
}

static void link_up(int sock, int index, bool quiet)
{
	struct ifinfomsg ifi = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};

	begin(RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	if (quiet)
		put_no_autoconf();
	request(sock, "raise");
}

static void isolate(int sock, int index)
{
	struct ifinfomsg ifi = {.ifi_index = index};
	struct rtattr *outer, *inner;

	begin(RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	outer = nest(IFLA_LINKINFO);
	put(IFLA_INFO_SLAVE_KIND, "bridge", sizeof("bridge"));
	inner = nest(IFLA_INFO_SLAVE_DATA);
	put_u8(IFLA_BRPORT_ISOLATED, 1);
	nest_end(inner);
	nest_end(outer);
	request(sock, "isolate");
}

static void port(int sock, int index, int master, bool isolated)
{
	struct ifinfomsg ifi = {.ifi_index = index};

	begin(RTM_SETLINK, 0, &ifi, sizeof(ifi));
	put_u32(IFLA_MASTER, (uint32_t)master);
	put_no_autoconf();
	request(sock, "enslave");
	if (isolated)
		isolate(sock, index);
	link_up(sock, index, false);
}

static void address(int sock, int index, uint32_t addr, uint8_t len)
{
	struct ifaddrmsg ifa = {
		.ifa_family = AF_INET, .ifa_prefixlen = len, .ifa_index = (uint32_t)index};
	uint32_t net = htonl(addr), broadcast = htonl(addr | UINT32_MAX >> len);

	begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &ifa, sizeof(ifa));
	put(IFA_LOCAL, &net, sizeof(net));
	put(IFA_ADDRESS, &net, sizeof(net));
	put(IFA_BROADCAST, &broadcast, sizeof(broadcast));
	request(sock, "address");
}

static void forwarding(void)
{
	int fd = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "1", 1) != 1)
		die("ip_forward");
	close(fd);
}

/* --- rules ------------------------------------------------------------------------------- */

#define SAMPLE_INSIDE  "inside-of-bare"
#define SAMPLE_OUTSIDE "outside-of-bar"
#define SAMPLE_ADDRESS "198.18.254.253"

struct rules {
	char bytes[16384];
	size_t len;
};

/* the batch for a sample tenant: sent to ourselves instead of to the kernel */
static void sample_rules(struct rules *r)
{
	struct ip_addr addr;
	struct nat_tenant tenant = {SAMPLE_INSIDE, SAMPLE_OUTSIDE, &addr, 1};
	struct nat_spec spec = {.owner = "bare", .tenant = &tenant};
	struct nat_ruleset *set;
	struct err e = ERR_INIT;
	ssize_t n;
	int ends[2];

	ip_addr_parse(SAMPLE_ADDRESS, &addr);
	if (nat_ruleset_build(&spec, &set, &e) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0)
		die("sample rules");
	/* fails for want of an answer */
	(void)nat_apply(ends[0], set, true, &e);
	n = recv(ends[1], r->bytes, sizeof(r->bytes), MSG_DONTWAIT);
	if (n <= 0)
		die("sample rules: %s", e.msg);
	r->len = (size_t)n;
	close(ends[0]);
	close(ends[1]);
	nat_ruleset_free(set);
}

static void replace(struct rules *r, const void *sample, const void *with, size_t len)
{
	char *end = r->bytes + r->len, *at = r->bytes;

	while ((at = memmem(at, (size_t)(end - at), sample, len)))
		memcpy(at, with, len);
}

static void load_rules(const struct rules *sample, const char *inside, const char *outside,
		       uint32_t addr)
{
	static const char names[2][IFNAMSIZ] = {SAMPLE_INSIDE, SAMPLE_OUTSIDE};
	char mine[2][IFNAMSIZ] = {""};
	uint32_t net = htonl(addr);
	struct rules r = *sample;
	struct ip_addr was;
	int sock = netlink(NETLINK_NETFILTER);

	snprintf(mine[0], IFNAMSIZ, "%s", inside);
	snprintf(mine[1], IFNAMSIZ, "%s", outside);
	ip_addr_parse(SAMPLE_ADDRESS, &was);
	replace(&r, names[0], mine[0], IFNAMSIZ);
	replace(&r, names[1], mine[1], IFNAMSIZ);
	replace(&r, &was.v4, &net, sizeof(net));
	if (send(sock, r.bytes, r.len, 0) < 0)
		die("rules");
	answer(sock, "rules");
	close(sock);
}

/* --- up and down -------------------------------------------------------------------------- */

/* as lab/plan.h: further bridges beside the gateway's own, joined to it */
#define OWN_TENANTS   1000
#define EXTRA_TENANTS 1022

static int extra_bridges(int n)
{
	return n <= OWN_TENANTS ? 0 : (n - OWN_TENANTS + EXTRA_TENANTS - 1) / EXTRA_TENANTS;
}

/* the number of the bridge that tenant @i is on, and of its link */
static int bridge_of(int i)
{
	return i <= OWN_TENANTS ? FIRST_INDEX + 1
				: FIRST_INDEX + 2 + 3 * ((i - OWN_TENANTS - 1) / EXTRA_TENANTS);
}

static void tenant(int gateway, int i, int first, const struct rules *rules)
{
	char name[16], inside[IFNAMSIZ], outside[IFNAMSIZ], on_bridge[IFNAMSIZ];
	uint32_t addr = (100U << 24 | 64U << 16) + (uint32_t)i;
	int ns, sock;

	snprintf(name, sizeof(name), "t%04d", i);
	snprintf(inside, sizeof(inside), "wg-t%04d", i);
	snprintf(outside, sizeof(outside), "eth-t%04d-nsB", i);
	snprintf(on_bridge, sizeof(on_bridge), "eth-t%04d-nsA", i);
	ns = new_netns(name);
	sock = netlink(NETLINK_ROUTE);
	link_up(sock, 1, false);
	forwarding();
	veth(gateway, on_bridge, first + i, ns, outside, FIRST_INDEX);
	altname(gateway, first + i, on_bridge);
	port(gateway, first + i, bridge_of(i), true);
	load_rules(rules, inside, outside, addr);
	address(sock, FIRST_INDEX, addr, 16);
	altname(sock, FIRST_INDEX, outside);
	link_up(sock, FIRST_INDEX, true);
	close(sock);
	close(ns);
}

static void extra_bridge(int gateway, int k)
{
	int index = FIRST_INDEX + 2 + 3 * k, self = open("/proc/thread-self/ns/net", O_RDONLY);
	char name[16], down[16], up[16];

	snprintf(name, sizeof(name), "br-internal+%d", k + 1);
	snprintf(down, sizeof(down), "br-internal+%ddn", k + 1);
	snprintf(up, sizeof(up), "br-internal+%dup", k + 1);
	bridge(gateway, name, index);
	altname(gateway, index, name);
	veth(gateway, down, index + 1, self, up, index + 2);
	altname(gateway, index + 1, down);
	altname(gateway, index + 2, up);
	port(gateway, index + 1, FIRST_INDEX + 1, true);
	port(gateway, index + 2, index, false);
	close(self);
}

static void up(int n)
{
	int segment, gateway_ns, gateway;
	struct rules rules;

	if (mkdir(NETNS, 0755) < 0 && errno != EEXIST)
		die(NETNS);
	if (mount(NETNS, NETNS, NULL, MS_BIND | MS_REC, NULL) < 0 ||
	    mount("", NETNS, NULL, MS_SHARED | MS_REC, NULL) < 0)
		die("share " NETNS);
	sample_rules(&rules);

	close(new_netns("bench-networks"));
	segment = netlink(NETLINK_ROUTE);
	bridge(segment, "underlay", FIRST_INDEX);

	gateway_ns = new_netns("gateway");
	gateway = netlink(NETLINK_ROUTE);
	link_up(gateway, 1, false);
	veth(segment, "gateway.eth0", FIRST_INDEX + 1, gateway_ns, "eth0", FIRST_INDEX);
	port(segment, FIRST_INDEX + 1, FIRST_INDEX, false);
	address(gateway, FIRST_INDEX, 203U << 24 | 113U << 8 | 10, 24);
	link_up(gateway, FIRST_INDEX, true);
	bridge(gateway, "br-internal", FIRST_INDEX + 1);
	address(gateway, FIRST_INDEX + 1, 100U << 24 | 64U << 16 | 255U << 8 | 1, 16);

	for (int k = 0; k < extra_bridges(n); k++)
		extra_bridge(gateway, k);
	for (int i = 1; i <= n; i++)
		tenant(gateway, i, FIRST_INDEX + 1 + 3 * extra_bridges(n), &rules);
	for (int k = 0; k < extra_bridges(n); k++)
		link_up(gateway, FIRST_INDEX + 2 + 3 * k, true);
	link_up(gateway, FIRST_INDEX + 1, true);
	link_up(segment, FIRST_INDEX, true);
}

static void unpin(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), NETNS "/%s", name);
	if (umount2(path, MNT_DETACH) < 0 || unlink(path) < 0)
		die("%s", path);
}

static void down(int n)
{
	char name[16];

	for (int i = n; i > 0; i--) {
		snprintf(name, sizeof(name), "t%04d", i);
		unpin(name);
	}
	unpin("gateway");
	unpin("bench-networks");
	umount2(NETNS, MNT_DETACH);
	rmdir(NETNS);
}

/* --- dump ----------------------------------------------------------------------------------- */

static size_t bytes, messages;

/* sends what is in buf and reads the answer to its end */
static void dump(int sock)
{
	static _Alignas(struct nlmsghdr) char reply[32768];

	msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (send(sock, buf, msg->nlmsg_len, 0) < 0)
		die("dump");
	for (bool done = false; !done;) {
		ssize_t n = recv(sock, reply, sizeof(reply), 0);
		struct nlmsghdr *nlh = (struct nlmsghdr *)reply;

		if (n < 0)
			die("dump");
		for (; NLMSG_OK(nlh, n); nlh = NLMSG_NEXT(nlh, n)) {
			done |= nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR;
			bytes += nlh->nlmsg_len;
			messages++;
		}
	}
}

static void dump_nft(int sock, int type)
{
	struct nfgenmsg nfg = {.nfgen_family = NFPROTO_INET};

	begin((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), 0, &nfg, sizeof(nfg));
	put(NFTA_TABLE_NAME, NAT_TABLE, sizeof(NAT_TABLE));
	dump(sock);
}

static void dump_links(int sock)
{
	struct ifinfomsg ifi = {0};

	begin(RTM_GETLINK, 0, &ifi, sizeof(ifi));
	put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	dump(sock);
}

static void dump_ns(const char *name, bool rules)
{
	struct ifaddrmsg ifa = {0};
	struct rtmsg rtm = {0};
	char path[64], value[16];
	int ns, sock, fd;

	snprintf(path, sizeof(path), NETNS "/%s", name);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		die("%s", path);
	close(ns);
	sock = netlink(NETLINK_ROUTE);
	dump_links(sock);
	begin(RTM_GETADDR, 0, &ifa, sizeof(ifa));
	dump(sock);
	begin(RTM_GETROUTE, 0, &rtm, sizeof(rtm));
	dump(sock);
	close(sock);
	if (!rules)
		return;
	sock = netlink(NETLINK_NETFILTER);
	for (int type = NFT_MSG_GETTABLE; type <= NFT_MSG_GETSET; type += 3)
		dump_nft(sock, type);
	close(sock);
	fd = open("/proc/sys/net/ipv4/ip_forward", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, value, sizeof(value)) < 0)
		die("ip_forward");
	close(fd);
}

static void dump_all(int n)
{
	char name[16];

	dump_ns("bench-networks", false);
	dump_ns("gateway", false);
	for (int i = 1; i <= n; i++) {
		snprintf(name, sizeof(name), "t%04d", i);
		dump_ns(name, true);
	}
	fprintf(stderr, "%zu messages, %zu bytes\n", messages, bytes);
}

int main(int argc, char **argv)
{
	long n = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

	if (n < 1 || n > 9999)
		return fprintf(stderr, "usage: bare up|down|dump N (1..9999)\n"), 2;
	if (!strcmp(argv[1], "up"))
		up((int)n);
	else if (!strcmp(argv[1], "down"))
		down((int)n);
	else if (!strcmp(argv[1], "dump"))
		dump_all((int)n);
	else
		return fprintf(stderr, "bare: no such command: %s\n", argv[1]), 2;
	return 0;
}

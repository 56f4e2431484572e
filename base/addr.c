/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_LEN 253 /* bytes of a host's name, RFC 1035 */

size_t ip_addr_size(const struct ip_addr *a)
{
	return a->family == AF_INET ? 4 : a->family == AF_INET6 ? 16 : 0;
}

unsigned int ip_addr_bits(const struct ip_addr *a)
{
	return (unsigned int)ip_addr_size(a) * 8;
}

int ip_addr_parse(const char *s, struct ip_addr *ret)
{
	struct ip_addr a = {.family = strchr(s, ':') ? AF_INET6 : AF_INET};

	if (inet_pton(a.family, s, a.bytes) != 1)
		return -EINVAL;
	*ret = a;
	return 0;
}

/* decimal, @max at most, no sign, no blanks, all of @s; leading zeros only as "0" */
static int parse_uint(const char *s, unsigned int max, unsigned int *ret)
{
	unsigned int v = 0;

	if (!*s || (s[0] == '0' && s[1]))
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		v = v * 10 + (unsigned int)(*s - '0');
		if (v > max)
			return -EINVAL;
	}
	*ret = v;
	return 0;
}

int ip_prefix_parse(const char *s, struct ip_prefix *ret)
{
	const char *slash = strchr(s, '/');
	char host[INET6_ADDRSTRLEN];
	struct ip_prefix p;
	unsigned int len;
	size_t n = slash ? (size_t)(slash - s) : strlen(s);

	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, s, n);
	host[n] = '\0';
	if (ip_addr_parse(host, &p.addr) < 0)
		return -EINVAL;
	len = ip_addr_bits(&p.addr);
	if (slash && parse_uint(slash + 1, len, &len) < 0)
		return -EINVAL;
	p.len = (uint8_t)len;
	*ret = p;
	return 0;
}

int ip_endpoint_parse(const char *s, struct ip_endpoint *ret)
{
	const char *colon = strrchr(s, ':');
	char host[INET6_ADDRSTRLEN];
	const char *end = colon;
	bool brackets = s[0] == '[';
	struct ip_endpoint e;
	unsigned int port;

	if (!colon)
		return -EINVAL;
	if (brackets) {
		s++;
		end--;
		if (end < s || *end != ']')
			return -EINVAL;
	}
	if (end < s || (size_t)(end - s) >= sizeof(host))
		return -EINVAL;
	memcpy(host, s, (size_t)(end - s));
	host[end - s] = '\0';
	if (ip_addr_parse(host, &e.addr) < 0 || (e.addr.family == AF_INET6) != brackets ||
	    parse_uint(colon + 1, 65535, &port) < 0)
		return -EINVAL;
	e.port = (uint16_t)port;
	*ret = e;
	return 0;
}

/* letters, digits, dots, dashes and underscores; not a number that failed to be an address */
static bool is_host_name(const char *s, size_t len)
{
	static const char ok[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

	return len > 0 && len <= NAME_MAX_LEN && strspn(s, ok) >= len && s[0] != '.' &&
	       s[0] != '-' && strspn(s, "0123456789.") < len;
}

int ip_host_port_parse(const char *s, struct ip_endpoint *ret, size_t *ret_name_len)
{
	const char *colon = strrchr(s, ':');
	struct ip_endpoint e;
	unsigned int port;
	size_t len = 0;

	if (ip_endpoint_parse(s, &e) < 0) {
		len = colon ? (size_t)(colon - s) : 0;
		if (!len || !is_host_name(s, len) || parse_uint(colon + 1, 65535, &port) < 0)
			return -EINVAL;
		e = (struct ip_endpoint){.addr.family = AF_UNSPEC, .port = (uint16_t)port};
	}
	if (!e.port)
		return -EINVAL;
	*ret = e;
	*ret_name_len = len;
	return 0;
}

const char *ip_addr_format(const struct ip_addr *a, char buf[static INET6_ADDRSTRLEN])
{
	if (!inet_ntop(a->family, a->bytes, buf, INET6_ADDRSTRLEN))
		memcpy(buf, "none", 5);
	return buf;
}

const char *ip_prefix_format(const struct ip_prefix *p, char buf[static IP_PREFIX_STRLEN])
{
	char host[INET6_ADDRSTRLEN];

	snprintf(buf, IP_PREFIX_STRLEN, "%s/%u", ip_addr_format(&p->addr, host), p->len);
	return buf;
}

const char *ip_endpoint_format(const struct ip_endpoint *e, char buf[static IP_ENDPOINT_STRLEN])
{
	char host[INET6_ADDRSTRLEN];

	snprintf(buf, IP_ENDPOINT_STRLEN, e->addr.family == AF_INET6 ? "[%s]:%u" : "%s:%u",
		 ip_addr_format(&e->addr, host), e->port);
	return buf;
}

int ip_addr_cmp(const struct ip_addr *a, const struct ip_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, ip_addr_size(a));
}

/* the bits of byte @i that belong to a prefix of @len bits */
static uint8_t mask_byte(unsigned int len, unsigned int i)
{
	if (len >= 8 * (i + 1))
		return 0xff;
	if (len <= 8 * i)
		return 0;
	return (uint8_t)(0xff << (8 * (i + 1) - len));
}

struct ip_prefix ip_prefix_network(const struct ip_prefix *p)
{
	struct ip_prefix n = *p;

	for (unsigned int i = 0; i < ip_addr_size(&n.addr); i++)
		n.addr.bytes[i] &= mask_byte(n.len, i);
	return n;
}

bool ip_prefix_has_host_bits(const struct ip_prefix *p)
{
	struct ip_prefix n = ip_prefix_network(p);

	return ip_addr_cmp(&n.addr, &p->addr) != 0;
}

bool ip_prefix_contains(const struct ip_prefix *p, const struct ip_addr *a)
{
	if (p->addr.family != a->family)
		return false;
	for (unsigned int i = 0; i < ip_addr_size(a); i++)
		if ((p->addr.bytes[i] ^ a->bytes[i]) & mask_byte(p->len, i))
			return false;
	return true;
}

bool ip_prefix_overlap(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len <= b->len ? ip_prefix_contains(a, &b->addr) : ip_prefix_contains(b, &a->addr);
}

int ip_addr_add(const struct ip_addr *a, uint64_t n, struct ip_addr *ret)
{
	struct ip_addr sum = *a;
	uint64_t carry = n;

	for (size_t i = ip_addr_size(a); i-- > 0;) {
		carry += sum.bytes[i];
		sum.bytes[i] = (uint8_t)carry;
		carry >>= 8;
	}
	if (carry)
		return -ERANGE;
	*ret = sum;
	return 0;
}

socklen_t ip_sockaddr(const struct ip_endpoint *e, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (e->addr.family == AF_INET) {
		struct sockaddr_in *sin = (struct sockaddr_in *)ret;

		sin->sin_family = AF_INET;
		sin->sin_addr = e->addr.v4;
		sin->sin_port = htons(e->port);
		return sizeof(*sin);
	} else {
		struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ret;

		sin6->sin6_family = AF_INET6;
		sin6->sin6_addr = e->addr.v6;
		sin6->sin6_port = htons(e->port);
		return sizeof(*sin6);
	}
}

int ip_from_sockaddr(const struct sockaddr *sa, struct ip_endpoint *ret)
{
	struct ip_endpoint e = {.addr.family = sa->sa_family};

	if (sa->sa_family == AF_INET) {
		struct sockaddr_in sin;

		memcpy(&sin, sa, sizeof(sin));
		e.addr.v4 = sin.sin_addr;
		e.port = ntohs(sin.sin_port);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 sin6;

		memcpy(&sin6, sa, sizeof(sin6));
		e.addr.v6 = sin6.sin6_addr;
		e.port = ntohs(sin6.sin6_port);
	} else {
		return -EAFNOSUPPORT;
	}
	*ret = e;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IP addresses, prefixes and endpoints: one type for both families.
 */
#ifndef WARREN_BASE_ADDR_H
#define WARREN_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ip_addr {
	int family; /* AF_INET, AF_INET6; AF_UNSPEC: none */
	union {
		struct in_addr v4;  /* network byte order */
		struct in6_addr v6; /* network byte order */
		uint8_t bytes[16];
	};
};

struct ip_prefix {
	struct ip_addr addr; /* host bits kept as they were given */
	uint8_t len;         /* 0..32 or 0..128 */
};

struct ip_endpoint {
	struct ip_addr addr;
	uint16_t port; /* host byte order */
};

#define IP_PREFIX_STRLEN   (INET6_ADDRSTRLEN + 4) /* with "/128" and NUL */
#define IP_ENDPOINT_STRLEN (INET6_ADDRSTRLEN + 8) /* with "[", "]:65535" and NUL */

/* ip_addr_size - 4 or 16, the length of the address in bytes; 0 for AF_UNSPEC. */
size_t ip_addr_size(const struct ip_addr *a);

/* ip_addr_bits - 32 or 128. */
unsigned int ip_addr_bits(const struct ip_addr *a);

/*
 * ip_addr_parse - a numeric address ("192.0.2.1", "2001:db8::1"), all of @s.
 * Returns 0, or -EINVAL with @ret untouched.
 */
int ip_addr_parse(const char *s, struct ip_addr *ret);

/*
 * ip_prefix_parse - "ADDRESS/LEN"; without "/LEN" the whole address (/32, /128).
 * Host bits are allowed and kept: ip_prefix_has_host_bits() tells.
 * Returns 0, or -EINVAL with @ret untouched.
 */
int ip_prefix_parse(const char *s, struct ip_prefix *ret);

/*
 * ip_endpoint_parse - "192.0.2.1:51820" or "[2001:db8::1]:51820".
 * Returns 0, or -EINVAL with @ret untouched.
 */
int ip_endpoint_parse(const char *s, struct ip_endpoint *ret);

/*
 * ip_host_port_parse - an endpoint as above, or "NAME:PORT" with the name of a host: letters,
 * digits, `.`, `-` and `_`, 253 at most, and not just digits and dots.  PORT is 1 to 65535.
 * *@ret_name_len: bytes of the name, with which @s begins, and ret->addr.family is AF_UNSPEC;
 * 0: an address.  Returns 0, or -EINVAL with both untouched.
 */
int ip_host_port_parse(const char *s, struct ip_endpoint *ret, size_t *ret_name_len);

/* Formatting into a buffer of the given size; each returns @buf. */
const char *ip_addr_format(const struct ip_addr *a, char buf[static INET6_ADDRSTRLEN]);
const char *ip_prefix_format(const struct ip_prefix *p, char buf[static IP_PREFIX_STRLEN]);
const char *ip_endpoint_format(const struct ip_endpoint *e, char buf[static IP_ENDPOINT_STRLEN]);

/* ip_addr_cmp - order: family, then bytes.  Like memcmp(). */
int ip_addr_cmp(const struct ip_addr *a, const struct ip_addr *b);

/* ip_prefix_has_host_bits - is there a bit set below the prefix length? */
bool ip_prefix_has_host_bits(const struct ip_prefix *p);

/* ip_prefix_network - the prefix with its host bits cleared. */
struct ip_prefix ip_prefix_network(const struct ip_prefix *p);

/* ip_prefix_contains - is @a inside @p?  Different families: no. */
bool ip_prefix_contains(const struct ip_prefix *p, const struct ip_addr *a);

/* ip_prefix_overlap - do the two share an address? */
bool ip_prefix_overlap(const struct ip_prefix *a, const struct ip_prefix *b);

/*
 * ip_addr_add - @a plus @n as a number.
 * Returns 0, or -ERANGE with @ret untouched when it runs past the last address.
 */
int ip_addr_add(const struct ip_addr *a, uint64_t n, struct ip_addr *ret);

/* ip_sockaddr - @e as a socket address; returns its length in bytes. */
socklen_t ip_sockaddr(const struct ip_endpoint *e, struct sockaddr_storage *ret);

/* ip_from_sockaddr - the reverse.  Returns 0 or -EAFNOSUPPORT with @ret untouched. */
int ip_from_sockaddr(const struct sockaddr *sa, struct ip_endpoint *ret);

#endif

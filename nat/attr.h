/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading netlink attributes where it has to be quick: libmnl's functions are calls, and a
 * comparison of one namespace's rules makes some thousand of them.  Private to this room.
 */
#ifndef WARREN_NAT_ATTR_H
#define WARREN_NAT_ATTR_H

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t attr_type(const struct nlattr *attr)
{
	return attr->nla_type & NLA_TYPE_MASK;
}

static inline const void *attr_value(const struct nlattr *attr)
{
	return (const char *)attr + NLA_HDRLEN;
}

static inline size_t attr_len(const struct nlattr *attr)
{
	return attr->nla_len - (size_t)NLA_HDRLEN;
}

/* attr_at - the attribute at @at, or NULL where there is none, or half of one, before @end. */
static inline const struct nlattr *attr_at(const void *at, const void *end)
{
	ptrdiff_t left = (const char *)end - (const char *)at;
	const struct nlattr *attr = at;

	return left >= NLA_HDRLEN && attr->nla_len >= NLA_HDRLEN && attr->nla_len <= left ? attr
											  : NULL;
}

static inline const struct nlattr *attr_next(const struct nlattr *attr, const void *end)
{
	return attr_at((const char *)attr + NLA_ALIGN(attr->nla_len), end);
}

/* nest_first, nest_next - the attributes inside another one, in their order; NULL: no more. */
static inline const struct nlattr *nest_first(const struct nlattr *nest)
{
	return attr_at(attr_value(nest), (const char *)nest + nest->nla_len);
}

static inline const struct nlattr *nest_next(const struct nlattr *nest, const struct nlattr *attr)
{
	return attr_next(attr, (const char *)nest + nest->nla_len);
}

/* nest_find - the first of @type in @nest, or NULL. */
static inline const struct nlattr *nest_find(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr = nest_first(nest);

	while (attr && attr_type(attr) != type)
		attr = nest_next(nest, attr);
	return attr;
}

/* attr_str - its text; NULL where it is none, or @attr is NULL. */
static inline const char *attr_str(const struct nlattr *attr)
{
	size_t len = attr ? attr_len(attr) : 0;
	const char *s = len ? attr_value(attr) : NULL;

	return s && !s[len - 1] ? s : NULL;
}

/* attr_u32 - its number, from network byte order.  False: it is none, or @attr is NULL. */
static inline bool attr_u32(const struct nlattr *attr, uint32_t *ret)
{
	uint32_t value;

	if (!attr || attr_len(attr) != sizeof(value))
		return false;
	memcpy(&value, attr_value(attr), sizeof(value));
	*ret = ntohl(value);
	return true;
}

#endif

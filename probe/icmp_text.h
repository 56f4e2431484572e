/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP error messages in words, those that ping uses.
 */
#ifndef WARREN_PROBE_ICMP_TEXT_H
#define WARREN_PROBE_ICMP_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#define ICMP_TEXT_LEN 80

/*
 * icmp_text - "Destination Host Unreachable" and the like; returns @buf.
 * @v6: ICMPv6 (RFC 4443), else ICMP (RFC 792, RFC 1812).
 * @info: the MTU, where the message carries one.
 */
const char *icmp_text(bool v6, uint8_t type, uint8_t code, uint32_t info,
		      char buf[static ICMP_TEXT_LEN]);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QR codes: as text for a terminal, as PNG and as SVG, each with the quiet zone of four modules
 * that ISO/IEC 18004 asks for.
 */
#ifndef WARREN_CMD_QR_H
#define WARREN_CMD_QR_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

struct qr;

/*
 * qr_make - the code of @text, with the least correction of errors, which makes it the smallest.
 * -ERANGE, kind ERR_CANNOT: there is more text than a code can hold (2953 bytes).
 */
int qr_make(const char *text, struct qr **ret, struct err *e);

/* qr_free - NULL is allowed. */
void qr_free(struct qr *q);

/* qr_width - modules, or columns of a terminal, with the quiet zone. */
size_t qr_width(const struct qr *q);

/*
 * qr_text - two rows of modules a line, light ones as half blocks of UTF-8, for light text on a dark
 * ground.  @coloured: with sequences that make sure of that, as `qrencode -t ANSIUTF8` does.
 */
void qr_text(const struct qr *q, bool coloured, FILE *out);

/* qr_svg - one unit a module, to be shown in any size. */
void qr_svg(const struct qr *q, FILE *out);

/* qr_png - black on white, eight pixels a module. */
int qr_png(const struct qr *q, FILE *out, struct err *e);

#endif

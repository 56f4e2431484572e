/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/qr.h"

#include <errno.h>
#include <png.h>
#include <qrencode.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define QUIET      4    /* modules around the code */
#define PIXELS     8    /* of a module in a PNG */
#define MOST_BYTES 2953 /* version 40, level L */

struct qr {
	QRcode *code;
};

int qr_make(const char *text, struct qr **ret, struct err *e)
{
	struct qr *q = calloc(1, sizeof(*q));

	if (q)
		q->code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	if (q && q->code) {
		*ret = q;
		return 0;
	}
	free(q);
	if (strlen(text) <= MOST_BYTES)
		return err_code(e, errno ? errno : ENOMEM, "QR code");
	err_set(e, ERANGE, "QR code: it holds %d bytes, and this has %zu", MOST_BYTES,
		strlen(text));
	err_hint(e, "use --format wg-quick");
	return err_kind_set(e, ERR_CANNOT);
}

void qr_free(struct qr *q)
{
	if (!q)
		return;
	QRcode_free(q->code);
	free(q);
}

size_t qr_width(const struct qr *q)
{
	return (size_t)q->code->width + 2 * QUIET;
}

/* is the module dark?  @x and @y count from the quiet zone's corner; outside all is light */
static bool is_dark(const struct qr *q, size_t x, size_t y)
{
	size_t width = (size_t)q->code->width;

	if (x < QUIET || y < QUIET || x >= QUIET + width || y >= QUIET + width)
		return false;
	return q->code->data[(y - QUIET) * width + (x - QUIET)] & 1;
}

void qr_text(const struct qr *q, bool coloured, FILE *out)
{
	/* by which of the two is light: the lower (1), the upper (2) */
	static const char *const blocks[] = {" ", "\u2584", "\u2580", "\u2588"};
	size_t width = qr_width(q);

	for (size_t y = 0; y < width; y += 2) {
		if (coloured)
			fputs("\033[40;37;1m", out);
		for (size_t x = 0; x < width; x++) {
			bool upper = !is_dark(q, x, y);
			bool lower = y + 1 < width && !is_dark(q, x, y + 1);

			fputs(blocks[2 * upper + lower], out);
		}
		fputs(coloured ? "\033[0m\n" : "\n", out);
	}
}

void qr_svg(const struct qr *q, FILE *out)
{
	size_t width = qr_width(q);

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %zu %zu\" width=\"%zu\" "
		"height=\"%zu\" shape-rendering=\"crispEdges\">\n"
		"<path fill=\"#fff\" d=\"M0,0h%zuv%zuh-%zuz\"/>\n<path d=\"",
		width, width, width * PIXELS, width * PIXELS, width, width, width);
	for (size_t y = 0; y < width; y++) {
		for (size_t x = 0, n; x < width; x += n) {
			/* a run of modules alike */
			for (n = 1; x + n < width && is_dark(q, x + n, y) == is_dark(q, x, y); n++)
				;
			if (is_dark(q, x, y))
				fprintf(out, "M%zu,%zuh%zuv1h-%zuz", x, y, n, n);
		}
	}
	fputs("\"/>\n</svg>\n", out);
}

/* one row of pixels, a bit each: 1 is white */
static void fill_row(const struct qr *q, size_t y, uint8_t *row, size_t size)
{
	memset(row, 0xff, size);
	for (size_t x = 0; x < qr_width(q) * PIXELS; x++)
		if (is_dark(q, x / PIXELS, y))
			row[x / 8] &= (uint8_t) ~(0x80 >> x % 8);
}

/* libpng leaves by longjmp() when it fails; nothing here changes between that and setjmp() */
static int write_png(png_structp png, png_infop info, const struct qr *q, uint8_t *row, FILE *out)
{
	const size_t width = qr_width(q), size = (width * PIXELS + 7) / 8;

	if (setjmp(png_jmpbuf(png)))
		return -EIO;
	png_init_io(png, out);
	png_set_IHDR(png, info, (png_uint_32)(width * PIXELS), (png_uint_32)(width * PIXELS), 1,
		     PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
		     PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	for (size_t y = 0; y < width; y++) {
		fill_row(q, y, row, size);
		for (size_t i = 0; i < PIXELS; i++)
			png_write_row(png, row);
	}
	png_write_end(png, info);
	return 0;
}

/* libpng would print what is wrong */
static void on_png_error(png_structp png, png_const_charp text)
{
	(void)text;
	png_longjmp(png, 1);
}

static void on_png_warning(png_structp png, png_const_charp text)
{
	(void)png;
	(void)text;
}

int qr_png(const struct qr *q, FILE *out, struct err *e)
{
	uint8_t *row _cleanup_free_ = malloc(qr_width(q) * PIXELS / 8 + 1);
	png_structp png =
		png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, on_png_error, on_png_warning);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	int r = info && row ? write_png(png, info, q, row, out) : -ENOMEM;

	png_destroy_write_struct(&png, &info);
	return r < 0 ? err_code(e, -r, "PNG") : 0;
}

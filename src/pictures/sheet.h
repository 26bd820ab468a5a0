/* A contact sheet in the making: images and numbers on a grey ground, written as a PNG. Nothing is collective. */
#ifndef LKS_PICTURES_SHEET_H
#define LKS_PICTURES_SHEET_H

#include <stdint.h>

#include "lockstep/status.h"

enum {
    LKS_SHEET_GAP = 2,          /* pixels between what stands on it */
    LKS_SHEET_GLYPH_ROWS = 10,  /* of a character, */
    LKS_SHEET_GLYPH_COLUMNS = 8 /* with the space behind it */
};

typedef struct lks_sheet {
    int rows, columns, channels; /* channels: 1 or 3 */
    uint8_t *pixels;             /* [rows][columns][channels] */
} lks_sheet;

/* An empty sheet. LKS_ERR_MEMORY. Freed by lks_sheet_free(). */
lks_status lks_sheet_open(lks_sheet *s, int rows, int columns, int channels, lks_error *err);

/* Draws `pixels` [rows][columns][s->channels] with each pixel `scale` times as large; what does not fit on the sheet is
 * left out, here and below. */
void lks_sheet_image(const lks_sheet *s, int top, int left, const uint8_t *pixels, int rows,
                     int columns, int scale);

/* Draws digits, and '>' as an arrow; any other character is a space. */
void lks_sheet_text(const lks_sheet *s, int top, int left, const char *text);

/* Publishes it as lks_publish_text() does. LKS_ERR_IO, LKS_ERR_MEMORY. */
lks_status lks_sheet_publish(const lks_sheet *s, const char *path, lks_error *err);
void lks_sheet_free(lks_sheet *s);

#endif

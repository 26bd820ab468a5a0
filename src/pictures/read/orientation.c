/* Which way up a picture is shown: number 1 to 8 of Exif's tag Orientation. */
#include "files/tiff_tag.h"
#include "base/memory.h"
#include "pictures/read/picture_stream.h"

enum { ORIENTATION = 0x0112 };

/* Whatever is malformed says nothing, as viewers have it. */
void lks_picture_note_exif(lks_picture_stream *s, const uint8_t *exif, size_t count) {
    uint32_t value;
    if (s->orientation == 0 && lks_tiff_tag(exif, count, ORIENTATION, &value) && value >= 1 &&
        value <= 8)
        s->orientation = (int)value;
}

/* What is at the top left and how rows run (Exif 2.32, 4.6.4 A): the row that is stored first is shown at
 * the top (1, 2), bottom (3, 4), left (5, 8) or right (6, 7), its first pixel likewise. */
static size_t stored_at(const lks_picture *stored, int orientation, size_t y, size_t x) {
    const bool turned = orientation >= 5;
    const bool rows_reversed =
        orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const bool columns_reversed =
        orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    size_t row = turned ? x : y, column = turned ? y : x;
    if (rows_reversed)
        row = (size_t)stored->rows - 1 - row;
    if (columns_reversed)
        column = (size_t)stored->columns - 1 - column;
    return row * (size_t)stored->columns + column;
}

lks_status lks_picture_turn(lks_picture *p, const lks_picture_stream *s, lks_error *err) {
    if (s->orientation <= 1)
        return LKS_OK;
    const bool turned = s->orientation >= 5;
    const size_t channels = (size_t)p->channels;
    lks_picture shown = {turned ? p->columns : p->rows, turned ? p->rows : p->columns, p->channels,
                         NULL};
    const size_t rows = (size_t)shown.rows, columns = (size_t)shown.columns;
    shown.pixels = lks_alloc(rows * columns, channels, s->source.path, err);
    if (!shown.pixels)
        return LKS_ERR_MEMORY;
    uint8_t *out = shown.pixels;
    for (size_t y = 0; y < rows; y++)
        for (size_t x = 0; x < columns; x++, out += channels) {
            const uint8_t *in = p->pixels + stored_at(p, s->orientation, y, x) * channels;
            for (size_t c = 0; c < channels; c++)
                out[c] = in[c];
        }
    lks_free(p->pixels);
    *p = shown;
    return LKS_OK;
}

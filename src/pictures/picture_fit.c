/* From a picture as it is in its file to the form a network wants. */
#include <string.h>

#include "pictures/picture_resize.h"

/* --- colours ---------------------------------------------------------------------------------- */

static size_t pixels_of(const lks_picture *p) {
    return (size_t)p->rows * (size_t)p->columns;
}

/* In place: the pixels move towards the front. */
void lks_picture_flatten(lks_picture *p, int background) {
    if (p->channels % 2)
        return;
    const size_t n = pixels_of(p), colours = (size_t)p->channels - 1;
    const uint8_t *from = p->pixels;
    uint8_t *to = p->pixels;
    for (size_t i = 0; i < n; i++, from++) {
        const int alpha = from[colours];
        for (size_t c = 0; c < colours; c++, from++)
            *to++ = (uint8_t)((*from * alpha + background * (255 - alpha) + 127) / 255);
    }
    p->channels = (int)colours;
}

bool lks_picture_is_grey(const lks_picture *p) {
    const size_t n = pixels_of(p), channels = (size_t)p->channels;
    const uint8_t *v = p->pixels;
    if (channels < 3)
        return true;
    for (size_t i = 0; i < n; i++, v += channels)
        if (v[0] != v[1] || v[0] != v[2])
            return false;
    return true;
}

bool lks_picture_is_opaque(const lks_picture *p) {
    const size_t n = pixels_of(p), channels = (size_t)p->channels;
    for (size_t i = 1; channels % 2 == 0 && i <= n; i++)
        if (p->pixels[i * channels - 1] != 255)
            return false;
    return true;
}

/* Rec. 601's weights in 1/65,536; they add up to 1, so that grey stays as it is. */
void lks_picture_make_grey(lks_picture *p) {
    const size_t n = pixels_of(p);
    const uint8_t *v = p->pixels;
    if (p->channels != 3)
        return;
    for (size_t i = 0; i < n; i++, v += 3)
        p->pixels[i] = (uint8_t)((19595 * v[0] + 38470 * v[1] + 7471 * v[2] + 32768) >> 16);
    p->channels = 1;
}

/* --- into the form ---------------------------------------------------------------------------- */

lks_status lks_picture_fit(lks_picture *p, const lks_picture_form *form, uint8_t *out,
                           lks_error *err) {
    const size_t stride = (size_t)form->columns * (size_t)form->channels;
    const size_t bytes = (size_t)form->rows * stride;
    lks_picture_flatten(p, form->background);
    if (form->channels == 1)
        lks_picture_make_grey(p);
    int rows = form->rows, columns = form->columns;
    if ((int64_t)p->rows * columns >= (int64_t)p->columns * rows)
        columns = lks_picture_scaled(p->columns, rows, p->rows, columns);
    else
        rows = lks_picture_scaled(p->rows, columns, p->columns, rows);
    const size_t above = (size_t)(form->rows - rows) / 2;
    const size_t left = (size_t)(form->columns - columns) / 2;
    memset(out, form->background, bytes);
    LKS_TRY(lks_picture_resize(p, rows, columns, form->channels,
                               out + above * stride + left * (size_t)form->channels, stride, err));
    for (size_t i = 0; form->invert && i < bytes; i++)
        out[i] = (uint8_t)(255 - out[i]);
    return LKS_OK;
}

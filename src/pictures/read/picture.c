#include "lockstep/picture.h"

#include <stdio.h>

#include "files/kind/file_kind.h"
#include "pictures/read/picture_stream.h"
#include "lockstep/log.h"
#include "base/memory.h"

static lks_status decode(lks_picture *p, lks_picture_stream *s, lks_error *err) {
    lks_picture_stream_fill(s);
    LKS_TRY(s->status);
    const lks_file_kind *kind = lks_file_kind_of(s->buffer, s->count);
    if (kind->family != LKS_FILE_PICTURE)
        return lks_fail_file_kind(err, s->source.path, kind, LKS_WANTED_PICTURE);
    switch (s->buffer[0]) {
    case 0x89:
        return lks_png_decode(p, s, err);
    case 0xff:
        return lks_jpeg_decode(p, s, err);
    default:
        return lks_pnm_decode(p, s, err);
    }
}

static void tell(const lks_picture *p, const lks_picture_stream *s) {
    char bits[40] = "", turned[40] = "";
    if (s->bits_used && s->bits_used < 16)
        snprintf(bits, sizeof bits, ", of 16 bits only %d are used", s->bits_used);
    if (s->orientation > 1)
        snprintf(turned, sizeof turned, ", turned as Exif says (%d)", s->orientation);
    lks_detail("read %s, %d x %d%s%s", s->source.path, p->rows, p->columns, bits, turned);
}

lks_status lks_picture_read(lks_picture *p, const char *path, lks_error *err) {
    *p = (lks_picture){0};
    lks_picture_stream s;
    LKS_TRY(lks_picture_stream_open(&s, path, err));
    lks_status status = decode(p, &s, err);
    if (status == LKS_OK)
        status = lks_picture_turn(p, &s, err);
    if (status == LKS_OK)
        tell(p, &s);
    else
        lks_picture_free(p);
    lks_picture_stream_close(&s);
    return status;
}

void lks_picture_free(lks_picture *p) {
    lks_free(p->pixels);
    *p = (lks_picture){0};
}

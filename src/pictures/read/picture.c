#include "lockstep/picture.h"

#include <string.h>

#include "pictures/read/picture_stream.h"
#include "lockstep/log.h"
#include "lockstep/memory.h"

/* Formats that people have and that are not read, by their first bytes. */
static const struct {
    const char *bytes;
    size_t count;
    const char *name;
} others[] = {{"\xff\xd8\xff", 3, "a JPEG picture"},
              {"GIF8", 4, "a GIF picture"},
              {"BM", 2, "a BMP picture"},
              {"II*\0", 4, "a TIFF picture"},
              {"MM\0*", 4, "a TIFF picture"},
              {"RIFF", 4, "a WebP picture"},
              {"P7\n", 3, "a PAM picture"},
              {"Pf\n", 3, "a PFM picture"},
              {"PF\n", 3, "a PFM picture"},
              {"\x1f\x8b", 2, "a gzip'd file"}};

static lks_status unknown_format(const lks_picture_stream *s, lks_error *err) {
    if (s->count == 0)
        return lks_fail(err, LKS_ERR_DATA, "%s: is empty", s->source.path);
    const char *what = "no picture that is known here";
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (s->count >= others[i].count && memcmp(s->buffer, others[i].bytes, others[i].count) == 0)
            what = others[i].name;
    return lks_fail(err, LKS_ERR_DATA,
                    "%s: is %s; PNG, PGM, PPM and PBM files can be read: convert it to one of them",
                    s->source.path, what);
}

static lks_status decode(lks_picture *p, lks_picture_stream *s, lks_error *err) {
    static const char png[4] = "\x89PNG";
    lks_picture_stream_fill(s);
    LKS_TRY(s->status);
    if (s->count >= sizeof png && memcmp(s->buffer, png, sizeof png) == 0)
        return lks_png_decode(p, s, err);
    if (s->count >= 2 && s->buffer[0] == 'P' && s->buffer[1] >= '1' && s->buffer[1] <= '6')
        return lks_pnm_decode(p, s, err);
    return unknown_format(s, err);
}

lks_status lks_picture_read(lks_picture *p, const char *path, lks_error *err) {
    *p = (lks_picture){0};
    lks_picture_stream s;
    LKS_TRY(lks_picture_stream_open(&s, path, err));
    lks_status status = decode(p, &s, err);
    lks_picture_stream_close(&s);
    if (status != LKS_OK)
        lks_picture_free(p);
    else
        lks_detail("read %s, %d x %d", path, p->rows, p->columns);
    return status;
}

void lks_picture_free(lks_picture *p) {
    lks_free(p->pixels);
    *p = (lks_picture){0};
}

#include "lockstep/picture.h"

#include "files/kind/file_kind.h"
#include "pictures/read/picture_stream.h"
#include "lockstep/log.h"
#include "lockstep/memory.h"

static lks_status decode(lks_picture *p, lks_picture_stream *s, lks_error *err) {
    lks_picture_stream_fill(s);
    LKS_TRY(s->status);
    const lks_file_kind *kind = lks_file_kind_of(s->buffer, s->count);
    if (kind->family != LKS_FILE_PICTURE)
        return lks_fail_file_kind(err, s->source.path, kind, LKS_WANTED_PICTURE);
    return s->buffer[0] == 'P' ? lks_pnm_decode(p, s, err) : lks_png_decode(p, s, err);
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

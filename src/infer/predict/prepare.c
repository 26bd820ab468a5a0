/* A picture becomes an image, and goes into the batch. */
#include "infer/predict/predictor.h"
#include "lockstep/log.h"

static void tell_blank(lks_predict_item *own) {
    own->doubt |= 1U << LKS_DOUBT_BLANK;
    if (own->index < 0)
        lks_warn("%s: it is blank: the network sees black", own->file);
    else
        lks_warn("%s, image %lld: it is blank: the network sees black", own->file,
                 (long long)own->index);
}

lks_status lks_predictor_prepare(const lks_predictor *p, lks_picture *picture, uint8_t *out,
                                 lks_predict_item *own, lks_error *err) {
    lks_picture_info info;
    const lks_shape *s = &p->networks.shape;
    const bool larger = picture->rows > s->rows || picture->columns > s->columns;
    LKS_TRY(
        lks_prepare(&p->preparation, picture, own->index >= 0, out, &own->prepared, &info, err));
    own->larger = larger && own->prepared == LKS_PREPARED_MNIST;
    if (info.blank)
        tell_blank(own); /* what the network says of black means nothing */
    else
        own->doubt |= lks_predictor_beyond(p, out);
    if (info.parts > 1)
        own->doubt |= 1U << LKS_DOUBT_PARTS;
    return LKS_OK;
}

lks_status lks_predictor_add(lks_predictor *p, lks_picture *picture, const char *file,
                             int64_t index, lks_error *err) {
    lks_predict_item *own;
    uint8_t *out = lks_predictor_place(p, &own);
    *own = (lks_predict_item){.file = file, .index = index};
    LKS_TRY(lks_predictor_prepare(p, picture, out, own, err));
    return lks_predictor_keep(p, err);
}

/* From a picture to the image that a network looks at. */
#include "infer/predict/predictor.h"
#include "lockstep/log.h"

static bool needs_no_change(const lks_predictor *p, const lks_picture *picture) {
    const lks_shape *s = &p->networks.shape;
    return picture->rows == s->rows && picture->columns == s->columns &&
           lks_picture_is_opaque(picture) && (s->channels > 1 || lks_picture_is_grey(picture));
}

static lks_status center(lks_picture *picture, uint8_t *out, lks_predict_item *own,
                         lks_error *err) {
    lks_picture_info info;
    LKS_TRY(lks_picture_center(picture, out, &info, err));
    if (info.blank)
        own->doubt |= 1U << LKS_DOUBT_BLANK;
    if (info.blank && own->index < 0)
        lks_warn("%s: it is blank: the network sees black", own->file);
    else if (info.blank)
        lks_warn("%s, image %lld: it is blank: the network sees black", own->file,
                 (long long)own->index);
    return LKS_OK;
}

lks_status lks_predictor_add(lks_predictor *p, lks_picture *picture, const char *file,
                             int64_t index, lks_error *err) {
    lks_predict_item *own;
    uint8_t *out = lks_predictor_place(p, &own);
    const bool unchanged = needs_no_change(p, picture);
    const bool centers = p->preprocess == LKS_PREPROCESS_MNIST ||
                         (p->preprocess == LKS_PREPROCESS_AUTO && !unchanged &&
                          lks_is_mnist_shape(&p->networks.shape));
    *own = (lks_predict_item){file, index, LKS_PREPARED_FIT, 0};
    if (centers) {
        own->prepared = LKS_PREPARED_MNIST;
        LKS_TRY(center(picture, out, own, err));
    } else {
        if (unchanged && !p->form.invert)
            own->prepared = LKS_PREPARED_NONE;
        LKS_TRY(lks_picture_fit(picture, &p->form, out, err));
    }
    lks_predictor_keep(p);
    return LKS_OK;
}

#include "infer/predict/preparation.h"

static bool is_mnist_shape(const lks_data_identity *s) {
    return s->rows == LKS_MNIST_SIDE && s->columns == LKS_MNIST_SIDE && s->channels == 1;
}

/* Networks of earlier versions tell nothing of their training images. */
static bool is_like_mnist(const lks_data_identity *d) {
    return is_mnist_shape(d) && (d->traits.looked == 0 || lks_traits_are_centred(&d->traits));
}

static lks_picture_form form_of(const lks_pictures_config *c, const lks_data_identity *s) {
    return (lks_picture_form){s->rows, s->columns, s->channels, c->background, c->invert};
}

lks_status lks_preparation_make(lks_preparation *p, const lks_pictures_config *said,
                                const lks_pictures_config *own, const lks_data_identity *data,
                                const char *path, lks_error *err) {
    const bool told = said->preprocess != LKS_PREPROCESS_AUTO, mnist = is_mnist_shape(data);
    const lks_pictures_config *c = told ? said : own;
    *p = (lks_preparation){c->preprocess, form_of(c, data), told};
    if (c->preprocess == LKS_PREPROCESS_MNIST && !mnist)
        return lks_fail(err, LKS_ERR_USAGE,
                        "%s makes images of 28 x 28 x 1, the network of %s takes %d x %d x %d",
                        told ? "--preprocess mnist" : "data.pictures.preprocess: mnist", path,
                        data->rows, data->columns, data->channels);
    if (c->preprocess == LKS_PREPROCESS_AUTO && !is_like_mnist(data))
        p->way = LKS_PREPROCESS_NONE;
    return LKS_OK;
}

static bool needs_no_change(const lks_preparation *p, const lks_picture *picture) {
    const lks_picture_form *f = &p->form;
    return picture->rows == f->rows && picture->columns == f->columns &&
           lks_picture_is_opaque(picture) && (f->channels > 1 || lks_picture_is_grey(picture));
}

/* An image of a data set was prepared when the set was made: unless the command line says otherwise, it keeps its
 * values, and the ground beside it is that of the set's images. */
static lks_picture_form form_for(const lks_preparation *p, bool of_set) {
    lks_picture_form form = p->form;
    if (of_set && !p->told && form.invert) {
        form.invert = false;
        form.background = 255 - form.background;
    }
    return form;
}

lks_status lks_prepare(const lks_preparation *p, lks_picture *picture, bool of_set, uint8_t *out,
                       lks_prepared *how, lks_picture_info *info, lks_error *err) {
    const bool same = needs_no_change(p, picture), stays = same && of_set && !p->told;
    *info = (lks_picture_info){0};
    if (p->way != LKS_PREPROCESS_NONE && !stays) {
        LKS_TRY(lks_picture_center(picture, out, info, err));
        *how = info->unchanged ? LKS_PREPARED_NONE : LKS_PREPARED_MNIST;
        return LKS_OK;
    }
    const lks_picture_form form = form_for(p, of_set);
    *how = same && !form.invert ? LKS_PREPARED_NONE : LKS_PREPARED_FIT;
    return lks_picture_fit(picture, &form, out, err);
}

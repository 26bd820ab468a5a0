/* How a picture becomes an image that a network looks at. */
#ifndef LKS_INFER_PREPARATION_H
#define LKS_INFER_PREPARATION_H

#include "io/checkpoint.h"
#include "lockstep/picture.h"
#include "lockstep/predict.h"

typedef struct lks_preparation {
    lks_preprocess way; /* AUTO: MNIST, but for a picture that needs no change */
    lks_picture_form form;
    bool told; /* by the command line: then it holds for images of data sets, too */
} lks_preparation;

/* For a network of @p data. `said` is the command line's word, `own` that of the network's configuration, which holds
 * where the command line says AUTO. Where that says AUTO, too, pictures are centred as MNIST's if the training images
 * are, or, where nothing is known of these, if the network takes images of MNIST's size. LKS_ERR_USAGE where the way gives other images than the network of @p path takes. */
lks_status lks_preparation_make(lks_preparation *p, const lks_pictures_config *said,
                                const lks_pictures_config *own, const lks_data_identity *data,
                                const char *path, lks_error *err);

/* The picture into @p out [rows][columns][channels]; uses it up. `of_set`: it is an image of a data set, which was
 * prepared when the set was made. *how tells what was done, *info what the centring found; zeros without it. LKS_ERR_MEMORY. */
lks_status lks_prepare(const lks_preparation *p, lks_picture *picture, bool of_set, uint8_t *out,
                       lks_prepared *how, lks_picture_info *info, lks_error *err);

#endif

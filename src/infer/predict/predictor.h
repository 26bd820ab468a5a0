/* Pictures on their way into a batch, and the batch to its answers. Private to src/infer. */
#ifndef LKS_INFER_PREDICTOR_H
#define LKS_INFER_PREDICTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "infer/network.h"
#include "infer/predict/preparation.h"
#include "lockstep/picture.h"
#include "lockstep/predict.h"

/* An image of a batch. */
typedef struct lks_predict_item {
    const char *file;
    int64_t index;
    lks_prepared prepared;
    unsigned doubt;         /* what its preparation gives reason to, as in lks_answer */
    bool larger;            /* it was centred from a picture larger than it */
    const lks_place *place; /* lasts until it is answered */
} lks_predict_item;

struct lks_predictor {
    lks_ensemble networks;
    lks_preparation preparation;
    double temperature; /* fitted, or expected: lks_temperature_value() */
    double unsure_below;
    bool segments;   /* pictures have several digits */
    bool found_none; /* on one of them at least */
    lks_on_answer on_answer;
    void *context;
    int n;                   /* images of the batch so far */
    lks_predict_item *items; /* [capacity] */
    uint8_t *images;         /* [capacity][image] */
    size_t image_bytes;
    uint8_t *labels; /* [capacity] nothing: who scores wants some */
    uint32_t *ids;
    lks_score *scores;
    int threads;
};

/* predictor.c: where the next image goes, [image_bytes], and what is known of it; both belong to the batch from
 * lks_predictor_keep() on, which answers a batch that is full, and fails as lks_predictor_score(). */
uint8_t *lks_predictor_place(lks_predictor *p, lks_predict_item **item);
lks_status lks_predictor_keep(lks_predictor *p, lks_error *err);

/* predictor.c: what the networks say of the first `n` images of the batch, in p->networks.means and p->scores.
 * LKS_ERR_NUMERIC where that is no number. */
lks_status lks_predictor_score(lks_predictor *p, int n, lks_error *err);

/* doubt.c: what the network's temperature and the options say, before the first answer. */
void lks_predictor_set_doubt(lks_predictor *p, const lks_predict_options *options);

/* doubt.c: what differs in an image from nearly all training images, as bits of doubts. Threads may ask at once. */
unsigned lks_predictor_beyond(const lks_predictor *p, const uint8_t *image);

/* doubt.c: how sure `answer` to `item` is, and why it should not be trusted: added to what is there. */
void lks_predictor_doubt(lks_predictor *p, const lks_predict_item *item, lks_answer *answer);

/* prepare.c: the picture, which it uses up, as p->preparation says into `out` [image_bytes]; what is found goes into
 * the item, whose file and index are set. Threads may do so at once. LKS_ERR_MEMORY. */
lks_status lks_predictor_prepare(const lks_predictor *p, lks_picture *picture, uint8_t *out,
                                 lks_predict_item *item, lks_error *err);

/* prepare.c: the same into the batch. `index` is its number in an IDX file, or -1. */
lks_status lks_predictor_add(lks_predictor *p, lks_picture *picture, const char *file,
                             int64_t index, lks_error *err);

/* files.c: the picture file item->file into `out`, as lks_predictor_prepare(), or nothing, and *many is true: it holds
 * many images. Threads may do so at once. LKS_ERR_DATA, LKS_ERR_IO, LKS_ERR_MEMORY. */
lks_status lks_predictor_decode(const lks_predictor *p, uint8_t *out, lks_predict_item *item,
                                bool *many, lks_error *err);

/* segment.c: the digits of a picture into the batch, and answers them. LKS_ERR_DATA: this is no picture of digits.
 * LKS_ERR_MEMORY. */
lks_status lks_predictor_segment(lks_predictor *p, const lks_picture *picture, const char *file,
                                 lks_error *err);

#endif

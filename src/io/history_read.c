/* history.h5 read back, predictions on the test set included. */
#include "io/history.h"

#include <stdlib.h>
#include <string.h>
#include "io/h5/h5.h"
#include "io/history_tables.h"
#include "files/whole_file.h"
#include "lockstep/config.h"
#include "base/memory.h"

/** Allocates what the pointers of @p p name and reads it. */
static lks_status get_arrays(lks_h5 *h, lks_predictions *p) {
    const size_t n = (size_t)p->n, classes = (size_t)p->classes;
    int64_t *confusion = lks_alloc(classes * classes, sizeof *confusion, "predictions", h->err);
    uint8_t *labels = lks_alloc(n, 1, "predictions", h->err);
    uint8_t *predicted = lks_alloc(n, 1, "predictions", h->err);
    float *probabilities = lks_alloc(n * classes, sizeof *probabilities, "predictions", h->err);
    p->confusion = confusion;
    p->labels = labels;
    p->predicted = predicted;
    p->probabilities = probabilities;
    if (!confusion || !labels || !predicted || !probabilities)
        return LKS_ERR_MEMORY;
    LKS_TRY(lks_h5_get_array(h, "/test/confusion", LKS_H5_I64, classes * classes, confusion));
    LKS_TRY(lks_h5_get_array(h, "/test/labels", LKS_H5_U8, n, labels));
    LKS_TRY(lks_h5_get_array(h, "/test/predicted", LKS_H5_U8, n, predicted));
    return lks_h5_get_array(h, "/test/probabilities", LKS_H5_F32, n * classes, probabilities);
}

/** Labels and predictions must be classes, and the confusion matrix their count: whoever reads may
 * then index without looking. */
static lks_status check(lks_h5 *h, const lks_predictions *p) {
    const size_t cells = (size_t)p->classes * (size_t)p->classes;
    int64_t *count = lks_alloc(cells, sizeof *count, "predictions", h->err);
    if (!count)
        return LKS_ERR_MEMORY;
    bool good = true;
    for (int64_t i = 0; i < p->n && good; i++) {
        good = p->labels[i] < p->classes && p->predicted[i] < p->classes;
        if (good)
            count[p->labels[i] * p->classes + p->predicted[i]]++;
    }
    good = good && memcmp(count, p->confusion, cells * sizeof *count) == 0;
    lks_free(count);
    return good ? LKS_OK
                : lks_h5_fail(h, "/test/confusion",
                              "not the count of /test/labels and /test/predicted");
}

static lks_status get_predictions(lks_h5 *h, lks_predictions *p) {
    int ndim;
    int64_t shape[LKS_H5_DIMS_MAX];
    size_t count;
    if (!lks_h5_has(h, "/test"))
        return LKS_OK;
    LKS_TRY(lks_h5_get_shape(h, "/test/probabilities", LKS_H5_F32, &ndim, shape, &count));
    if (ndim != 2 || shape[1] < 1 || shape[1] > LKS_CLASSES_MAX)
        return lks_h5_fail(h, "/test/probabilities", "not one row an image and one column a class");
    p->n = shape[0];
    p->classes = (int)shape[1];
    LKS_TRY(get_arrays(h, p));
    return check(h, p);
}

lks_status lks_history_read(const char *path, lks_history *history, lks_predictions *test,
                            lks_error *err) {
    lks_h5 h;
    unsigned char *bytes = NULL;
    size_t size = 0;
    *history = (lks_history){0};
    *test = (lks_predictions){0};
    lks_status status = lks_read_whole_file(path, 0, NULL, &bytes, &size, err);
    if (status == LKS_OK)
        status = lks_h5_open(&h, path, bytes, size, err);
    if (status == LKS_OK) {
        status = lks_history_get(&h, "", history);
        if (status == LKS_OK)
            status = get_predictions(&h, test);
        lks_h5_close(&h);
    }
    free(bytes);
    if (status != LKS_OK) {
        lks_history_free(history);
        lks_predictions_free(test);
    }
    return status;
}

/** const in the interface because those who write borrow their arrays; here they are owned. */
static void free_array(const void *const *array) {
    void *owned;
    memcpy(&owned, array, sizeof owned);
    lks_free(owned);
}

void lks_predictions_free(lks_predictions *p) {
    free_array((const void *const *)&p->confusion);
    free_array((const void *const *)&p->labels);
    free_array((const void *const *)&p->predicted);
    free_array((const void *const *)&p->probabilities);
    *p = (lks_predictions){0};
}

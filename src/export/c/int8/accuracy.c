/* How many test images are classified rightly, by floats and by whole numbers. */
#include "base/memory.h"
#include "export/c/int8/images.h"
#include "export/c/int8/int8.h"

/* While images come by. */
typedef struct work {
    const lks_c_plan *plan;
    lks_c_accuracy *a;
    uint8_t *labels;
    int8_t *scratch;
} work;

static int predicted_by_floats(const lks_exporting *x, const uint8_t *image) {
    const lks_batch one = {.images = image, .n = 1};
    float p[LKS_CLASSES_MAX];
    int best = 0;
    lks_model_evaluate(x->network->model, &one, NULL, p);
    const float *z = lks_model_output(x->network->model, x->n_layers - 1).values;
    for (int c = 1; c < x->classes; c++)
        best = z[c] > z[best] ? c : best;
    return best;
}

static int predicted_by_integers(const work *w, const uint8_t *image) {
    int32_t z[LKS_CLASSES_MAX];
    int best = 0;
    lks_c_compute(w->plan, image, w->scratch, z);
    for (int c = 1; c < w->plan->x->classes; c++)
        best = z[c] > z[best] ? c : best;
    return best;
}

static lks_status count(void *context, int64_t first, int64_t n, const uint8_t *images,
                        lks_error *err) {
    (void)err;
    const work *w = context;
    const size_t each = lks_c_values(w->plan->x->input);
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *image = images + (size_t)i * each;
        const int label = w->labels[first + i];
        const int floats = predicted_by_floats(w->plan->x, image);
        const int integers = predicted_by_integers(w, image);
        w->a->floats += floats == label;
        w->a->integers += integers == label;
        w->a->agreement += floats == integers;
    }
    w->a->images += n;
    return LKS_OK;
}

static lks_status count_all(work *w, const lks_image_file *file, lks_error *err) {
    w->labels = lks_alloc((size_t)file->count, 1, "labels", err);
    w->scratch = lks_alloc(w->plan->floats, 1, "a network in whole numbers", err);
    lks_status status = w->labels && w->scratch ? LKS_OK : err->status;
    if (status == LKS_OK)
        status = lks_image_file_read_labels(file, w->labels, err);
    if (status == LKS_OK)
        status = lks_image_file_walk(file, count, w, err);
    lks_free(w->labels);
    lks_free(w->scratch);
    return status;
}

lks_status lks_c_measure(const lks_c_plan *plan, lks_c_accuracy *a, lks_error *err) {
    lks_image_file file;
    work w = {.plan = plan, .a = a};
    *a = (lks_c_accuracy){0};
    if (!plan->x->network->config.data.test_images[0])
        return LKS_OK;
    LKS_TRY(lks_c_open_images(&file, plan->x, LKS_PART_TEST, err));
    return count_all(&w, &file, err);
}

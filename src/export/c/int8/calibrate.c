/* Scales: what values a step gives for the first training images. */
#include "export/c/int8/int8.h"

#include <math.h>

#include "base/memory.h"
#include "export/c/int8/images.h"

#define IMAGES 1000

/* --- ranges ----------------------------------------------------------------------------------- */

/* A value that is no number counts as an infinite one. */
static void see(lks_c_step *s, float value) {
    if (!isfinite(value))
        s->quantised.max = INFINITY;
    s->quantised.min = fmin(s->quantised.min, (double)value);
    s->quantised.max = fmax(s->quantised.max, (double)value);
}

/* What the network gives at the step's last layer for the image that it saw last. */
static void see_output(lks_c_step *s) {
    const lks_layer_output out = lks_model_output(s->plan->x->network->model, s->last_layer);
    const size_t pixels = (size_t)out.shape.rows * (size_t)out.shape.columns;
    for (size_t p = 0; p < pixels; p++)
        for (int c = 0; c < out.shape.channels; c++)
            see(s, out.values[p * out.pixel_step + (size_t)c]);
}

/* A byte has its value whatever the images are. */
static void see_bytes(lks_c_step *image) {
    for (int i = 0; i < image->out.channels * 256; i++)
        see(image, image->plan->x->model.pixels[i]);
}

/* Numbers from -128 to 127 for the range; 0 has one. LKS_ERR_NUMERIC for a range without an end. */
static lks_status choose_scale(lks_c_step *s, lks_error *err) {
    lks_c_quantised *q = &s->quantised;
    if (!isfinite(q->max))
        return lks_fail(err, LKS_ERR_NUMERIC,
                        "layer '%s': a training image makes values that are not finite, for which "
                        "--int8 has no scale",
                        lks_c_layer_name(s));
    q->scale = q->max > q->min ? (q->max - q->min) / 255 : 1;
    q->zero_point = (int)rint(-128 - q->min / q->scale);
    if (s->kernel->keeps_scale)
        *q = s->plan->steps[s->inputs[0]].quantised;
    return LKS_OK;
}

/* --- images ----------------------------------------------------------------------------------- */

static lks_status read_first(const lks_exporting *x, uint8_t **images, int *n, lks_error *err) {
    lks_image_file file;
    if (lks_c_open_training(&file, x, err) != LKS_OK)
        return lks_fail_context(err, "--int8 chooses scales by training images");
    *n = file.count < IMAGES ? (int)file.count : IMAGES;
    *images = lks_alloc((size_t)*n, lks_c_values(x->input), "training images", err);
    return *images ? lks_image_file_read(&file, 0, *n, *images, err) : err->status;
}

static void see_images(lks_c_plan *plan, const uint8_t *images, int n) {
    const lks_exporting *x = plan->x;
    float probabilities[LKS_CLASSES_MAX];
    for (int i = 0; i < n; i++) {
        const lks_batch one = {.images = images + (size_t)i * lks_c_values(x->input), .n = 1};
        lks_model_evaluate(x->network->model, &one, NULL, probabilities);
        for (int k = 1; k < plan->n_steps; k++)
            if (!plan->steps[k].kernel->keeps_scale)
                see_output(&plan->steps[k]);
    }
}

lks_status lks_c_calibrate(lks_c_plan *plan, int *images, lks_error *err) {
    uint8_t *bytes = NULL;
    lks_status status = read_first(plan->x, &bytes, images, err);
    if (status == LKS_OK) {
        see_bytes(&plan->steps[0]);
        see_images(plan, bytes, *images);
    }
    lks_free(bytes);
    LKS_TRY(status);
    for (int i = 0; i < plan->n_steps; i++) {
        LKS_TRY(choose_scale(&plan->steps[i], err));
        LKS_TRY(plan->steps[i].kernel->build(&plan->steps[i], err));
    }
    return LKS_OK;
}

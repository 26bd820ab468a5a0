/* Networks in whole numbers of 8 bits: a step's value is scale * (q - zero_point) with q from -128 to 127. Scales follow
 * from the values that the network has for some images; what is written is what is computed here, too, with the same
 * text. */
#ifndef LKS_EXPORT_C_INT8_H
#define LKS_EXPORT_C_INT8_H

#include "export/c/writer.h"

/* A factor between two scales: multiplier / 2^shift. */
typedef struct lks_c_factor {
    int32_t multiplier;
    int shift;
} lks_c_factor;

/* What messages call a step: its layer. */
const char *lks_c_layer_name(const lks_c_step *s);

/* LKS_ERR_CONFIG where the factor is too large; the message names the step's layer. */
lks_status lks_c_factor_of(const lks_c_step *s, double value, lks_c_factor *factor, lks_error *err);

/* Logits are in these units. */
#define LKS_C_LOGIT (1.0 / 65536)

/* The whole number for a value of a step. */
int8_t lks_c_rounded(const lks_c_step *s, double value);

/* Memory for a step's constants, of the plan. */
void *lks_c_constants(lks_c_step *s, size_t bytes, lks_error *err);

/* What a run of a step finds and leaves. */
struct lks_c_run {
    const uint8_t *image;
    int8_t *scratch; /* [plan->floats] */
    int32_t *logits;
};
int8_t *lks_c_in(const lks_c_step *s, int k, const lks_c_run *r);
int8_t *lks_c_out(const lks_c_step *s, const lks_c_run *r);

/* Whether the step gives the logits. */
bool lks_c_is_last(const lks_c_step *s);

/* Chooses scales by the values of the first training images, and makes all constants. *images is told how many there
 * were. Errors of opening and reading the images. */
lks_status lks_c_calibrate(lks_c_plan *plan, int *images, lks_error *err);

/* The logits of an image, [classes]. `scratch` as in lks_c_run. */
void lks_c_compute(const lks_c_plan *plan, const uint8_t *image, int8_t *scratch, int32_t *logits);

/* How many images of the test set are classified rightly. */
typedef struct lks_c_accuracy {
    int64_t images; /* 0: there is no test set */
    int64_t floats, integers;
    int64_t agreement; /* answers that are the same, right or wrong */
} lks_c_accuracy;
lks_status lks_c_measure(const lks_c_plan *plan, lks_c_accuracy *a, lks_error *err);

/* The kernels. */
extern const lks_c_kernel lks_c_int8_image, lks_c_int8_linear, lks_c_int8_max_pool,
    lks_c_int8_mean_pool, lks_c_int8_add, lks_c_int8_concat, lks_c_int8_table, lks_c_int8_widen;

#endif

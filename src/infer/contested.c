#include "infer/contested.h"

lks_status lks_contested_of_set(const lks_contested **c, const lks_image_set *set, lks_comm *comm,
                                lks_error *err) {
    lks_digest_words total = lks_set_digest_total(&set->digest);
    lks_comm_sum_i64(comm, (int64_t *)total.of, 4);
    *c = lks_contested_find(&total);
    return lks_comm_check(comm, err);
}

typedef struct reading {
    lks_set_digest digest;
    const lks_image_file *file;
    const uint8_t *labels;
} reading;

static lks_status add_images(void *context, int64_t first, int64_t n, const uint8_t *images,
                             lks_error *err) {
    reading *r = context;
    return lks_set_digest_add_images(&r->digest, r->file, first, n, images, r->labels + first, err);
}

lks_status lks_contested_of_file(const lks_contested **c, const lks_image_file *file,
                                 const uint8_t *labels, lks_error *err) {
    reading r = {.file = file, .labels = labels};
    *c = NULL;
    if (!lks_contested_possible(file->count))
        return LKS_OK;
    LKS_TRY(lks_set_digest_start_for(&r.digest, file, err));
    const lks_status status = lks_image_file_walk(file, add_images, &r, err);
    if (status == LKS_OK) {
        const lks_digest_words total = lks_set_digest_total(&r.digest);
        *c = lks_contested_find(&total);
    }
    lks_set_digest_free(&r.digest);
    return status;
}

/* --- which images ----------------------------------------------------------------------------- */

bool lks_contested_has(const lks_contested *c, int64_t id) {
    for (int i = 0; c && i < c->n; i++)
        if (c->ids[i] == id)
            return true;
    return false;
}

int lks_contested_errors(const lks_contested *c, const uint8_t *labels, const uint8_t *answers) {
    int errors = 0;
    for (int i = 0; i < c->n; i++)
        errors += answers[c->ids[i]] != labels[c->ids[i]];
    return errors;
}

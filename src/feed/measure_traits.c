/* What the training images are like. */
#include <string.h>

#include "feed/dataset.h"
#include "base/memory.h"
#include "lockstep/picture.h"

/* So many images, spread over all, are looked at to tell whether they are centred as MNIST's. */
enum { LOOKED_AT = 500 };

/* Whether lks_picture_center() gives image [LKS_MNIST_SIDE][LKS_MNIST_SIDE] back as it was. */
static lks_status look_at(lks_trait_counts *counts, const uint8_t *image, lks_error *err) {
    const size_t bytes = (size_t)LKS_MNIST_SIDE * LKS_MNIST_SIDE;
    uint8_t out[LKS_MNIST_SIDE * LKS_MNIST_SIDE];
    lks_picture_info info;
    lks_picture copy = {LKS_MNIST_SIDE, LKS_MNIST_SIDE, 1, lks_alloc(bytes, 1, "an image", err)};
    if (!copy.pixels)
        return err->status;
    memcpy(copy.pixels, image, bytes);
    const lks_status status = lks_picture_center(&copy, out, &info, err);
    lks_picture_free(&copy);
    counts->looked++;
    counts->centred += status == LKS_OK && memcmp(out, image, bytes) == 0;
    return status;
}

/* Those of the training part that this rank holds. */
static lks_status count_traits(const lks_dataset *d, lks_trait_counts *counts, lks_error *err) {
    const lks_image_set *s = &d->train;
    const int rows = s->info.rows, columns = s->info.columns;
    const bool mnist = rows == LKS_MNIST_SIDE && columns == LKS_MNIST_SIDE;
    const int64_t n = d->rule.n_train, stride = n > LOOKED_AT ? n / LOOKED_AT : 1;
    for (int64_t i = 0; i < d->own.n_train; i++) {
        const size_t at = (size_t)(d->own.train[i] - s->share.first);
        const uint8_t *image = s->images + at * s->image_bytes;
        lks_traits_count(counts, image, rows, columns);
        if (mnist && d->epoch.own.of[i].number % stride == 0)
            LKS_TRY(look_at(counts, image, err));
    }
    return LKS_OK;
}

/* Counts of integers, added over the ranks: the same on any number of them. */
lks_status lks_dataset_find_traits(lks_dataset *d, lks_comm *comm, lks_error *err) {
    lks_status status = LKS_OK;
    lks_trait_counts *counts = lks_alloc(1, sizeof *counts, "traits of the images", err);
    if (!counts)
        status = err->status;
    else if (d->train.info.channels == 1)
        status = count_traits(d, counts, err);
    status = lks_comm_agree(comm, status, err);
    if (status == LKS_OK) {
        lks_comm_sum_i64(comm, &counts->images, sizeof *counts / sizeof(int64_t));
        lks_traits_conclude(&d->identity.traits, counts);
        status = lks_comm_check(comm, err);
    }
    lks_free(counts);
    return status;
}

/* The order of things: what bends the map, one pass over the image, then what changes its values. */
#include "augment/augment.h"

#include <string.h>

#include "augment/operation.h"
#include "base/memory.h"

#define SIDE_MAX 4096

struct lks_augment {
    lks_augment_config config;
    uint64_t seed;
    size_t bytes; /* of an image */
    int threads;
    lks_canvas *canvases; /* [threads] */
};

bool lks_augment_is_on(const lks_augment_config *config) {
    for (const lks_augment_operation *const *o = lks_augment_operations; *o; o++)
        if ((*o)->is_on(config))
            return true;
    return false;
}

static lks_status open_canvas(lks_canvas *c, const lks_augment *a, lks_shape shape,
                              const lks_kernels *kernels, lks_error *err) {
    const size_t pixels = (size_t)shape.rows * (size_t)shape.columns;
    const size_t field = lks_elastic_room(&a->config, &shape);
    const char *what = "augmentation";
    *c = (lks_canvas){.config = &a->config, .kernels = kernels, .shape = shape};
    c->image = lks_alloc(a->bytes, 1, what, err);
    c->other = lks_alloc(a->bytes, 1, what, err);
    c->words = lks_alloc(a->bytes + 3, sizeof *c->words, what, err);
    c->fours = lks_alloc(((size_t)shape.rows + 2) * ((size_t)shape.columns + 2), sizeof *c->fours,
                         what, err);
    c->map.down = lks_alloc(pixels, sizeof *c->map.down, what, err);
    c->map.right = lks_alloc(pixels, sizeof *c->map.right, what, err);
    if (field)
        c->field = lks_alloc(field, sizeof *c->field, what, err);
    return c->image && c->other && c->words && c->fours && c->map.down && c->map.right &&
                   (c->field || !field)
               ? LKS_OK
               : err->status;
}

lks_status lks_augment_create(lks_augment **augment, const lks_augment_config *config,
                              uint64_t seed, lks_shape shape, const lks_kernels *kernels,
                              int threads, lks_error *err) {
    *augment = NULL;
    if (!lks_augment_is_on(config))
        return LKS_OK;
    if (shape.rows > SIDE_MAX || shape.columns > SIDE_MAX)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "augment: images of %d x %d pixels: %d rows and columns are the most",
                        shape.rows, shape.columns, SIDE_MAX);
    lks_augment *a = lks_alloc(1, sizeof *a, "augmentation", err);
    if (!a)
        return err->status;
    *augment = a;
    *a = (lks_augment){
        .config = *config, .seed = seed, .bytes = lks_bytes_of(&shape), .threads = threads};
    a->canvases = lks_alloc((size_t)threads, sizeof *a->canvases, "augmentation", err);
    if (!a->canvases)
        return err->status;
    for (int t = 0; t < threads; t++)
        LKS_TRY(open_canvas(&a->canvases[t], a, shape, kernels, err));
    return LKS_OK;
}

void lks_augment_free(lks_augment *a) {
    for (int t = 0; a && a->canvases && t < a->threads; t++) {
        lks_canvas *c = &a->canvases[t];
        lks_free(c->image);
        lks_free(c->other);
        lks_free(c->words);
        lks_free(c->fours);
        lks_free(c->map.down);
        lks_free(c->map.right);
        lks_free(c->field);
    }
    if (a)
        lks_free(a->canvases);
    lks_free(a);
}

void lks_augment_image(lks_augment *a, int thread, uint8_t *image, uint32_t epoch, uint32_t id) {
    lks_canvas *c = &a->canvases[thread];
    bool moved = false;
    memcpy(c->image, image, a->bytes);
    lks_canvas_straighten(c);
    for (const lks_augment_operation *const *o = lks_augment_operations; *o; o++) {
        if (!(*o)->is_on(&a->config))
            continue;
        if (moved && !(*o)->moves) {
            lks_canvas_resample(c);
            moved = false;
        }
        const lks_stream stream =
            lks_stream_make(a->seed, LKS_PURPOSE_AUGMENT, (*o)->stream, epoch, id);
        (*o)->apply(c, &stream);
        moved |= (*o)->moves;
    }
    if (moved)
        lks_canvas_resample(c);
    memcpy(image, c->image, a->bytes);
}

/* What an operation of augmentation is. Each is a file of this folder, and a line of table.c. */
#ifndef LKS_AUGMENT_OPERATION_H
#define LKS_AUGMENT_OPERATION_H

#include <stdbool.h>

#include "config/option.h"
#include "kernels/kernels.h"
#include "lockstep/model_data.h"
#include "lockstep/philox.h"

#define LKS_PIXEL 65536 /* of a map: a pixel's width */

/* Beyond it no field bends an image, so that all sums of coordinates have room in 32 bits. */
#define LKS_BEND_MAX 1000

/* Where each pixel of the result looks: centre + matrix * (pixel - centre - shift), plus down and right. Index 0 is
 * down, 1 right, in pixels. */
typedef struct lks_map {
    double matrix[2][2], shift[2];
    bool bent;             /* `down` and `right` are filled in */
    int32_t *down, *right; /* [rows][columns], of LKS_PIXEL to a pixel */
} lks_map;

/* An image that is worked on, and its thread's memory. */
typedef struct lks_canvas {
    const lks_augment_config *config;
    const lks_kernels *kernels;
    lks_shape shape;
    uint8_t *image; /* [rows][columns][channels] */
    lks_map map;
    uint8_t *other;  /* room for one more image */
    uint32_t *words; /* room for random numbers: [bytes of an image + 3] */
    uint32_t *fours; /* what the kernel needs */
    int32_t *field;  /* what elastic needs, or NULL */
} lks_canvas;

typedef struct lks_augment_operation {
    uint32_t
        stream; /* from 1: the number of its random numbers, which stays whatever else there is */
    bool
        moves; /* changes the map; all that do so come first, and then the image is resampled once */
    const lks_option *options;
    int n_options;
    bool (*is_on)(const lks_augment_config *config);
    void (*apply)(lks_canvas *canvas, const lks_stream *stream);
} lks_augment_operation;

/* In the order in which they are applied; NULL ends the list. */
extern const lks_augment_operation *const lks_augment_operations[];

/* Bytes of an image. */
static inline size_t lks_bytes_of(const lks_shape *s) {
    return (size_t)s->rows * (size_t)s->columns * (size_t)s->channels;
}

/* canvas.c: the map looks straight at the image. */
void lks_canvas_straighten(lks_canvas *canvas);

/* canvas.c: the map is bent from here on: `down` and `right` are 0, if nothing has filled them in yet. */
void lks_canvas_bend(lks_canvas *canvas);

/* canvas.c: the image as the map sees it, in canvas->image. */
void lks_canvas_resample(lks_canvas *canvas);

/* elastic.c: numbers that it needs room for, with images of `shape`. */
size_t lks_elastic_room(const lks_augment_config *config, const lks_shape *shape);

/* Element `element` of a stream in [-1, 1). */
static inline double lks_either_way(const lks_stream *s, uint64_t element) {
    return 2 * lks_stream_uniform(s, element) - 1;
}

/* A byte of what is nearest to x, half up. */
static inline uint8_t lks_to_byte(double x) {
    return x <= 0 ? 0 : x >= 255 ? 255 : (uint8_t)(x + 0.5);
}

/* Row of the key augment.MEMBER. */
#define LKS_AUGMENT_KEY(member)                                                                    \
    .key = "augment." #member, .offset = offsetof(lks_config, augment.member)

#endif

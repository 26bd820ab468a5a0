/* Rotation, translation, scale, shear and mirror images: one matrix, one pass over the image. */
#include "augment/operation.h"

#include <math.h>

#include "base/math.h"

enum { ANGLE, SCALE_ROWS, SCALE_COLUMNS, SHEAR, SHIFT_DOWN, SHIFT_RIGHT, MIRROR };

static const lks_option options[] = {
    {LKS_AUGMENT_KEY(rotate),
     .meaning = "training images are rotated by up to that many degrees, either way",
     .type = LKS_OPT_DOUBLE, .max = 180, .preset = "0"},
    {LKS_AUGMENT_KEY(scale),
     .meaning = "height and width are multiplied by 1 plus or minus up to that, each by itself",
     .type = LKS_OPT_DOUBLE, .max = 0.5, .preset = "0"},
    {LKS_AUGMENT_KEY(shear),
     .meaning = "the top moves sideways against the bottom by up to that share of the height",
     .type = LKS_OPT_DOUBLE, .max = 1, .preset = "0"},
    {LKS_AUGMENT_KEY(shift),
     .meaning = "images move up or down, and left or right, by up to that many pixels",
     .type = LKS_OPT_DOUBLE, .max = 1000, .preset = "0"},
    {LKS_AUGMENT_KEY(flip),
     .meaning = "half of the images become their mirror images, left and right exchanged; not for "
                "digits",
     .type = LKS_OPT_BOOL, .preset = "false"},
    {LKS_AUGMENT_KEY(fill),
     .meaning = "value of what comes in from outside of an image, and of cutout's square",
     .type = LKS_OPT_INT, .max = 255, .preset = "0"}};

static bool is_on(const lks_augment_config *c) {
    return c->rotate > 0 || c->scale > 0 || c->shear > 0 || c->shift > 0 || c->flip;
}

/* m = a m, with rows (down, right). */
static void multiply(double m[2][2], double a, double b, double c, double d) {
    for (int j = 0; j < 2; j++) {
        const double down = m[0][j], right = m[1][j];
        m[0][j] = a * down + b * right;
        m[1][j] = c * down + d * right;
    }
}

/* The image is mirrored, scaled, sheared, rotated and moved, in this order; so a pixel of the result looks back through
 * the inverses, the last one first. */
static void apply(lks_canvas *canvas, const lks_stream *s) {
    const lks_augment_config *c = canvas->config;
    lks_map *map = &canvas->map;
    const double turns = c->rotate / 360 * lks_either_way(s, ANGLE);
    const double sine = lks_sin_2pi(turns), cosine = lks_cos_2pi(turns);
    const double rows = 1 + c->scale * lks_either_way(s, SCALE_ROWS);
    const double columns = 1 + c->scale * lks_either_way(s, SCALE_COLUMNS);
    const bool mirror = c->flip && lks_stream_uniform(s, MIRROR) < 0.5;
    multiply(map->matrix, cosine, -sine, sine, cosine);
    multiply(map->matrix, 1, 0, -c->shear * lks_either_way(s, SHEAR), 1);
    multiply(map->matrix, 1 / rows, 0, 0, (mirror ? -1 : 1) / columns);
    map->shift[0] = c->shift * lks_either_way(s, SHIFT_DOWN);
    map->shift[1] = c->shift * lks_either_way(s, SHIFT_RIGHT);
}

const lks_augment_operation lks_augment_geometry = {.stream = 1,
                                                    .moves = true,
                                                    .options = options,
                                                    .n_options = sizeof options / sizeof *options,
                                                    .is_on = is_on,
                                                    .apply = apply};

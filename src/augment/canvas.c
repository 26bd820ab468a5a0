/* The map of an image, and the pass over the image that follows it. */
#include "augment/operation.h"

#include <math.h>
#include <string.h>

void lks_canvas_straighten(lks_canvas *c) {
    const double straight[2][2] = {{1, 0}, {0, 1}};
    memcpy(c->map.matrix, straight, sizeof straight);
    c->map.shift[0] = c->map.shift[1] = 0;
    c->map.bent = false;
}

void lks_canvas_bend(lks_canvas *c) {
    const size_t bytes = (size_t)c->shape.rows * (size_t)c->shape.columns * sizeof *c->map.down;
    if (c->map.bent)
        return;
    memset(c->map.down, 0, bytes);
    memset(c->map.right, 0, bytes);
    c->map.bent = true;
}

static int32_t to_map(double pixels) {
    return (int32_t)floor(pixels * LKS_PIXEL + 0.5);
}

void lks_canvas_resample(lks_canvas *canvas) {
    const lks_map *map = &canvas->map;
    const double centre[2] = {(canvas->shape.rows - 1) / 2.0, (canvas->shape.columns - 1) / 2.0};
    lks_resample_args a = {.rows = canvas->shape.rows,
                           .columns = canvas->shape.columns,
                           .channels = canvas->shape.channels,
                           .to = canvas->other,
                           .from = canvas->image,
                           .fill = (uint8_t)canvas->config->fill,
                           .down = map->bent ? map->down : NULL,
                           .right = map->bent ? map->right : NULL,
                           .room = canvas->fours};
    for (int d = 0; d < 2; d++) {
        const double *row = map->matrix[d];
        a.by_row[d] = to_map(row[0]);
        a.by_column[d] = to_map(row[1]);
        a.origin[d] = to_map(centre[d] - row[0] * (centre[0] + map->shift[0]) -
                             row[1] * (centre[1] + map->shift[1]));
    }
    canvas->kernels->image.resample(&a);
    uint8_t *image = canvas->image;
    canvas->image = canvas->other;
    canvas->other = image;
}

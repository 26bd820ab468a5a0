/* What windows of convolutions and pooling have in common. */
#ifndef LKS_NN_WINDOW_H
#define LKS_NN_WINDOW_H

#include "nn/layer.h"

/* Rows, then columns. */
typedef struct lks_window {
    int size[2], stride[2];
    lks_padding padding;
    int pad[2]; /* LKS_PAD_EXPLICIT: rows above and below, columns left and right */
} lks_window;

/* The options of a member `window` in the settings struct `type`. */
#define LKS_PADDING_OPTION(type, what)                                                             \
    {                                                                                              \
        "padding",                                                                                 \
            what                                                                                   \
            " around the input: valid (none), same (output size = input size / stride, rounded "   \
            "up), or how many on each side",                                                       \
            LKS_OPT_PADDING, .offset = LKS_SETTING(type, window.padding),                          \
                             .second = LKS_SETTING(type, window.pad), .max = 4096,                 \
                             .words = lks_padding_words, .preset = "valid"                         \
    }
#define LKS_SIZE_OPTION(type, key, meaning)                                                        \
    {                                                                                              \
        key, meaning, LKS_OPT_INT_PAIR, .offset = LKS_SETTING(type, window.size), .min = 1,        \
                                        .max = 4096, .required = true                              \
    }

/* Zero rows and columns before the first ones, and the size with padding. 'same' gives ceil(size /
 * stride) outputs, the odd row or column of padding at the end, as TensorFlow does. */
void lks_window_pad(const lks_window *w, lks_shape in, int before[2], int64_t padded[2]);

/* How many windows fit into a padded input, down and across; positions that do not fill one are dropped. */
lks_shape lks_window_outputs(const lks_window *w, const int64_t padded[2], int channels);

/* An input image with the border that a window wants. */
typedef struct lks_canvas {
    const lks_activation *in;
    int pad[2];         /* zero rows above, columns to the left */
    int rows, columns;  /* border included */
    lks_samples padded; /* [rows][columns][stride] floats with a zero border, to be asked for by the
                           operation; nothing: no border and a kept image, or nobody asks for images */
} lks_canvas;

lks_canvas lks_canvas_of(const lks_window *w, const lks_activation *in);
bool lks_canvas_has_border(const lks_canvas *c);

/* Floats of one image. */
size_t lks_canvas_size(const lks_canvas *c);

/* Puts an image into its frame in c->padded: copies it, or has it made where nobody keeps it. */
void lks_canvas_fill(const lks_canvas *c, const lks_worker *w, int sample);

/* Floats from image to image of a chunk. */
size_t lks_canvas_step(const lks_canvas *c);

/* An image with its border, lks_canvas_fill() done where there is one. */
const float *lks_canvas_image(const lks_canvas *c, const lks_worker *w, int sample);

/* Cuts the border off: `from` is as large as an image with it, `to` as one of c->in. */
void lks_canvas_crop(const lks_canvas *c, float *to, const float *from);

#endif

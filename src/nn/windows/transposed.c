/* Every pixel of the input is reached by some taps of the kernel: by all of them in the middle, by fewer
 * at the border, by every second one in a row where the stride is 2. Pixels with the same taps make a
 * class, and a class is a forward convolution of its own without a single product too many. */
#include "nn/windows/transposed.h"

#define MOST_IMAGES 16
#define CACHE       (512 * 1024) /* floats of the gradients of the images worked on together */

/* The taps of one direction that reach a position: first, first + stride, ..., through the outputs at,
 * at - 1, ... */
typedef struct reach {
    int first, count, at;
} reach;

static reach reach_of(int position, int pad, int stride, int kernel, int outputs) {
    reach r = {0, 0, 0};
    for (int tap = 0; tap < kernel; tap++) {
        int from = position + pad - tap;
        if (from < 0 || from % stride != 0 || from / stride >= outputs)
            continue;
        if (r.count++ == 0) {
            r.first = tap;
            r.at = from / stride;
        }
    }
    return r;
}

static bool same_taps(reach a, reach b) {
    return a.first == b.first && a.count == b.count;
}

/* Positions of one direction and the classes they fall in. */
typedef struct axis {
    int size, n_classes;
    reach *reaches; /* [size] */
    int *class;     /* [size] */
    int *example;   /* [n_classes] the first position of each */
} axis;

static lks_status make_axis(axis *a, lks_op *op, int size, int pad, int stride, int kernel,
                            int outputs, lks_error *err) {
    a->size = size;
    a->n_classes = 0;
    a->reaches = lks_op_alloc(op, (size_t)size, sizeof *a->reaches, err);
    a->class = lks_op_alloc(op, (size_t)size, sizeof *a->class, err);
    a->example = lks_op_alloc(op, (size_t)size, sizeof *a->example, err);
    if (!a->reaches || !a->class || !a->example)
        return err->status;
    for (int i = 0; i < size; i++) {
        a->reaches[i] = reach_of(i, pad, stride, kernel, outputs);
        int c = 0;
        while (c < a->n_classes && !same_taps(a->reaches[a->example[c]], a->reaches[i]))
            c++;
        if (c == a->n_classes)
            a->example[a->n_classes++] = i;
        a->class[i] = c;
    }
    return LKS_OK;
}

static int members(const axis *a, int class) {
    int n = 0;
    for (int i = 0; i < a->size; i++)
        n += a->class[i] == class;
    return n;
}

static void fill_runs(const lks_transposed *t, lks_pixel_class *c, reach row, reach column,
                      const lks_window *window) {
    const lks_activation *out = t->op->out;
    int run = 0;
    for (int i = 0; i < row.count; i++)
        for (int j = 0; j < column.count; j++, run++) {
            int tap = (row.first + i * window->stride[0]) * window->size[1] + column.first +
                      j * window->stride[1];
            c->run_offset[run] = -(i * out->shape.columns + j) * out->stride;
            c->run_weight[run] = tap * LKS_BLOCK;
        }
}

static void fill_pixels(const lks_transposed *t, lks_pixel_class *c, const axis *rows,
                        const axis *columns, int row_class, int column_class) {
    const lks_activation *in = t->op->in, *out = t->op->out;
    int n = 0;
    for (int image = 0; image < t->images; image++)
        for (int y = 0; y < rows->size; y++)
            for (int x = 0; x < columns->size; x++) {
                if (rows->class[y] != row_class || columns->class[x] != column_class)
                    continue;
                int pixel = rows->reaches[y].at * out->shape.columns + columns->reaches[x].at;
                c->pixel_offset[n] = image * (int32_t)out->size + pixel * out->stride;
                c->out_offset[n++] =
                    image * (int32_t)in->size + (y * in->shape.columns + x) * in->stride;
            }
}

/* The class of both directions' classes; its numbers stand at `numbers`, and their end is returned. */
static int32_t *make_class(lks_transposed *t, lks_pixel_class *c, const axis *rows,
                           const axis *columns, int row_class, int column_class,
                           const lks_window *window, int32_t *numbers) {
    reach row = rows->reaches[rows->example[row_class]];
    reach column = columns->reaches[columns->example[column_class]];
    c->n_pixels = members(rows, row_class) * members(columns, column_class);
    c->n_runs = row.count * column.count;
    c->pixel_offset = numbers;
    c->out_offset = c->pixel_offset + t->images * c->n_pixels;
    c->run_offset = c->out_offset + t->images * c->n_pixels;
    c->run_weight = c->run_offset + c->n_runs;
    fill_runs(t, c, row, column, window);
    fill_pixels(t, c, rows, columns, row_class, column_class);
    return c->run_weight + c->n_runs;
}

/* Taps of all classes of a direction together. */
static int runs_of(const axis *a) {
    int n = 0;
    for (int c = 0; c < a->n_classes; c++)
        n += a->reaches[a->example[c]].count;
    return n;
}

lks_status lks_transposed_create(lks_transposed *t, lks_op *op, const lks_window *window,
                                 const int pad[2], int groups, lks_error *err) {
    const lks_activation *in = op->in, *out = op->out;
    axis rows, columns;
    t->op = op;
    t->groups = groups;
    t->filters = out->shape.channels;
    t->taps = window->size[0] * window->size[1];
    size_t images = CACHE / (in->size + out->size);
    t->images = images < 1 ? 1 : images > MOST_IMAGES ? MOST_IMAGES : (int)images;
    LKS_TRY(make_axis(&rows, op, in->shape.rows, pad[0], window->stride[0], window->size[0],
                      out->shape.rows, err));
    LKS_TRY(make_axis(&columns, op, in->shape.columns, pad[1], window->stride[1], window->size[1],
                      out->shape.columns, err));
    t->n_classes = rows.n_classes * columns.n_classes;
    t->classes = lks_op_alloc(op, (size_t)t->n_classes, sizeof *t->classes, err);
    t->weights = lks_op_alloc(op, (size_t)in->stride * t->filters * t->taps, sizeof(float), err);
    size_t pixels = (size_t)t->images * in->shape.rows * in->shape.columns;
    size_t runs = (size_t)runs_of(&rows) * runs_of(&columns);
    int32_t *numbers = lks_op_alloc(op, 2 * (pixels + runs), sizeof *numbers, err);
    if (!t->classes || !t->weights || !numbers)
        return err->status;
    for (int c = 0; c < t->n_classes; c++) {
        numbers = make_class(t, &t->classes[c], &rows, &columns, c / columns.n_classes,
                             c % columns.n_classes, window, numbers);
        t->products += (int64_t)t->classes[c].n_pixels * t->classes[c].n_runs;
    }
    return LKS_OK;
}

void lks_transposed_pack(lks_transposed *t, int part, int parts) {
    const int inputs = t->op->in->shape.channels / t->groups, outputs = t->filters / t->groups;
    size_t step = (size_t)t->taps * LKS_BLOCK;
    lks_span mine = lks_part(t->taps * inputs, part, parts);
    for (int e = mine.first; e < mine.first + mine.count; e++)
        for (int g = 0; g < t->groups; g++) {
            const int tap = e / inputs, channel = g * inputs + e % inputs, first = g * outputs;
            const float *from = t->op->weights + (size_t)e * t->filters + first;
            float *to = t->weights + ((size_t)(channel / LKS_BLOCK) * t->filters + first) * step +
                        (size_t)tap * LKS_BLOCK + channel % LKS_BLOCK;
            for (int o = 0; o < outputs; o++)
                to[o * step] = from[o];
        }
}

/* The outputs that read any channel of block b. */
static lks_span readers_of(const lks_transposed *t, int b) {
    const int inputs = t->op->in->shape.channels / t->groups, outputs = t->filters / t->groups;
    const int first = b * LKS_BLOCK, end = first + LKS_BLOCK;
    const int last = (end < t->op->in->shape.channels ? end : t->op->in->shape.channels) - 1;
    const int from = first / inputs * outputs;
    return (lks_span){from, (last / inputs + 1) * outputs - from};
}

/* One class of pixels of `n` images, from gradients `dy` on; all blocks of channels at once where all read the
 * same outputs, else block by block. */
static void run_class(const lks_transposed *t, const lks_pixel_class *c, const float *dy, float *dx,
                      int n) {
    const int blocks = t->op->in->stride / LKS_BLOCK, each = t->groups == 1 ? blocks : 1;
    const size_t step = (size_t)t->taps * LKS_BLOCK;
    for (int b = 0; b < blocks; b += each) {
        const lks_span o = readers_of(t, b);
        const lks_forward_args a = {.x = dy + o.first,
                                    .n_pixels = n * c->n_pixels,
                                    .pixel_offset = c->pixel_offset,
                                    .out_offset = c->out_offset,
                                    .n_runs = c->n_runs,
                                    .run_length = o.count,
                                    .run_offset = c->run_offset,
                                    .run_weight = c->run_weight,
                                    .weight_step = step,
                                    .blocks = each,
                                    .weights =
                                        t->weights + ((size_t)b * t->filters + o.first) * step,
                                    .out = dx + (size_t)b * LKS_BLOCK};
        t->op->model->kernels->forward(&a);
    }
}

void lks_transposed_run(const lks_transposed *t, const lks_worker *w, int first, int count) {
    for (int s = first; s < first + count; s += t->images) {
        int n = first + count - s < t->images ? first + count - s : t->images;
        for (int i = 0; i < t->n_classes; i++)
            run_class(t, &t->classes[i], lks_gradient(t->op->out, w, s),
                      lks_sample(t->op->dx, w, s), n);
    }
}

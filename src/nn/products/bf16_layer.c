/* Activations and gradients are rounded into planes in the worker's scratch, a few images at a time; the unit that
 * lks_linear_unit() chose multiplies forward. What products of zeros and non-zeros there are depends on the shape
 * alone: no lists, no Winograd. The output's gradient is rounded before all three that are made of it: the input's, the
 * weights' and the bias's. */
#include "nn/products/bf16_layer.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "nn/sums.h"

/* Operands of a wide layer's input that are worked on together: a share of the second-level cache. */
#define SLICE ((size_t)1 << 17)

typedef struct bf16_layer {
    lks_op op;
    const lks_products *unit; /* of the gradients; few products forward may have their own */
    lks_linear l;
    lks_map ahead, back; /* back: where there is a gradient of the input */
    lks_plane x;         /* of the input, for the weights' gradients */
    lks_plane dy;        /* of the output's gradient */
    bool by_windows;     /* dy is that of the pooled outputs */
    int taps, blocks;
    bool whole; /* the kernel covers the input, which so is one run of floats */
    int slice;  /* taps or, where there is one, channels whose gradients are made together */
    size_t rows_at,
        gradient_at; /* in a worker's scratch: what makes values needs, and the unit; x is first */
    size_t sums_at;  /* of the bias, in w->rounded, after dy */
    int32_t *tap_offset;
    lks_samples argmax; /* where l.pool: [out size] bytes */
    float *bias;        /* [blocks * 16] */
} bf16_layer;

/* The weights [taps][channels][16 * blocks] whose gradients are made in one go. */
typedef struct lks_cut {
    lks_span taps, channels, blocks;
} lks_cut;

/* Images of a group that are not finite give NaN. */
static void spoil(uint32_t bad, float *out, uint8_t *argmax, size_t size, int count) {
    for (int i = 0; bad && i < count; i++) {
        if (!(bad >> i & 1))
            continue;
        for (size_t j = 0; j < size; j++)
            out[(size_t)i * size + j] = NAN;
        if (argmax)
            memset(argmax + (size_t)i * size, 0, size);
    }
}

static uint8_t *argmax_of(const bf16_layer *c, const lks_worker *w, int sample) {
    return c->l.pool ? lks_sample(&c->argmax, w, sample) : NULL;
}

/* From sample `first` on. */
static lks_plane_source input_of(const bf16_layer *c, const lks_worker *w, int first) {
    const lks_activation *in = c->op.in;
    lks_plane_source s = {
        .first = {.rows = c->l.size[0], .columns = c->l.size[1], .channels = c->l.stored},
        .step = in->size,
        .maker = in->value_maker,
        .worker = w,
        .sample = first,
        .rows = w->scratch + c->rows_at};
    if (s.maker)
        s.make = s.maker->class->make_value;
    else
        s.first.x = lks_value(in, w, first);
    return s;
}

static lks_plane_source gradient_of(const bf16_layer *c, const lks_worker *w, int first) {
    const lks_activation *out = c->op.out;
    lks_plane_source s = {.first = {.relu = c->l.relu ? lks_value(out, w, first) : NULL,
                                    .argmax = c->by_windows ? NULL : argmax_of(c, w, first),
                                    .rows = out->shape.rows,
                                    .columns = out->shape.columns,
                                    .channels = out->stride},
                          .step = out->size,
                          .maker = out->gradient_maker,
                          .worker = w,
                          .sample = first,
                          .rows = w->scratch + c->rows_at};
    if (s.maker)
        s.make = s.maker->class->make_dx;
    else
        s.first.x = lks_gradient(out, w, first);
    return s;
}

static int64_t pairs(const bf16_layer *c) {
    return (int64_t)c->l.channels * c->l.filters;
}

static void forward(lks_op *op, lks_worker *w, int first, int count) {
    const bf16_layer *c = (const bf16_layer *)op;
    const lks_plane_source from = input_of(c, w, first);
    const lks_map_output o = {.out = lks_value(op->out, w, first),
                              .size = op->out->size,
                              .bias = c->bias,
                              .relu = c->l.relu,
                              .argmax = argmax_of(c, w, first)};
    uint32_t bad = lks_plane_fill(&c->ahead.plane, w->scratch, &from, 0, count);
    lks_map_run(&c->ahead, w->scratch, count, &o);
    spoil(bad, o.out, o.argmax, o.size, count);
    w->products += count * lks_linear_products(&c->l) * pairs(c);
}

/* Says what is about to stand in the worker's memory for rounded gradients. */
static void mark(const bf16_layer *c, lks_worker *w, int first, int count) {
    w->rounded.of = &c->op;
    w->rounded.first = first;
    w->rounded.count = count;
    w->rounded.batch = c->op.model->trained;
}

static bool stands_there(const bf16_layer *c, const lks_worker *w, int first, int count) {
    const lks_rounded *r = &w->rounded;
    return r->of == &c->op && r->first == first && r->count == count &&
           r->batch == c->op.model->trained;
}

/* The output's gradient of a chunk, and the bias's partial after it. */
static void round_gradient(const bf16_layer *c, lks_worker *w, int first, int count) {
    lks_plane_source from = gradient_of(c, w, first);
    if (c->op.n_bias) {
        from.first.sums = w->rounded.memory + c->sums_at;
        memset(from.first.sums, 0, (size_t)c->blocks * LKS_BLOCK * sizeof(float));
    }
    mark(c, w, first, count);
    w->rounded.bad = lks_plane_fill(&c->dy, w->rounded.memory, &from, 0, count);
}

static void backward(lks_op *op, lks_worker *w, int first, int count) {
    const bf16_layer *c = (const bf16_layer *)op;
    if (!op->dx)
        return;
    const lks_map_output o = {.out = lks_sample(op->dx, w, first), .size = op->in->size};
    round_gradient(c, w, first, count);
    lks_map_run(&c->back, w->rounded.memory, count, &o);
    spoil(w->rounded.bad, o.out, NULL, o.size, count);
    w->products += count * lks_linear_products_back(&c->l) * pairs(c);
}

/* --- weights ---------------------------------------------------------------------------------- */

static void add_bias(bf16_layer *c, lks_worker *w, int slot) {
    const size_t channels = (size_t)c->blocks * LKS_BLOCK;
    lks_op_add(&c->op, w, slot, c->op.sums_count - channels, w->rounded.memory + c->sums_at,
               channels);
}

/* The output's gradient of whole chunks, with the bias's partials of them where `biased`; another part may have left
 * it. */
static uint32_t round_chunks(bf16_layer *c, lks_worker *w, int slot, int first, int count,
                             bool biased) {
    const int chunk = c->op.model->chunk;
    const size_t channels = (size_t)c->blocks * LKS_BLOCK;
    lks_plane_source from = gradient_of(c, w, first);
    float *sums = w->rounded.memory + c->sums_at;
    uint32_t bad = 0;
    if (!biased && stands_there(c, w, first, count))
        return w->rounded.bad;
    mark(c, w, first, count);
    from.first.sums = biased ? sums : NULL;
    if (biased)
        lks_op_clear_bias(&c->op, w, slot, channels);
    for (int done = 0; done < count; done += chunk) {
        int n = count - done < chunk ? count - done : chunk;
        char *to = (char *)w->rounded.memory + (size_t)done * c->dy.image * c->unit->element;
        memset(sums, 0, channels * sizeof *sums);
        bad |= lks_plane_fill(&c->dy, to, &from, done, n);
        if (biased)
            add_bias(c, w, slot);
    }
    w->rounded.bad = bad;
    return bad;
}

/* Backward has left the gradient of the chunk where somebody needs that of the input. */
static uint32_t round_chunk(bf16_layer *c, lks_worker *w, int slot, int first, int count,
                            bool biased) {
    if (!stands_there(c, w, first, count))
        round_gradient(c, w, first, count);
    if (biased)
        add_bias(c, w, slot);
    return w->rounded.bad;
}

/* What a cut reads of the input: all of it, or where the kernel covers it a piece of each image. */
static lks_plane plane_of(const bf16_layer *c, const lks_cut *cut, lks_plane_source *from) {
    if (!c->whole)
        return c->x;
    const int stored = c->l.stored, one[2] = {1, 1}, none[2] = {0, 0};
    if (from->first.x)
        from->first.x += cut->taps.first * stored + cut->channels.first;
    from->first.rows = from->first.columns = 1;
    from->first.channels = c->taps > 1 ? cut->taps.count * stored : cut->channels.count;
    return lks_plane_of(c->unit, one, from->first.channels, none, none);
}

/* All but where the operands stand and the sums go. */
static lks_gradient_args gradient_args(const bf16_layer *c, const lks_cut *cut, const lks_plane *x,
                                       int count) {
    const lks_linear *l = &c->l;
    const int chunk = c->op.model->chunk;
    return (lks_gradient_args){.x_stride = x->image,
                               .x_row = x->pitch * x->channels * l->stride[0],
                               .x_column = x->channels * l->stride[1],
                               .dy_stride = c->dy.image,
                               .dy_row = c->dy.pitch * c->dy.channels,
                               .dy_column = c->dy.channels,
                               .samples = count,
                               .chunk = chunk,
                               .group = lks_gradient_group(chunk),
                               .rows = l->outputs[0],
                               .columns = l->outputs[1],
                               .taps = cut->taps.count,
                               .tap_offset = c->tap_offset + (c->whole ? 0 : cut->taps.first),
                               .channels = cut->channels.count,
                               .blocks = cut->blocks.count,
                               .row = (size_t)c->blocks * LKS_BLOCK};
}

/* The gradients of a cut from the plane of dy, which is filled. The plane of x begins at the first window. */
static void add_cut(const bf16_layer *c, lks_worker *w, int slot, int first, int count,
                    const lks_cut *cut, uint32_t bad) {
    lks_plane_source from = input_of(c, w, first);
    const lks_plane x = plane_of(c, cut, &from);
    lks_gradient_args a = gradient_args(c, cut, &x, count);
    const size_t column = (size_t)cut->blocks.first * LKS_BLOCK;
    const size_t row = (size_t)cut->taps.first * c->l.channels + (size_t)cut->channels.first;
    const size_t to = row * a.row + column;
    bad |= lks_plane_fill(&x, w->scratch, &from, 0, count);
    a.x = w->scratch;
    a.dy =
        (const char *)w->rounded.memory + (lks_plane_at(&c->dy, 0, 0) + column) * c->unit->element;
    if (c->by_windows) {
        a.argmax = argmax_of(c, w, first) + column;
        a.argmax_stride = c->op.out->size;
    }
    a.scratch = w->scratch + c->gradient_at;
    a.fresh = lks_op_fresh(&c->op, w);
    if (c->op.model->exact)
        a.sums = (int64_t *)lks_op_sums_at(&c->op, w, slot) + to;
    else
        a.out = (float *)lks_op_sums_at(&c->op, w, slot) + to;
    if (!c->unit->gradient(&a) || bad)
        w->bad[c->op.index] = 1;
    int filters = c->l.filters - (int)column, most = cut->blocks.count * LKS_BLOCK;
    w->products += (int64_t)count * a.rows * a.columns * a.taps * a.channels *
                   (filters < most ? filters : most);
}

/* A part's share, cut where there are most pieces. */
static lks_cut cut_of(const bf16_layer *c, int part, int parts) {
    lks_cut all = {{0, c->taps}, {0, c->l.channels}, {0, c->blocks}};
    int sixteens = c->taps == 1 ? (c->l.channels + LKS_BLOCK - 1) / LKS_BLOCK : 0;
    if (sixteens > c->blocks || (c->whole && c->taps == 1)) {
        lks_span mine = lks_part(sixteens, part, parts);
        int end = (mine.first + mine.count) * LKS_BLOCK;
        all.channels.first = mine.first * LKS_BLOCK;
        all.channels.count = (end < c->l.channels ? end : c->l.channels) - all.channels.first;
    } else if (c->taps > c->blocks || c->whole) {
        all.taps = lks_part(c->taps, part, parts);
    } else {
        all.blocks = lks_part(c->blocks, part, parts);
    }
    return all;
}

/* Of a wide layer, which is cut by taps or by channels of one tap. */
static lks_span rows(const lks_op *op, int part, int parts) {
    const bf16_layer *c = (const bf16_layer *)op;
    const lks_cut mine = cut_of(c, part, parts);
    if (c->taps == 1)
        return mine.channels;
    return (lks_span){mine.taps.first * c->l.channels, mine.taps.count * c->l.channels};
}

/* Piece by piece of the input where the whole batch's does not fit into the cache. */
static void add_slices(const bf16_layer *c, lks_worker *w, int slot, int first, int count,
                       const lks_cut *all, uint32_t bad) {
    lks_cut slice = *all;
    lks_span *sliced = c->taps > 1 ? &slice.taps : &slice.channels;
    const int end = sliced->first + sliced->count;
    for (; sliced->first < end; sliced->first += c->slice) {
        sliced->count = end - sliced->first < c->slice ? end - sliced->first : c->slice;
        add_cut(c, w, slot, first, count, &slice, bad);
    }
}

/* Sums are [taps][channels][blocks * 16], then the bias. */
static void weights(lks_op *op, lks_worker *w, int slot, int first, int count, int part,
                    int parts) {
    bf16_layer *c = (bf16_layer *)op;
    const lks_cut mine = cut_of(c, part, parts);
    const bool biased = part == 0 && op->n_bias > 0;
    const bool any = mine.taps.count > 0 && mine.channels.count > 0 && mine.blocks.count > 0;
    if (!any && !biased)
        return;
    uint32_t bad = op->wide ? round_chunks(c, w, slot, first, count, biased)
                            : round_chunk(c, w, slot, first, count, biased);
    if (bad)
        w->bad[op->index] = 1;
    if (any && op->wide)
        add_slices(c, w, slot, first, count, &mine, bad);
    else if (any)
        add_cut(c, w, slot, first, count, &mine, bad);
}

/* --- weights as they are, and what is known of them ------------------------------------------- */

static void pack(lks_op *op, int part, int parts) {
    const bf16_layer *c = (const bf16_layer *)op;
    lks_map_pack(&c->ahead, op->weights, part, parts);
    if (lks_has_gradient(op->in))
        lks_map_pack(&c->back, op->weights, part, parts);
    if (part == 0 && op->n_bias)
        memcpy(c->bias, op->weights + op->n_weights, (size_t)op->n_bias * sizeof *c->bias);
}

/* Without a gradient of the input there are no phases back. */
static void **packed(lks_op *op, int k, size_t *bytes) {
    bf16_layer *c = (bf16_layer *)op;
    if (k < c->ahead.n_phases)
        return lks_map_packed(&c->ahead, k, bytes);
    if (k < c->ahead.n_phases + c->back.n_phases)
        return lks_map_packed(&c->back, k - c->ahead.n_phases, bytes);
    *bytes = (size_t)c->blocks * LKS_BLOCK * sizeof *c->bias;
    return k == c->ahead.n_phases + c->back.n_phases ? (void **)&c->bias : NULL;
}

static void collect(lks_op *op, int64_t *exact, float *plain, int part, int parts) {
    const bf16_layer *c = (const bf16_layer *)op;
    const size_t padded = (size_t)c->blocks * LKS_BLOCK;
    lks_op_take_rows(op, c->taps * c->l.channels, (size_t)c->l.filters, padded, exact, plain, part,
                     parts);
    if (part == 0 && op->n_bias)
        lks_op_take_bias(op, padded, exact, plain);
}

/* --- making ----------------------------------------------------------------------------------- */

/* Scratch for the input of a chunk, or where the layer is wide for a piece of the whole batch's. */
static void place_scratch(bf16_layer *c) {
    const lks_model *m = c->op.model;
    const int taps = c->taps;
    const lks_activation *out = c->op.out;
    const size_t chunk = (size_t)m->chunk, capacity = (size_t)m->capacity;
    const size_t batch = c->op.wide && capacity > chunk ? capacity : chunk;
    lks_cut most = {{0, taps}, {0, c->l.channels}, {0, c->blocks}};
    if (c->op.wide) {
        size_t fit = SLICE / batch / (size_t)(taps > 1 ? c->l.stored : LKS_BLOCK);
        fit = fit > 0 ? fit : 1;
        lks_span *sliced = taps > 1 ? &most.taps : &most.channels;
        c->slice = taps > 1 ? (int)fit : (int)fit * LKS_BLOCK;
        sliced->count = sliced->count < c->slice ? sliced->count : c->slice;
    }
    lks_plane_source from = {.step = 0}; /* only the plane is of interest */
    const lks_plane x = plane_of(c, &most, &from);
    lks_gradient_args a = gradient_args(c, &most, &x, (int)batch);
    static const uint8_t windows; /* that they are there */
    a.argmax = c->by_windows ? &windows : NULL;
    const size_t ahead = lks_plane_floats(&c->ahead.plane, chunk);
    const size_t piece = lks_plane_floats(&x, batch);
    const size_t in_row = (size_t)c->l.size[1] * (size_t)c->l.stored;
    const size_t out_row = (size_t)out->shape.columns * (size_t)out->stride;
    c->rows_at = ahead > piece ? ahead : piece;
    c->gradient_at =
        c->rows_at + (lks_made_floats(in_row > out_row ? in_row : out_row) + 15) / 16 * 16;
    c->op.scratch_floats = c->gradient_at + (c->unit->gradient_scratch(&a) + 3) / 4;
    c->sums_at = lks_plane_floats(&c->dy, batch);
    c->op.rounded_floats = c->sums_at + (size_t)c->blocks * LKS_BLOCK;
}

static lks_status allocate(bf16_layer *c, bool wide, lks_error *err) {
    lks_op *op = &c->op;
    const lks_activation *out = op->out;
    const size_t filters = (size_t)c->blocks * LKS_BLOCK;
    const size_t weights = (size_t)c->taps * (size_t)c->l.channels;
    const lks_products *forward = lks_linear_unit(&c->l, op->model->kernels);
    LKS_TRY(lks_map_forward(&c->ahead, op, &c->l, forward, err));
    c->x = lks_plane_for(&c->ahead.plane, c->unit);
    if (lks_has_gradient(op->in)) {
        LKS_TRY(lks_map_back(&c->back, op, &c->l, c->unit, err));
        c->dy = c->back.plane;
    } else {
        const int none[2] = {0, 0};
        c->by_windows = c->l.pool && c->ahead.one_block;
        c->dy = lks_plane_of(c->unit,
                             c->by_windows ? (const int[]){out->shape.rows, out->shape.columns}
                                           : c->l.outputs,
                             (int)filters, none, none);
    }
    c->bias = lks_op_alloc(op, filters, sizeof *c->bias, err);
    c->tap_offset = lks_op_alloc(op, (size_t)c->taps, sizeof *c->tap_offset, err);
    if (c->l.pool)
        lks_op_keep(op, &c->argmax, out->size, true);
    if (!c->bias || !c->tap_offset)
        return err->status;
    const int columns = c->l.kernel[1];
    for (int t = 0; t < c->taps; t++)
        c->tap_offset[t] =
            (t / columns * c->ahead.plane.pitch + t % columns) * c->ahead.plane.channels;
    LKS_TRY(lks_op_sums(op, (weights + (wide && op->n_bias == 0 ? 0 : 1)) * filters, wide, err));
    place_scratch(c);
    return LKS_OK;
}

lks_status lks_bf16_layer_new(lks_site *site, const lks_linear *l, bool wide, lks_error *err) {
    static const lks_op_class class = {.forward = forward,
                                       .backward = backward,
                                       .weights = weights,
                                       .rows = rows,
                                       .pack = pack,
                                       .packed = packed,
                                       .collect = collect};
    bf16_layer *c = lks_alloc(1, sizeof *c, "a layer", err);
    if (!c)
        return err->status;
    c->op.in = lks_site_input(site, 0);
    c->op.trained = site->layer->trainable;
    c->unit = site->model->kernels->products;
    c->l = *l;
    c->taps = l->kernel[0] * l->kernel[1];
    c->blocks = lks_padded(l->filters) / LKS_BLOCK;
    c->whole = l->kernel[0] == l->size[0] && l->kernel[1] == l->size[1] && l->pad[0] == 0 &&
               l->pad[1] == 0;
    lks_shape out = {l->outputs[0], l->outputs[1], l->filters};
    if (l->pool) {
        out.rows /= 2;
        out.columns /= 2;
    }
    LKS_TRY(lks_model_append(site->model, &c->op, &class, site->layer->name, out,
                             c->blocks * LKS_BLOCK, err));
    LKS_TRY(lks_op_tensors(&c->op, site->info, err));
    LKS_TRY(allocate(c, wide, err));
    c->op.traits = (lks_op_traits){.keeps_dy = true, .takes_made = !c->op.wide};
    if (!c->whole)
        lks_op_make_value(c->op.in);
    return LKS_OK;
}

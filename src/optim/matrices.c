/* Newton-Schulz iterations as in Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/):
 *
 *     X = U / (|U| + 1e-7), turned so that it has no more columns than rows
 *     five times  A = X^T X,  P = a I + b A + c A^2,  X = X P
 *
 * with (a, b, c) = (3.4445, -4.7750, 2.0315). All P are polynomials of the first A, so they commute, and X is
 * multiplied once, which takes a third of the products where it has nine times as many rows as columns:
 *
 *     A = X^T X;  five times  P = a I + b A + c A^2,  Q = Q P,  A = (A P) P;  X = X Q
 *
 * A, P and Q are symmetric: what stands on and above the diagonal is computed, and copied below it. Each element is a
 * chain of lks_multiply_args, then, in P, rounded step by step: neither threads nor ranks nor instruction sets show.
 * Threads share strips of 16 rows, of all matrices at once. */
#include "optim/matrices.h"

#include <math.h>

#include "base/memory.h"
#include "optim/class.h"

#define ROUNDS 5
#define STRIP  LKS_BLOCK /* rows; sides are filled up to multiples with zeros */

static const float coefficient[3] = {3.4445f, -4.7750f, 2.0315f};

typedef struct matrix {
    int tensor, first_block, n_blocks; /* of the optimizer */
    size_t offset;                     /* in the flat array */
    int rows, columns;                 /* of the tensor */
    bool turned;                       /* x is its transpose */
    int tall, wide;                    /* sides of x, filled up */
    float scale;                       /* of the result */
    float *x, *result;                 /* [tall][wide] */
    float *gram, *half;                /* A and A P, [wide][wide] as all that follow */
    float *factor;                     /* P, but for the first round */
    float *product[2];                 /* Q after even and after odd rounds */
} matrix;

struct lks_matrices {
    matrix *list;
    int n;
};

/* --- what there is ---------------------------------------------------------------------------- */

static int filled(int n) {
    return (n + STRIP - 1) / STRIP * STRIP;
}

static matrix describe(const lks_tensor *t, int number) {
    const int columns = (int)t->shape[t->ndim - 1], rows = (int)(t->count / (size_t)columns);
    const bool turned = rows < columns;
    return (matrix){.tensor = number,
                    .offset = t->offset,
                    .rows = rows,
                    .columns = columns,
                    .turned = turned,
                    .tall = filled(turned ? columns : rows),
                    .wide = filled(turned ? rows : columns),
                    .scale = (float)sqrt(turned ? (double)columns / rows : 1.0)};
}

/* Padding is 0, and stays so. Where ranks share the work, each writes to the memory of its own matrices only. */
static lks_status make_room(matrix *m, lks_error *err) {
    const size_t whole = (size_t)m->tall * (size_t)m->wide,
                 square = (size_t)m->wide * (size_t)m->wide;
    m->x = lks_alloc_lazy(2 * whole + 5 * square, sizeof *m->x, "the optimizer's matrices", err);
    if (!m->x)
        return err->status;
    m->result = m->x + whole;
    m->gram = m->result + whole;
    m->half = m->gram + square;
    m->factor = m->half + square;
    m->product[0] = m->factor + square;
    m->product[1] = m->product[0] + square;
    return LKS_OK;
}

static void take_blocks(lks_optimizer *o, matrix *m) {
    while (o->blocks[m->first_block].tensor != m->tensor)
        m->first_block++;
    for (int b = m->first_block; b < o->n_blocks && o->blocks[b].tensor == m->tensor; b++) {
        o->blocks[b].matrix = true;
        m->n_blocks++;
    }
}

static lks_status add(lks_optimizer *o, const lks_tensor *t, int number, lks_error *err) {
    matrix *m = &o->matrices->list[o->matrices->n];
    *m = describe(t, number);
    LKS_TRY(make_room(m, err));
    take_blocks(o, m);
    o->matrices->n++;
    return LKS_OK;
}

lks_status lks_matrices_create(lks_optimizer *o, const lks_tensor *tensors, const bool *chosen,
                               lks_error *err) {
    o->matrices = lks_alloc(1, sizeof *o->matrices, "the optimizer's matrices", err);
    if (!o->matrices)
        return err->status;
    o->matrices->list =
        lks_alloc((size_t)o->n_tensors, sizeof *o->matrices->list, "the optimizer's matrices", err);
    if (!o->matrices->list)
        return err->status;
    for (int t = 0; t < o->n_tensors; t++)
        if (chosen[t])
            LKS_TRY(add(o, &tensors[t], t, err));
    return LKS_OK;
}

void lks_matrices_free(lks_matrices *all) {
    if (!all)
        return;
    for (int i = 0; i < all->n; i++)
        lks_free_lazy(all->list[i].x);
    lks_free(all->list);
    lks_free(all);
}

/* --- the stages: each makes the rows [row, row + STRIP) of something -------------------------- */

typedef struct work {
    const lks_optimizer *o;
    float *state;
    int round;
} work;

typedef void stage(const work *w, const matrix *m, int row);

/* Denormal products of what is next to nothing would cost a hundred times as much. */
static float flush_tiny(float a) {
    return fabsf(a) < 0x1p-60f ? 0.0f : a;
}

static size_t place(const matrix *m, int row, int column) {
    return m->turned ? (size_t)column * (size_t)m->columns + (size_t)row
                     : (size_t)row * (size_t)m->columns + (size_t)column;
}

/* The rows and columns of x that are not padding. */
static int last_row(const matrix *m, int row) {
    const int rows = m->turned ? m->columns : m->rows;
    return row + STRIP < rows ? row + STRIP : rows;
}

static int true_columns(const matrix *m) {
    return m->turned ? m->rows : m->columns;
}

static void load(const work *w, const matrix *m, int row) {
    const float *from = w->state + m->offset;
    const float scale = (float)(1 / (w->o->norms[m->tensor].gradient + 1e-7));
    const int end = last_row(m, row), columns = true_columns(m);
    for (int i = row; i < end; i++)
        for (int j = 0; j < columns; j++)
            m->x[(size_t)i * (size_t)m->wide + (size_t)j] =
                flush_tiny(from[place(m, i, j)] * scale);
}

static void store(const work *w, const matrix *m, int row) {
    float *to = w->state + m->offset;
    const int end = last_row(m, row), columns = true_columns(m);
    for (int i = row; i < end; i++)
        for (int j = 0; j < columns; j++)
            to[place(m, i, j)] = m->scale * m->result[(size_t)i * (size_t)m->wide + (size_t)j];
}

/* What stands right of the diagonal, below it. */
static void mirror(float *square, int wide, int row) {
    for (int j = row + 1; j < wide; j++) {
        float *to = square + (size_t)j * (size_t)wide;
        const int end = j < row + STRIP ? j : row + STRIP;
        for (int i = row; i < end; i++)
            to[i] = square[(size_t)i * (size_t)wide + (size_t)j];
    }
}

/* a^T b from the diagonal on, n being the rows of both. */
static void multiply(const work *w, const matrix *m, const float *a, const float *b, float *out,
                     int n, int row) {
    const lks_multiply_args args = {.a = a + row,
                                    .b = b + row,
                                    .out = out + (size_t)row * (size_t)m->wide + row,
                                    .stride = (size_t)m->wide,
                                    .n = n,
                                    .rows = STRIP,
                                    .columns = m->wide - row,
                                    .across = true};
    w->o->kernels->multiply(&args);
}

static void make_gram(const work *w, const matrix *m, int row) {
    multiply(w, m, m->x, m->x, m->gram, m->tall, row);
    mirror(m->gram, m->wide, row);
}

static float *factor_of(const work *w, const matrix *m) {
    return w->round == 0 ? m->product[0] : m->factor;
}

static void make_factor(const work *w, const matrix *m, int row) {
    float *out = factor_of(w, m);
    multiply(w, m, m->gram, m->gram, out, m->wide, row);
    for (int i = row; i < row + STRIP; i++) {
        float *restrict p = out + (size_t)i * (size_t)m->wide;
        const float *restrict a = m->gram + (size_t)i * (size_t)m->wide;
        for (int j = row; j < m->wide; j++)
            p[j] = coefficient[1] * a[j] + coefficient[2] * p[j];
        p[i] += coefficient[0];
    }
    mirror(out, m->wide, row);
}

/* Q P, and A P for the next round. */
static void use_factor(const work *w, const matrix *m, int row) {
    if (w->round > 0) {
        float *next = m->product[w->round % 2];
        multiply(w, m, m->product[1 - w->round % 2], m->factor, next, m->wide, row);
        mirror(next, m->wide, row);
    }
    if (w->round < ROUNDS - 1) {
        multiply(w, m, m->gram, factor_of(w, m), m->half, m->wide, row);
        mirror(m->half, m->wide, row);
    }
}

static void make_next_gram(const work *w, const matrix *m, int row) {
    multiply(w, m, m->half, factor_of(w, m), m->gram, m->wide, row);
    mirror(m->gram, m->wide, row);
}

static void make_result(const work *w, const matrix *m, int row) {
    const size_t at = (size_t)row * (size_t)m->wide;
    const lks_multiply_args args = {.a = m->x + at,
                                    .b = m->product[(ROUNDS - 1) % 2],
                                    .out = m->result + at,
                                    .stride = (size_t)m->wide,
                                    .n = m->wide,
                                    .rows = STRIP,
                                    .columns = m->wide};
    w->o->kernels->multiply(&args);
    store(w, m, row);
}

/* --- all of it -------------------------------------------------------------------------------- */

static bool is_own(const lks_optimizer *o, const matrix *m) {
    return m->offset >= o->first && m->offset < o->end;
}

/* By all threads of the team, which meet afterwards. */
static void run(const work *w, stage *f, bool tall) {
    for (int k = 0; k < w->o->matrices->n; k++) {
        const matrix *m = &w->o->matrices->list[k];
        const int rows = !is_own(w->o, m) ? 0 : tall ? m->tall : m->wide;
#pragma omp for schedule(dynamic) nowait
        for (int row = 0; row < rows; row += STRIP)
            f(w, m, row);
    }
#pragma omp barrier
}

static void hash_states(const lks_optimizer *o, int s,
                        void (*hash)(lks_hashes *h, int array, int block)) {
    for (int k = 0; o->hashes && k < o->matrices->n; k++) {
        const matrix *m = &o->matrices->list[k];
        const int end = is_own(o, m) ? m->first_block + m->n_blocks : 0;
#pragma omp for schedule(static) nowait
        for (int b = m->first_block; b < end; b++)
            hash(o->hashes, 1 + s, o->blocks[b].place);
    }
#pragma omp barrier
}

void lks_matrices_orthogonalise(lks_optimizer *o, int s, int threads) {
#pragma omp parallel num_threads(threads)
    {
        work w = {.o = o, .state = o->state[s]};
        hash_states(o, s, lks_hashes_read);
        run(&w, load, true);
        run(&w, make_gram, false);
        for (; w.round < ROUNDS; w.round++) {
            run(&w, make_factor, false);
            run(&w, use_factor, false);
            if (w.round < ROUNDS - 1)
                run(&w, make_next_gram, false);
        }
        run(&w, make_result, true);
        hash_states(o, s, lks_hashes_wrote);
    }
}

/* The likeliest way through the pieces of a line. Each run has a score that is linear in what is known of it, and a way
 * is as probable as exp of the sum of its runs' scores says among all ways: a conditional random field over segments
 * (Sarawagi, Cohen: Semi-Markov conditional random fields for information extraction, NIPS 2004). All ways go through
 * all pieces, so ways of few and of many digits compare. The weights were fitted by the
 * likelihood of all ways that read a line rightly, on 1,166 lines of MNIST's last 20,000 training images, of random sizes
 * and gaps, for a network trained on the first 40,000: one is too sure of images that it has learnt. In these lines one
 * neighbour in four touches; for_cuts is 0.8 less, and for_digit 0.2, for lines where one in ten does. */
#include "infer/predict/runs.h"

#include <float.h>

#include "base/math.h"
#include "base/memory.h"

/* --- what is known of a run ------------------------------------------------------------------- */

/* Lengths are in typical heights H, ink in full pixels over H, or over H^2 where it is a piece's. */
static const double for_digit = -4.330;          /* each digit */
static const double for_logit = 0.520;           /* of the answer's logit above the mean of all */
static const double for_aspect = 1.370;          /* columns by rows */
static const double for_wide = 2.730;            /* what that has above 1.1 */
static const double for_crossings = -3.500;      /* strokes that a row crosses, in the mean */
static const double for_many_crossings = -5.990; /* what that has above 2.2 */
static const double for_rows = 1.960;
static const double for_low = -7.340;         /* what rows have below 0.75 */
static const double for_cuts = -1.980;        /* each cut behind it */
static const double for_cut = -2.750;         /* ink on these cuts */
static const double for_cut_strokes = -0.710; /* strokes that they go through, but one each */
static const double for_inside = -2.190;      /* the most ink on a cut between its pieces */
static const double for_gap = -1.010;         /* the widest gap between its parts */
static const double for_joined = -2.070;      /* each part that is not small, but one */
static const double for_left_out = -1.040;    /* a piece that is no digit */
static const double for_ink_left_out = -0.270;

/* The shapes of the ten digits: columns by rows, strokes that a row crosses, rows. Means and deviations over MNIST's
 * training images in such lines, and what the square of their distance counts. */
enum { TRAITS = LKS_RUN_TRAITS };
static const double for_trait[TRAITS] = {0.000, -0.110, -0.080};
static const double means[10][TRAITS] = {{0.93, 1.71, 0.97}, {0.43, 1.00, 1.02}, {0.93, 1.32, 0.98},
                                         {0.81, 1.21, 1.00}, {0.82, 1.44, 1.00}, {0.95, 1.19, 0.96},
                                         {0.75, 1.40, 0.99}, {0.79, 1.15, 1.00}, {0.76, 1.55, 0.99},
                                         {0.68, 1.36, 0.99}};
static const double deviations[10][TRAITS] = {
    {0.17, 0.12, 0.09}, {0.19, 0.03, 0.13}, {0.18, 0.19, 0.10}, {0.16, 0.14, 0.08},
    {0.16, 0.12, 0.07}, {0.24, 0.13, 0.11}, {0.14, 0.20, 0.09}, {0.15, 0.13, 0.10},
    {0.16, 0.15, 0.08}, {0.13, 0.13, 0.09}};

static int most(int a, int b) {
    return a > b ? a : b;
}

/* The box around a run, and its mass. */
static lks_ink_part around(const lks_digits *d, const lks_run *run) {
    lks_ink_part all = d->ink.parts[run->first];
    for (int i = 1; i < run->count; i++) {
        const lks_ink_part *p = &d->ink.parts[run->first + i];
        const int bottom = most(all.top + all.rows, p->top + p->rows);
        const int right = most(all.left + all.columns, p->left + p->columns);
        all.top = p->top < all.top ? p->top : all.top;
        all.left = p->left < all.left ? p->left : all.left;
        all.rows = bottom - all.top;
        all.columns = right - all.left;
        all.mass += p->mass;
    }
    return all;
}

/* Strokes that the rows of a run cross, in the mean over rows with ink. */
static double crossings(const lks_ink *ink, const lks_digits *d, const lks_run *run,
                        const lks_ink_part *box) {
    int strokes = 0, rows = 0;
    for (int y = box->top; y < box->top + box->rows; y++) {
        const size_t row = (size_t)y * (size_t)ink->columns;
        bool before = false, any = false;
        for (int x = box->left; x < box->left + box->columns; x++) {
            const int piece = d->ink.labels[row + (size_t)x] - 1;
            const bool now = piece >= run->first && piece < run->first + run->count &&
                             ink->values[row + (size_t)x] >= 128;
            strokes += now && !before;
            any |= now;
            before = now;
        }
        rows += any;
    }
    return rows ? (double)strokes / rows : 0;
}

/* The widest gap between pieces that do not hang together; below 0: none. */
static int widest_gap(const lks_digits *d, const lks_run *run) {
    int right = 0, gap = -1;
    for (int i = run->first; i < run->first + run->count; i++) {
        const lks_ink_part *p = &d->ink.parts[i];
        if (i > run->first && d->pieces[i].cuts == 0)
            gap = most(gap, p->left - right);
        right = most(right, p->left + p->columns);
    }
    return gap;
}

/* Parts that could be digits, or pieces of such. */
static int large_parts(const lks_digits *d, const lks_run *run) {
    int n = 0;
    for (int i = run->first; i < run->first + run->count; i++) {
        bool is_new = !d->pieces[i].small;
        for (int k = run->first; k < i && is_new; k++)
            is_new = d->pieces[k].part != d->pieces[i].part;
        n += is_new;
    }
    return n;
}

/* The most ink on a cut between pieces of the run, which is then none. */
static int inside(const lks_digits *d, const lks_run *run) {
    int ink = 0;
    for (int i = run->first + 1; i < run->first + run->count; i++)
        ink = most(ink, d->pieces[i].cut);
    return ink;
}

/* What the cut behind a run counts; `end` is where the line ends. */
static double score_of_cut(const lks_digits *d, const lks_run *run, int end) {
    if (run->first + run->count == end)
        return 0;
    const lks_piece *next = &d->pieces[run->first + run->count];
    return for_cut * next->cut / (255.0 * d->height) +
           for_cut_strokes * (next->strokes - next->cuts) + for_cuts * next->cuts;
}

static double over(double value, double limit) {
    return value > limit ? value - limit : 0;
}

/* The run's scores without the network; false: it can be nothing. */
static bool look(lks_run *run, const lks_ink *ink, const lks_digits *d, int end) {
    const lks_ink_part box = around(d, run);
    const double h = d->height;
    const int gap = widest_gap(d, run), large = large_parts(d, run);
    run->score = score_of_cut(d, run, end);
    run->digit = large > 0 && 10 * box.rows >= 3 * d->height;
    if (!run->digit) {
        run->score += for_left_out + for_ink_left_out * (double)box.mass / (255 * h * h);
        return run->count == 1;
    }
    const double aspect = (double)box.columns / box.rows, rows = box.rows / h;
    const double crossed = crossings(ink, d, run, &box);
    run->traits[0] = aspect;
    run->traits[1] = crossed;
    run->traits[2] = rows;
    run->score += for_digit + for_aspect * aspect + for_wide * over(aspect, 1.1) +
                  for_crossings * crossed + for_many_crossings * over(crossed, 2.2) +
                  for_rows * rows + for_low * over(0.75, rows) + for_gap * over(gap, 0) / h +
                  for_joined * over(large, 1) + for_inside * inside(d, run) / (255 * h);
    return run->count == 1 || (10 * gap <= 3 * d->height && 2 * box.columns <= 5 * d->height);
}

int lks_runs_list(lks_run *runs, const lks_ink *ink, const lks_digits *digits, int first, int end) {
    int n = 0;
    for (int i = first; i < end; i++)
        for (int count = 1; count <= LKS_RUN_MOST && i + count <= end; count++) {
            runs[n] = (lks_run){.first = i, .count = count};
            n += look(&runs[n], ink, digits, end);
        }
    return n;
}

/* The answer's logit above the mean of all, which the softmax keeps. */
static double logit_of(const double *probabilities, int classes, int predicted) {
    const double least = 0x1p-126;
    double sum = 0;
    for (int k = 0; k < classes; k++)
        sum += lks_log(probabilities[k] > least ? probabilities[k] : least);
    return lks_log(probabilities[predicted]) - sum / classes;
}

void lks_run_judge(lks_run *run, const double *probabilities, int classes, int predicted,
                   double temperature) {
    run->predicted = predicted;
    run->score += for_logit * logit_of(probabilities, classes, predicted) / temperature;
    for (int k = 0; classes == 10 && k < TRAITS; k++) {
        double off = (run->traits[k] - means[predicted][k]) / deviations[predicted][k];
        off = off > 5 ? 5 : off < -5 ? -5 : off;
        run->score += for_trait[k] * off * off;
    }
}

/* --- the likeliest way ------------------------------------------------------------------------ */

/* log(exp(a) + exp(b)) */
static double add_logs(double a, double b) {
    const double larger = a > b ? a : b, smaller = a > b ? b : a;
    return larger == -DBL_MAX ? larger : larger + lks_log(1 + lks_exp(smaller - larger));
}

/* Sums over all ways: up to each piece, and from it to the end; of the best way up to it its score and last run. */
typedef struct crossing {
    double before, after, best;
    int last;
} crossing;

static void sum_ways(const lks_run *runs, int n, crossing *at, int first, int end) {
    for (int i = first; i <= end; i++)
        at[i - first] = (crossing){-DBL_MAX, -DBL_MAX, -DBL_MAX, -1};
    at[0].before = at[0].best = at[end - first].after = 0;
    for (int i = 0; i < n; i++) { /* in the order of first pieces */
        const crossing *from = &at[runs[i].first - first];
        crossing *to = &at[runs[i].first + runs[i].count - first];
        to->before = add_logs(to->before, from->before + runs[i].score);
        if (from->best + runs[i].score > to->best) {
            to->best = from->best + runs[i].score;
            to->last = i;
        }
    }
    for (int i = n - 1; i >= 0; i--) {
        crossing *from = &at[runs[i].first - first];
        const crossing *to = &at[runs[i].first + runs[i].count - first];
        from->after = add_logs(from->after, to->after + runs[i].score);
    }
}

lks_status lks_runs_choose(lks_run *runs, int n, int first, int end, int *chosen, lks_error *err) {
    crossing *at = lks_alloc((size_t)(end - first) + 1, sizeof *at, "a line of digits", err);
    if (!at)
        return err->status;
    sum_ways(runs, n, at, first, end);
    int last = n;
    for (int i = at[end - first].last; i >= 0; i = at[runs[i].first - first].last) {
        const crossing *from = &at[runs[i].first - first];
        const crossing *to = &at[runs[i].first + runs[i].count - first];
        runs[i].certainty = lks_exp(from->before + runs[i].score + to->after - at[0].after);
        runs[i].is_chosen = true;
        last = i;
    }
    *chosen = 0;
    for (int i = last; i < n; i++)
        if (runs[i].is_chosen)
            runs[(*chosen)++] = runs[i];
    lks_free(at);
    return LKS_OK;
}

/* Several digits on one picture. Their ink is cut in more places than will turn out right (pictures/ink/digits.h), the
 * network looks at all runs of pieces that may be a digit, and the likeliest way through each line is answered (runs.h):
 * heuristic over-segmentation, as in LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document
 * recognition, Proc. IEEE 86 (1998), section V. */
#include <string.h>

#include "infer/predict/predictor.h"
#include "infer/predict/runs.h"
#include "lockstep/log.h"
#include "base/memory.h"

/* The longest side of a picture while digits are looked for; a sheet's digits then still have some 30 pixels. */
enum { LONGEST_SIDE = 2048 };

/* Runs that the network looks at together. */
enum { BATCH = 256 };

/* Below this certainty an answer is marked. */
#define CERTAIN 0.9

/* A picture on its way to answers. */
typedef struct sheet {
    lks_predictor *to;
    const char *file;
    const lks_picture *picture; /* as it was read */
    lks_ink ink;
    lks_digits digits;
    bool *chosen;      /* [pieces] all false between uses */
    lks_run *runs;     /* [pieces][LKS_RUN_MOST] of a line */
    lks_run *found;    /* [n] digits, line by line */
    lks_place *places; /* [n] */
    int *numbers;      /* [n] classes */
    int n, lines;      /* lines that have digits */
} sheet;

/* --- what the network looks at ---------------------------------------------------------------- */

/* A run's box in the picture: its pixels of the ink, and the picture's that these were made of. */
static lks_box box_of(const sheet *s, const lks_run *run) {
    int top = s->ink.rows, left = s->ink.columns, bottom = 0, right = 0;
    for (int i = run->first; i < run->first + run->count; i++) {
        const lks_ink_part *p = &s->digits.ink.parts[i];
        top = p->top < top ? p->top : top;
        left = p->left < left ? p->left : left;
        bottom = p->top + p->rows > bottom ? p->top + p->rows : bottom;
        right = p->left + p->columns > right ? p->left + p->columns : right;
    }
    const int64_t rows = s->ink.rows, columns = s->ink.columns;
    const int64_t down = s->picture->rows, across = s->picture->columns;
    top = (int)(top * down / rows);
    left = (int)(left * across / columns);
    bottom = (int)((bottom * down + rows - 1) / rows);
    right = (int)((right * across + columns - 1) / columns);
    return (lks_box){top, left, bottom - top, right - left};
}

static lks_status crop(lks_picture *out, const lks_picture *from, const lks_box *box,
                       lks_error *err) {
    const size_t pixel = (size_t)from->channels, width = (size_t)box->columns * pixel;
    *out = (lks_picture){box->rows, box->columns, from->channels, NULL};
    out->pixels = lks_alloc((size_t)box->rows, width, "a digit", err);
    if (!out->pixels)
        return err->status;
    for (int y = 0; y < box->rows; y++)
        memcpy(out->pixels + (size_t)y * width,
               from->pixels +
                   ((size_t)(box->row + y) * (size_t)from->columns + (size_t)box->column) * pixel,
               width);
    return LKS_OK;
}

/* The image of a run: as MNIST's, or its box of the picture fitted. */
static lks_status make_image(sheet *s, const lks_run *run, uint8_t *out, lks_error *err) {
    if (s->to->preparation.way != LKS_PREPROCESS_NONE) {
        memset(s->chosen + run->first, true, (size_t)run->count);
        lks_status status = lks_ink_image(&s->ink, &s->digits.ink, s->chosen, out, err);
        memset(s->chosen + run->first, false, (size_t)run->count);
        return status;
    }
    lks_picture part;
    const lks_box box = box_of(s, run);
    LKS_TRY(crop(&part, s->picture, &box, err));
    lks_status status = lks_picture_fit(&part, &s->to->preparation.form, out, err);
    lks_picture_free(&part);
    return status;
}

/* --- a line ----------------------------------------------------------------------------------- */

/* The network's word for runs [n] whose images are in the predictor's batch, which is empty otherwise. */
static lks_status judge(sheet *s, lks_run *const *runs, int n, lks_error *err) {
    lks_predictor *p = s->to;
    const int classes = p->networks.classes;
    LKS_TRY(lks_predictor_score(p, n, err));
    for (int i = 0; i < n; i++)
        lks_run_judge(runs[i], p->networks.means + (size_t)i * (size_t)classes, classes,
                      p->scores[i].predicted, p->temperature);
    return LKS_OK;
}

static lks_status look_at(sheet *s, int n, lks_error *err) {
    lks_predictor *p = s->to;
    lks_run *batch[BATCH];
    const int most = p->networks.capacity < BATCH ? p->networks.capacity : BATCH;
    int many = 0;
    for (int i = 0; i < n; i++) {
        if (!s->runs[i].digit)
            continue;
        LKS_TRY(make_image(s, &s->runs[i], p->images + (size_t)many * p->image_bytes, err));
        batch[many++] = &s->runs[i];
        if (many == most) {
            LKS_TRY(judge(s, batch, many, err));
            many = 0;
        }
    }
    return judge(s, batch, many, err);
}

/* Pieces first .. end - 1 are a line. */
static lks_status read_line(sheet *s, int first, int end, lks_error *err) {
    const int n = lks_runs_list(s->runs, &s->ink, &s->digits, first, end), before = s->n;
    LKS_TRY(look_at(s, n, err));
    int chosen;
    LKS_TRY(lks_runs_choose(s->runs, n, first, end, &chosen, err));
    for (int i = 0; i < chosen; i++)
        if (s->runs[i].digit) {
            s->places[s->n] = (lks_place){.line = s->lines, .place = s->n - before};
            s->numbers[s->n] = s->runs[i].predicted;
            s->found[s->n++] = s->runs[i];
        }
    for (int i = before; i < s->n; i++) {
        s->places[i].digits = s->n - before;
        s->places[i].number = s->numbers + before;
    }
    s->lines += s->n > before;
    return LKS_OK;
}

/* --- all of a picture ------------------------------------------------------------------------- */

static lks_status read_lines(sheet *s, lks_error *err) {
    const size_t n = (size_t)s->digits.ink.n;
    s->chosen = lks_alloc(n, sizeof *s->chosen, "digits", err);
    s->runs = lks_alloc(n, LKS_RUN_MOST * sizeof *s->runs, "digits", err);
    s->found = lks_alloc(n, sizeof *s->found, "digits", err);
    s->places = lks_alloc(n, sizeof *s->places, "digits", err);
    s->numbers = lks_alloc(n, sizeof *s->numbers, "digits", err);
    if (!s->chosen || !s->runs || !s->found || !s->places || !s->numbers)
        return err->status;
    for (int first = 0, end; first < s->digits.ink.n; first = end) {
        end = first + 1;
        while (end < s->digits.ink.n && s->digits.pieces[end].line == s->digits.pieces[first].line)
            end++;
        LKS_TRY(read_line(s, first, end, err));
    }
    return LKS_OK;
}

static lks_status answer(sheet *s, lks_error *err) {
    const bool fits = s->to->preparation.way == LKS_PREPROCESS_NONE;
    for (int i = 0; i < s->n; i++) {
        lks_place *place = &s->places[i];
        lks_predict_item *item;
        uint8_t *image = lks_predictor_place(s->to, &item);
        LKS_TRY(make_image(s, &s->found[i], image, err));
        place->box = box_of(s, &s->found[i]);
        place->lines = s->lines;
        place->certainty = s->found[i].certainty;
        place->picture = s->picture;
        *item = (lks_predict_item){.file = s->file,
                                   .index = -1,
                                   .prepared = fits ? LKS_PREPARED_FIT : LKS_PREPARED_MNIST,
                                   .doubt = lks_predictor_beyond(s->to, image),
                                   .place = place};
        if (place->certainty < CERTAIN)
            item->doubt |= 1U << LKS_DOUBT_PLACE;
        LKS_TRY(lks_predictor_keep(s->to, err));
    }
    return LKS_OK;
}

static lks_status find_ink(sheet *s, lks_error *err) {
    const lks_picture *p = s->picture;
    const lks_box all = {0, 0, p->rows, p->columns};
    lks_picture copy;
    LKS_TRY(crop(&copy, p, &all, err));
    lks_status status = lks_ink_separate(&s->ink, &copy, LONGEST_SIDE, err);
    lks_picture_free(&copy);
    if (status == LKS_OK)
        status = lks_digits_find(&s->digits, &s->ink, err);
    return status == LKS_OK ? LKS_OK : lks_fail_context(err, "%s", s->file);
}

bool lks_predictor_found_none(const lks_predictor *p) {
    return p->found_none;
}

lks_status lks_predictor_segment(lks_predictor *p, const lks_picture *picture, const char *file,
                                 lks_error *err) {
    sheet s = {.to = p, .file = file, .picture = picture};
    lks_status status = lks_predictor_flush(p, err);
    if (status == LKS_OK)
        status = find_ink(&s, err);
    if (status == LKS_OK)
        status = read_lines(&s, err);
    if (status == LKS_OK)
        status = answer(&s, err);
    if (status == LKS_OK && s.n == 0) {
        p->found_none = true;
        lks_warn("%s: no digits are found", file);
    }
    const lks_status flushed = lks_predictor_flush(p, status == LKS_OK ? err : NULL);
    status = status == LKS_OK ? flushed : status;
    lks_free(s.chosen);
    lks_free(s.runs);
    lks_free(s.found);
    lks_free(s.places);
    lks_free(s.numbers);
    lks_digits_free(&s.digits);
    lks_ink_free(&s.ink);
    return status;
}

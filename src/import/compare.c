/* What the file says of its layers besides their weights, against the configuration. */
#include "import/compare.h"

#include <inttypes.h>

#include "export/exporting.h"
#include "lockstep/log.h"

/* A layer here and what the file says of it. */
typedef struct pair {
    lks_export_layer own;
    const lks_onnx_said *said;
    const char *theirs; /* a tensor of it */
    const char *path;
} pair;

static void warn(const pair *p, const char *what, const char *theirs, const char *own) {
    lks_warn("%s: the layer of '%.128s' has %s %s, %s here %s: answers will differ", p->path,
             p->theirs, what, theirs, p->own.config->name, own);
}

static void compare_numbers(const pair *p, const char *what, int64_t theirs, int64_t own) {
    char text[2][32];
    if (theirs == 0 || theirs == own)
        return;
    snprintf(text[0], sizeof text[0], "%" PRId64, theirs);
    snprintf(text[1], sizeof text[1], "%" PRId64, own);
    warn(p, what, text[0], text[1]);
}

/* --- windows ---------------------------------------------------------------------------------- */

typedef struct padding {
    int64_t before[2], after[2];
} padding;

/* In numbers, whatever the file says. */
static padding padding_of(const lks_onnx_said *said, const lks_export_window *w, lks_shape in) {
    const int64_t size[2] = {in.rows, in.columns};
    padding p;
    for (int d = 0; d < 2; d++) {
        const int64_t outputs = (size[d] + w->stride[d] - 1) / w->stride[d];
        const int64_t needed = (outputs - 1) * w->stride[d] + w->size[d] - size[d];
        const int64_t total = needed > 0 ? needed : 0;
        const bool numbers = said->padding == LKS_ONNX_PAD_NUMBERS;
        p.before[d] = numbers                                    ? said->before[d]
                      : said->padding == LKS_ONNX_PAD_SAME_UPPER ? total / 2
                                                                 : total - total / 2;
        p.after[d] = numbers ? said->after[d] : total - p.before[d];
    }
    return p;
}

/* Rows that no window reads may be padded or not. */
static bool pads_alike(const lks_export_window *w, lks_shape in, const padding *theirs) {
    const int64_t size[2] = {in.rows, in.columns};
    for (int d = 0; d < 2; d++) {
        const int64_t inside = size[d] + w->before[d] - w->size[d];
        if (theirs->before[d] != w->before[d] ||
            (inside + theirs->after[d]) / w->stride[d] != (inside + w->after[d]) / w->stride[d])
            return false;
    }
    return true;
}

static const char *padding_text(char text[96], const int64_t before[2], const int64_t after[2]) {
    snprintf(text, 96, "%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64, before[0], before[1],
             after[0], after[1]);
    return text;
}

static void compare_windows(const pair *p) {
    const lks_export_window w = lks_export_window_of(&p->own);
    const padding theirs = padding_of(p->said, &w, p->own.in);
    const padding own = {{w.before[0], w.before[1]}, {w.after[0], w.after[1]}};
    char text[2][96];
    compare_numbers(p, "groups", p->said->groups, lks_export_int(&p->own, "groups"));
    if (p->said->stride[0] != w.stride[0] || p->said->stride[1] != w.stride[1]) {
        snprintf(text[0], sizeof text[0], "%" PRId64 " x %" PRId64, p->said->stride[0],
                 p->said->stride[1]);
        snprintf(text[1], sizeof text[1], "%d x %d", w.stride[0], w.stride[1]);
        warn(p, "strides of", text[0], text[1]);
    } else if (p->said->padding != LKS_ONNX_PAD_UNKNOWN && !pads_alike(&w, p->own.in, &theirs))
        warn(p, "padding (top, left, bottom, right) of",
             padding_text(text[0], theirs.before, theirs.after),
             padding_text(text[1], own.before, own.after));
}

/* --- all of it -------------------------------------------------------------------------------- */

static void compare_epsilon(const pair *p) {
    const double own = lks_export_number(&p->own, "epsilon");
    char text[2][32];
    if ((float)own == (float)p->said->epsilon)
        return;
    snprintf(text[0], sizeof text[0], "%.6g", p->said->epsilon);
    snprintf(text[1], sizeof text[1], "%.6g", own);
    warn(p, "an epsilon of", text[0], text[1]);
}

static void compare_layer(const pair *p) {
    if (p->said->stride[0] && lks_export_is(&p->own, "conv2d"))
        compare_windows(p);
    if (p->said->epsilon > 0 && lks_export_is(&p->own, "batchnorm"))
        compare_epsilon(p);
}

void lks_import_compare(const lks_config *config, const lks_import_target *targets, const int *from,
                        int n, const lks_import_source *s) {
    for (int t = 0; t < n; t++) {
        const lks_import_tensor *theirs = &s->tensors[from[t]];
        const int layer = targets[t].layer;
        const pair p = {.own = {.config = &config->layers[layer], .in = targets[t].in},
                        .said = &theirs->said,
                        .theirs = theirs->name,
                        .path = s->path};
        if (t == 0 || layer != targets[t - 1].layer)
            compare_layer(&p);
    }
}

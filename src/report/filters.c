/* What the first layer looks for, and what the layers make of one image. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer/restore.h"
#include "base/memory.h"
#include "nn/layer.h"
#include "report/sections.h"

#define TILES_MAX  64                 /* filters, or maps of a layer, that are shown */
#define STAGES_MAX 4                  /* layers whose maps are shown */
#define BYTES_MAX  ((size_t)24 << 10) /* of page for the pictures of a layer */
#define RGB_SIDE   64                 /* most rows and columns of a filter in colour */
#define SHADES     24                 /* few shades make small files */

/* --- numbers as colours: orange above 0, blue below, none at 0; as strong as the largest is ------- */

static void colour(unsigned char rgba[4], double share) {
    static const unsigned char above[3] = {226, 109, 16}, below[3] = {24, 118, 201};
    memcpy(rgba, share >= 0 ? above : below, 3);
    rgba[3] = (unsigned char)(lrint(SHADES * (fabs(share) < 1 ? fabs(share) : 1)) * 255 / SHADES);
}

/* A grid of numbers inside an array. */
typedef struct grid {
    const float *first;
    int rows, columns;
    size_t row_step, column_step;
} grid;

static double largest(const grid *g) {
    double most = 0;
    for (int y = 0; y < g->rows; y++)
        for (int x = 0; x < g->columns; x++) {
            const double v =
                fabs((double)g->first[(size_t)y * g->row_step + (size_t)x * g->column_step]);
            most = v > most ? v : most;
        }
    return most;
}

static void write_grid(lks_html *page, const grid *g, double most, const char *alt) {
    lks_error err;
    unsigned char *pixels = lks_alloc((size_t)(g->rows * g->columns), 4, "a picture", &err);
    const int side = g->rows > g->columns ? g->rows : g->columns;
    if (!pixels) {
        page->failed = true;
        return;
    }
    for (int y = 0; y < g->rows; y++)
        for (int x = 0; x < g->columns; x++) {
            const double v = (double)g->first[(size_t)y * g->row_step + (size_t)x * g->column_step];
            colour(pixels + 4 * (size_t)(y * g->columns + x), most > 0 ? v / most : 0);
        }
    lks_html_picture(page, pixels, g->rows, g->columns, 4, side < 56 ? 56 / side : 1, alt);
    lks_free(pixels);
}

static void tiles_open(lks_html *page, const char *label) {
    lks_html_add(page, "<div class=\"tiles\" role=\"group\" aria-label=\"");
    lks_html_text(page, label);
    lks_html_add(page, "\">\n");
}

static void tiles_close(lks_html *page, int shown, int n, const char *what) {
    lks_html_add(page, "</div>\n");
    if (shown < n)
        lks_html_printf(page, "<p class=\"note\">The first %d of %d %s.</p>\n", shown, n, what);
}

/* --- filters ---------------------------------------------------------------------------------- */

/* The first tensor that is multiplied with something, which is the image unless the network is odd. */
static const lks_tensor *first_weights(const lks_flat *flat) {
    for (int i = 0; i < flat->n_tensors; i++)
        if (flat->tensors[i].role == LKS_ROLE_WEIGHT && flat->tensors[i].ndim >= 2)
            return &flat->tensors[i];
    return NULL;
}

/* Red, green and blue of a filter around a middle grey, where there are three channels. */
static void write_rgb(lks_html *page, const float *w, int rows, int columns, int out, int filter,
                      const char *alt) {
    unsigned char pixels[3 * RGB_SIDE * RGB_SIDE];
    const grid all = {w + filter, rows * columns * 3, 1, (size_t)out, 1};
    const double most = largest(&all);
    for (int i = 0; i < rows * columns * 3; i++)
        pixels[i] = (unsigned char)lrint(
            127.5 + 127.5 * (most > 0 ? (double)w[i * out + filter] / most : 0));
    lks_html_picture(page, pixels, rows, columns, 3, columns < 56 ? 56 / columns : 1, alt);
}

static void write_filters(lks_html *page, const float *w, int rows, int columns, int in, int out) {
    const bool rgb = in == 3 && rows <= RGB_SIDE && columns <= RGB_SIDE;
    char label[160];
    int shown = 0;
    snprintf(label, sizeof label, "%d filters of %d × %d%s", out, rows, columns,
             rgb       ? ", in colour"
             : in == 1 ? ""
                       : "; their first input channel");
    lks_html_add(page, "<p class=\"note\">");
    lks_html_text(page, label);
    lks_html_add(page, rgb ? ". Middle grey is 0.</p>\n"
                           : ". Orange weights are above 0, blue ones below, each filter by its "
                             "own largest weight.</p>\n");
    tiles_open(page, label);
    const size_t start = page->size;
    for (; shown < out && shown < TILES_MAX && page->size - start < BYTES_MAX; shown++) {
        char alt[48];
        snprintf(alt, sizeof alt, "filter %d", shown + 1);
        const grid g = {w + shown, rows, columns, (size_t)columns * (size_t)in * (size_t)out,
                        (size_t)in * (size_t)out};
        if (rgb)
            write_rgb(page, w, rows, columns, out, shown, alt);
        else
            write_grid(page, &g, largest(&g), alt);
    }
    tiles_close(page, shown, out, "filters");
}

static void write_first_layer(lks_html *page, const lks_report_run *run) {
    const lks_flat *flat = lks_checkpoint_evaluated(&run->checkpoint);
    const lks_tensor *t = first_weights(flat);
    const lks_shape s = lks_report_shape(run);
    if (!t)
        return;
    lks_html_add(page, "<h3>What the first layer looks for: <code>");
    lks_html_text(page, t->name);
    lks_html_add(page, "</code></h3>\n");
    const float *w = flat->values + t->offset;
    if (t->ndim == 4)
        write_filters(page, w, (int)t->shape[0], (int)t->shape[1], (int)t->shape[2],
                      (int)t->shape[3]);
    else if (t->shape[0] == (int64_t)s.rows * s.columns * s.channels && lks_report_small(s))
        write_filters(page, w, s.rows, s.columns, s.channels, (int)t->shape[1]);
    else
        lks_missing(page,
                    "The first weights cannot be shown: they do not lie on the image's pixels, or "
                    "on more than fit.");
}

/* --- feature maps ------------------------------------------------------------------------------ */

static void write_maps(lks_html *page, const lks_report_run *run, int layer,
                       const lks_layer_output *o) {
    char shape[LKS_FIGURE_ROOM], label[200];
    int shown = 0;
    lks_html_add(page, "<h4>After <code>");
    lks_html_text(page, run->config.layers[layer].name);
    lks_html_printf(page, "</code>: %s</h4>\n", lks_shape_text(o->shape, shape));
    snprintf(label, sizeof label, "Feature maps after %s", run->config.layers[layer].name);
    tiles_open(page, label);
    const size_t start = page->size;
    for (; shown < o->shape.channels && shown < TILES_MAX && page->size - start < BYTES_MAX;
         shown++) {
        char alt[48];
        snprintf(alt, sizeof alt, "map %d", shown + 1);
        const grid g = {o->values + shown, o->shape.rows, o->shape.columns,
                        (size_t)o->shape.columns * o->pixel_step, o->pixel_step};
        write_grid(page, &g, largest(&g), alt);
    }
    tiles_close(page, shown, o->shape.channels, "maps");
}

static const lks_layer_rules *rules_of(const lks_config *c, int i) {
    return c->layers[i].kind->rules;
}

/* The next layer from `from` on, after a convolution and what is computed together with it, whose
 * output is still a picture; n_layers where there is none. */
static int next_stage(const lks_report_run *run, const lks_model *model, int from) {
    const lks_config *c = &run->config;
    int i = from;
    while (i < c->n_layers && !rules_of(c, i)->gives_maps)
        i++;
    while (i < c->n_layers && !lks_model_output(model, i).values)
        i++;
    if (i + 1 < c->n_layers && rules_of(c, i)->gives_maps && rules_of(c, i + 1)->refines_maps)
        do
            i++;
        while (i < c->n_layers && !lks_model_output(model, i).values);
    return i;
}

static void write_stages(lks_html *page, const lks_report_run *run, const lks_model *model) {
    int stages = 0;
    for (int i = next_stage(run, model, 0); i < run->config.n_layers && stages < STAGES_MAX;
         i = next_stage(run, model, i + 1)) {
        const lks_layer_output o = lks_model_output(model, i);
        if (o.shape.rows < 2 || o.shape.columns < 2)
            continue;
        write_maps(page, run, i, &o);
        stages++;
    }
    if (stages == 0)
        lks_missing(page, "This network has no feature maps: it has no convolutions.");
}

static lks_status build(const lks_report_run *run, lks_model **model, lks_error *err) {
    LKS_TRY(lks_restore_fits(&run->config, &run->checkpoint, err));
    LKS_TRY(lks_restore_model(model, &run->config, &run->checkpoint.data, 1, 1, err));
    return lks_restore_weights(*model, &run->checkpoint, err);
}

static void write_input(lks_html *page, const lks_report_run *run, const uint8_t *image) {
    const lks_shape s = lks_report_shape(run);
    char truth[LKS_NAME_MAX], alt[128];
    const int side = s.rows > s.columns ? s.rows : s.columns;
    snprintf(alt, sizeof alt, "Test image 0, a %s",
             lks_report_class(run, run->test.labels[0], truth));
    lks_html_add(page, "<p class=\"input\">");
    if (s.channels == 1 || s.channels == 3)
        lks_html_picture(page, image, s.rows, s.columns, s.channels, side < 56 ? 112 / side : 1,
                         alt);
    lks_html_add(page, "<span>The first image of the test set, a <b>");
    lks_html_text(page, truth);
    lks_html_add(
        page, "</b>, on its way through the network. Strong colours are large values; each map has "
              "its own scale.</span></p>\n");
}

static void write_forward(lks_html *page, const lks_report_run *run) {
    const lks_shape s = lks_report_shape(run);
    const uint32_t id = 0;
    lks_model *model = NULL;
    lks_error err;
    lks_html_add(page, "<h3>What the layers make of an image</h3>\n");
    if (!run->has_images) {
        lks_missing_since(page, "There is no test image to show it with",
                          run->images_problem[0] ? run->images_problem : "no test set was scored");
        return;
    }
    uint8_t *image = lks_alloc((size_t)(s.rows * s.columns), (size_t)s.channels, "an image", &err);
    lks_status status = image ? build(run, &model, &err) : LKS_ERR_MEMORY;
    if (status == LKS_OK)
        status = lks_report_image(run, 0, image, &err);
    if (status == LKS_OK) {
        const lks_batch batch = {image, run->test.labels, &id, 1, 0};
        lks_model_evaluate(model, &batch, NULL, NULL);
        write_input(page, run, image);
        write_stages(page, run, model);
    } else {
        lks_missing_since(page, "The network cannot be run", err.text);
    }
    lks_model_free(model);
    lks_free(image);
}

void lks_section_filters(lks_html *page, const lks_report *r) {
    const lks_report_run *run = r->runs;
    lks_section_open(page, "filters", "Inside the network");
    if (run->has_checkpoint) {
        write_first_layer(page, run);
        write_forward(page, run);
    } else {
        lks_missing_since(page, "The weights cannot be shown", run->problem);
    }
    lks_section_close(page);
}

/* The test images that the network gets wrong. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/memory.h"
#include "report/images.h"
#include "report/sections.h"

/* The most images, and the most bytes of page. */
#define IMAGES_MAX 60
#define BYTES_MAX  ((size_t)160 << 10)

typedef struct mistake {
    int64_t index;
    float confidence; /* in the wrong answer */
} mistake;

static int worst_first(const void *a, const void *b) {
    const mistake *x = a, *y = b;
    if (x->confidence != y->confidence)
        return x->confidence < y->confidence ? 1 : -1;
    return x->index < y->index ? -1 : 1;
}

/* NaN, which has no place in an order, counts as 0. */
static float confidence_of(const lks_predictions *p, int64_t i) {
    const float confidence = p->probabilities[i * p->classes + p->predicted[i]];
    return isnan(confidence) ? 0 : confidence;
}

static mistake *find_mistakes(const lks_predictions *p, int64_t *n, lks_html *page) {
    lks_error err;
    mistake *list = lks_alloc((size_t)p->n, sizeof *list, "errors", &err);
    *n = 0;
    if (!list) {
        page->failed = true;
        return NULL;
    }
    for (int64_t i = 0; i < p->n; i++)
        if (p->predicted[i] != p->labels[i])
            list[(*n)++] = (mistake){i, confidence_of(p, i)};
    qsort(list, (size_t)*n, sizeof *list, worst_first);
    return list;
}

/* libpng takes one or three channels; of any other number the first is shown. */
static void write_image(lks_html *page, const lks_report_run *run, uint8_t *pixels,
                        const char *alt) {
    const lks_shape s = lks_report_shape(run);
    const int shown = s.channels == 3 ? 3 : 1, side = s.rows > s.columns ? s.rows : s.columns;
    if (s.channels != shown)
        for (int i = 0; i < s.rows * s.columns; i++)
            pixels[i] = pixels[i * s.channels];
    lks_html_picture(page, pixels, s.rows, s.columns, shown, side < 43 ? 84 / side : 1, alt);
}

static void write_mistake(lks_html *page, const lks_report_run *run, const mistake *m,
                          uint8_t *pixels) {
    const lks_predictions *p = &run->test;
    char alt[240], truth[LKS_NAME_MAX], answer[LKS_NAME_MAX];
    lks_report_class(run, p->labels[m->index], truth);
    lks_report_class(run, p->predicted[m->index], answer);
    snprintf(alt, sizeof alt, "Test image %lld, a %s taken for %s", (long long)m->index, truth,
             answer);
    lks_html_add(page, "<li><figure>");
    write_image(page, run, pixels, alt);
    lks_html_add(page, "<figcaption><b>");
    lks_html_text(page, truth);
    lks_html_add(page, "</b><span aria-hidden=\"true\"> → </span><span class=\"sr\"> taken for "
                       "</span><b class=\"bad\">");
    lks_html_text(page, answer);
    lks_html_printf(page,
                    "</b><small>%.1f %% sure, <span class=\"id\">#%lld</span></small>"
                    "</figcaption></figure></li>\n",
                    100 * (double)m->confidence, (long long)m->index);
}

static void write_gallery(lks_html *page, const lks_report_run *run, const mistake *list,
                          int64_t n) {
    lks_error err;
    const lks_shape s = lks_report_shape(run);
    const size_t start = page->size;
    uint8_t *pixels = lks_alloc((size_t)(s.rows * s.columns), (size_t)s.channels, "an image", &err);
    int64_t shown = 0;
    page->failed = page->failed || !pixels;
    lks_html_add(page, "<ul class=\"gallery\">\n");
    for (; pixels && shown < n && shown < IMAGES_MAX && page->size - start < BYTES_MAX; shown++) {
        if (lks_report_image(run, list[shown].index, pixels, &err) != LKS_OK) {
            lks_missing_since(page, "An image cannot be read", err.text);
            break;
        }
        write_mistake(page, run, &list[shown], pixels);
    }
    lks_html_add(page, "</ul>\n");
    if (shown < n)
        lks_html_printf(page, "<p class=\"note\">The %lld worst of %lld.</p>\n", (long long)shown,
                        (long long)n);
    lks_free(pixels);
}

void lks_section_errors(lks_html *page, const lks_report *r) {
    const lks_report_run *run = r->runs;
    char errors[LKS_FIGURE_ROOM], total[LKS_FIGURE_ROOM];
    int64_t n = 0;
    lks_section_open(page, "errors", "Every mistake counts");
    mistake *list = run->test.n ? find_mistakes(&run->test, &n, page) : NULL;
    if (run->test.n == 0) {
        lks_missing_test(page, run);
    } else if (n == 0) {
        lks_html_add(page, "<p>No test image is classified wrongly.</p>\n");
    } else {
        lks_html_printf(
            page,
            "<p>%s of %s test images are classified wrongly. Below: true class → answer, the "
            "most confident answers first.</p>\n",
            lks_grouped(n, errors), lks_grouped(run->test.n, total));
        if (run->has_images && list)
            write_gallery(page, run, list, n);
        else
            lks_missing_since(page, "The test images cannot be shown",
                              run->has_checkpoint ? run->images_problem : run->problem);
    }
    lks_free(list);
    lks_section_close(page);
}

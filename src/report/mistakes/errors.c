/* The test images that the network gets wrong. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "report/mistakes/gallery.h"
#include "report/sections.h"

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

static void write_gallery(lks_html *page, const lks_report_run *run, const mistake *list,
                          int64_t n) {
    const lks_predictions *p = &run->test;
    lks_error err;
    lks_gallery g;
    lks_gallery_open(&g, page, run, "Test image");
    for (int64_t i = 0; i < n && lks_gallery_has_room(&g); i++) {
        const mistake *m = &list[i];
        char answer[LKS_NAME_MAX], note[32];
        if (lks_report_image(run, m->index, g.pixels, &err) != LKS_OK) {
            lks_missing_since(page, "An image cannot be read", err.text);
            break;
        }
        snprintf(note, sizeof note, "%.1f %% sure", 100 * (double)m->confidence);
        lks_gallery_add(&g,
                        &(lks_gallery_item){m->index, p->labels[m->index],
                                            lks_report_class(run, p->predicted[m->index], answer),
                                            note, lks_contested_has(run->contested, m->index)});
    }
    lks_gallery_close(&g, n, "worst");
}

/* What is left of the errors where people agree with the labels. */
static void write_contested(lks_html *page, const lks_report_run *run, int64_t errors) {
    const lks_contested *c = run->contested;
    const int64_t others = run->test.n - c->n;
    const int among = lks_contested_errors(c, run->test.labels, run->test.predicted);
    const int64_t right = others - errors + among;
    char with[LKS_FIGURE_ROOM], without[LKS_FIGURE_ROOM], total[LKS_FIGURE_ROOM];
    lks_html_printf(
        page,
        "<p>Human raters contest the labels of %d of the test images (%s): <b>%d</b> of "
        "the mistakes are among them. Accuracy without them: <b>%s</b> of %s images, "
        "with them %s.</p>\n",
        c->n, c->source, among, lks_percent((double)right / (double)others, run->test.n, without),
        lks_grouped(others, total), lks_percent(lks_accuracy(run->counts), run->test.n, with));
}

/* Of a run with predictions. */
static void write_errors(lks_html *page, const lks_report_run *run) {
    char errors[LKS_FIGURE_ROOM], total[LKS_FIGURE_ROOM];
    int64_t n;
    mistake *list = find_mistakes(&run->test, &n, page);
    if (n == 0)
        lks_html_add(page, "<p>No test image is classified wrongly.</p>\n");
    else
        lks_html_printf(
            page,
            "<p>%s of %s test images are classified wrongly. Below: true class → answer, the "
            "most confident answers first.</p>\n",
            lks_grouped(n, errors), lks_grouped(run->test.n, total));
    if (run->contested)
        write_contested(page, run, n);
    if (n > 0 && run->has_images)
        write_gallery(page, run, list, n);
    else if (n > 0)
        lks_missing_since(page, "The test images cannot be shown",
                          run->has_checkpoint ? run->images_problem : run->problem);
    lks_free(list);
}

void lks_section_errors(lks_html *page, const lks_report *r) {
    lks_section_open(page, "errors", "Every mistake counts");
    if (r->runs[0].test.n)
        write_errors(page, &r->runs[0]);
    else
        lks_missing_test(page, &r->runs[0]);
    lks_section_close(page);
}

/* The test images that several runs get wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/mistakes/gallery.h"
#include "report/sections.h"

/* Runs that answered the same test images as the first one. */
typedef struct fellows {
    const lks_report_run *runs[LKS_REPORT_RUNS_MAX];
    int n;
} fellows;

typedef struct shared {
    int64_t index;
    int wrong; /* in so many of the runs */
} shared;

static fellows find_fellows(const lks_report *r) {
    const lks_predictions *first = &r->runs[0].test;
    fellows f = {.n = 0};
    for (int i = 0; i < r->n; i++) {
        const lks_predictions *p = &r->runs[i].test;
        if (p->n > 0 && p->n == first->n && memcmp(p->labels, first->labels, (size_t)p->n) == 0)
            f.runs[f.n++] = &r->runs[i];
    }
    return f;
}

static int wrong_in(const fellows *f, int64_t index) {
    int wrong = 0;
    for (int i = 0; i < f->n; i++)
        wrong += f->runs[i]->test.predicted[index] != f->runs[i]->test.labels[index];
    return wrong;
}

static int most_runs_first(const void *a, const void *b) {
    const shared *x = a, *y = b;
    if (x->wrong != y->wrong)
        return y->wrong - x->wrong;
    return x->index < y->index ? -1 : 1;
}

/* How many images are wrong in how many runs, [f->n + 1]; those of several runs into *list, *n. */
static void find_shared(const fellows *f, int64_t *images, shared *list, int64_t *n) {
    *n = 0;
    for (int64_t i = 0; i < f->runs[0]->test.n; i++) {
        const int wrong = wrong_in(f, i);
        images[wrong]++;
        if (wrong > 1)
            list[(*n)++] = (shared){i, wrong};
    }
    qsort(list, (size_t)*n, sizeof *list, most_runs_first);
}

/* --- words and a table ------------------------------------------------------------------------ */

static int64_t contested_in(const fellows *f, int wrong) {
    const lks_contested *c = f->runs[0]->contested;
    int64_t n = 0;
    for (int i = 0; c && i < c->n; i++)
        n += wrong_in(f, c->ids[i]) == wrong;
    return n;
}

static void write_table(lks_html *page, const fellows *f, const int64_t *images) {
    const bool contested = f->runs[0]->contested != NULL;
    char text[LKS_FIGURE_ROOM];
    lks_table_open(page, "figures", "Test images by the number of runs that get them wrong");
    lks_html_printf(page,
                    "<thead><tr><th scope=\"col\">wrong in</th><th scope=\"col\">images</th>%s"
                    "</tr></thead>\n<tbody>\n",
                    contested ? "<th scope=\"col\">label contested</th>" : "");
    for (int wrong = f->n; wrong > 0; wrong--) {
        lks_html_printf(page, "<tr><th scope=\"row\">%d of %d runs</th><td>%s</td>", wrong, f->n,
                        lks_grouped(images[wrong], text));
        if (contested)
            lks_html_printf(page, "<td>%s</td>", lks_grouped(contested_in(f, wrong), text));
        lks_html_add(page, "</tr>\n");
    }
    lks_html_add(page, "</tbody>\n");
    lks_table_close(page);
}

/* What the table would say with one line. */
static void write_words(lks_html *page, const fellows *f, const int64_t *images, int64_t n) {
    const int64_t all = images[f->n], once = images[1];
    char text[LKS_FIGURE_ROOM];
    if (n == 0)
        lks_html_printf(page, "<p>No test image is wrong in more than one of %d runs.</p>\n", f->n);
    else if (n == all && once == 0)
        lks_html_printf(page,
                        "<p>All %d runs get the same %s test images wrong, and no others.</p>\n",
                        f->n, lks_grouped(all, text));
    else
        lks_html_printf(page,
                        "<p>%s test images are wrong in more than one of %d runs. Below: true "
                        "class → wrong answers, those of most runs first.</p>\n",
                        lks_grouped(n, text), f->n);
}

/* --- the images ------------------------------------------------------------------------------- */

/* The wrong answers, each once: "9, 4". */
static const char *answers_of(const fellows *f, int64_t index, char *text, size_t size) {
    bool told[LKS_CLASSES_MAX] = {false};
    char name[LKS_NAME_MAX];
    size_t used = 0;
    text[0] = 0;
    for (int i = 0; i < f->n; i++) {
        const lks_predictions *p = &f->runs[i]->test;
        const int answer = p->predicted[index];
        if (answer == p->labels[index] || told[answer] || used >= size)
            continue;
        told[answer] = true;
        used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
                                 lks_report_class(f->runs[0], answer, name));
    }
    return text;
}

static void write_gallery(lks_html *page, const fellows *f, const shared *list, int64_t n) {
    const lks_report_run *run = f->runs[0];
    lks_error err;
    lks_gallery g;
    lks_gallery_open(&g, page, run, "Test image");
    for (int64_t i = 0; i < n && lks_gallery_has_room(&g); i++) {
        const int64_t index = list[i].index;
        char answers[4 * LKS_NAME_MAX], note[48];
        if (lks_report_image(run, index, g.pixels, &err) != LKS_OK) {
            lks_missing_since(page, "An image cannot be read", err.text);
            break;
        }
        snprintf(note, sizeof note, "wrong in %d of %d", list[i].wrong, f->n);
        lks_gallery_add(&g, &(lks_gallery_item){index, run->test.labels[index],
                                                answers_of(f, index, answers, sizeof answers), note,
                                                lks_contested_has(run->contested, index)});
    }
    lks_gallery_close(&g, n, "wrong most often");
}

static void write_shared(lks_html *page, const fellows *f, shared *list) {
    const lks_report_run *run = f->runs[0];
    int64_t images[LKS_REPORT_RUNS_MAX + 1] = {0}, n;
    find_shared(f, images, list, &n);
    write_words(page, f, images, n);
    write_table(page, f, images);
    if (n > 0 && run->has_images)
        write_gallery(page, f, list, n);
    else if (n > 0)
        lks_missing_since(page, "The test images cannot be shown",
                          run->has_checkpoint ? run->images_problem : run->problem);
}

void lks_section_shared(lks_html *page, const lks_report *r) {
    const fellows f = find_fellows(r);
    lks_error err;
    lks_section_open(page, "shared", "Mistakes that runs share");
    if (f.n < 2) {
        lks_missing(page, "No other run was scored on the same test set as the first.");
    } else {
        shared *list = lks_alloc((size_t)f.runs[0]->test.n, sizeof *list, "the errors", &err);
        page->failed = page->failed || !list;
        if (list)
            write_shared(page, &f, list);
        lks_free(list);
    }
    lks_section_close(page);
}

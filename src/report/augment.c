/* What the network saw of its training images. */
#include "augment/augment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed/preview/preview.h"
#include "base/memory.h"
#include "report/sections.h"

enum { IMAGES = 10, EPOCHS = 9, GAP = 2, SMALL = 64, BYTES_MAX = 1 << 20 };

/* A column for each image, so that a page of any width shows how they change. */
static void write_picture(lks_html *page, const lks_preview *p) {
    const lks_shape s = p->shape;
    const int channels = lks_preview_channels(p);
    const int rows = (1 + p->epochs) * (s.rows + GAP), columns = p->images * (s.columns + GAP);
    lks_error err;
    uint8_t *all = lks_alloc((size_t)rows * (size_t)columns, (size_t)channels, "a picture", &err);
    page->failed = page->failed || !all;
    if (!all)
        return;
    memset(all, 96, (size_t)rows * (size_t)columns * (size_t)channels);
    for (int i = 0; i < p->images; i++)
        for (int e = 0; e <= p->epochs; e++)
            lks_preview_put(p, i, e,
                            all + ((size_t)(e * (s.rows + GAP)) * (size_t)columns +
                                   (size_t)(i * (s.columns + GAP))) *
                                      (size_t)channels,
                            columns);
    lks_html_add(page, "<p class=\"input seen\">");
    lks_html_picture(page, all, rows, columns, channels, s.columns <= SMALL ? 2 : 1,
                     "Training images, as they are in the file and as the first epochs show them");
    lks_html_add(page, "</p>\n");
    lks_free(all);
}

static void write_text(lks_html *page, const lks_report_run *run, bool shown) {
    lks_error err;
    char *text = lks_config_augment_text(&run->config, &err);
    page->failed = page->failed || !text;
    lks_html_add(page, "<p>Training images were changed anew in each epoch: ");
    lks_html_text(page, text ? text : "");
    if (shown)
        lks_html_printf(page,
                        ". The first row shows them as they are in the file, the others as epochs "
                        "1 to %d show them",
                        EPOCHS);
    lks_html_add(page, ".</p>\n");
    free(text);
}

/* A page must stay small. */
static lks_status make_preview(lks_preview *p, const lks_report_run *run, lks_error *err) {
    const lks_shape s = lks_report_shape(run);
    const int64_t bytes = (int64_t)s.rows * s.columns * s.channels;
    *p = (lks_preview){0};
    if (!run->has_checkpoint)
        return lks_fail(err, LKS_ERR_IO, "%s", run->problem);
    if (bytes * IMAGES * (1 + EPOCHS) > BYTES_MAX)
        return lks_fail(err, LKS_ERR_DATA, "they are too large for this page");
    LKS_TRY(lks_preview_make(p, &run->config, IMAGES, EPOCHS, err));
    if (memcmp(&p->shape, &s, sizeof s) != 0 || p->n_train != run->checkpoint.data.n_train)
        return lks_fail(err, LKS_ERR_DATA, "%s has other images than the run's",
                        run->config.data.dir);
    return LKS_OK;
}

void lks_report_augment(lks_html *page, const lks_report_run *run) {
    lks_preview p;
    lks_error err;
    if (!lks_augment_is_on(&run->config.augment))
        return;
    lks_html_add(page, "<h3>What the network saw</h3>\n");
    const lks_status status = make_preview(&p, run, &err);
    write_text(page, run, status == LKS_OK);
    if (status == LKS_OK)
        write_picture(page, &p);
    else
        lks_missing_since(page, "The training images cannot be shown", err.text);
    lks_preview_free(&p);
}

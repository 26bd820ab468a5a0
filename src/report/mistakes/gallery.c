#include "report/mistakes/gallery.h"

#include <stdio.h>

#include "base/memory.h"

/* The most images, and the most bytes of page. */
#define IMAGES_MAX 60
#define BYTES_MAX  ((size_t)160 << 10)

void lks_gallery_open(lks_gallery *g, lks_html *page, const lks_report_run *run, const char *what) {
    const lks_shape s = lks_report_shape(run);
    lks_error err;
    *g = (lks_gallery){
        .page = page,
        .run = run,
        .what = what,
        .pixels = lks_alloc((size_t)(s.rows * s.columns), (size_t)s.channels, "an image", &err),
        .start = page->size};
    page->failed = page->failed || !g->pixels;
    lks_html_add(page, "<ul class=\"gallery\">\n");
}

bool lks_gallery_has_room(const lks_gallery *g) {
    return g->pixels && g->shown < IMAGES_MAX && g->page->size - g->start < BYTES_MAX;
}

/* libpng takes one or three channels; of any other number the first is shown. */
static void write_image(lks_gallery *g, const char *alt) {
    const lks_shape s = lks_report_shape(g->run);
    const int shown = s.channels == 3 ? 3 : 1, side = s.rows > s.columns ? s.rows : s.columns;
    if (s.channels != shown)
        for (int i = 0; i < s.rows * s.columns; i++)
            g->pixels[i] = g->pixels[i * s.channels];
    lks_html_picture(g->page, g->pixels, s.rows, s.columns, shown, side < 43 ? 84 / side : 1, alt);
}

void lks_gallery_add(lks_gallery *g, const lks_gallery_item *item) {
    char alt[512], truth[LKS_NAME_MAX];
    lks_report_class(g->run, item->label, truth);
    snprintf(alt, sizeof alt, "%s %lld, a %s taken for %s", g->what, (long long)item->index, truth,
             item->answer);
    lks_html_add(g->page, "<li><figure>");
    write_image(g, alt);
    lks_html_add(g->page, "<figcaption><b>");
    lks_html_text(g->page, truth);
    lks_html_add(g->page, "</b><span aria-hidden=\"true\"> → </span><span class=\"sr\"> taken for "
                          "</span><b class=\"bad\">");
    lks_html_text(g->page, item->answer);
    lks_html_add(g->page, "</b><small>");
    lks_html_text(g->page, item->note);
    lks_html_printf(g->page, ", <span class=\"id\">#%lld</span></small>", (long long)item->index);
    if (item->contested)
        lks_html_add(g->page, "<small class=\"contested\">raters contest this label</small>");
    lks_html_add(g->page, "</figcaption></figure></li>\n");
    g->shown++;
}

void lks_gallery_close(lks_gallery *g, int64_t n, const char *order) {
    char shown[LKS_FIGURE_ROOM], all[LKS_FIGURE_ROOM];
    lks_html_add(g->page, "</ul>\n");
    if (g->shown < n)
        lks_html_printf(g->page, "<p class=\"note\">The %s %s of %s.</p>\n",
                        lks_grouped(g->shown, shown), order, lks_grouped(n, all));
    lks_free(g->pixels);
}

/* Images side by side, each with what it is labelled and what was answered. */
#ifndef LKS_REPORT_GALLERY_H
#define LKS_REPORT_GALLERY_H

#include "report/section.h"

typedef struct lks_gallery {
    lks_html *page;
    const lks_report_run *run;
    const char *what; /* "Test image", in the texts instead of pictures */
    uint8_t *pixels;  /* [rows][columns][channels] of the next one; NULL: memory was short */
    size_t start;     /* of the gallery in the page */
    int64_t shown;
} lks_gallery;

typedef struct lks_gallery_item {
    int64_t index;      /* in the file */
    int label;          /* a class */
    const char *answer; /* names of classes; escaped, as is the next */
    const char *note;   /* "99.1 % sure" */
    bool contested;
} lks_gallery_item;

/* Opens a gallery of images of `run`; ends with lks_gallery_close(). */
void lks_gallery_open(lks_gallery *g, lks_html *page, const lks_report_run *run, const char *what);

/* Whether there is room for one more: a page must stay small. */
bool lks_gallery_has_room(const lks_gallery *g);

/* Adds the image in g->pixels, which is used up. */
void lks_gallery_add(lks_gallery *g, const lks_gallery_item *item);

/* `n`: images that might have been shown; `order`: "worst". */
void lks_gallery_close(lks_gallery *g, int64_t n, const char *order);

#endif

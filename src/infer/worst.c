#include "infer/worst.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* --- which they are --------------------------------------------------------------------------- */

static int worst_first(const void *a, const void *b) {
    const lks_worst *x = a, *y = b;
    if (x->loss != y->loss)
        return x->loss < y->loss ? 1 : -1;
    return (x->id > y->id) - (x->id < y->id);
}

void lks_worst_sort(lks_worst *list, int64_t n) {
    qsort(list, (size_t)n, sizeof *list, worst_first);
}

void lks_worst_of(lks_worst *list, const lks_predicted *p, int classes) {
    for (int64_t i = 0; i < p->n; i++)
        list[i] = (lks_worst){p->ids[i], p->labels[i], p->classes[i],
                              p->probabilities[i * classes + p->labels[i]], p->losses[i]};
    lks_worst_sort(list, p->n);
}

/* --- their images ----------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* What a rank sends: its images of ids [n], which ascend as the ranks' shares do. */
static int own_images(const lks_image_set *set, const uint32_t *ids, int n, uint8_t *images) {
    int own = 0;
    for (int i = 0; i < n; i++) {
        const int64_t at = (int64_t)ids[i] - set->share.first;
        if (at >= 0 && at < set->share.count)
            memcpy(images + (size_t)own++ * set->image_bytes,
                   set->images + (size_t)at * set->image_bytes, set->image_bytes);
    }
    return own;
}

/* `images` in the order of ids [n], to the order of the list. */
static void put_in_order(const lks_worst *list, const uint32_t *ids, int n, const uint8_t *images,
                         size_t bytes, uint8_t *pixels) {
    for (int i = 0; i < n; i++) {
        const uint32_t *at = bsearch(&list[i].id, ids, (size_t)n, sizeof *ids, compare_ids);
        memcpy(pixels + (size_t)i * bytes, images + (size_t)(at - ids) * bytes, bytes);
    }
}

typedef struct transfer {
    uint32_t *ids;         /* [n] ascending */
    uint8_t *own, *images; /* [n][bytes]; images: on rank 0 */
} transfer;

static lks_status make_transfer(transfer *t, int n, size_t bytes, lks_error *err) {
    t->ids = lks_alloc((size_t)n, sizeof *t->ids, "the worst images", err);
    t->own = lks_alloc((size_t)n, bytes, "the worst images", err);
    t->images = lks_alloc((size_t)n, bytes, "the worst images", err);
    return t->ids && t->own && t->images ? LKS_OK : err->status;
}

lks_status lks_worst_images(const lks_worst *list, int n, const lks_image_set *set, lks_comm *comm,
                            uint8_t *pixels, lks_error *err) {
    transfer t = {0};
    const size_t bytes = set->image_bytes;
    lks_status status = lks_comm_agree(comm, make_transfer(&t, n, bytes, err), err);
    if (status == LKS_OK) {
        for (int i = 0; comm->rank == 0 && i < n; i++)
            t.ids[i] = list[i].id;
        qsort(t.ids, (size_t)n, sizeof *t.ids, compare_ids);
        lks_comm_broadcast(comm, t.ids, (size_t)n * sizeof *t.ids, 0);
        const int own = own_images(set, t.ids, n, t.own);
        lks_comm_gather(comm, t.own, own, bytes, t.images, NULL);
        status = lks_comm_check(comm, err);
    }
    if (status == LKS_OK && comm->rank == 0)
        put_in_order(list, t.ids, n, t.images, bytes, pixels);
    lks_free(t.ids);
    lks_free(t.own);
    lks_free(t.images);
    return status;
}

/* --- shown ------------------------------------------------------------------------------------ */

void lks_worst_print(const lks_worst *list, int n, const lks_data_config *data,
                     const lks_contested *contested) {
    printf("     image  label  answer  p(label)      loss\n");
    for (int i = 0; i < n; i++) {
        const lks_worst *w = &list[i];
        printf("  %8lu  %5d  %6d  %8.1e  %8.4f", (unsigned long)w->id, w->label, w->answer,
               (double)w->probability, w->loss);
        if (data->n_class_names)
            printf("  %s, taken for %s", data->class_names[w->label], data->class_names[w->answer]);
        printf("%s\n", lks_contested_has(contested, w->id) ? "  raters contest this label" : "");
    }
    fflush(stdout);
}

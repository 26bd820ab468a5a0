/* The images that cost a network most: whose label it finds least likely. Of training images many are mislabelled
 * (Northcutt, Jiang and Chuang, "Confident Learning", JAIR 2021, has more of the idea). */
#ifndef LKS_INFER_WORST_H
#define LKS_INFER_WORST_H

#include <stdint.h>

#include "infer/contested.h"
#include "infer/evaluate.h"
#include "pictures/sheet.h"

typedef struct lks_worst {
    uint32_t id; /* its number in the file, from 0 */
    uint8_t label, answer;
    float probability; /* of the label */
    double loss;
} lks_worst;

/* The highest loss first; of equals the lower number. */
void lks_worst_sort(lks_worst *list, int64_t n);

/* What `p` is of, into list [p->n], in that order. Rank 0. */
void lks_worst_of(lks_worst *list, const lks_predicted *p, int classes);

/* The ranks' images of list [n], which rank 0 has, into pixels [n][set->image_bytes] there, in the list's order.
 * Collective; errors are agreed. */
lks_status lks_worst_images(const lks_worst *list, int n, const lks_image_set *set, lks_comm *comm,
                            uint8_t *pixels, lks_error *err);

/* Prints list [n], a line an image. */
void lks_worst_print(const lks_worst *list, int n, const lks_data_config *data,
                     const lks_contested *contested);

/* Draws a contact sheet of list [n], pixels [n] of `shape`: the number of each image below it, and under that its label,
 * an arrow and the answer, as numbers. Freed by lks_sheet_free(). LKS_ERR_MEMORY, and then there is none. */
lks_status lks_worst_draw(const lks_worst *list, int n, const uint8_t *pixels, lks_shape shape,
                          lks_sheet *sheet, lks_error *err);

/* Writes that sheet as a PNG. LKS_ERR_IO, LKS_ERR_MEMORY. */
lks_status lks_worst_sheet(const lks_worst *list, int n, const uint8_t *pixels, lks_shape shape,
                           const char *path, lks_error *err);

#endif

/* A confusion matrix as a picture. */
#ifndef LKS_TENSORBOARD_CONFUSION_H
#define LKS_TENSORBOARD_CONFUSION_H

#include "nn/metrics.h"
#include "pictures/sheet.h"

/* Draws `counts`, which have samples: a row for each true class, a column for each answer, right ones green and wrong ones
 * red, the brighter the larger their share of the class; up to 20 classes with the counts and the classes' numbers. Freed
 * by lks_sheet_free(). LKS_ERR_MEMORY. */
lks_status lks_confusion_draw(lks_sheet *sheet, const lks_counts *counts, lks_error *err);

#endif

/* The network as assets/network.js reads it. */
#ifndef LKS_PANEL_PANEL_NETWORK_H
#define LKS_PANEL_PANEL_NETWORK_H

#include "io/checkpoint.h"
#include "lockstep/config.h"
#include "page/html.h"

/* Everything is borrowed. */
typedef struct lks_panel_source {
    const lks_config *config;      /* the layers and the names of the classes */
    const lks_data_identity *data; /* what an image is: size, channels, mean and deviation */
    const lks_flat *weights;       /* those to answer with: lks_checkpoint_evaluated() */
    double temperature;            /* lks_temperature_value() of these weights */
    double unsure_below;           /* an answer that is less sure is marked */
    double steady, steady_temperature, steady_sure; /* as LKS_STEADY in lockstep/predict.h tells */
} lks_panel_source;

/* The numbers of a network: the tensors of its layers in their order. Rounded weights stand in `text` instead,
 * a character each, and the scales of their outputs in `values`. */
typedef struct lks_panel_numbers {
    float *values; /* [n] */
    size_t n;
    char *text; /* [n_text]; NULL: nothing is rounded */
    size_t n_text;
} lks_panel_numbers;

/* How many characters of the page the numbers take, Base64 and all. */
size_t lks_panel_numbers_length(const lks_panel_numbers *numbers);

/* LKS_ERR_MISMATCH names a tensor that is missing or of another size than the layers say; LKS_ERR_MEMORY.
 * Freed by the caller (lks_panel_numbers_free()), after a failure too. */
lks_status lks_panel_numbers_make(lks_panel_numbers *numbers, const lks_panel_source *source,
                                  bool rounded, lks_error *err);
void lks_panel_numbers_free(lks_panel_numbers *numbers);

/* Writes the layers, the images' form and the classes' names as JSON that may stand in a <script>.
 * LKS_ERR_MEMORY. */
lks_status lks_panel_network_describe(lks_html *page, const lks_panel_source *source,
                                      lks_error *err);

/* The first kind of layer that has no form for the page, or NULL. */
const char *lks_panel_network_misses(const lks_config *config);

/* Writes the table of the kinds of layers that assets/network.js computes with: the expressions that
 * the layers' own files give. */
void lks_panel_network_kinds(lks_html *page);

#endif

/* The network as assets/network.js reads it. */
#ifndef LKS_REPORT_PANEL_NETWORK_H
#define LKS_REPORT_PANEL_NETWORK_H

#include "report/panel.h"

/* The numbers of a network, in the order of its layers: the weights of a convolution or dense layer,
 * then its biases; of a batchnorm the scale and the shift that it comes down to with its running
 * moments. Rounded weights stand in `text` instead, a character each, and the scales of their outputs
 * in `values`. */
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

/* Writes the layers, the images' form and the classes' names as JSON that may stand in a <script>. */
void lks_panel_network_describe(lks_html *page, const lks_panel_source *source);

#endif

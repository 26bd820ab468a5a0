/* The network that weights of a file are put into. */
#ifndef LKS_IMPORT_NETWORK_H
#define LKS_IMPORT_NETWORK_H

#include "import/match.h"
#include "import/source.h"
#include "io/checkpoint.h"
#include "lockstep/model.h"

typedef struct lks_import_network {
    const lks_config *config; /* borrowed */
    lks_model *model;
    lks_model_view view;
    lks_import_target *targets; /* [view.n_tensors] */
    int *from;                  /* [view.n_tensors] numbers of the file's tensors */
} lks_import_network;

/* Makes it, with weights of 0, for the images that `data` tells. Errors of lks_restore_model(). Freed by
 * lks_import_network_free(), also after a failure. */
lks_status lks_import_network_make(lks_import_network *n, const lks_config *config,
                                   const lks_data_identity *data, lks_error *err);
void lks_import_network_free(lks_import_network *n);

/* Gives it the file's weights, as lks_import_match() finds them. Its errors and those of lks_import_values();
 * LKS_ERR_NUMERIC for a variance below 0. */
lks_status lks_import_network_take(lks_import_network *n, const lks_import_source *s,
                                   lks_layout layout, const lks_import_maps *maps, lks_error *err);

/* Prints what became what, and warns where what the file says of a layer besides is not so in the configuration. */
void lks_import_network_tell(const lks_import_network *n, const lks_import_source *s);

#endif

#ifndef LKS_IMPORT_RESULT_H
#define LKS_IMPORT_RESULT_H

#include "import/import.h"
#include "io/checkpoint.h"
#include "lockstep/model.h"

/* What becomes a checkpoint. Borrowed. */
typedef struct lks_import_result {
    const lks_config *config;
    const lks_data_identity *data;
    const lks_provenance *provenance;
    const lks_model_view *view; /* with the weights */
    const lks_temperature *temperature;
    const char *reader;
    const char *exported; /* the digest that the file says its weights had; NULL: it says none */
} lks_import_result;

/* Before the work: LKS_ERR_USAGE where o->out is there and may not be replaced. */
lks_status lks_import_out_check(const lks_import_options *o, lks_error *err);

/* Writes o->out: a checkpoint at step 0, or a run folder with it. LKS_ERR_CONFIG where the configuration does not go with
 * the classes' names; errors of lks_checkpoint_check(), lks_checkpoint_write() and lks_publish_folder(), after which
 * nothing is left. */
lks_status lks_import_write(const lks_import_options *o, const lks_import_result *r,
                            lks_error *err);

#endif

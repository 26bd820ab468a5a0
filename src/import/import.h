/* Weights that another program trained become a checkpoint: `lockstep import`. */
#ifndef LKS_IMPORT_IMPORT_H
#define LKS_IMPORT_IMPORT_H

#include <stdbool.h>

#include "import/maps.h"
#include "lockstep/comm.h"
#include "lockstep/model_data.h"
#include "lockstep/status.h"

/* How the user says that the file's tensors are laid out. Keras and Lockstep do the same. */
typedef enum lks_import_layout {
    LKS_IMPORT_AS_FILE, /* as its format has it */
    LKS_IMPORT_PYTORCH,
    LKS_IMPORT_KERAS,
    LKS_IMPORT_NATIVE
} lks_import_layout;

/* What the command line says. Strings are borrowed. */
typedef struct lks_import_options {
    const char *file;
    const char *config; /* whose `model` the tensors are of */
    const char *const *sets;
    int n_sets;
    const char *out; /* a checkpoint, where it ends in .h5; else a new run folder */
    bool force;      /* replaces a checkpoint that is there */
    lks_import_layout layout;
    lks_import_maps maps;
    lks_shape image; /* what the network takes; rows 0: the file or the data set tells */
} lks_import_options;

/* Reads o->file and writes o->out, complete or not at all: a checkpoint at step 0, without an optimizer's states. Prints
 * which tensor became which. The data that it belongs to are told by the file, by o->image, or by the training images.
 * Every tensor has to find its place, and none may be left. LKS_ERR_USAGE, also where o->out is there; LKS_ERR_FORMAT for
 * a file that is damaged or of no known format; LKS_ERR_MISMATCH, which names the first tensor that does not fit;
 * LKS_ERR_NUMERIC for values that no float32 is; errors of lks_config_load(), lks_dataset_open() and
 * lks_checkpoint_write(). Collective; errors are agreed. */
lks_status lks_import(lks_comm *comm, const lks_import_options *o, lks_error *err);

#endif

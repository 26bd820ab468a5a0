/* A network made again from a checkpoint. Nothing is collective. */
#ifndef LKS_INFER_RESTORE_H
#define LKS_INFER_RESTORE_H

#include "io/checkpoint.h"
#include "lockstep/model.h"

/* The network of `config` for images of `data`, normalised as there, on `threads` threads and for batches of
 * up to `capacity` images; its weights are 0. Freed by lks_model_free(). Errors of lks_model_create() and
 * lks_kernels_select(). */
lks_status lks_restore_model(lks_model **model, const lks_config *config,
                             const lks_data_identity *data, int threads, int capacity,
                             lks_error *err);

/* LKS_ERR_MISMATCH where the network of `config` has another number of values than the checkpoint: to be asked before
 * the network is made, which takes the memory that its configuration asks for. Errors of lks_model_shapes(). */
lks_status lks_restore_fits(const lks_config *config, const lks_checkpoint *c, lks_error *err);

/* Gives it the weights that evaluations of the checkpoint use. LKS_ERR_MISMATCH where its tensors are not the
 * network's. */
lks_status lks_restore_weights(lks_model *model, const lks_checkpoint *c, lks_error *err);

#endif

/* The data that an imported network belongs to. */
#ifndef LKS_IMPORT_IDENTITY_H
#define LKS_IMPORT_IDENTITY_H

#include "import/source.h"
#include "io/checkpoint.h"
#include "lockstep/comm.h"
#include "lockstep/model_data.h"

/* Whether the file says all of it: those of `lockstep export` do. */
bool lks_import_tells_data(const lks_import_source *s);

/* By the file's facts. LKS_ERR_FORMAT names one that cannot be. */
lks_status lks_import_data_told(lks_data_identity *data, const lks_import_source *s,
                                lks_error *err);

/* By the user's word for an image: the digest is of zeros, and normalisation is the configuration's. LKS_ERR_CONFIG where
 * that is to be computed from images or has means of another number of channels, or where the number of classes is not to
 * be found. */
lks_status lks_import_data_said(lks_data_identity *data, lks_shape image, const lks_config *config,
                                lks_error *err);

/* By the training images, which the configuration names. Collective; errors are those of lks_dataset_open(). */
lks_status lks_import_data_read(lks_data_identity *data, lks_comm *comm, const lks_config *config,
                                lks_error *err);

/* Gives the configuration the file's names of classes, where it says nothing itself, they are more than numbers, and each
 * can be a name. LKS_ERR_MEMORY. */
lks_status lks_import_take_classes(lks_config *config, const lks_import_source *s, lks_error *err);

#endif

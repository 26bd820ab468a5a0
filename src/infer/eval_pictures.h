/* Pictures in class folders as a labelled set. */
#ifndef LKS_INFER_EVAL_PICTURES_H
#define LKS_INFER_EVAL_PICTURES_H

#include "feed/dataset.h"
#include "infer/network.h"

/* Makes the pictures of folder @p dir, as pictures/picture_folder.h has it, a set of images, prepared as for the
 * first network, with its labels; where the folder has train and test, those of test. Each rank lists the folder, which
 * has to be the same for all, and reads its share. LKS_ERR_DATA names a folder or picture that is bad. The set is freed
 * as lks_dataset_free() does, also after a failure. Collective; errors are agreed. */
lks_status lks_eval_pictures_open(lks_image_set *set, lks_comm *comm, const lks_ensemble *e,
                                  const char *dir, lks_error *err);

#endif

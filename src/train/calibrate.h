/** @file calibrate.h  How sure a network may be that was trained on all images: told by a second run. */
#ifndef LKS_TRAIN_CALIBRATE_H
#define LKS_TRAIN_CALIBRATE_H

#include "lockstep/train.h"

/** Trains the configuration of run folder @p folder once more, in @p folder/calibration, with a tenth of its
 * training images held out and without its test set, and puts the temperature that these images ask for into
 * the checkpoint that the folder stands for, which is published anew: weights and digests stay. @p options: sets,
 * threads, progress and watchdog are used. A second run that was stopped is gone on with.
 * LKS_ERR_USAGE where a set would make it another training than the first; LKS_ERR_CONFIG where the folder's own
 * validation split has told already; LKS_ERR_BUSY where somebody works there; else as lks_train(). Collective; errors
 * are agreed. *stopped as there: nothing was changed then. */
lks_status lks_calibrate_folder(lks_comm *comm, const char *folder,
                                const lks_train_options *options, bool *stopped, lks_error *err);

#endif

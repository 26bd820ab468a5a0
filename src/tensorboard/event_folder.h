/* The event files in a folder, of which TensorBoard reads one after the other in the order of their names. One process;
 * nothing is collective. */
#ifndef LKS_TENSORBOARD_EVENT_FOLDER_H
#define LKS_TENSORBOARD_EVENT_FOLDER_H

#include <stdint.h>
#include <stdio.h>

#include "lockstep/status.h"

/* Highest number of lockstep's files in `folder`, events.out.tfevents.NNNNNNNNNN.lockstep; 0: there is none, or no such
 * folder. LKS_ERR_IO. */
lks_status lks_event_folder_newest(const char *folder, long long *number, lks_error *err);

/* The path of that file into `path` [size]. LKS_ERR_IO where it is too long. */
lks_status lks_event_folder_path(const char *folder, long long number, char *path, size_t size,
                                 lks_error *err);

/* Removes those with lower numbers than `below`. LKS_ERR_IO, LKS_ERR_BUSY. */
lks_status lks_event_folder_remove(const char *folder, long long below, lks_error *err);

/* What was carried over: the newest step and the newest epoch's step of which there are scalars; -1: none. */
typedef struct lks_event_carried {
    int64_t step, epoch_step;
} lks_event_carried;

/* Writes to `to` the records of file `number` up to step `limit`, as they are: not the file's first ones, no settings and
 * no results of a whole run. What is behind a damaged record is lost; 0 is no file. LKS_ERR_IO, LKS_ERR_FORMAT and
 * LKS_ERR_MEMORY where it cannot be read. */
lks_status lks_event_folder_carry(const char *folder, long long number, int64_t limit, FILE *to,
                                  lks_event_carried *carried, lks_error *err);

/* Tags that this goes by. */
#define LKS_TAG_STEP     "train/loss"       /* the first one of a step */
#define LKS_TAG_EPOCH    "epoch/train_loss" /* the first one of an epoch */
#define LKS_TAGS_RESULT  "result/"          /* what all begin with that tell of the run's end */
#define LKS_TAGS_SETTING "_hparams_/"

#endif

/** @file describe.h  What a path is, told on standard output. */
#ifndef LKS_TOOL_DESCRIBE_H
#define LKS_TOOL_DESCRIBE_H

#include <stdbool.h>
#include "lockstep/format.h"
#include "lockstep/status.h"

/** Strings are borrowed. */
typedef struct lks_describe_options {
    const char *path;
    const char *const *
        sets; /**< [n_sets] "KEY=VALUE" as --set takes them, for a configuration or a checkpoint's */
    int n_sets;
    bool
        data; /**< of a configuration, a checkpoint or a run folder: its data set, not its network */
    bool resolved; /**< of a configuration: every key as a run's config.yaml has it, nothing else */
    const char *sheet; /**< file of a contact sheet (PNG) of the data set; NULL: none */
    const char *
        preview; /**< of a configuration or a run folder: file of a picture (PNG) of what the network sees in
                            the first epochs; NULL: none */
    lks_format
        format; /**< JSON: one object with all; CSV: a row for each epoch of a run, layer of a configuration, tensor
                          of a checkpoint, class of a data set */
    bool steps; /**< of a run folder: recorded steps as well in JSON, in place of epochs in CSV */
} lks_describe_options;

/** Prints what is to be known of a path: a run folder, a folder of IDX files or of class folders with pictures, one
 * IDX file, an HDF5 data set, a checkpoint, or else a configuration. Of a data set all images are read: sizes, range,
 * classes, repeats, what is suspicious, and the first ones as text. Writes no file but the sheet and the
 * preview. Errors of writing to standard output are left to ferror(). Returns LKS_OK, LKS_ERR_CONFIG, LKS_ERR_USAGE for
 * overrides, a sheet, a preview or a resolved configuration of what has none, or what reading the file gives. Not
 * collective. */
lks_status lks_describe(const lks_describe_options *options, lks_error *err);

#endif

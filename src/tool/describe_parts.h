/** @file describe_parts.h  Parts of lks_describe(). */
#ifndef LKS_TOOL_DESCRIBE_PARTS_H
#define LKS_TOOL_DESCRIBE_PARTS_H

#include "io/checkpoint.h"
#include "tool/describe.h"

/* Prints what a run folder holds. What is missing or damaged is left out or said. */
lks_status lks_describe_run(const char *path, lks_error *err);

/* describe_data.c: prints what is to be known of the data set in o->path, and writes its sheet: an IDX file, an HDF5
 * file, a folder with MNIST's four files or others that data.dir may be, or class folders of pictures. */
lks_status lks_describe_data(const lks_describe_options *o, lks_error *err);

/* The same of the set that the configuration or checkpoint o->path names. */
lks_status lks_describe_configured_data(const lks_describe_options *o, lks_error *err);

/* Prints the digests of a checkpoint: of its weights, of their average if it has one, of its state. */
void lks_print_digests(const lks_checkpoint *c);

/* How sure the network may be, a line. */
void lks_print_temperature(const lks_temperature *t);

/* Prints by which program, from where and on what a checkpoint was written. */
void lks_print_origin(const lks_checkpoint *c);

#endif

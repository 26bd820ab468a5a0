/** @file parts.h  Parts of lks_describe(). */
#ifndef LKS_TOOL_DESCRIBE_PARTS_H
#define LKS_TOOL_DESCRIBE_PARTS_H

#include "base/json/json.h"
#include "io/checkpoint.h"
#include "lockstep/model_data.h"
#include "tool/describe/describe.h"

/* run.c: prints what the run folder o->path holds. What is missing or damaged is left out or said. */
lks_status lks_describe_run(const lks_describe_options *o, lks_error *err);

/* checkpoint.c: prints what the checkpoint o->path says of itself, and its network. */
lks_status lks_describe_checkpoint(const lks_describe_options *o, lks_error *err);

/* network.c: prints the network of a configuration, for its data; and that of any for images of `input` and `classes`
 * classes: text and CSV on standard output, JSON as members of `o`. */
lks_status lks_tell_config(const lks_config *c, lks_format format, lks_error *err);
lks_status lks_tell_network(const lks_config *c, lks_shape input, int classes, lks_format format,
                            lks_json_object *o, lks_error *err);

/* data.c: prints what is to be known of the data set in o->path, and writes its sheet: an IDX file, an HDF5
 * file, a folder with MNIST's four files or others that data.dir may be, or class folders of pictures. */
lks_status lks_describe_data(const lks_describe_options *o, lks_error *err);

/* The same of the set that the configuration or checkpoint o->path names. */
lks_status lks_describe_configured_data(const lks_describe_options *o, lks_error *err);

/* checkpoint.c: what it says of itself, without the network, as members of `o`. */
void lks_put_checkpoint(lks_json_object *o, const lks_checkpoint *c);

/* The same, the next one: prints the digests of a checkpoint: of its weights, of their average if it has one, of its state. */
void lks_print_digests(const lks_checkpoint *c);

/* Prints by which program, from where and on what a checkpoint was written. */
void lks_print_origin(const lks_checkpoint *c);

#endif

/** @file model.h  The list of layers, read. */
#ifndef LKS_CONFIG_MODEL_H
#define LKS_CONFIG_MODEL_H

#include "config/reader.h"
#include "config/yaml.h"

/** Reads the whole list of layers. Each has its place in the configuration, also one that is wrong. */
lks_status lks_model_read(lks_reader *r, const lks_node *node);

/** The option of a layer that @p path names, what follows "model.": "conv1.filters". NULL: none. */
const lks_option *lks_model_option(const lks_config *config, const char *path);

/** Sets one option of one layer. */
lks_status lks_model_set(lks_reader *r, const char *path, const lks_node *node);

#endif

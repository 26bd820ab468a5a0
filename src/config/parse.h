/** @file parse.h  A part of a configuration into the struct. */
#ifndef LKS_CONFIG_PARSE_H
#define LKS_CONFIG_PARSE_H

#include "config/reader.h"
#include "config/yaml.h"

/** Gives all options their defaults. */
void lks_config_reset(lks_config *config);

/** Gives the options of @p section ("": all there are) the values of the map @p node. Problems are noted in
 * the reader; LKS_ERR_MEMORY alone ends reading. */
lks_status lks_config_read_section(lks_reader *r, const char *section, const lks_node *node);

#endif

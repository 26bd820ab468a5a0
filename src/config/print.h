/** @file print.h  Values as YAML. */
#ifndef LKS_CONFIG_PRINT_H
#define LKS_CONFIG_PRINT_H

#include <stdio.h>
#include "config/option.h"

/** What a value must be: "a whole number from 0 to 256". Returns @p out. */
char *lks_option_describe(const lks_option *option, char *out, size_t size);

/** Writes the option's value in the struct at @p base as a YAML flow value. Needs the C locale. */
void lks_option_write(FILE *out, const lks_option *option, const void *base);

/** Writes a layer as "conv2d: {name: conv1, filters: 32, ...}". */
void lks_layer_write(FILE *out, const lks_layer_config *layer);

#endif

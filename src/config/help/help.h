/** @file help.h  Rows of the help on configurations. */
#ifndef LKS_CONFIG_HELP_H
#define LKS_CONFIG_HELP_H

#include <stdio.h>

#include "lockstep/config.h"

/** Prints what is to be known of one key, or of one kind of layer, indented by @p indent columns. */
void lks_key_print(const lks_key_info *key, int indent, FILE *out);

#endif

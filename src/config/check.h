/** @file check.h  What values have to do with each other. */
#ifndef LKS_CONFIG_CHECK_H
#define LKS_CONFIG_CHECK_H

#include "config/reader.h"

/** Fills in what depends on other values, and checks every combination of values that are sound. Problems
 * are noted in the reader. */
void lks_config_check(lks_reader *r);

/** The same for data.classes, data.class_names and data.pictures alone. */
void lks_config_check_pictures(lks_reader *r);

/** Gives a key a value of the program's own; a wrong one is a problem of @p r. */
void lks_config_set_value(lks_reader *r, const lks_key_value *value);

#endif

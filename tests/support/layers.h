/** @file layers.h  Layers of a configuration, made and read by the keys of their options. */
#ifndef LKS_TEST_LAYERS_H
#define LKS_TEST_LAYERS_H

#include <stddef.h>

#include "lockstep/config.h"

/** A layer of @p kind that reads the one before, layer @p index - 1; @p options: "filters=7 kernel=3",
 * the others have their defaults. Ends the program where the text is wrong. */
lks_layer_config lks_test_layer(int index, const char *kind, const char *options);

/** Whether the layer is of the kind of that name. */
bool lks_test_is(const lks_layer_config *layer, const char *kind);

/** Copies setting @p key of the layer, @p size bytes, to @p to; false, and *to as it was, where the
 * kind has no such option. */
bool lks_test_setting(const lks_layer_config *layer, const char *key, void *to, size_t size);

/** The padding on each side that a layer with the option `padding` was given in numbers. */
void lks_test_pad(const lks_layer_config *layer, int pad[2]);

/** A setting that is one whole number; 0 where the kind has none. */
int lks_test_int(const lks_layer_config *layer, const char *key);

#endif

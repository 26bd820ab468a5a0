/** @file value.h  One value of the tree into one member of a struct, as its option says. */
#ifndef LKS_CONFIG_VALUE_H
#define LKS_CONFIG_VALUE_H

#include "config/option.h"
#include "config/yaml.h"

/** Reads @p node into the struct at @p base. @p label is what messages call the option. */
lks_status lks_option_read(const lks_option *option, void *base, const char *label,
                           const lks_node *node, const lks_source *source, lks_error *err);

/** Gives the option, which is none of a list or a model, the value that the source's text is, taken whole:
 * no quotes, comments or escapes are looked for. Texts are UTF-8 without control characters, as in files,
 * so that the struct can always be written as YAML. Arguments as above. */
lks_status lks_option_set(const lks_option *option, void *base, const char *label,
                          const lks_source *source, lks_error *err);

/** Gives the option its default in the struct at @p base; zero bytes where it has none. */
void lks_option_reset(const lks_option *option, void *base);

/** What a value must be: "a whole number from 0 to 256". Returns @p out. */
char *lks_option_describe(const lks_option *option, char *out, size_t size);

/** @p value with the fewest digits that read back exactly. Needs the C locale. Returns @p out. */
char *lks_shortest(double value, char out[32]);

#endif

/** @file value.h  One value of the tree into one member of a struct, as its option says. */
#ifndef LKS_CONFIG_VALUE_H
#define LKS_CONFIG_VALUE_H

#include "config/option.h"
#include "config/yaml.h"

/** Reads @p node into the struct at @p base. @p label is what messages call the option. */
lks_status lks_option_read(const lks_option *option, void *base, const char *label,
                           const lks_node *node, const lks_source *source, lks_problems *problems);

/** Makes *node the source's text, taken whole: no quotes, comments or escapes are looked for. Texts are
 * UTF-8 without control characters, as in files, so that the struct can always be written as YAML. */
lks_status lks_option_whole(const char *label, const lks_source *source, lks_node *node,
                            lks_problems *problems);

/** Gives the option, which is none of a list or a model, the value that the source's whole text is. */
lks_status lks_option_set(const lks_option *option, void *base, const char *label,
                          const lks_source *source, lks_problems *problems);

/** Gives the option its default in the struct at @p base; zero bytes where it has none. */
void lks_option_reset(const lks_option *option, void *base);

#endif

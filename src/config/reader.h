/** @file reader.h  A configuration while it is being read. */
#ifndef LKS_CONFIG_READER_H
#define LKS_CONFIG_READER_H

#include "config/option.h"
#include "config/yaml.h"

#define LKS_LAYERS_MAX 512
#define LKS_KEY_MAX    160 /**< room for any known dotted key, layer names included */

enum { LKS_FROM_DEFAULT, LKS_FROM_FILE, LKS_FROM_SETS }; /**< LKS_FROM_SETS + i: setting i */

/** Where the present value of an option comes from. */
typedef struct lks_origin {
    int from;
    size_t offset;
} lks_origin;

typedef struct lks_reader {
    lks_config *config;
    lks_source file;
    const char *const *sets;
    lks_source now; /**< the text being applied: the file or a setting */
    int from;       /**< the same as an origin */
    lks_origin origins[LKS_OPTIONS_MAX];
    lks_error *err;
} lks_reader;

/** Reads the whole list of layers. */
lks_status lks_model_read(lks_reader *r, const lks_node *node);

/** Sets one option of one layer; @p path is what follows "model.": "conv1.filters". */
lks_status lks_model_set(lks_reader *r, const char *path, const lks_node *node);

/** Fills in what depends on other values and checks every combination of values. */
lks_status lks_config_check(lks_reader *r);

/** Fails like lks_fail_at() at the place where @p option got its value; a default has none, then
 * the file's first line stands in. */
lks_status lks_fail_option(const lks_reader *r, const lks_option *option, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** The origin of @p option. */
lks_origin *lks_reader_origin(lks_reader *r, const lks_option *option);

#endif

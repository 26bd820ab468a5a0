/** @file reader.h  A configuration while it is being read. Reading goes on after a problem, so that all
 * are told together; what depends on a value that was wrong is not checked. */
#ifndef LKS_CONFIG_READER_H
#define LKS_CONFIG_READER_H

#include "config/option.h"
#include "config/source.h"

#define LKS_LAYERS_MAX 512
#define LKS_KEY_MAX    160 /**< room for any known dotted key, layer names included */

enum { LKS_FROM_DEFAULT, LKS_FROM_FILE, LKS_FROM_SETS }; /**< LKS_FROM_SETS + i: setting i */

/** Where the present value of an option comes from. */
typedef struct lks_origin {
    int from;
    size_t offset;
    bool unsound; /**< a value of it was wrong, or may stand under a key that is not known */
} lks_origin;

typedef struct lks_reader {
    lks_config *config;
    lks_source file;
    const char *const *sets;
    lks_source now; /**< the text being applied: the file or a setting */
    lks_origin origins[LKS_OPTIONS_MAX];
    size_t layers[LKS_LAYERS_MAX]; /**< where each stands in the text that gave the list */
    lks_problems problems;
} lks_reader;

/** LKS_OK for a problem that has been noted: reading goes on. Without memory it does not. */
lks_status lks_noted(lks_status status);

/** The origin of @p option. */
lks_origin *lks_reader_origin(lks_reader *r, const lks_option *option);

/** @p option has its value from byte @p offset of the text being applied. */
void lks_reader_took(lks_reader *r, const lks_option *option, size_t offset);

/** All keys below @p section ("": all there are) may have been meant by something that was not
 * understood. */
void lks_reader_doubt(lks_reader *r, const char *section);

/** True where the file or a setting gave the key, or one below it, a value. */
bool lks_reader_given(lks_reader *r, const char *key);

/** True where no value of the key, or of any key below it, was wrong. */
bool lks_reader_sound(lks_reader *r, const char *key);

/** Fails like lks_fail_at() at the place where @p option got its value; a default has none, then
 * the file's first line stands in. */
lks_status lks_fail_option(lks_reader *r, const lks_option *option, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

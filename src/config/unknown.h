/** @file unknown.h  Keys that are not known, and what is said of them. */
#ifndef LKS_CONFIG_UNKNOWN_H
#define LKS_CONFIG_UNKNOWN_H

#include "config/reader.h"

/** A key where it was found. */
typedef struct lks_unknown_key {
    const char *section; /**< "" : the top, or a --set, whose keys have dots */
    const char *key;     /**< as it is written there */
    const char *path;    /**< both, with a dot between */
    size_t offset;
} lks_unknown_key;

/** Notes that the key is not known, with what may be meant; returns LKS_ERR_CONFIG. */
lks_status lks_fail_unknown(lks_reader *r, const lks_unknown_key *key);

/** The next component of @p key below @p section ("" is the top); NULL if the key is not below it. */
const char *lks_key_component(const char *key, const char *section, size_t *length);

#endif

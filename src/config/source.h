/** @file source.h  Where a text comes from, and messages that point into it. */
#ifndef LKS_CONFIG_SOURCE_H
#define LKS_CONFIG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include "lockstep/status.h"

typedef enum lks_source_kind {
    LKS_SOURCE_FILE,   /**< a configuration file */
    LKS_SOURCE_SET,    /**< the value of a --set */
    LKS_SOURCE_PROGRAM /**< the program itself: messages name no place */
} lks_source_kind;

/** A text that is parsed. Borrowed. */
typedef struct lks_source {
    lks_source_kind kind;
    const char *label; /**< file name; of a setting, the whole "key=value" */
    const char *text;
    size_t size;
} lks_source;

/** Fails with LKS_ERR_CONFIG: "file:line:column: message", the source line and a caret below byte
 * @p offset; for a setting "--set key=value: message"; for the program the message alone. */
lks_status lks_fail_at(lks_error *err, const lks_source *source, size_t offset, const char *format,
                       ...) __attribute__((format(printf, 4, 5)));

/** Offset of the first byte that is neither UTF-8 nor allowed in a configuration (control
 * characters other than tab and line ends); @p length if there is none. */
size_t lks_text_check(const char *text, size_t length);

/** LKS_OK where lks_text_check() finds nothing, else LKS_ERR_CONFIG at the byte. */
lks_status lks_source_check(const lks_source *source, lks_error *err);

/** 1-based line of byte @p offset; lines end with "\n", "\r\n" or "\r". */
int lks_source_line(const lks_source *source, size_t offset);

/** Offset of 1-based @p column (in characters) of 1-based @p line, at most the text's size. */
size_t lks_source_offset(const lks_source *source, int line, int column);

#endif

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
    int order;         /**< 0: the file; i + 1: setting i */
    const char *label; /**< file name; of a setting, the whole "key=value" */
    const char *text;
    size_t size;
} lks_source;

#define LKS_PROBLEMS_MAX 10

typedef struct lks_problem {
    lks_status status;
    int order;
    size_t offset;
    char text[2048];
} lks_problem;

/** What is wrong: the first ones in the order of their places, and how many there are. Begins zeroed. */
typedef struct lks_problems {
    lks_problem first[LKS_PROBLEMS_MAX];
    int n;
} lks_problems;

/** Notes a problem, and returns LKS_ERR_CONFIG: "file:line:column: message", the source line and a caret
 * below byte @p offset; for a setting "--set key=value: message"; for the program the message alone.
 * @p problems may be NULL. */
lks_status lks_fail_at(lks_problems *problems, const lks_source *source, size_t offset,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Notes, before all others, that there is no memory for @p what; returns LKS_ERR_MEMORY. */
lks_status lks_fail_memory(lks_problems *problems, const char *what);

/** LKS_OK where nothing is wrong; else the status of the first problem, and all that there is room for in
 * @p err, each with its place, and "and N more". */
lks_status lks_problems_report(const lks_problems *problems, lks_error *err);

/** Offset of the first byte that is neither UTF-8 nor allowed in a configuration (control
 * characters other than tab and line ends); @p length if there is none. */
size_t lks_text_check(const char *text, size_t length);

/** LKS_OK where lks_text_check() finds nothing, else LKS_ERR_CONFIG at the byte. */
lks_status lks_source_check(const lks_source *source, lks_problems *problems);

/** 1-based line of byte @p offset; lines end with "\n", "\r\n" or "\r". */
int lks_source_line(const lks_source *source, size_t offset);

/** Offset of 1-based @p column (in characters) of 1-based @p line, at most the text's size. */
size_t lks_source_offset(const lks_source *source, int line, int column);

#endif

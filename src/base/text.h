/** @file text.h  A text in memory that grows as it is written with stdio. */
#ifndef LKS_BASE_TEXT_H
#define LKS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lockstep/status.h"

/** Stays where it is while it is open: the stream points to it. glibc's open_memstream() would not
 * do: when its memory runs out, fprintf() says so, but neither ferror() nor fclose() does, and the
 * text is cut. */
typedef struct lks_text {
    FILE *f;     /**< to write to; fprintf() needs no check */
    char *bytes; /**< after lks_text_close(): [size] and a terminating 0 */
    size_t size, capacity;
    bool failed;
} lks_text;

/** Opens an empty text. @p what names it in messages: "summary.json". LKS_ERR_MEMORY, and then
 * nothing is open. */
lks_status lks_text_open(lks_text *t, const char *what, lks_error *err);

/** Ends the text: LKS_OK only if all that was written is in it. The caller owns @p t->bytes, for
 * free(). LKS_ERR_MEMORY: there is no text, and nothing to free. */
lks_status lks_text_close(lks_text *t, const char *what, lks_error *err);

/** Ends the text and throws it away. */
void lks_text_drop(lks_text *t);

#endif

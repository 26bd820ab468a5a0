/** @file suggest.h  "did you mean": the nearest known word by edit distance. */
#ifndef LKS_BASE_SUGGEST_H
#define LKS_BASE_SUGGEST_H

#include <stddef.h>

/** A search: start with lks_nearest_start(), offer candidates, read `best` (NULL: none is near). */
typedef struct lks_nearest {
    const char *text;
    size_t length;
    const char *best;   /**< one of the candidates */
    size_t best_length; /**< candidates need not be zero-terminated */
    size_t distance;    /**< of the best; before the first: one more than is still called near */
} lks_nearest;

lks_nearest lks_nearest_start(const char *text);
void lks_nearest_offer(lks_nearest *nearest, const char *candidate, size_t length);

/** Insertions, deletions and replacements that turn @p a into @p b (Levenshtein 1966), where
 * small and capital letters of ASCII are the same; both at most 63 bytes; a large number for longer ones. */
size_t lks_edit_distance(const char *a, size_t a_length, const char *b, size_t b_length);

#endif

/** @file json_scan.h  JSON (RFC 8259) that may be anybody's, read from front to back. Nothing is built up in memory, and
 *  nothing recurses, so that no text costs more than its length. */
#ifndef LKS_BASE_JSON_SCAN_H
#define LKS_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#define LKS_JSON_DEPTH_MAX 64

/** Where reading stands in a text that ends with a 0. A function that returns false leaves it where what it read does not
 * fit. */
typedef struct lks_json_scan {
    const char *at;
} lks_json_scan;

/** Steps over white space and @p c, if that comes next; else stays. */
bool lks_json_eat(lks_json_scan *s, char c);

/** The character behind the white space, 0 at the end. */
char lks_json_next(lks_json_scan *s);

/** A text, unescaped, which the caller frees by free(); false where none comes next, where it is not UTF-8 or has a byte 0
 * escaped, and where memory is short. */
bool lks_json_take_text(lks_json_scan *s, char **text);

/** A whole number >= 0 without fraction and exponent; any number. */
bool lks_json_take_count(lks_json_scan *s, uint64_t *count);
bool lks_json_take_number(lks_json_scan *s, double *number);

/** Any value, at most LKS_JSON_DEPTH_MAX lists and objects deep. */
bool lks_json_skip(lks_json_scan *s);

#endif

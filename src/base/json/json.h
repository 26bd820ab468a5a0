/** @file json.h  The little of JSON that is needed: texts and numbers written, and one member of an
 *  object of our own looked up (metrics.jsonl, summary.json). No general parser: of members of one
 *  name, in objects within the object too, the first is found. */
#ifndef LKS_BASE_JSON_H
#define LKS_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** The character at @p text as it stands in a JSON text, into @p out; returns the bytes of @p text that
 * it takes. Bytes that are no UTF-8 become U+FFFD one by one (RFC 8259 wants UTF-8); control characters,
 * DEL and C1 among them, and marks that turn the direction of writing are escaped: a terminal may show the file. */
size_t lks_json_character(const char *text, char out[8]);

/** Writes @p text in quotes, escaped: whatever it holds, the result is one JSON text. */
void lks_json_text(FILE *f, const char *text);

/** @p x in the fewest digits that read back as the same double, into @p text; "null" for NaN and
 * infinity, which have no form in JSON. Returns @p text. */
const char *lks_json_number(double x, char text[32]);

/** Writes a list of @p n numbers, from 1 on: "[0.1307, 0.2]". */
void lks_json_numbers(FILE *f, const double *values, int n);

/** The same as lks_json_number() for a float. */
const char *lks_json_float(float x, char text[32]);

/** An object that is being written, member after member. Errors of @p f show where the stream is closed. */
typedef struct lks_json_object {
    FILE *f;
    const char *before; /**< each member: "" or a new line and its indentation */
    bool first;         /**< no member yet */
} lks_json_object;

/** Begins an object on @p f; @p before is borrowed until its end. */
lks_json_object lks_json_begin(FILE *f, const char *before);

/** Writes the name of a member, whose value comes next; then members of each kind, @p name unescaped. A
 * number that is not finite is null. */
void lks_json_key(lks_json_object *o, const char *name);
void lks_json_put_text(lks_json_object *o, const char *name, const char *value);
void lks_json_put_text_or_null(lks_json_object *o, const char *name,
                               const char *value); /**< null: "" or NULL */
void lks_json_put_number(lks_json_object *o, const char *name, double value);
void lks_json_put_integer(lks_json_object *o, const char *name, int64_t value);
void lks_json_put_bool(lks_json_object *o, const char *name, bool value);

/** Ends the object; @p after follows its brace. */
void lks_json_end(const lks_json_object *o, const char *after);

/** The number of member @p key of the object in @p json: the first `"key":`, which in objects that
 * lockstep wrote cannot stand inside a text unescaped. NaN where it is missing or no number. */
double lks_json_get_number(const char *json, const char *key);

/** The same for a count: a whole number from 0 to @p most, else @p missing. */
int64_t lks_json_get_integer(const char *json, const char *key, int64_t most, int64_t missing);

/** Where the object that is member @p key begins, for looking up members of it: what follows in
 * @p json is not cut off. NULL where it is missing or no object. */
const char *lks_json_get_object(const char *json, const char *key);

/** The character of a text at @p c, unescaped, into @p out: returns its bytes, and those that it took in *used; both are 0
 * at what is cut off. A byte that is no UTF-8 is taken as it is. */
size_t lks_json_unescape(const char *c, char out[4], size_t *used);

/** The text of member @p key, unescaped, cut after a whole character to @p size bytes with the
 * 0. False and "" where it is missing or no text. */
bool lks_json_get_text(const char *json, const char *key, char *text, size_t size);

#endif

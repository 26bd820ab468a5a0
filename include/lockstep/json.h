/** @file json.h  The little of JSON that is needed: texts and numbers written, and one member of an
 *  object of our own looked up (metrics.jsonl, summary.json). No general parser: of members of one
 *  name, in objects within the object too, the first is found. */
#ifndef LOCKSTEP_JSON_H
#define LOCKSTEP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/** Writes @p text in quotes, escaped. */
void lks_json_text(FILE *f, const char *text);

/** @p x in the fewest digits that read back as the same double, into @p text; "null" for NaN and
 * infinity, which have no form in JSON. Returns @p text. */
const char *lks_json_number(double x, char text[32]);

/** The same for a float. */
const char *lks_json_float(float x, char text[32]);

/** The number of member @p key of the object in @p json: the first `"key":`, which in objects that
 * lockstep wrote cannot stand inside a text unescaped. NaN where it is missing or no number. */
double lks_json_get_number(const char *json, const char *key);

/** Where the object that is member @p key begins, for looking up members of it: what follows in
 * @p json is not cut off. NULL where it is missing or no object. */
const char *lks_json_get_object(const char *json, const char *key);

/** The text of member @p key, unescaped as far as lks_json_text() escapes, cut to @p size. False
 * and "" where it is missing or no text. */
bool lks_json_get_text(const char *json, const char *key, char *text, size_t size);

#endif

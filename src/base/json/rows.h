/** @file rows.h  A table for other programs: a list of JSON objects, or lines of comma-separated values, from the same
 *  calls. Numbers have the fewest digits that read back as the same; what is not known is null, or an empty field. */
#ifndef LKS_BASE_ROWS_H
#define LKS_BASE_ROWS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/json/json.h"
#include "base/text.h"
#include "lockstep/format.h"

typedef struct lks_rows {
    FILE *f;
    lks_format format; /**< JSON or CSV */
    bool names;        /**< the next row tells the columns' names */
    bool first_row, first_field;
} lks_rows;

/** Begins a table on @p f; errors of writing show there. Ended by lks_rows_end(). */
lks_rows lks_rows_begin(FILE *f, lks_format format);
void lks_rows_end(lks_rows *r);

/** The next row is none: where the format wants them, it gives the columns' names, else it is left out. So a function that
 * writes a row writes the head, too. */
void lks_rows_head(lks_rows *r);

void lks_row_begin(lks_rows *r);
void lks_row_end(lks_rows *r);

/** The fields of a row, the same ones in each. A number that is not finite, and a text that is NULL, are not known. */
void lks_row_text(lks_rows *r, const char *name, const char *value);
void lks_row_number(lks_rows *r, const char *name, double value);
void lks_row_float(lks_rows *r, const char *name, float value);
void lks_row_integer(lks_rows *r, const char *name, int64_t value);
void lks_row_truth(lks_rows *r, const char *name, bool value);

/** A JSON object that is printed once it is whole: a failure on the way leaves nothing of it. */
typedef struct lks_json_page {
    lks_text text;
    lks_json_object object; /**< to write to */
} lks_json_page;

/** Begins it. LKS_ERR_MEMORY, and then nothing is open. */
lks_status lks_json_page_open(lks_json_page *page, lks_error *err);

/** Ends it, and prints it where @p so_far is LKS_OK; else returns @p so_far. LKS_ERR_MEMORY. */
lks_status lks_json_page_close(lks_json_page *page, lks_status so_far, lks_error *err);

/** Writes @p text as a field: in quotes where it needs them (RFC 4180, section 2). A terminal gets nothing that it would
 * obey. */
void lks_csv_text(FILE *f, const char *text);

#endif

#include "base/json/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"

void lks_csv_text(FILE *f, const char *text) {
    char shown[4096];
    if (isatty(fileno(f)))
        text = lks_printable(shown, sizeof shown, text, strlen(text));
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, f);
        return;
    }
    putc('"', f);
    for (; *text; text++) {
        if (*text == '"')
            putc('"', f);
        putc(*text, f);
    }
    putc('"', f);
}

lks_rows lks_rows_begin(FILE *f, lks_format format) {
    if (format == LKS_FORMAT_JSON)
        putc('[', f);
    return (lks_rows){.f = f, .format = format, .first_row = true};
}

void lks_rows_end(lks_rows *r) {
    if (r->format == LKS_FORMAT_JSON)
        fputs(r->first_row ? "]" : "\n  ]", r->f);
}

void lks_rows_head(lks_rows *r) {
    r->names = true;
}

static bool is_silent(const lks_rows *r) {
    return r->names && r->format == LKS_FORMAT_JSON;
}

void lks_row_begin(lks_rows *r) {
    r->first_field = true;
    if (is_silent(r) || r->format != LKS_FORMAT_JSON)
        return;
    fputs(r->first_row ? "\n    {" : ",\n    {", r->f);
    r->first_row = false;
}

void lks_row_end(lks_rows *r) {
    if (r->format == LKS_FORMAT_JSON && !r->names)
        putc('}', r->f);
    if (r->format != LKS_FORMAT_JSON)
        putc('\n', r->f);
    r->names = false;
}

/* Writes the name or what is before the value; whether the value comes next. */
static bool begin_field(lks_rows *r, const char *name) {
    if (is_silent(r))
        return false;
    const bool json = r->format == LKS_FORMAT_JSON;
    if (!r->first_field)
        fputs(json ? ", " : ",", r->f);
    r->first_field = false;
    if (json) {
        lks_json_text(r->f, name);
        fputs(": ", r->f);
    } else if (r->names)
        lks_csv_text(r->f, name);
    return json || !r->names;
}

void lks_row_text(lks_rows *r, const char *name, const char *value) {
    if (!begin_field(r, name))
        return;
    if (r->format == LKS_FORMAT_CSV)
        lks_csv_text(r->f, value ? value : "");
    else if (value)
        lks_json_text(r->f, value);
    else
        fputs("null", r->f);
}

void lks_row_number(lks_rows *r, const char *name, double value) {
    char text[32];
    if (!begin_field(r, name))
        return;
    if (r->format == LKS_FORMAT_JSON || isfinite(value))
        fputs(lks_json_number(value, text), r->f);
}

void lks_row_float(lks_rows *r, const char *name, float value) {
    char text[32];
    if (!begin_field(r, name))
        return;
    if (r->format == LKS_FORMAT_JSON || isfinite(value))
        fputs(lks_json_float(value, text), r->f);
}

void lks_row_integer(lks_rows *r, const char *name, int64_t value) {
    if (begin_field(r, name))
        fprintf(r->f, "%lld", (long long)value);
}

void lks_row_truth(lks_rows *r, const char *name, bool value) {
    if (begin_field(r, name))
        fputs(value ? "true" : "false", r->f);
}

/* --- a whole object ---------------------------------------------------------------------------- */

lks_status lks_json_page_open(lks_json_page *page, lks_error *err) {
    LKS_TRY(lks_text_open(&page->text, "the output", err));
    page->object = lks_json_begin(page->text.f, "\n  ");
    return LKS_OK;
}

lks_status lks_json_page_close(lks_json_page *page, lks_status so_far, lks_error *err) {
    if (so_far != LKS_OK) {
        lks_text_drop(&page->text);
        return so_far;
    }
    lks_json_end(&page->object, "\n");
    LKS_TRY(lks_text_close(&page->text, "the output", err));
    fwrite(page->text.bytes, 1, page->text.size, stdout);
    free(page->text.bytes);
    return LKS_OK;
}

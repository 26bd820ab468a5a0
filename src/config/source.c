#include "config/source.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_BEFORE 60 /* characters of the source line shown before and after the caret */
#define SHOWN_AFTER  35

static bool is_control(char c) {
    return ((unsigned char)c < 0x20 || c == 0x7F) && c != '\t' && c != '\n' && c != '\r';
}

size_t lks_text_check(const char *text, size_t length) {
    size_t i = 0;
    while (i < length) {
        size_t n = lks_utf8_sequence(text + i, length - i);
        if (n == 0 || is_control(text[i]))
            break;
        i += n;
    }
    return i;
}

/* The line end at or after `offset`. */
static size_t line_end(const lks_source *source, size_t offset) {
    while (offset < source->size && source->text[offset] != '\n' && source->text[offset] != '\r')
        offset++;
    return offset;
}

/* The start of the line after the line end at `end`, or the text's size. */
static size_t next_line(const lks_source *source, size_t end) {
    if (end >= source->size)
        return source->size;
    bool crlf =
        source->text[end] == '\r' && end + 1 < source->size && source->text[end + 1] == '\n';
    return end + (crlf ? 2 : 1);
}

/* The start of the line that holds byte `offset`, and its 1-based number. */
static size_t line_start(const lks_source *source, size_t offset, int *line) {
    size_t start = 0;
    *line = 1;
    for (;;) {
        size_t end = line_end(source, start), next = next_line(source, end);
        if (end >= source->size || next > offset)
            return start;
        start = next;
        ++*line;
    }
}

int lks_source_line(const lks_source *source, size_t offset) {
    int line;
    line_start(source, offset, &line);
    return line;
}

/* Bytes of the character at `text`: a byte that is not UTF-8 counts as one. */
static size_t character(const char *text, size_t length) {
    size_t n = lks_utf8_sequence(text, length);
    return n ? n : 1;
}

size_t lks_source_offset(const lks_source *source, int line, int column) {
    size_t offset = 0;
    for (int i = 1; i < line && offset < source->size; i++)
        offset = next_line(source, line_end(source, offset));
    size_t end = line_end(source, offset);
    for (int i = 1; i < column && offset < end; i++)
        offset += character(source->text + offset, end - offset);
    return offset;
}

/* Writes the part of the line around `offset`, and a caret below that character. Tabs are shown as
 * one space, so that the caret stands right. */
static void excerpt(char *out, size_t size, const lks_source *source, size_t start, size_t offset,
                    int column) {
    const char *text = source->text;
    size_t end = line_end(source, start);
    int skipped = column > SHOWN_BEFORE ? column - SHOWN_BEFORE : 0;
    for (int i = 0; i < skipped; i++)
        start += character(text + start, end - start);
    size_t stop = offset;
    for (int i = 0; i < SHOWN_AFTER && stop < end; i++)
        stop += character(text + stop, end - stop);

    char shown[4 * (SHOWN_BEFORE + SHOWN_AFTER) + 8];
    char plain[sizeof shown];
    size_t length = stop - start < sizeof plain ? stop - start : sizeof plain - 1;
    for (size_t i = 0; i < length; i++)
        plain[i] = text[start + i] == '\t' ? ' ' : text[start + i];
    lks_printable(shown, sizeof shown, plain, length);
    snprintf(out, size, "\n  %s%s%s\n  %*s", skipped ? "..." : "", shown, stop < end ? "..." : "",
             column - skipped + (skipped ? 3 : 0), "^");
}

/* --- problems --------------------------------------------------------------------------------- */

static bool comes_before(const lks_problem *a, const lks_problem *b) {
    return a->order < b->order || (a->order == b->order && a->offset < b->offset);
}

/* Makes room for a problem at its place; NULL where it comes after as many as are kept. */
static lks_problem *insert(lks_problems *p, const lks_problem *place) {
    int kept = p->n < LKS_PROBLEMS_MAX ? p->n : LKS_PROBLEMS_MAX, i = kept;
    p->n++;
    while (i > 0 && comes_before(place, &p->first[i - 1]))
        i--;
    if (i == LKS_PROBLEMS_MAX)
        return NULL;
    if (kept == LKS_PROBLEMS_MAX)
        kept--;
    memmove(&p->first[i + 1], &p->first[i], (size_t)(kept - i) * sizeof *p->first);
    p->first[i].status = place->status;
    p->first[i].order = place->order;
    p->first[i].offset = place->offset;
    return &p->first[i];
}

/* "file:line:column: " before, the line and a caret after the message. */
static void describe(const lks_source *source, size_t offset, const char *message, char *out,
                     size_t size) {
    char label[300], shown[600] = "";
    if (source->kind == LKS_SOURCE_PROGRAM) {
        snprintf(out, size, "%s", message);
        return;
    }
    lks_printable(label, sizeof label, source->label, strlen(source->label));
    if (source->kind == LKS_SOURCE_SET) {
        snprintf(out, size, "--set %s: %s", label, message);
        return;
    }
    int line, column = 1;
    size_t start = line_start(source, offset, &line);
    for (size_t i = start; i < offset; column++)
        i += character(source->text + i, offset - i);
    if (line_end(source, start) > start)
        excerpt(shown, sizeof shown, source, start, offset, column);
    snprintf(out, size, "%s:%d:%d: %s%s", label, line, column, message, shown);
}

lks_status lks_fail_at(lks_problems *problems, const lks_source *source, size_t offset,
                       const char *format, ...) {
    char message[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    offset = offset < source->size ? offset : source->size;
    const lks_problem place = {.status = LKS_ERR_CONFIG, .order = source->order, .offset = offset};
    lks_problem *problem = problems ? insert(problems, &place) : NULL;
    if (problem)
        describe(source, offset, message, problem->text, sizeof problem->text);
    return LKS_ERR_CONFIG;
}

lks_status lks_fail_memory(lks_problems *problems, const char *what) {
    const lks_problem place = {.status = LKS_ERR_MEMORY, .order = -1};
    lks_problem *problem = problems ? insert(problems, &place) : NULL;
    if (problem)
        snprintf(problem->text, sizeof problem->text, "out of memory for %s", what);
    return LKS_ERR_MEMORY;
}

lks_status lks_problems_report(const lks_problems *p, lks_error *err) {
    char text[sizeof err->text] = "";
    const size_t room = sizeof text - 32; /* for the last line */
    size_t used = 0;
    int told = 0;
    if (p->n == 0)
        return LKS_OK;
    for (; told < p->n && told < LKS_PROBLEMS_MAX; told++) {
        const size_t length = strlen(p->first[told].text) + (told > 0);
        if (told > 0 && (used + length > room || p->first[0].status == LKS_ERR_MEMORY))
            break;
        snprintf(text + used, sizeof text - used, "%s%s", told ? "\n" : "", p->first[told].text);
        used += length;
    }
    if (told < p->n && p->first[0].status != LKS_ERR_MEMORY)
        snprintf(text + used, sizeof text - used, "\nand %d more", p->n - told);
    return lks_fail(err, p->first[0].status, "%s", text);
}

lks_status lks_source_check(const lks_source *source, lks_problems *problems) {
    size_t bad = lks_text_check(source->text, source->size);
    if (bad == source->size)
        return LKS_OK;
    bool control = lks_utf8_sequence(source->text + bad, source->size - bad) > 0;
    return lks_fail_at(problems, source, bad, "byte 0x%02x is %s", (unsigned char)source->text[bad],
                       control ? "a control character" : "not UTF-8");
}

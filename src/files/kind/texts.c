/* Kinds of text. */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "files/kind/detect.h"

typedef struct span {
    const char *text;
    size_t length;
} span;

/* --- looking at text -------------------------------------------------------------------------- */

/* What is left of a text is the beginning of one character. */
static bool is_cut_character(const char *text, size_t left) {
    const unsigned char c = (unsigned char)text[0];
    const size_t whole = c < 0xc2 || c > 0xf4 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    for (size_t i = 1; i < left; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return false;
    return left < whole;
}

/* UTF-8 without control characters. The last character may be cut off. */
static bool is_text(const span *s) {
    for (size_t i = 0; i < s->length;) {
        const unsigned char c = (unsigned char)s->text[i];
        const size_t n = lks_utf8_sequence(s->text + i, s->length - i);
        if (n == 0)
            return i > 0 && is_cut_character(s->text + i, s->length - i);
        if ((c < ' ' && !strchr("\t\n\r\f\x1a", c)) || c == 0x7f || c == 0)
            return false;
        i += n;
    }
    return s->length > 0;
}

static span after_space(span s) {
    if (s.length >= 3 && memcmp(s.text, "\xef\xbb\xbf", 3) == 0)
        s = (span){s.text + 3, s.length - 3};
    while (s.length && isspace((unsigned char)*s.text))
        s = (span){s.text + 1, s.length - 1};
    return s;
}

static bool begins(span s, const char *word) {
    return s.length >= strlen(word) && strncasecmp(s.text, word, strlen(word)) == 0;
}

static bool holds(span s, const char *word) {
    for (; s.length >= strlen(word); s.text++, s.length--)
        if (begins(s, word))
            return true;
    return false;
}

/* The next line, without its end; false after the last, or at one that is cut off. */
static bool next_line(span *rest, span *line) {
    const char *end = rest->length ? memchr(rest->text, '\n', rest->length) : NULL;
    if (!end)
        return false;
    *line = (span){rest->text, (size_t)(end - rest->text)};
    *rest = (span){end + 1, rest->length - line->length - 1};
    if (line->length && line->text[line->length - 1] == '\r')
        line->length--;
    return true;
}

/* --- kinds ------------------------------------------------------------------------------------ */

static bool is_page(span s) {
    return begins(s, "<!doctype html") || begins(s, "<html") || begins(s, "<head");
}

static bool is_svg(span s) {
    return begins(s, "<svg") || ((begins(s, "<?xml") || begins(s, "<!")) && holds(s, "<svg"));
}

static bool is_xml(span s) {
    return begins(s, "<?xml") ||
           (begins(s, "<") && s.length > 1 && isalpha((unsigned char)s.text[1]));
}

static bool is_json(span s) {
    if (!begins(s, "{") && !begins(s, "["))
        return false;
    const span inside = after_space((span){s.text + 1, s.length - 1});
    return inside.length && strchr("\"{[]}-0123456789", *inside.text) && *inside.text;
}

static size_t count_of(span line, char c) {
    size_t n = 0;
    for (size_t i = 0; i < line.length; i++)
        n += line.text[i] == c;
    return n;
}

/* The first two lines have equally many values; or there is the beginning of a long one. */
static bool is_table(span s) {
    static const char separators[] = ",;\t";
    span first, second;
    if (!next_line(&s, &first) || !next_line(&s, &second))
        return count_of(s, ',') >= 16;
    for (const char *c = separators; *c; c++)
        if (count_of(first, *c) > 0 && count_of(first, *c) == count_of(second, *c))
            return true;
    return false;
}

static bool is_config(span s) {
    span line;
    while (next_line(&s, &line))
        if (begins(line, "model:"))
            return true;
    return begins(s, "model:");
}

static bool is_script(span s) {
    return begins(s, "#!");
}

static const struct {
    bool (*is)(span s);
    lks_file_kind kind;
} table[] = {
    {is_page, {"an HTML page", LKS_FILE_PAGE, NULL, NULL}},
    {is_svg,
     {"an SVG drawing", LKS_FILE_FOREIGN, "rsvg-convert -b white -o %o %i", "librsvg2-bin"}},
    {is_xml, {"an XML file", LKS_FILE_TEXT, NULL, NULL}},
    {is_script, {"a script", LKS_FILE_TEXT, NULL, NULL}},
    {is_config, {"a configuration", LKS_FILE_CONFIG, NULL, NULL}},
    {is_json, {"a JSON file", LKS_FILE_TEXT, NULL, NULL}},
    {is_table, {"a table of values as text (CSV)", LKS_FILE_TABLE, NULL, NULL}},
};

/* Letters and other ASCII as pairs of bytes, of which byte @p zero is 0: so texts in UTF-16 begin, also without a mark.
 */
static bool is_wide(const unsigned char *bytes, size_t count, size_t zero) {
    enum { LOOKED_AT = 32 };
    const size_t n = count < LOOKED_AT ? count / 2 * 2 : LOOKED_AT;
    for (size_t i = 0; i < n; i += 2) {
        const unsigned char c = bytes[i + 1 - zero];
        if (bytes[i + zero] != 0 || (!isprint(c) && !isspace(c)))
            return false;
    }
    return n >= 4;
}

const lks_file_kind *lks_kind_by_text(const unsigned char *bytes, size_t count) {
    static const lks_file_kind utf16 = {"text in UTF-16", LKS_FILE_TEXT,
                                        "iconv -f UTF-16 -t UTF-8 %i > %b-utf8.txt", NULL},
                               little = {"text in UTF-16, little-endian", LKS_FILE_TEXT,
                                         "iconv -f UTF-16LE -t UTF-8 %i > %b-utf8.txt", NULL},
                               big = {"text in UTF-16, big-endian", LKS_FILE_TEXT,
                                      "iconv -f UTF-16BE -t UTF-8 %i > %b-utf8.txt", NULL},
                               plain = {"a text file", LKS_FILE_TEXT, NULL, NULL};
    const span all = {(const char *)bytes, count};
    if (count >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0))
        return &utf16;
    if (is_wide(bytes, count, 1))
        return &little;
    if (is_wide(bytes, count, 0))
        return &big;
    if (!is_text(&all))
        return NULL;
    const span text = after_space(all);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].is(text))
            return &table[i].kind;
    return &plain;
}

#include "base/shell.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_control(char c) {
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* No word of these means anything else to a shell, but for '=' and '%' in front. */
static bool is_plain(const char *word) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+.,:/@%=";
    return word[0] && !strchr("%=", word[0]) && word[strspn(word, plain)] == '\0';
}

/* Writes @p c, which stands in '...' or, where @p escapes, in $'...'; at most 4 bytes. */
static char *put(char *out, char c, bool escapes) {
    if (escapes && is_control(c))
        return out + sprintf(out, "\\%03o", (unsigned)c);
    if (escapes && (c == '\'' || c == '\\'))
        return out + sprintf(out, "\\%c", c);
    if (c == '\'')
        return out + sprintf(out, "'\\''");
    *out = c;
    return out + 1;
}

char *lks_shell_word(const char *word) {
    bool escapes = false;
    for (const char *c = word; *c; c++)
        escapes = escapes || is_control(*c);
    char *text = malloc(4 * strlen(word) + sizeof "$'./'"), *out = text;
    if (!text)
        return NULL;
    const bool quotes = !is_plain(word);
    out +=
        sprintf(out, "%s%s%s", escapes ? "$" : "", quotes ? "'" : "", word[0] == '-' ? "./" : "");
    for (; *word; word++)
        out = put(out, *word, escapes);
    sprintf(out, "%s", quotes ? "'" : "");
    return text;
}

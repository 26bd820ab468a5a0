/* A magic number, a version, a length, and a dict of three members as Python would print it:
 * {'descr': '<f4', 'fortran_order': False, 'shape': (3, 3, 1, 32), } */
#include "import/npy.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char broken[] = "is no array of NumPy, or damaged";

static void skip_blanks(const char **at) {
    *at += strspn(*at, " \n");
}

static bool eat(const char **at, const char *word) {
    skip_blanks(at);
    const size_t n = strlen(word);
    if (strncmp(*at, word, n) != 0)
        return false;
    *at += n;
    return true;
}

/* A text in quotes of either kind; nothing in it is escaped. */
static bool take_text(const char **at, char *text, size_t size) {
    skip_blanks(at);
    const char quote = **at;
    if (quote != '\'' && quote != '"')
        return false;
    const char *end = strchr(*at + 1, quote);
    if (!end || (size_t)(end - *at) > size)
        return false;
    snprintf(text, size, "%.*s", (int)(end - *at - 1), *at + 1);
    *at = end + 1;
    return true;
}

static bool take_count(const char **at, int64_t *count) {
    char *end;
    skip_blanks(at);
    if (!isdigit((unsigned char)**at))
        return false;
    errno = 0;
    *count = strtoll(*at, &end, 10);
    *at = end + (*end == 'L'); /* Python 2 */
    return errno == 0;
}

/* (3, 3) or (3,) or () */
static bool take_shape(const char **at, lks_import_tensor *t) {
    if (!eat(at, "("))
        return false;
    while (!eat(at, ")")) {
        if (t->ndim == LKS_IMPORT_DIMENSIONS || !take_count(at, &t->shape[t->ndim]))
            return false;
        t->ndim++;
        if (!eat(at, ",")) {
            skip_blanks(at);
            if (**at != ')')
                return false;
        }
    }
    return true;
}

static bool take_order(const char **at, lks_import_tensor *t) {
    t->column_major = eat(at, "True");
    return t->column_major || eat(at, "False");
}

/* "<f4": order of the bytes, kind, and size. */
static const char *understand(const char *descr, lks_npy_head *head) {
    static const char no_weights[] = "biu?cmMVU";
    const bool ordered = strchr("<>|=", *descr) && *descr;
    const char *kind = descr + ordered;
    char *end;
    const unsigned long size = strtoul(*kind ? kind + 1 : kind, &end, 10);
    head->t.big_endian = *descr == '>';
    if (*kind == 'O')
        return "holds objects of Python (a pickle), which are not read; save plain arrays";
    if (*end || !*kind)
        return "has a type of values that is not read";
    head->kind = *kind == 'S' ? LKS_NPY_TEXT : LKS_NPY_VALUES;
    head->text_bytes = *kind == 'S' ? size : 0;
    if (*kind == 'f' && size == 2)
        head->t.type = LKS_IMPORT_F16;
    else if (*kind == 'f' && size == 4)
        head->t.type = LKS_IMPORT_F32;
    else if (*kind == 'f' && size == 8)
        head->t.type = LKS_IMPORT_F64;
    else if (*kind != 'S' && !strchr(no_weights, *kind))
        return "has a type of values that is not read";
    return NULL;
}

static const char *take_dict(const char *at, lks_npy_head *head) {
    char key[32], descr[64] = "";
    bool has_order = false, has_shape = false;
    if (!eat(&at, "{"))
        return broken;
    while (!eat(&at, "}")) {
        if (!take_text(&at, key, sizeof key) || !eat(&at, ":"))
            return broken;
        bool well = false;
        if (strcmp(key, "descr") == 0 && !descr[0]) {
            skip_blanks(&at);
            if (*at == '[')
                return "has values of several parts (a structured type); save plain arrays";
            well = take_text(&at, descr, sizeof descr);
        } else if (strcmp(key, "fortran_order") == 0 && !has_order)
            well = has_order = take_order(&at, &head->t);
        else if (strcmp(key, "shape") == 0 && !has_shape)
            well = has_shape = take_shape(&at, &head->t);
        if (!well)
            return broken;
        eat(&at, ",");
    }
    skip_blanks(&at);
    return *at || !descr[0] || !has_order || !has_shape ? broken : understand(descr, head);
}

const char *lks_npy_head_read(lks_npy_head *head, const unsigned char *bytes, size_t n) {
    char text[LKS_NPY_HEAD_MAX];
    *head = (lks_npy_head){0};
    if (n < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0 || bytes[6] < 1 || bytes[6] > 3)
        return broken;
    size_t length = (size_t)bytes[8] | (size_t)bytes[9] << 8, begin = 10;
    if (bytes[6] > 1) {
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
        begin = 12;
    }
    if (length > n - begin || length >= sizeof text)
        return broken;
    memcpy(text, bytes + begin, length);
    text[length] = '\0';
    head->bytes = begin + length;
    return strlen(text) == length ? take_dict(text, head) : broken;
}

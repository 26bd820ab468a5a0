#include "config/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

lks_status lks_noted(lks_status status) {
    return status == LKS_ERR_MEMORY ? status : LKS_OK;
}

lks_origin *lks_reader_origin(lks_reader *r, const lks_option *option) {
    return &r->origins[lks_option_index(option)];
}

void lks_reader_took(lks_reader *r, const lks_option *option, size_t offset) {
    lks_origin *origin = lks_reader_origin(r, option);
    origin->from = LKS_FROM_FILE + r->now.order;
    origin->offset = offset;
}

static bool is_below(const char *key, const char *section) {
    const size_t length = strlen(section);
    return strncmp(key, section, length) == 0 &&
           (length == 0 || key[length] == '\0' || key[length] == '.');
}

void lks_reader_doubt(lks_reader *r, const char *section) {
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)); i++)
        if (is_below(option->key, section))
            lks_reader_origin(r, option)->unsound = true;
}

bool lks_reader_sound(lks_reader *r, const char *key) {
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)); i++)
        if (is_below(option->key, key) && lks_reader_origin(r, option)->unsound)
            return false;
    return true;
}

bool lks_reader_given(lks_reader *r, const char *key) {
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)); i++)
        if (is_below(option->key, key) && lks_reader_origin(r, option)->from != LKS_FROM_DEFAULT)
            return true;
    return false;
}

lks_status lks_fail_option(lks_reader *r, const lks_option *option, const char *format, ...) {
    char message[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    const lks_origin *origin = lks_reader_origin(r, option);
    const int set = origin->from - LKS_FROM_SETS;
    lks_source source = r->file;
    if (set >= 0)
        source = (lks_source){.kind = LKS_SOURCE_SET, .order = set + 1, .label = r->sets[set]};
    return lks_fail_at(&r->problems, &source, origin->offset, "%s", message);
}

#include "tool/view/draw.h"

#include <stdlib.h>
#include <string.h>

bool lks_speaks_utf8(void) {
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

const char *lks_shade(uint8_t value) {
    static const char *const blocks[] = {" ", "\u2591", "\u2592", "\u2593", "\u2588"};
    static const char *const letters[] = {" ", ".", "-", "+", "#"};
    return (lks_speaks_utf8() ? blocks : letters)[value == 0 ? 0 : 1 + value / 64];
}

/* Members looked up in a text of JSON, and texts written into one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "base/json/json.h"

static void look_up(const char *json) {
    static const char *const keys[] = {"step", "rank", "name", "text", "phases", "a"};
    char text[24];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        lks_json_get_number(json, keys[i]);
        if (lks_json_get_integer(json, keys[i], 1 << 20, -1) > 1 << 20)
            abort();
        lks_json_get_text(json, keys[i], text, sizeof text);
        if (strlen(text) >= sizeof text)
            abort();
        const char *inner = lks_json_get_object(json, keys[i]);
        if (inner)
            lks_json_get_number(inner, "min");
    }
}

/* A text that is written is read back as it was, cut, with what is no UTF-8 replaced. */
static void there_and_back(const char *text) {
    char *json = NULL, once[256], twice[256];
    size_t size = 0;
    for (int i = 0; i < 2; i++) {
        FILE *f = open_memstream(&json, &size);
        if (!f)
            abort();
        fputs("{\"a\":", f);
        lks_json_text(f, i ? once : text);
        fputs("}", f);
        fclose(f);
        if (!lks_json_get_text(json, "a", i ? twice : once, sizeof once))
            abort();
        free(json);
    }
    if (strcmp(once, twice) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size);
    look_up(text);
    there_and_back(text);
    free(text);
    return 0;
}

/* pictures.yaml, which stands beside packed images. What is accepted must read back from its own print as the same, and
 * goes into a configuration. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "lockstep/config.h"

static void there_and_back(const lks_packed_note *note) {
    lks_packed_note again;
    lks_error err;
    char *text = lks_packed_note_text(note, &err), *twice;
    if (!text || lks_packed_note_parse(&again, text, strlen(text), "printed.yaml", &err) != LKS_OK)
        abort();
    twice = lks_packed_note_text(&again, &err);
    if (!twice || strcmp(text, twice) != 0)
        abort();
    free(twice);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char yaml[] = "model:\n  - flatten\n  - dense: 2\n";
    lks_packed_note note;
    lks_config config;
    lks_error err;
    char *text = fuzz_text(data, size), remarks[3][LKS_REMARK_MAX];
    if (lks_packed_note_parse(&note, text, size, "pictures.yaml", &err) == LKS_OK) {
        there_and_back(&note);
        if (lks_config_parse(&config, yaml, strlen(yaml), "a.yaml", NULL, 0, &err) != LKS_OK)
            abort();
        lks_config_take_note(&config, &note, remarks);
        lks_config_free(&config);
    }
    free(text);
    return 0;
}

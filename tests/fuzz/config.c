/* A configuration and overrides as --set has them: parts "=== config" and "=== set". What is accepted must read back
 * from its own print as the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "lockstep/config.h"

enum { SETS_MOST = 4 };

typedef struct parts {
    char *config, *sets[SETS_MOST];
    size_t size;
    int n_sets;
} parts;

static void take(void *context, const char *name, const uint8_t *data, size_t size) {
    parts *p = context;
    if (strcmp(name, "set") == 0 && p->n_sets < SETS_MOST) {
        if (size && data[size - 1] == '\n')
            size--;
        p->sets[p->n_sets++] = fuzz_text(data, size);
    } else if (!p->config) {
        p->config = fuzz_text(data, size);
        p->size = size;
    }
}

static void ignore(void *context, const char *key, const char *a, const char *b) {
    (void)context;
    fprintf(stderr, "%s: %s became %s\n", key, a, b);
    abort();
}

/* Printed and read again it is the same. */
static void there_and_back(const lks_config *config) {
    lks_config again;
    lks_error err;
    char *text = lks_config_to_yaml(config, &err);
    if (!text)
        abort();
    if (lks_config_parse(&again, text, strlen(text), "printed.yaml", NULL, 0, &err) != LKS_OK) {
        fprintf(stderr, "%s\n%s\n", text, err.text);
        abort();
    }
    if (lks_config_compare(config, &again, ignore, NULL, &err) != LKS_OK)
        abort();
    lks_config_free(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    parts p = {0};
    lks_config config;
    lks_error err;
    fuzz_parts(data, size, take, &p);
    if (!p.config) {
        p.config = fuzz_text(data, size);
        p.size = size;
    }
    if (lks_config_parse(&config, p.config, p.size, "input.yaml", (const char *const *)p.sets,
                         p.n_sets, &err) == LKS_OK) {
        there_and_back(&config);
        lks_config_free(&config);
    }
    free(p.config);
    for (int i = 0; i < p.n_sets; i++)
        free(p.sets[i]);
    return 0;
}

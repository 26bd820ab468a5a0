#include "network.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "infer/restore.h"
#include "io/checkpoint_format.h"
#include "lockstep/model.h"

static void look(const lks_checkpoint *c, const lks_config *config) {
    lks_model *model;
    lks_error err;
    if (lks_restore_model(&model, config, &c->data, 1, 1, &err) != LKS_OK)
        return;
    if (lks_restore_weights(model, c, &err) == LKS_OK) {
        const size_t bytes =
            (size_t)c->data.rows * (size_t)c->data.columns * (size_t)c->data.channels;
        uint8_t *image = calloc(bytes, 1), label = 0;
        uint32_t id = 0;
        lks_score score;
        const lks_batch batch = {image, &label, &id, 1, 0};
        if (image)
            lks_model_evaluate(model, &batch, &score, NULL);
        free(image);
    }
    lks_model_free(model);
}

void fuzz_network(const uint8_t *data, size_t size) {
    lks_checkpoint c;
    lks_config config;
    lks_error err;
    uint8_t *sealed = malloc(size);
    if (!sealed)
        abort();
    memcpy(sealed, data, size);
    if (lks_seal_write(sealed, size, &err) != LKS_OK)
        abort();
    const char *path = fuzz_file(0, sealed, size);
    free(sealed);
    if (lks_checkpoint_read(path, LKS_NUMERICS, &c, &err) != LKS_OK)
        return;
    if (lks_config_parse(&config, c.config_yaml, strlen(c.config_yaml), path, NULL, 0, &err) ==
        LKS_OK) {
        look(&c, &config);
        lks_config_free(&config);
    }
    lks_checkpoint_free(&c);
}

/* Networks in files of other programs: of every shipped configuration the same weights come back from each format. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "export/export.h"
#include "files/whole_file.h"
#include "import/network.h"
#include "infer/restore.h"
#include "support/test.h"
#include "tool/shipped.h"

static lks_error err;

static const lks_data_identity mnist = {.classes = 10,
                                        .channels = 1,
                                        .rows = 28,
                                        .columns = 28,
                                        .n_train = 9,
                                        .mean = {0.1},
                                        .std = {0.3}};

/* Values that differ from place to place, and may be variances. */
static void fill(float *values, size_t n, uint32_t seed) {
    for (size_t i = 0; i < n; i++)
        values[i] = (float)((uint32_t)i * 2654435761u + seed) * 0x1p-32f;
}

/* A checkpoint of the network; where averages are evaluated they are other values. */
static void write_checkpoint(const char *path, const lks_config *config, lks_model *model,
                             float *average) {
    const lks_model_view v = lks_model_look(model);
    lks_checkpoint c = {.numerics = LKS_NUMERICS, .data = mnist, .n_flats = 1};
    memset(c.data.digest, 'a', sizeof c.data.digest - 1);
    c.config_yaml = lks_config_to_yaml(config, &err);
    c.flats[0] = (lks_flat){"model", v.weights, v.n_weights, v.tensors, v.n_tensors};
    if (config->train.ema_decay > 0)
        c.flats[c.n_flats++] =
            (lks_flat){LKS_AVERAGE, average, v.n_weights, v.tensors, v.n_tensors};
    CU_ASSERT_EQUAL_FATAL(lks_checkpoint_write(path, &c, &err), LKS_OK);
    free(c.config_yaml);
}

static void come_back(const char *checkpoint, const char *format, const lks_config *config,
                      const float *wanted) {
    const lks_export_options o = {.checkpoint = checkpoint, .format = format, .force = true};
    char path[LKS_FOLDER_PATH_MAX];
    lks_export_options to = o;
    snprintf(path, sizeof path, "%s/net.%s", lks_test_folder(), format);
    to.out = path;
    lks_exported written;
    CU_ASSERT_EQUAL_FATAL(lks_export_write(&to, &written, &err), LKS_OK);
    unsigned char *bytes;
    size_t size;
    lks_import_source s;
    lks_import_network n;
    const lks_import_maps none = {0};
    CU_ASSERT_EQUAL_FATAL(lks_read_whole_file(path, 0, NULL, &bytes, &size, &err), LKS_OK);
    CU_ASSERT_EQUAL(size, written.bytes[0]);
    CU_ASSERT_EQUAL_FATAL(lks_import_open(&s, path, bytes, size, &err), LKS_OK);
    CU_ASSERT(strncmp(format, s.reader->name, strlen(s.reader->name)) == 0); /* "keras_weights" */
    CU_ASSERT_EQUAL_FATAL(lks_import_network_make(&n, config, &mnist, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_import_network_take(&n, &s, s.reader->layout, &none, &err), LKS_OK);
    CU_ASSERT_EQUAL(memcmp(n.view.weights, wanted, n.view.n_weights * sizeof(float)), 0);
    lks_import_network_free(&n);
    lks_import_close(&s);
    free(bytes);
}

/* Sanitizers follow the networks whose files are small: larger ones are the same loops, longer. */
#ifdef __SANITIZE_ADDRESS__
static const size_t most_weights = 300000;
#else
static const size_t most_weights = SIZE_MAX;
#endif

/* False if it was left out. */
static bool try_config(const lks_embedded *shipped) {
    char path[LKS_FOLDER_PATH_MAX];
    lks_config config;
    lks_model *model;
    CU_ASSERT_EQUAL_FATAL(lks_config_parse(&config, (const char *)shipped->text, shipped->size,
                                           shipped->name, NULL, 0, &err),
                          LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_restore_model(&model, &config, &mnist, 1, 1, &err), LKS_OK);
    const lks_model_view v = lks_model_look(model);
    const bool tried = v.n_weights <= most_weights;
    float *average = malloc(v.n_weights * sizeof *average);
    if (!tried)
        goto out;
    fill(v.weights, v.n_weights, 1);
    fill(average, v.n_weights, 12345);
    snprintf(path, sizeof path, "%s/net.h5", lks_test_folder());
    write_checkpoint(path, &config, model, average);
    const float *wanted = config.train.ema_decay > 0 ? average : v.weights;
    come_back(path, "safetensors", &config, wanted);
    come_back(path, "npz", &config, wanted);
    come_back(path, "keras", &config, wanted);
    come_back(path, "keras_weights", &config, wanted);
    come_back(path, "onnx", &config, wanted);
out:
    free(average);
    lks_model_free(model);
    lks_config_free(&config);
    return tried;
}

static void test_shipped(void) {
    int averaged = 0;
    for (const lks_embedded *c = lks_shipped_configs; c->name; c++) {
        if (try_config(c))
            averaged += memmem(c->text, c->size, "ema:", 4) != NULL;
    }
    CU_ASSERT(averaged > 2);
}

int main(void) {
    static const lks_test tests[] = {{"shipped networks", test_shipped}, {NULL, NULL}};
    return lks_test_main("exchange_files", tests);
}

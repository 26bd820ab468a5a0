/* Files of all formats that can be imported, from a stranger: opened, and put into a network for images of a size that suits it,
 * and of the size that the file says; what they say of it is read. The same bytes are taken for the head of an array, too,
 * which a checksum of the archive stands before, and for the configuration in an archive of Keras. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "import/compare.h"
#include "import/identity.h"
#include "import/keras/config.h"
#include "import/network.h"
#include "import/npy.h"

static const char yaml[] = "model:\n  - conv2d: {filters: 2, kernel: 3}\n  - batchnorm\n  - relu\n"
                           "  - maxpool: 2\n  - flatten\n  - dense: 3\n";
static const lks_data_identity images = {
    .classes = 3, .channels = 1, .rows = 8, .columns = 8, .n_train = 9, .std = {1}};

static void need(lks_status status) {
    if (status != LKS_OK)
        abort();
}

static void read_classes(const lks_import_source *s, lks_config *config) {
    lks_error err;
    lks_import_take_classes(config, s, &err);
    for (int k = 0; k < config->data.n_class_names; k++)
        if (strlen(config->data.class_names[k]) >= LKS_NAME_MAX)
            abort();
}

static lks_status read_weights(const lks_import_source *s, const lks_config *config,
                               const lks_data_identity *data) {
    const lks_import_maps none = {0};
    lks_import_network n;
    lks_error err;
    const lks_status status = lks_import_network_make(&n, config, data, &err);
    for (int layout = LKS_LAYOUT_NATIVE; layout <= LKS_LAYOUT_TORCH && status == LKS_OK; layout++)
        if (lks_import_network_take(&n, s, (lks_layout)layout, &none, &err) == LKS_OK)
            lks_import_compare(config, n.targets, n.from, n.view.n_tensors, s);
    lks_import_network_free(&n);
    return status;
}

/* Images of another size than the network's may be refused. */
static void read_own_size(const lks_import_source *s, const lks_config *config) {
    lks_data_identity data;
    lks_error err;
    if (lks_import_tells_data(s) && lks_import_data_told(&data, s, &err) == LKS_OK)
        read_weights(s, config, &data);
}

static void read_keras_config(const uint8_t *bytes, size_t size) {
    lks_keras_config c;
    char *text = calloc(size + 1, 1);
    if (!text)
        abort();
    memcpy(text, bytes, size);
    lks_keras_config_read(&c, text);
    lks_keras_config_find(&c, "conv2d");
    lks_keras_config_free(&c);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lks_import_source s;
    lks_npy_head head;
    lks_config config;
    lks_error err;
    read_keras_config(data, size);
    lks_npy_head_read(&head, data, size < LKS_NPY_HEAD_MAX ? size : LKS_NPY_HEAD_MAX);
    if (lks_import_open(&s, "x", data, size, &err) == LKS_OK) {
        need(lks_config_parse(&config, yaml, strlen(yaml), "net.yaml", NULL, 0, &err));
        read_classes(&s, &config);
        need(read_weights(&s, &config, &images));
        read_own_size(&s, &config);
        lks_config_free(&config);
    }
    lks_import_close(&s);
    return 0;
}

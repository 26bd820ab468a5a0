/* Shapes, parameter counts and costs; tensors in the flat array; networks that do not fit their
 * input are refused by the name of the layer. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net_case.h"

static lks_config parse(const char *layers) {
    char text[512];
    lks_config config;
    lks_error err;
    int size = snprintf(text, sizeof text, "model: %s\n", layers);
    if (lks_config_parse(&config, text, (size_t)size, "shapes.yaml", NULL, 0, &err) != LKS_OK)
        CU_FAIL_FATAL("the test's own configuration is wrong");
    return config;
}

static void test_known_network(void) {
    lks_config c = parse("[{conv2d: {filters: 6, kernel: [3, 5], stride: [1, 2], padding: [1, 0]}},"
                         " relu, {maxpool: {window: [3, 2], stride: [2, 3]}}, {dropout: 0.5},"
                         " flatten, {dense: {units: 4, bias: false}}]");
    lks_layer_info info[6];
    lks_error err;
    CU_ASSERT_EQUAL_FATAL(lks_model_shapes(&c, (lks_shape){10, 21, 2}, 4, info, &err), LKS_OK);
    /* Rows 10 + 2 - 3 + 1, columns (21 - 5) / 2 + 1; then (10 - 3) / 2 + 1 and (9 - 2) / 3 + 1. */
    static const lks_shape out[] = {{10, 9, 6}, {10, 9, 6}, {4, 3, 6},
                                    {4, 3, 6},  {1, 1, 72}, {1, 1, 4}};
    static const int64_t parameters[] = {3 * 5 * 2 * 6 + 6, 0, 0, 0, 0, 72 * 4};
    for (int i = 0; i < 6; i++) {
        CU_ASSERT(memcmp(&info[i].out, &out[i], sizeof out[i]) == 0);
        CU_ASSERT_EQUAL(info[i].parameters, parameters[i]);
        CU_ASSERT_EQUAL(info[i].out_bytes, 4 * out[i].rows * out[i].columns * out[i].channels);
    }
    CU_ASSERT_EQUAL(info[0].flop, 2.0 * (3 * 5 * 2) * (10 * 9 * 6));
    CU_ASSERT_EQUAL(info[5].flop, 2.0 * 72 * 4);
    lks_config_free(&c);
}

/* 'same': the input's size divided by the stride, rounded up, whatever the kernel. */
static void test_padding_same(void) {
    for (int kernel = 1; kernel <= 5; kernel++)
        for (int stride = 1; stride <= 4; stride++)
            for (int size = 1; size <= 9; size++) {
                char layers[160];
                snprintf(layers, sizeof layers,
                         "[{conv2d: {filters: 2, kernel: [%d, 3], stride: [%d, 1], padding: same}},"
                         " flatten, {dense: 4}]",
                         kernel, stride);
                lks_config c = parse(layers);
                lks_layer_info info[3];
                lks_error err;
                CU_ASSERT_EQUAL(lks_model_shapes(&c, (lks_shape){size, 7, 1}, 4, info, &err),
                                LKS_OK);
                CU_ASSERT_EQUAL(info[0].out.rows, (size + stride - 1) / stride);
                CU_ASSERT_EQUAL(info[0].out.columns, 7);
                lks_config_free(&c);
            }
}

/* Counts as published. */
static void test_shipped(void) {
    static const struct {
        const char *file;
        int64_t parameters;
    } shipped[] = {{"mnist-convnet.yaml", 34826},
                   {"pytorch-example.yaml", 1199882},
                   {"train-mnist-fast.yaml", 215194},
                   {"lenet5.yaml", 61706},
                   {"m3.yaml", 1124180},
                   {"m5.yaml", 1128180},
                   {"m7.yaml", 2291972},
                   {"smoke.yaml", 938}};
    for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++) {
        char path[512], *text;
        size_t size;
        lks_config c;
        lks_error err;
        lks_layer_info info[64];
        int64_t total = 0;
        snprintf(path, sizeof path, "%s/%s", LKS_CONFIGS_DIR, shipped[i].file);
        CU_ASSERT_EQUAL_FATAL(lks_config_read_file(path, &text, &size, &err), LKS_OK);
        CU_ASSERT_EQUAL_FATAL(lks_config_parse(&c, text, size, path, NULL, 0, &err), LKS_OK);
        CU_ASSERT_FATAL(c.n_layers <= 64);
        CU_ASSERT_EQUAL_FATAL(lks_model_shapes(&c, (lks_shape){28, 28, 1}, 10, info, &err), LKS_OK);
        for (int l = 0; l < c.n_layers; l++)
            total += info[l].parameters;
        CU_ASSERT_EQUAL(total, shipped[i].parameters);
        lks_config_free(&c);
        free(text);
    }
}

/* The tensors of a model tile its flat array, in order, and count what the layer table says. */
static void test_tensors(void) {
    for (int i = 0; i < n_net_cases; i++) {
        net n = net_open(&net_cases[i], NULL);
        lks_model *m = net_model(&n, net_kernels(), 1);
        lks_model_view v = lks_model_look(m);
        lks_layer_info info[32];
        lks_error err;
        int64_t parameters = 0;
        CU_ASSERT_FATAL(n.config.n_layers <= 32);
        CU_ASSERT_EQUAL(lks_model_shapes(&n.config, n.input, n.classes, info, &err), LKS_OK);
        for (int l = 0; l < n.config.n_layers; l++)
            parameters += info[l].parameters;
        CU_ASSERT_EQUAL((int64_t)v.n_weights, parameters);
        size_t end = 0;
        for (int t = 0; t < v.n_tensors; t++) {
            size_t count = 1;
            for (int d = 0; d < v.tensors[t].ndim; d++)
                count *= (size_t)v.tensors[t].shape[d];
            CU_ASSERT(v.tensors[t].offset == end && v.tensors[t].count == count);
            end += count;
        }
        CU_ASSERT_EQUAL(end, v.n_weights);
        lks_model_free(m);
        net_close(&n);
    }
}

static void test_tensor_shapes(void) {
    net n = net_open(net_case_named("odd channels, 5x5, stride 2, explicit padding"), NULL);
    lks_model *m = net_model(&n, net_kernels(), 1);
    lks_model_view v = lks_model_look(m);
    static const lks_tensor want[] = {
        {"conv1/weight", 4, {5, 5, 1, 7}, 0, 175, LKS_ROLE_WEIGHT, true},
        {"conv1/bias", 1, {7}, 175, 7, LKS_ROLE_BIAS, true},
        {"conv2/weight", 4, {3, 2, 7, 19}, 182, 798, LKS_ROLE_WEIGHT, true},
        {"conv2/bias", 1, {19}, 980, 19, LKS_ROLE_BIAS, true},
        {"dense1/weight", 2, {171, 7}, 999, 1197, LKS_ROLE_WEIGHT, true},
        {"dense1/bias", 1, {7}, 2196, 7, LKS_ROLE_BIAS, true}};
    CU_ASSERT_EQUAL_FATAL(v.n_tensors, 6);
    for (int t = 0; t < 6; t++) {
        CU_ASSERT_STRING_EQUAL(v.tensors[t].name, want[t].name);
        CU_ASSERT_EQUAL(v.tensors[t].ndim, want[t].ndim);
        CU_ASSERT(
            memcmp(v.tensors[t].shape, want[t].shape, sizeof(int64_t) * (size_t)want[t].ndim) == 0);
        CU_ASSERT(v.tensors[t].offset == want[t].offset && v.tensors[t].count == want[t].count);
        CU_ASSERT(v.tensors[t].role == want[t].role && v.tensors[t].trained);
    }
    lks_model_free(m);
    net_close(&n);
}

static void test_refused(void) {
    static const struct {
        const char *layers, *message[2];
        lks_shape input;
    } cases[] = {
        {"[{conv2d: {filters: 4, kernel: 5}}, relu, {maxpool: 2}, flatten, {dense: 10}]",
         {"layer 3 maxpool 'pool1'", "2x2 window on a 1x1 input"},
         {5, 5, 1}},
        {"[{conv2d: {filters: 4, kernel: [7, 2], padding: [1, 0], name: first}}, {dense: 10}]",
         {"layer 1 conv2d 'first'", "7x2 kernel on a 6x5 input"},
         {4, 5, 1}},
        {"[relu, {dense: 10}]", {"layer 2 dense 'dense1'", "flatten"}, {2, 1, 3}},
        {"[flatten, {dense: 9}]",
         {"layer 2 dense 'dense1' (line 1): ", "10 classes; --set model.dense1.units=10"},
         {2, 2, 1}},
        {"[flatten, {dense: 10}, relu]", {"layer 3 relu 'relu1'", "dense"}, {2, 2, 1}},
        {"[{batchnorm: {affine: false}}, flatten, {dense: {units: 10, trainable: false}}]",
         {"model", "no layer has weights that may be trained"},
         {2, 2, 1}},
        {"[flatten, {dense: 1000000}, {dense: 10}]",
         {"layer 2 dense 'dense1'", "parameters"},
         {64, 64, 1}},
        {"[{conv2d: {filters: 60000, kernel: 100}}, flatten, {dense: 10}]",
         {"layer 1 conv2d 'conv1'", "parameters"},
         {200, 200, 3}},
        {"[{conv2d: {filters: 60000, kernel: 1}}, flatten, {dense: 10}]",
         {"layer 1 conv2d 'conv1'", "too large"},
         {2000, 2000, 1}},
        {"[{conv2d: {filters: 4, kernel: 2}}, {concat: input}, flatten, {dense: 10}]",
         {"layer 2 concat 'concat1'", "a 2x3 and a 3x4 input ('input')"},
         {3, 4, 1}},
        {"[flatten, {concat: input}, {dense: 10}]",
         {"layer 2 concat 'concat1'", "after a flatten layer"},
         {1, 1, 5}},
        {"[{conv2d: {filters: 4, kernel: 1, groups: 2}}, flatten, {dense: 10}]",
         {"layer 1 conv2d 'conv1'", "2 groups do not divide both the 3 channels"},
         {2, 2, 3}},
        {"[{conv2d: {filters: 4, kernel: 1, groups: 3}}, flatten, {dense: 10}]",
         {"layer 1 conv2d 'conv1'", "its 4 filters"},
         {2, 2, 3}},
        {"[flatten, {dense: 10}]", {"layer 1 flatten 'flatten1'", "too many"}, {30000, 30000, 1}}};
    float pixels[3][256] = {{0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lks_config c = parse(cases[i].layers);
        lks_layer_info info[5];
        lks_error err;
        lks_model *m = (lks_model *)&c; /* anything but NULL */
        CU_ASSERT_EQUAL(lks_model_shapes(&c, cases[i].input, 10, info, &err), LKS_ERR_CONFIG);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].message[0]));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].message[1]));
        CU_ASSERT_EQUAL(lks_model_create(&m, &c, cases[i].input, 10, (const float(*)[256])pixels,
                                         net_kernels(), 1, 1, &err),
                        LKS_ERR_CONFIG);
        CU_ASSERT_PTR_NULL(m);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].message[0]));
        lks_config_free(&c);
    }
}

int main(void) {
    static const lks_test tests[] = {{"a known network", test_known_network},
                                     {"padding same", test_padding_same},
                                     {"shipped networks", test_shipped},
                                     {"tensors", test_tensors},
                                     {"tensor shapes", test_tensor_shapes},
                                     {"refused", test_refused},
                                     {NULL, NULL}};
    return lks_test_main("model shapes", tests);
}

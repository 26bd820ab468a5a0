#include "kernels/kernels.h"
#include "net_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/random_data.h"

const net_case net_cases[] = {
    {"convolutions, pooling, dropout",
     "[{conv2d: {filters: 16, kernel: 3}}, relu, {maxpool: 2}, {conv2d: {filters: 32, kernel: 3}},"
     " relu, {maxpool: 2}, flatten, {dropout: 0.5}, {dense: 10}]",
     {15, 14, 1},
     10,
     37,
     8,
     1},
    {"odd channels, 5x5, stride 2, explicit padding",
     "[{conv2d: {filters: 7, kernel: 5, padding: 2}}, relu, {maxpool: 2},"
     " {conv2d: {filters: 19, kernel: [3, 2], stride: 2, padding: [1, 0]}}, relu, flatten,"
     " {dense: 7}]",
     {11, 12, 1},
     7,
     21,
     4,
     2},
    {"padding same, no bias, no pooling",
     "[{conv2d: {filters: 9, kernel: [3, 5], padding: same, bias: false}}, relu,"
     " {conv2d: {filters: 5, kernel: 5, stride: [2, 1]}}, flatten, {dense: {units: 4, bias: "
     "false}}]",
     {9, 10, 2},
     4,
     17,
     8,
     3},
    {"padding same, even kernels and strides",
     "[{conv2d: {filters: 6, kernel: [4, 2], padding: same}}, relu, {maxpool: 2},"
     " {conv2d: {filters: 11, kernel: [3, 4], stride: [2, 3], padding: same}}, relu,"
     " {conv2d: {filters: 3, kernel: 1, stride: 2, padding: same}}, flatten, {dense: 5}]",
     {9, 15, 1},
     5,
     14,
     4,
     14},
    {"3 x 3 of many channels, all paddings",
     "[{conv2d: {filters: 17, kernel: 3, padding: same}}, relu, {conv2d: {filters: 21, kernel: 3}},"
     " {conv2d: {filters: 16, kernel: 3, padding: [3, 1], bias: false}}, relu, {maxpool: 2},"
     " {conv2d: {filters: 35, kernel: 3, padding: 1}}, tanh, {maxpool: {window: 3, stride: 2}},"
     " flatten, {dense: 6}]",
     {9, 12, 1},
     6,
     14,
     4,
     31},
    {"overlapping windows",
     "[{conv2d: {filters: 17, kernel: 3}}, relu, {maxpool: {window: 3, stride: 2}}, flatten,"
     " {dense: 6}]",
     {10, 11, 1},
     6,
     13,
     4,
     4},
    {"pooling before ReLU",
     "[{conv2d: {filters: 6, kernel: 2}}, {maxpool: 2}, relu,"
     " {conv2d: {filters: 18, kernel: 3, padding: 1}},"
     " {maxpool: {window: 2, stride: [2, 1]}}, relu, flatten, {dense: 5}]",
     {11, 10, 3},
     5,
     19,
     4,
     5},
    {"pooling without ReLU",
     "[{conv2d: {filters: 16, kernel: 3}}, {maxpool: 2}, {conv2d: {filters: 33, kernel: 2}},"
     " {maxpool: {window: 2, stride: [1, 2]}}, {dropout: 0.25}, flatten, {dense: 5}]",
     {10, 9, 1},
     5,
     18,
     8,
     6},
    {"layers on their own",
     "[relu, {maxpool: [2, 1]}, {dropout: 0.1}, {conv2d: {filters: 7, kernel: 3}}, {dropout: 0.3},"
     " relu, {maxpool: [2, 3]}, relu, flatten, {dense: 11}, {dropout: 0.5}, relu, {dropout: 0},"
     " {dense: 3}]",
     {13, 9, 6},
     3,
     22,
     8,
     7},
    {"dense layers only",
     "[flatten, {dense: 33}, relu, {dense: {units: 21, bias: false}}, {dense: 15}, relu,"
     " {dense: 8}]",
     {5, 6, 3},
     8,
     35,
     16,
     8},
    {"wide dense layers",
     "[{conv2d: {filters: 5, kernel: 3}}, relu, flatten, {dense: 135}, relu, {dense: 490}, relu,"
     " {dense: 10}]",
     {12, 12, 3},
     10,
     9,
     4,
     9},
    {"wide dense layers in place",
     "[flatten, {dense: 304}, relu, {dense: {units: 256, bias: false}}, {dense: 10}]",
     {9, 25, 1},
     10,
     9,
     4,
     32},
    {"six channels, sparse first layer",
     "[{conv2d: {filters: 10, kernel: 3, padding: same}}, relu, {maxpool: 2}, flatten,"
     " {dense: 4}]",
     {7, 8, 6},
     4,
     14,
     4,
     10},
    {"unpooled convolutions with gradients below",
     "[{conv2d: {filters: 20, kernel: 1}}, relu, {conv2d: {filters: 12, kernel: [2, 4]}}, relu,"
     " {conv2d: {filters: 6, kernel: 3, stride: 3, padding: [2, 1]}}, relu, flatten, {dense: 9}]",
     {8, 9, 1},
     9,
     12,
     4,
     11},
    {"no flatten, one pixel left",
     "[{conv2d: {filters: 12, kernel: [6, 5]}}, relu, {dense: 4}]",
     {6, 5, 4},
     4,
     9,
     4,
     12},
    {"padded windows of the maximum",
     "[{conv2d: {filters: 6, kernel: 3}}, relu, {maxpool: {window: 3, stride: 2, padding: 1}},"
     " {conv2d: {filters: 17, kernel: 2}}, tanh, {maxpool: {window: [3, 2], padding: same,"
     " stride: 1}}, flatten, {dense: 5}]",
     {11, 10, 1},
     5,
     18,
     4,
     15},
    {"means, leaky ReLU, sigmoid",
     "[{conv2d: {filters: 7, kernel: 3}}, {leaky_relu: 0.2}, {avgpool: 2}, sigmoid,"
     " {conv2d: {filters: 18, kernel: 2}}, {leaky_relu: 0}, {avgpool: {window: 3, stride: 2,"
     " padding: 1}}, flatten, {dense: 6}]",
     {12, 11, 2},
     6,
     21,
     8,
     20},
    {"means without padding, both GELUs",
     "[{conv2d: {filters: 5, kernel: 3}}, gelu, {avgpool: {window: [2, 3], stride: [1, 2],"
     " padding: same, count_padding: false}}, {conv2d: {filters: 20, kernel: 2}},"
     " {gelu: {tanh_form: true}}, {avgpool: {window: 3, stride: 4, padding: 1,"
     " count_padding: false}}, flatten, {dense: 12}, tanh, {dense: 4}]",
     {9, 10, 1},
     4,
     13,
     4,
     17},
    {"a convolution gives the logits",
     "[{conv2d: {filters: 9, kernel: 3, padding: same}}, gelu, {conv2d: {filters: 7, kernel: 2}},"
     " global_avgpool]",
     {7, 6, 1},
     7,
     19,
     8,
     18},
    {"activations of the image",
     "[tanh, {avgpool: [2, 1]}, sigmoid, {conv2d: {filters: 6, kernel: 2}}, {leaky_relu: 1},"
     " global_avgpool, sigmoid, {dropout: 0.3}, {dense: 3}]",
     {9, 8, 3},
     3,
     22,
     8,
     19},
    {"groups of few channels, padding, stride",
     "[{conv2d: {filters: 12, kernel: 3, groups: 3, padding: same}}, relu, {conv2d: {filters: 20,"
     " kernel: [3, 2], groups: 4, stride: [1, 2], padding: [2, 1], bias: false}}, tanh, {conv2d:"
     " {filters: 30, kernel: 2, groups: 10}}, {maxpool: 2}, relu, flatten, {dense: 5}]",
     {8, 9, 3},
     5,
     18,
     8,
     42},
    {"groups of whole blocks",
     "[{conv2d: {filters: 32, kernel: 3}}, relu, {conv2d: {filters: 96, kernel: 3, groups: 2,"
     " padding: 1}}, relu, {maxpool: 2}, {conv2d: {filters: 48, kernel: 2, groups: 3}}, flatten,"
     " {dense: 4}]",
     {9, 8, 1},
     4,
     11,
     4,
     43},
    {"depthwise convolutions",
     "[{conv2d: {filters: 19, kernel: 2}}, relu, {conv2d: {filters: 19, kernel: 3, groups: 19,"
     " padding: 1}}, {conv2d: {filters: 24, kernel: 1}}, gelu, {conv2d: {filters: 48, kernel: 5,"
     " groups: 24, stride: 2, padding: 2}}, global_avgpool, {dense: 6}]",
     {8, 7, 2},
     6,
     13,
     4,
     41},
    {"SiLU on its own and behind a convolution",
     "[silu, {conv2d: {filters: 5, kernel: 3}}, silu, {avgpool: 2}, flatten, {dense: 12}, silu,"
     " {dense: 4}]",
     {8, 9, 2},
     4,
     18,
     8,
     38},
    {"a single dense layer", "[flatten, {dense: 3}]", {3, 4, 1}, 3, 33, 32, 13},
};
const int n_net_cases = sizeof net_cases / sizeof *net_cases;

const net_case wide_cases[] = {
    {"wide",
     "[{conv2d: {filters: 18, kernel: 3}}, relu, flatten, {dense: 40}, relu, {dense: 5}]",
     {14, 13, 1},
     5,
     45,
     8,
     9},
    {"wide and padded",
     "[flatten, {dense: 500}, relu, {dense: 300}, relu, {dense: 3}]",
     {9, 10, 1},
     3,
     27,
     4,
     5}};
const int n_wide_cases = sizeof wide_cases / sizeof *wide_cases;

const net_case batch_cases[] = {
    {"batchnorm behind a convolution and a dense layer",
     "[{conv2d: {filters: 6, kernel: 3, bias: false}}, batchnorm, tanh, {avgpool: 2}, flatten,"
     " {dense: 9}, {batchnorm: {affine: false, momentum: 0.3}}, sigmoid, {dense: 4}]",
     {9, 8, 1},
     4,
     22,
     4,
     31},
    {"residual sums of batchnorms",
     "[{conv2d: {filters: 5, kernel: 3, padding: same}}, batchnorm, {gelu: {name: skip}},"
     " {conv2d: {filters: 5, kernel: 3, padding: same}}, {batchnorm: {epsilon: 0.01}},"
     " {add: skip}, gelu, {conv2d: {filters: 18, kernel: 2, stride: 2}}, {batchnorm: {name: side}},"
     " tanh, {add: side}, {avgpool: {window: 3, stride: 2, padding: 1, count_padding: false}},"
     " global_avgpool, {dense: 5}]",
     {8, 7, 2},
     5,
     19,
     8,
     32},
    {"logits from a batchnorm, on the image too",
     "[{batchnorm: {affine: false}}, {leaky_relu: 0.3}, {maxpool: {window: 3, stride: 2,"
     " padding: 1}}, {conv2d: {filters: 4, kernel: 2}}, {gelu: {tanh_form: true}}, {conv2d:"
     " {filters: 7, kernel: 3}}, batchnorm]",
     {8, 7, 6},
     7,
     33,
     16,
     33},
    {"two branches, one frozen",
     "[{conv2d: {filters: 4, kernel: 3, name: left}}, sigmoid, {conv2d: {filters: 4, kernel: 3,"
     " input: input, trainable: false}}, {batchnorm: {trainable: false}}, tanh, {add: sigmoid1},"
     " {avgpool: [2, 3]}, flatten, {dense: 3}]",
     {8, 9, 3},
     3,
     14,
     4,
     34},
    {"batchnorms whose input others read",
     "[{conv2d: {filters: 5, kernel: 3}}, batchnorm, tanh, {add: conv1}, {batchnorm: {name: n}},"
     " flatten, {dense: 4}, {batchnorm: {input: n}}, sigmoid, {conv2d: {filters: 4, kernel: [4,"
     " 5]}}, {add: dense1}, {dense: 3}]",
     {6, 7, 1},
     3,
     18,
     4,
     56},
    {"a sum without batchnorm",
     "[{conv2d: {filters: 6, kernel: 3, padding: 1}}, relu, {conv2d: {filters: 6, kernel: 3,"
     " padding: 1}}, {add: conv1}, {add: relu1}, {maxpool: 2}, flatten, {dense: 5}]",
     {6, 7, 1},
     5,
     17,
     4,
     35},
    {"channels side by side",
     "[{conv2d: {filters: 5, kernel: 3, padding: same}}, {tanh: {name: left}}, {conv2d: {filters: "
     "18,"
     " kernel: 3, padding: same, input: input}}, batchnorm, {silu: {name: right}}, {concat: [left,"
     " input]}, {conv2d: {filters: 4, kernel: 2}}, {concat: {from: conv3, name: twice}}, {avgpool: "
     "2},"
     " {conv2d: {filters: 3, kernel: 2, padding: same}}, {concat: avgpool1}, {batchnorm: {name: "
     "both}},"
     " global_avgpool, {dense: 5}]",
     {7, 8, 2},
     5,
     19,
     4,
     44},
    {"groups and batchnorm",
     "[{conv2d: {filters: 6, kernel: 3, groups: 3, bias: false}}, batchnorm, silu, {conv2d: "
     "{filters:"
     " 6, kernel: 3, groups: 6, padding: 1}}, {add: silu1}, {conv2d: {filters: 34, kernel: 2, "
     "groups:"
     " 2}}, tanh, flatten, {dense: 3}]",
     {8, 7, 3},
     3,
     19,
     4,
     37},
    {"a wide dense layer, its sums in place, behind a batchnorm",
     "[{conv2d: {filters: 4, kernel: 3}}, batchnorm, tanh, flatten, {dense: 80}, tanh, {dense: 3}]",
     {18, 18, 1},
     3,
     13,
     4,
     36},
};
const int n_batch_cases = sizeof batch_cases / sizeof *batch_cases;

static void stop(const char *what) {
    fprintf(stderr, "net_case: %s\n", what);
    exit(1);
}

const net_case *net_case_named(const char *name) {
    for (int i = 0; i < n_net_cases; i++)
        if (strcmp(net_cases[i].name, name) == 0)
            return &net_cases[i];
    stop(name);
    return NULL;
}

static const char *used;

void net_use(const char *set) {
    used = set;
}

net net_open(const net_case *c, const char *set) {
    const char *sets[2];
    int n_sets = 0;
    if (used)
        sets[n_sets++] = used;
    if (set)
        sets[n_sets++] = set;
    net n = {.input = c->input, .classes = c->classes};
    char text[1024];
    int size = snprintf(text, sizeof text,
                        "seed: %llu\ninit: fan_in_uniform\nmodel: %s\n"
                        "train: {chunk: %d, global_batch: %d}\n",
                        (unsigned long long)c->seed, c->layers, c->chunk, c->samples);
    lks_error err;
    if (lks_config_parse(&n.config, text, (size_t)size, c->name, sets, n_sets, &err) != LKS_OK)
        stop(err.text);

    size_t pixels = (size_t)(c->input.rows * c->input.columns * c->input.channels);
    size_t samples = (size_t)c->samples;
    n.pixels = malloc((size_t)c->input.channels * sizeof *n.pixels);
    n.images = malloc(samples * pixels);
    n.labels = malloc(samples);
    n.ids = malloc(samples * sizeof *n.ids);
    if (!n.pixels || !n.images || !n.labels || !n.ids)
        stop("out of memory");
    lks_random_seed(c->seed);
    for (int ch = 0; ch < c->input.channels; ch++)
        for (int b = 0; b < 256; b++)
            n.pixels[ch][b] = (float)(b - 90 + 10 * ch) / (100.0f + (float)ch);
    for (size_t i = 0; i < samples * pixels; i++)
        n.images[i] = (uint8_t)lks_random_int(0, 255);
    for (size_t i = 0; i < samples; i++) {
        n.labels[i] = (uint8_t)lks_random_int(0, c->classes - 1);
        n.ids[i] = (uint32_t)lks_random_bits();
    }
    n.batch = (lks_batch){n.images, n.labels, n.ids, c->samples, 3};
    return n;
}

void net_close(net *n) {
    lks_config_free(&n->config);
    free(n->pixels);
    free(n->images);
    free(n->labels);
    free(n->ids);
}

lks_model *net_model(const net *n, const lks_kernels *kernels, int threads) {
    lks_model *m;
    lks_error err;
    if (lks_model_create(&m, &n->config, n->input, n->classes, (const float(*)[256])n->pixels,
                         kernels, threads, n->batch.n, &err) != LKS_OK)
        stop(err.text);
    lks_model_init(m, n->config.seed);
    return m;
}

lks_batch net_part(const net *n, int first, int count) {
    size_t pixels = (size_t)(n->input.rows * n->input.columns * n->input.channels);
    return (lks_batch){n->images + (size_t)first * pixels, n->labels + first, n->ids + first, count,
                       n->batch.epoch};
}

size_t net_message_length(const lks_model *m) {
    lks_model_view v = lks_model_look(m);
    return LKS_MSG_HEAD + (size_t)v.n_operations + v.n_weights;
}

int64_t *net_collect(lks_model *m) {
    size_t bytes = net_message_length(m) * sizeof(int64_t);
    int64_t *message = malloc(bytes);
    if (!message)
        stop("out of memory");
    lks_model_collect(m);
    return memcpy(message, lks_model_look(m).message, bytes);
}

const lks_kernels *net_kernels(void) {
    const lks_kernels *tables[LKS_MAX_TABLES];
    return tables[lks_kernels_usable(tables) - 1];
}

static double loss_of(const int64_t *message) {
    return lks_limbs_value((lks_limbs){message[LKS_MSG_LOSS_HI], message[LKS_MSG_LOSS_LO]});
}

/* How the loss is split over its two limbs depends on who added what, so it is compared as the double that
 * everybody makes of them. */
bool net_same_message(const lks_model *m, const int64_t *a, const int64_t *b) {
    size_t differ = loss_of(a) != loss_of(b);
    for (size_t i = 0; i < net_message_length(m); i++)
        differ += i != LKS_MSG_LOSS_HI && i != LKS_MSG_LOSS_LO && a[i] != b[i];
    return differ == 0;
}

/* What instructions.sh counts: a step of a small network, on one thread and with one instruction set. Everything is
 * fixed, random numbers included, so equal programs execute equally many instructions.
 *
 * Usage: bench_instructions ISA NETWORK; exit status 77 where the machine cannot run ISA. Without arguments: the
 * networks. With --build: what the program was compiled with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/config.h"
#include "lockstep/model.h"
#include "optim/optim.h"
#include "support/random_data.h"

#define SAMPLES     16 /* one chunk, as large as they are by default */
#define MOST_PIXELS 400

typedef struct network {
    const char *name, *layers;
    lks_shape input;
} network;

/* Each kernel has a network in which it does most of its kind of work. */
static const network networks[] = {
    {"pooled",
     "[{conv2d: {filters: 32, kernel: 3}}, relu, {maxpool: 2}, {conv2d: {filters: 64, kernel: 3}},"
     " relu, {maxpool: 2}, flatten, {dropout: 0.5}, {dense: 10}]",
     {20, 20, 1}},
    {"direct",
     "[{conv2d: {filters: 24, kernel: 5, padding: 2}}, relu, {conv2d: {filters: 32, kernel: 5}}, "
     "relu,"
     " {conv2d: {filters: 48, kernel: 2, stride: 2}}, relu, flatten, {dense: 10}]",
     {10, 10, 1}},
    {"winograd",
     "[{conv2d: {filters: 32, kernel: 3, bias: false}}, batchnorm, relu, {conv2d: {filters: 48, "
     "kernel: 3,"
     " padding: same}}, relu, {conv2d: {filters: 64, kernel: 3}}, relu, flatten, {dense: 10}]",
     {10, 10, 1}},
    {"dense", "[flatten, {dense: 256}, relu, {dense: 96}, tanh, {dense: 10}]", {20, 20, 1}},
};

static void check(lks_status status, const lks_error *err) {
    if (status == LKS_OK)
        return;
    fprintf(stderr, "bench_instructions: %s\n", err->text);
    exit(1);
}

static lks_config config_of(const network *n) {
    char text[1024];
    lks_config c;
    lks_error err;
    int size =
        snprintf(text, sizeof text,
                 "model: %s\ntrain: {global_batch: %d, chunk: 16, optimizer: {name: adam}}\n",
                 n->layers, SAMPLES);
    check(lks_config_parse(&c, text, (size_t)size, n->name, NULL, 0, &err), &err);
    return c;
}

/* Images with as little ink as digits have. */
static lks_batch make_batch(const network *n) {
    static uint8_t images[SAMPLES * MOST_PIXELS], labels[SAMPLES];
    static uint32_t ids[SAMPLES];
    int pixels = n->input.rows * n->input.columns;
    for (int i = 0; i < SAMPLES * pixels; i++)
        images[i] = lks_random_int(0, 4) ? 0 : (uint8_t)lks_random_int(1, 255);
    for (int i = 0; i < SAMPLES; i++) {
        labels[i] = (uint8_t)lks_random_int(0, 9);
        ids[i] = (uint32_t)i;
    }
    return (lks_batch){images, labels, ids, SAMPLES, 0};
}

/* Of all arrays of an optimizer, as training has them. */
static void hash_all(lks_hashes *h, lks_optimizer *o, const lks_model_view *v) {
    lks_error err;
    check(lks_hashes_create(h, v->tensors, v->n_tensors, v->kernels, &err), &err);
    check(lks_hashes_add(h, "weights", v->weights, &err), &err);
    for (int s = 0; s < o->n_states; s++)
        check(lks_hashes_add(h, o->names[s], o->state[s], &err), &err);
    o->hashes = h;
}

static void one_step(const network *n, const lks_kernels *kernels) {
    static float pixels[1][256];
    lks_error err;
    lks_config c = config_of(n);
    lks_model *m;
    lks_optimizer o;
    lks_hashes hashes;
    lks_random_seed(1);
    for (int b = 0; b < 256; b++)
        pixels[0][b] = (float)b / 255;
    lks_batch batch = make_batch(n);
    check(lks_model_create(&m, &c, n->input, 10, (const float(*)[256])pixels, kernels, 1, SAMPLES,
                           &err),
          &err);
    lks_model_init(m, 1);
    lks_model_view v = lks_model_look(m);
    check(lks_optimizer_create(&o, &c.train.optimizer, v.tensors, v.n_tensors, kernels, &err),
          &err);
    hash_all(&hashes, &o, &v);
    size_t head = LKS_MSG_HEAD + (size_t)v.n_operations;
    lks_model_train(m, &batch);
    lks_model_collect(m);
    const lks_gradient g = {v.message + head, NULL, SAMPLES};
    lks_optimizer_step(&o, v.weights, &g, 1, 0.001, 0, 1);
    lks_model_weights_changed(m);
    printf("%s %s loss %lld\n", kernels->isa, n->name, (long long)v.message[LKS_MSG_LOSS_HI]);
    lks_hashes_free(&hashes);
    lks_optimizer_free(&o);
    lks_model_free(m);
    lks_config_free(&c);
}

int main(int argc, char **argv) {
    const lks_kernels *tables[LKS_MAX_TABLES];
    int n_networks = sizeof networks / sizeof *networks, usable = lks_kernels_usable(tables);
    if (argc == 2 && strcmp(argv[1], "--build") == 0) {
        puts(LKS_BUILD);
        return 0;
    }
    for (int i = 0; i < n_networks && argc < 3; i++)
        puts(networks[i].name);
    if (argc < 3)
        return 0;
    for (int t = 0; t < usable; t++)
        for (int i = 0; i < n_networks; i++)
            if (strcmp(tables[t]->isa, argv[1]) == 0 && strcmp(networks[i].name, argv[2]) == 0) {
                one_step(&networks[i], tables[t]);
                return 0;
            }
    return 77;
}

/* The chain: its links, hashes of layers, what a change does to it, and the file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint_sample.h"
#include "io/history_tables.h"
#include "support/test.h"

enum { STEPS = 6, PER_EPOCH = 3, LAYERS = 2 };

static lks_error err;

/* The sample's network: conv1 has its first two tensors, dense1 the others. */
static void layers_of(lks_layers *l, const sample *s) {
    CU_ASSERT_EQUAL_FATAL(lks_layers_find(l, s->tensors, N_TENSORS, &err), LKS_OK);
}

static void layers_are_named_and_hashed(void) {
    sample *s = new_sample();
    lks_layers l;
    uint64_t before[LAYERS], after[LAYERS];
    layers_of(&l, s);
    CU_ASSERT_EQUAL_FATAL(l.n, LAYERS);
    CU_ASSERT_STRING_EQUAL(l.names[0], "conv1");
    CU_ASSERT_STRING_EQUAL(l.names[1], "dense1");
    lks_layers_hash(&l, s->c.flats, s->c.n_flats, before);
    for (int f = 0; f < s->c.n_flats; f++)
        for (int k = 0; k < N_VALUES; k++) {
            unsigned char *bits = (unsigned char *)&s->values[f][k];
            *bits ^= 1;
            lks_layers_hash(&l, s->c.flats, s->c.n_flats, after);
            *bits ^= 1;
            const bool first = k < 40; /* conv1's weights and biases */
            CU_ASSERT((before[0] != after[0]) == first && (before[1] != after[1]) == !first);
        }
    lks_layers_free(&l);
    free(s);
}

/* Words at 2^16 and on, where a product of 32 bits would wrap: the definition, by plain sums. */
static void words_are_hashed_by_their_place(void) {
    enum { N = 100 };
    uint32_t words[N];
    uint64_t sum = 0;
    const uint32_t first = 70000;
    for (uint32_t i = 0; i < N; i++) {
        words[i] = 0xfffffff0u - 77 * i;
        sum += (uint64_t)words[i] * (uint32_t)((first + i) * UINT32_C(0x9e3779ba) + 1);
    }
    CU_ASSERT_EQUAL(lks_hash_words(words, N, first), sum);
    CU_ASSERT_EQUAL(lks_hash_words(words, 40, first) + lks_hash_words(words + 40, 60, first + 40),
                    sum);
    CU_ASSERT_EQUAL(lks_hash_words(words, N, 0), lks_hash_bytes(words, sizeof words));
}

/* Two epochs of three steps, with a result that was not measured. */
static void make(lks_history *h, double nan) {
    sample *s = new_sample();
    lks_layers l;
    uint64_t hashes[LAYERS] = {11, 12};
    char state[LKS_SHA256_HEX];
    layers_of(&l, s);
    *h = (lks_history){0};
    int wrong = lks_chain_begin(&h->chain, "origin", &l, 0, hashes, &err);
    for (int i = 1; i <= STEPS; i++) {
        const lks_chain_step step = {
            .loss = {i, 5 * i}, .correct = 7 * i, .samples = 100, .lr = 0.5 / i};
        hashes[0] += 1000;
        hashes[1] ^= UINT64_C(0x9999999999999999);
        wrong |= lks_chain_add_step(&h->chain, &step, hashes, &err);
        if (i % PER_EPOCH)
            continue;
        const lks_epoch_record r = {.epoch = i / PER_EPOCH,
                                    .step = i,
                                    .lr = step.lr,
                                    .train_loss = 0.25,
                                    .validation_loss = nan,
                                    .seconds = i};
        memset(state, 'a' + i / PER_EPOCH, sizeof state - 1);
        state[sizeof state - 1] = 0;
        wrong |= lks_history_add_epoch(h, &r, &err);
        wrong |= lks_chain_add_epoch(&h->chain, &r, state, &err);
    }
    CU_ASSERT_EQUAL_FATAL(wrong, LKS_OK);
    CU_ASSERT_EQUAL(lks_chain_last(&h->chain), STEPS);
    lks_layers_free(&l);
    free(s);
}

/* By sha256sum: printf 'origin\0conv1\0dense1\0' and eight zeros; then that link, 's', and the row's numbers. */
static void links_are_those_of_the_definition(void) {
    lks_history h;
    make(&h, NAN);
    CU_ASSERT_STRING_EQUAL(h.chain.start,
                           "4fa6ed780e279f633da65a6ef3131bd1fbf5c29c11dcbad893292fd376c77b51");
    CU_ASSERT_EQUAL(h.chain.steps[0].mark, UINT64_C(0x501669a54f52eff9));
    CU_ASSERT_EQUAL(h.chain.steps[1].mark, UINT64_C(0x4938f56a8f096edc));
    CU_ASSERT_STRING_EQUAL(h.chain.epochs[0].link,
                           "b5126ca392c70e7aa80d562a7818abd6d782164fed8ae39b038f40b414b55265");
    CU_ASSERT_STRING_EQUAL(h.chain.end, h.chain.epochs[1].link);
    lks_history_free(&h);
}

static void times_and_signs_of_nan_do_not_matter(void) {
    lks_history a, b;
    make(&a, NAN);
    make(&b, -NAN);
    CU_ASSERT_STRING_EQUAL(a.chain.end, b.chain.end);
    a.epochs[0].seconds = 99;
    a.epochs[0].images_per_second = 1;
    CU_ASSERT_EQUAL(lks_chain_check(&a, &err), LKS_OK);
    lks_history_free(&a);
    lks_history_free(&b);
}

/* One bit changed at `at`: the check names `where`. */
static void changed(void *at, lks_history *h, const char *where) {
    unsigned char *byte = at;
    *byte ^= 1;
    CU_ASSERT_EQUAL(lks_chain_check(h, &err), LKS_ERR_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, where));
    *byte ^= 1;
    CU_ASSERT_EQUAL(lks_chain_check(h, &err), LKS_OK);
}

static void each_change_is_named(void) {
    lks_history h;
    make(&h, NAN);
    lks_chain *c = &h.chain;
    changed(&c->steps[0].lr, &h, "step 0:");
    changed(&c->steps[2].loss.hi, &h, "step 2:");
    changed(&c->steps[2].loss.lo, &h, "step 2:");
    changed(&c->steps[4].correct, &h, "step 4:");
    changed(&c->steps[4].samples, &h, "step 4:");
    changed(&c->steps[6].mark, &h, "step 6:");
    changed(&c->hashes[3 * LAYERS + 1], &h, "step 3:");
    changed(&c->epochs[0].state[5], &h, "epoch 1:");
    changed(&c->epochs[1].link[63], &h, "epoch 2:");
    changed(&h.epochs[0].validation_accuracy, &h, "epoch 1:");
    changed(&h.epochs[1].train_loss, &h, "epoch 2:");
    changed(&h.epochs[1].lr, &h, "epoch 2:");
    changed(&c->start[0], &h, "step 0:");
    changed(&c->end[63], &h, "does not end");
    c->n--; /* a chain that was cut */
    CU_ASSERT_EQUAL(lks_chain_check(&h, &err), LKS_ERR_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "epoch 2:"));
    c->n++;
    lks_history_free(&h);
}

static bool same_chain(const lks_chain *a, const lks_chain *b) {
    return a->first == b->first && a->n == b->n && a->n_layers == b->n_layers &&
           a->n_epochs == b->n_epochs && strcmp(a->start, b->start) == 0 &&
           strcmp(a->end, b->end) == 0 &&
           memcmp(a->steps, b->steps, a->n * sizeof *a->steps) == 0 &&
           memcmp(a->hashes, b->hashes, a->n * a->n_layers * sizeof *a->hashes) == 0 &&
           memcmp(a->epochs, b->epochs, a->n_epochs * sizeof *a->epochs) == 0 &&
           memcmp(a->layers, b->layers, a->n_layers * sizeof *a->layers) == 0;
}

static void a_file_holds_it(void) {
    char path[PATH_MAX_TEST];
    lks_history h, found;
    lks_predictions none;
    test_path(path, "history.h5");
    make(&h, NAN);
    CU_ASSERT_EQUAL_FATAL(lks_history_write(path, &h, NULL, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_history_read(path, &found, &none, &err), LKS_OK);
    CU_ASSERT(same_chain(&h.chain, &found.chain));
    CU_ASSERT_EQUAL(lks_chain_check(&found, &err), LKS_OK);
    /* What was read grows on. */
    const uint64_t hashes[LAYERS] = {1, 2};
    const lks_chain_step step = {.samples = 1};
    CU_ASSERT_EQUAL(lks_chain_add_step(&h.chain, &step, hashes, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_chain_add_step(&found.chain, &step, hashes, &err), LKS_OK);
    CU_ASSERT(same_chain(&h.chain, &found.chain));
    lks_history_free(&h);
    lks_history_free(&found);
}

static void a_copy_follows(void) {
    lks_history h, copy = {0};
    const uint64_t hashes[LAYERS] = {1, 2};
    make(&h, NAN);
    CU_ASSERT_EQUAL(lks_history_follow(&copy, &h, &err), LKS_OK);
    CU_ASSERT(same_chain(&h.chain, &copy.chain));
    CU_ASSERT_EQUAL(lks_chain_add_step(&h.chain, &(lks_chain_step){.samples = 1}, hashes, &err),
                    LKS_OK);
    CU_ASSERT_EQUAL(lks_history_follow(&copy, &h, &err), LKS_OK);
    CU_ASSERT(same_chain(&h.chain, &copy.chain));
    lks_history_free(&h);
    lks_history_free(&copy);
}

/* Somebody may make a file on purpose: nothing but an error comes of it. */
static void other_shapes_are_refused(void) {
    static const struct {
        const char *path;
        lks_h5_type type;
        int64_t shape[2];
    } cases[] = {{"/chain/layers", LKS_H5_U64, {STEPS, LAYERS}},
                 {"/chain/layers", LKS_H5_U64, {STEPS + 1, LAYERS + 1}},
                 {"/chain/epochs/link", LKS_H5_U8, {1, 64}},
                 {"/chain/epochs/state", LKS_H5_U8, {2, 63}},
                 {"/chain/epochs/state", LKS_H5_U8, {2, 64}}}; /* zeros are no digits */
    static const unsigned char zeros[1024];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lks_history h, found = {0};
        lks_h5 file;
        unsigned char *bytes;
        size_t size;
        make(&h, NAN);
        CU_ASSERT_EQUAL_FATAL(lks_h5_create(&file, "other", 0, &err), LKS_OK);
        CU_ASSERT_EQUAL(lks_history_put(&file, "", &h), LKS_OK);
        CU_ASSERT(H5Ldelete(file.file, cases[i].path, H5P_DEFAULT) >= 0);
        CU_ASSERT_EQUAL(
            lks_h5_put_array(&file, cases[i].path, cases[i].type, 2, cases[i].shape, zeros),
            LKS_OK);
        CU_ASSERT_EQUAL_FATAL(lks_h5_finish(&file, &bytes, &size), LKS_OK);
        lks_h5_close(&file);
        CU_ASSERT_EQUAL_FATAL(lks_h5_open(&file, "other", bytes, size, &err), LKS_OK);
        CU_ASSERT_EQUAL(lks_history_get(&file, "", &found), LKS_ERR_FORMAT);
        lks_h5_close(&file);
        lks_history_free(&found);
        lks_history_free(&h);
        free(bytes);
    }
}

int main(void) {
    static const lks_test tests[] = {
        {"layers are named and hashed", layers_are_named_and_hashed},
        {"words are hashed by their place", words_are_hashed_by_their_place},
        {"links are those of the definition", links_are_those_of_the_definition},
        {"times and signs of NaN do not matter", times_and_signs_of_nan_do_not_matter},
        {"each change is named", each_change_is_named},
        {"a file holds it", a_file_holds_it},
        {"a copy follows", a_copy_follows},
        {"other shapes are refused", other_shapes_are_refused},
        {NULL, NULL},
    };
    return lks_test_main("chain", tests);
}

/* The chain's arithmetic; how it lies in a file is in history_tables.c. */
#include "io/chain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/grow.h"
#include "io/history.h"

#define DIGITS      ((size_t)LKS_SHA256_HEX - 1)
#define MARK_DIGITS 16

/* --- layers ----------------------------------------------------------------------------------- */

/* Up to the slash. */
static size_t stem(const char *name) {
    return strcspn(name, "/");
}

static bool same_layer(const lks_tensor *a, const lks_tensor *b) {
    const size_t length = stem(a->name);
    return length == stem(b->name) && memcmp(a->name, b->name, length) == 0;
}

lks_status lks_layers_find(lks_layers *l, const lks_tensor *tensors, int n_tensors,
                           lks_error *err) {
    const size_t room = (size_t)n_tensors + 1;
    *l = (lks_layers){.names = calloc(room, sizeof *l->names),
                      .first = calloc(room, sizeof *l->first)};
    if (!l->names || !l->first)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory: names of layers");
    for (int t = 0; t < n_tensors; t++) {
        if (t > 0 && same_layer(&tensors[t - 1], &tensors[t]))
            continue;
        memcpy(l->names[l->n], tensors[t].name, stem(tensors[t].name));
        l->first[l->n++] = t;
    }
    l->first[l->n] = n_tensors;
    return LKS_OK;
}

void lks_layers_free(lks_layers *l) {
    free(l->names);
    free(l->first);
    *l = (lks_layers){0};
}

static uint64_t hash_of(const lks_flat *flat, int first, int end) {
    uint64_t sum = 0;
    for (int t = first; t < end; t++) {
        const lks_tensor *tensor = &flat->tensors[t];
        sum +=
            lks_hash_words(flat->values + tensor->offset, tensor->count, (uint32_t)tensor->offset);
    }
    return sum;
}

void lks_layers_hash(const lks_layers *l, const lks_flat *flats, int n, uint64_t *hashes) {
    for (size_t k = 0; k < l->n; k++) {
        hashes[k] = 0;
        for (int f = 0; f < n; f++)
            hashes[k] = lks_hash64(hashes[k] ^ hash_of(&flats[f], l->first[k], l->first[k + 1]));
    }
}

/* --- links ------------------------------------------------------------------------------------ */

/* Ends a digest that began with a link, and moves that on. */
static lks_status close_link(lks_sha256 *digest, char link[LKS_SHA256_HEX], lks_error *err) {
    lks_sha256_finish(digest, link);
    return link[0] ? LKS_OK : lks_fail(err, LKS_ERR_MEMORY, "SHA-256: OpenSSL's libcrypto failed");
}

static lks_sha256 *open_link(const char link[LKS_SHA256_HEX], char kind, lks_error *err) {
    lks_sha256 *digest = lks_sha256_start(err);
    if (digest) {
        lks_sha256_add(digest, link, DIGITS);
        lks_sha256_add(digest, &kind, 1);
    }
    return digest;
}

/* NaNs of several processors differ in their sign. */
static double plain(double x) {
    return isnan(x) ? (double)NAN : x;
}

/* Hosts are little-endian (others are refused), so memory has the documented byte order. */
static lks_status link_step(char link[LKS_SHA256_HEX], int64_t number, const lks_chain_step *s,
                            const uint64_t *hashes, size_t n, lks_error *err) {
    const int64_t numbers[] = {number, s->loss.hi, s->loss.lo, s->correct, s->samples};
    const double lr = plain(s->lr);
    lks_sha256 *digest = open_link(link, 's', err);
    if (!digest)
        return LKS_ERR_MEMORY;
    lks_sha256_add(digest, numbers, sizeof numbers);
    lks_sha256_add(digest, &lr, sizeof lr);
    lks_sha256_add(digest, hashes, n * sizeof *hashes);
    return close_link(digest, link, err);
}

static lks_status link_epoch(char link[LKS_SHA256_HEX], const lks_epoch_record *r,
                             const char state[LKS_SHA256_HEX], lks_error *err) {
    const int64_t numbers[] = {r->epoch, r->step};
    const double figures[] = {plain(r->lr),
                              plain(r->train_loss),
                              plain(r->train_accuracy),
                              plain(r->validation_loss),
                              plain(r->validation_accuracy),
                              plain(r->test_loss),
                              plain(r->test_accuracy)};
    lks_sha256 *digest = open_link(link, 'e', err);
    if (!digest)
        return LKS_ERR_MEMORY;
    lks_sha256_add(digest, numbers, sizeof numbers);
    lks_sha256_add(digest, figures, sizeof figures);
    lks_sha256_add(digest, state, DIGITS);
    return close_link(digest, link, err);
}

static uint64_t mark_of(const char link[LKS_SHA256_HEX]) {
    char digits[MARK_DIGITS + 1] = "";
    memcpy(digits, link, MARK_DIGITS);
    return strtoull(digits, NULL, 16);
}

lks_status lks_chain_origin(char link[LKS_SHA256_HEX], const char *origin,
                            const char (*layers)[LKS_TENSOR_NAME_MAX], size_t n_layers,
                            int64_t first, lks_error *err) {
    lks_sha256 *digest = lks_sha256_start(err);
    if (!digest)
        return LKS_ERR_MEMORY;
    lks_sha256_add(digest, origin, strlen(origin) + 1);
    for (size_t k = 0; k < n_layers; k++)
        lks_sha256_add(digest, layers[k], strnlen(layers[k], sizeof layers[k] - 1) + 1);
    lks_sha256_add(digest, &first, sizeof first);
    return close_link(digest, link, err);
}

/* --- a chain that grows ----------------------------------------------------------------------- */

static lks_status name_layers(lks_chain *chain, const char (*names)[LKS_TENSOR_NAME_MAX], size_t n,
                              lks_error *err) {
    chain->layers = calloc(n + 1, sizeof *names);
    if (!chain->layers)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory: names of layers");
    memcpy(chain->layers, names, n * sizeof *names);
    chain->n_layers = n;
    return LKS_OK;
}

/* A row as it is. */
static lks_status append(lks_chain *chain, const lks_chain_step *step, const uint64_t *hashes,
                         lks_error *err) {
    const size_t row = chain->n_layers * sizeof *hashes;
    size_t capacity = chain->capacity;
    void *records = chain->hashes;
    if (chain->n_layers > 0)
        LKS_TRY(lks_grow(&records, chain->n, &capacity, row, err));
    chain->hashes = records;
    records = chain->steps;
    LKS_TRY(lks_grow(&records, chain->n, &chain->capacity, sizeof *step, err));
    chain->steps = records;
    if (row > 0)
        memcpy(chain->hashes + chain->n * chain->n_layers, hashes, row);
    chain->steps[chain->n++] = *step;
    return LKS_OK;
}

static lks_status append_epoch(lks_chain *chain, const lks_chain_epoch *epoch, lks_error *err) {
    void *records = chain->epochs;
    LKS_TRY(lks_grow(&records, chain->n_epochs, &chain->epochs_capacity, sizeof *epoch, err));
    chain->epochs = records;
    chain->epochs[chain->n_epochs++] = *epoch;
    return LKS_OK;
}

lks_status lks_chain_add_step(lks_chain *chain, const lks_chain_step *step, const uint64_t *hashes,
                              lks_error *err) {
    lks_chain_step marked = *step;
    char link[LKS_SHA256_HEX];
    memcpy(link, chain->end, sizeof link);
    LKS_TRY(link_step(link, chain->first + (int64_t)chain->n, step, hashes, chain->n_layers, err));
    marked.mark = mark_of(link);
    LKS_TRY(append(chain, &marked, hashes, err));
    memcpy(chain->end, link, sizeof link);
    return LKS_OK;
}

lks_status lks_chain_add_epoch(lks_chain *chain, const lks_epoch_record *r,
                               const char state[LKS_SHA256_HEX], lks_error *err) {
    lks_chain_epoch epoch;
    memcpy(epoch.state, state, sizeof epoch.state);
    memcpy(epoch.link, chain->end, sizeof epoch.link);
    LKS_TRY(link_epoch(epoch.link, r, state, err));
    LKS_TRY(append_epoch(chain, &epoch, err));
    memcpy(chain->end, epoch.link, sizeof chain->end);
    return LKS_OK;
}

lks_status lks_chain_begin(lks_chain *chain, const char *origin, const lks_layers *l, int64_t first,
                           const uint64_t *hashes, lks_error *err) {
    const char(*names)[LKS_TENSOR_NAME_MAX] = (const char(*)[LKS_TENSOR_NAME_MAX])l->names;
    LKS_TRY(name_layers(chain, names, l->n, err));
    chain->first = first;
    LKS_TRY(lks_chain_origin(chain->start, origin, names, l->n, first, err));
    memcpy(chain->end, chain->start, sizeof chain->end);
    return lks_chain_add_step(chain, &(lks_chain_step){.samples = 0}, hashes, err);
}

lks_status lks_chain_follow(lks_chain *copy, const lks_chain *chain, lks_error *err) {
    if (chain->n == 0)
        return LKS_OK;
    if (copy->n == 0)
        LKS_TRY(name_layers(copy, (const char(*)[LKS_TENSOR_NAME_MAX])chain->layers,
                            chain->n_layers, err));
    for (size_t i = copy->n; i < chain->n; i++)
        LKS_TRY(append(copy, &chain->steps[i], chain->hashes + i * chain->n_layers, err));
    for (size_t i = copy->n_epochs; i < chain->n_epochs; i++)
        LKS_TRY(append_epoch(copy, &chain->epochs[i], err));
    copy->first = chain->first;
    memcpy(copy->start, chain->start, sizeof copy->start);
    memcpy(copy->end, chain->end, sizeof copy->end);
    return LKS_OK;
}

void lks_chain_free(lks_chain *chain) {
    free(chain->layers);
    free(chain->steps);
    free(chain->hashes);
    free(chain->epochs);
    *chain = (lks_chain){0};
}

int64_t lks_chain_last(const lks_chain *chain) {
    return chain->first + (int64_t)chain->n - 1;
}

/* --- a chain that is checked ------------------------------------------------------------------ */

static lks_status check_step(const lks_chain *chain, size_t i, char link[LKS_SHA256_HEX],
                             lks_error *err) {
    const lks_chain_step *s = &chain->steps[i];
    const int64_t number = chain->first + (int64_t)i;
    LKS_TRY(link_step(link, number, s, chain->hashes + i * chain->n_layers, chain->n_layers, err));
    return mark_of(link) == s->mark
               ? LKS_OK
               : lks_fail(err, LKS_ERR_MISMATCH,
                          "step %lld: its row of the chain is not what its link says",
                          (long long)number);
}

/* Epochs of the chain that end with step `step`, from number *e on; `skipped` records are before the chain. */
static lks_status check_epochs(const lks_history *h, size_t skipped, size_t *e, int64_t step,
                               char link[LKS_SHA256_HEX], lks_error *err) {
    const lks_chain *chain = &h->chain;
    for (; *e < chain->n_epochs && h->epochs[skipped + *e].step <= step; (*e)++) {
        const lks_epoch_record *r = &h->epochs[skipped + *e];
        LKS_TRY(link_epoch(link, r, chain->epochs[*e].state, err));
        if (strcmp(link, chain->epochs[*e].link) != 0)
            return lks_fail(err, LKS_ERR_MISMATCH, "epoch %d: its record is not what its link says",
                            (int)r->epoch);
    }
    return LKS_OK;
}

lks_status lks_chain_check(const lks_history *h, lks_error *err) {
    const lks_chain *chain = &h->chain;
    char link[LKS_SHA256_HEX];
    size_t e = 0;
    if (chain->n_epochs > h->n_epochs)
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "the chain has %zu epochs, and there are %zu records", chain->n_epochs,
                        h->n_epochs);
    const size_t skipped = h->n_epochs - chain->n_epochs;
    memcpy(link, chain->start, sizeof link);
    for (size_t i = 0; i < chain->n; i++) {
        LKS_TRY(check_step(chain, i, link, err));
        LKS_TRY(check_epochs(h, skipped, &e, chain->first + (int64_t)i, link, err));
    }
    if (e < chain->n_epochs)
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "epoch %d: its record says that it ended with step "
                        "%lld, and the chain ends with step %lld",
                        (int)h->epochs[skipped + e].epoch, (long long)h->epochs[skipped + e].step,
                        (long long)lks_chain_last(chain));
    return strcmp(link, chain->end) == 0
               ? LKS_OK
               : lks_fail(err, LKS_ERR_MISMATCH, "the chain does not end with its last link");
}

/* forge KIND RUN_DIR SEED: changes one bit of a run, then makes all that the program could check without computing fit
 * again, as somebody would who wants to deceive: digests and seals of checkpoints, hashes of layers, links of the
 * chain, history.h5, metrics.jsonl, summary.json. Prints what `lockstep replay` has to name.
 *
 *   state        a bit of a checkpoint's weights, optimizer states or average
 *   training     the same, and what came after it goes: the program then trains on from there
 *   loss, right  a step's sum of losses, or count of right answers
 *   validation   an epoch's validation loss
 *   norm, noise  a recorded gradient norm; what is recorded of the gradient's noise
 *   prediction   a probability of a test image
 *   key, line    not a bit: summary.json has a key twice, metrics.jsonl has a line more */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lockstep/log.h"
#include "lockstep/model.h"
#include "files/publish.h"
#include "run/metrics.h"

typedef struct forgery {
    const char *folder;
    uint64_t seed, draws;
    lks_history h;
    lks_predictions test;
    lks_checkpoint *saved; /* [n], oldest first */
    char **paths;          /* [n], newest first */
    int n;
    int kept;                      /* of them; the others go */
    const char *summary, *metrics; /* how the former begins, and a line more; NULL: as it was */
} forgery;

static lks_error err;

static void need(lks_status status) {
    if (status == LKS_OK)
        return;
    fprintf(stderr, "forge: %s\n", err.text);
    exit(1);
}

/* From 0 to n - 1. */
static size_t pick(forgery *f, size_t n) {
    return (size_t)(lks_hash64(lks_hash64(f->seed) ^ f->draws++) % n);
}

/* One of the bits below `bits`. */
static void flip(forgery *f, void *at, size_t bits) {
    const size_t bit = pick(f, bits);
    ((unsigned char *)at)[bit / 8] ^= (unsigned char)(1 << bit % 8);
}

/* --- what is changed ---------------------------------------------------------------------------- */

/* The layers' hashes of a checkpoint's state become those of its row. */
static void rehash(const lks_checkpoint *c, lks_chain *chain) {
    lks_layers l;
    need(lks_layers_find(&l, c->flats[0].tensors, c->flats[0].n_tensors, &err));
    lks_layers_hash(&l, c->flats, c->n_flats,
                    chain->hashes + (size_t)(c->cursor.step - chain->first) * chain->n_layers);
    lks_layers_free(&l);
}

static void forge_state(forgery *f) {
    const int i = (int)pick(f, (size_t)f->n);
    lks_checkpoint *c = &f->saved[i];
    lks_flat *flat = &c->flats[pick(f, (size_t)c->n_flats)];
    const lks_tensor *t = &flat->tensors[pick(f, (size_t)flat->n_tensors)];
    flip(f, flat->values + t->offset + pick(f, t->count),
         23); /* of its fraction: it stays finite */
    need(lks_checkpoint_digest(c, &err));
    rehash(c, &f->h.chain);
    for (size_t e = 0; c->cursor.batch == 0 && e < f->h.chain.n_epochs; e++)
        if (f->h.epochs[e].step == c->cursor.step)
            memcpy(f->h.chain.epochs[e].state, c->state_sha256, sizeof c->state_sha256);
    printf("step %lld, layer %.*s\n", (long long)c->cursor.step, (int)strcspn(t->name, "/"),
           t->name);
    f->kept = i + 1;
}

/* Sums of the rows after `first` up to `last`. */
static lks_chain_step add_up(const lks_chain *chain, int64_t first, int64_t last) {
    lks_chain_step sum = {.samples = 0};
    for (int64_t s = first + 1; s <= last; s++) {
        const lks_chain_step *row = &chain->steps[s - chain->first];
        sum.loss = lks_limbs_sum(sum.loss, row->loss);
        sum.correct += row->correct;
        sum.samples += row->samples;
    }
    return sum;
}

/* Records of steps and epochs, and cursors of checkpoints, are what the rows add up to. */
static void fit_sums(forgery *f) {
    const lks_chain *chain = &f->h.chain;
    for (size_t i = 0; i < f->h.n_steps; i++) {
        const lks_chain_step *row = &chain->steps[f->h.steps[i].step - chain->first];
        f->h.steps[i].loss = lks_limbs_value(row->loss) / (double)row->samples;
        f->h.steps[i].accuracy = (double)row->correct / (double)row->samples;
    }
    for (size_t e = 0; e < f->h.n_epochs; e++) {
        lks_epoch_record *r = &f->h.epochs[e];
        const lks_chain_step sum = add_up(chain, e ? f->h.epochs[e - 1].step : 0, r->step);
        r->train_loss = lks_limbs_value(sum.loss) / (double)sum.samples;
        r->train_accuracy = (double)sum.correct / (double)sum.samples;
    }
    for (int i = 0; i < f->n; i++) {
        lks_cursor *c = &f->saved[i].cursor;
        const int64_t begun = c->epoch ? f->h.epochs[c->epoch - 1].step : 0;
        const lks_chain_step sum = add_up(chain, begun, c->step);
        c->loss = sum.loss;
        c->correct = sum.correct;
    }
}

static void forge_row(forgery *f, bool loss) {
    lks_chain *chain = &f->h.chain;
    const size_t i = 1 + pick(f, chain->n - 1);
    lks_chain_step *row = &chain->steps[i];
    if (loss)
        flip(f, &row->loss.lo, 48);
    else
        row->correct ^= 1;
    fit_sums(f);
    if (loss)
        printf("step %zu, the sum of losses\n", i);
    else
        printf("step %zu, the count of right answers (%lld in place of %lld)\n", i,
               (long long)row->correct, (long long)row->correct ^ 1);
}

/* Limbs whose value over n is x, as near as doubles go. */
static lks_limbs limbs_of(double x, int64_t n) {
    lks_limbs sum = {0, 0};
    if (!lks_limbs_add(&sum, x * (double)n))
        exit(1);
    while (lks_limbs_value(sum) / (double)n < x)
        sum = lks_limbs_sum(sum, (lks_limbs){0, 1});
    return sum;
}

static void forge_validation(forgery *f) {
    lks_epoch_record *r = &f->h.epochs[pick(f, f->h.n_epochs)];
    flip(f, &r->validation_loss, 40);
    for (int i = 0; i < f->n; i++) {
        lks_best *b = &f->saved[i].best;
        if (b->step != r->step)
            continue;
        b->loss = limbs_of(r->validation_loss, b->total);
        r->validation_loss = lks_limbs_value(b->loss) / (double)b->total;
    }
    printf("epoch %d: the validation_loss\n", r->epoch);
}

static void forge_norm(forgery *f) {
    lks_step_record *r = &f->h.steps[pick(f, f->h.n_steps)];
    const double honest = r->gradient_norm;
    flip(f, &r->gradient_norm, 52);
    printf("step %lld: the gradient norm (%.17g in place of %.17g)\n", (long long)r->step,
           r->gradient_norm, honest);
}

static void forge_noise(forgery *f) {
    for (size_t i = 0; i < f->h.n_steps; i++)
        if (isfinite(f->h.steps[i].gradient_variance)) {
            flip(f, &f->h.steps[i].gradient_variance, 52);
            printf("step %lld: the gradient's noise\n", (long long)f->h.steps[i].step);
            return;
        }
    exit(1);
}

static void forge_prediction(forgery *f) {
    const size_t i = pick(f, (size_t)f->test.n);
    float *p;
    memcpy(&p, &f->test.probabilities, sizeof p); /* const in the interface; here it is owned */
    flip(f, p + i * (size_t)f->test.classes + pick(f, (size_t)f->test.classes), 23);
    printf("history.h5: its prediction of test image %zu,\n", i);
}

static void forge(forgery *f, const char *kind) {
    if (strcmp(kind, "state") == 0 || strcmp(kind, "training") == 0)
        forge_state(f);
    else if (strcmp(kind, "loss") == 0 || strcmp(kind, "right") == 0)
        forge_row(f, kind[0] == 'l');
    else if (strcmp(kind, "validation") == 0)
        forge_validation(f);
    else if (strcmp(kind, "norm") == 0)
        forge_norm(f);
    else if (strcmp(kind, "noise") == 0)
        forge_noise(f);
    else if (strcmp(kind, "prediction") == 0)
        forge_prediction(f);
    else if (strcmp(kind, "key") == 0) {
        f->summary = "{\n  \"test_accuracy\": 0.99,";
        printf("summary.json: line 2 is \"test_accuracy\"\n");
    } else if (strcmp(kind, "line") == 0) {
        f->metrics = "{\"type\":\"epoch\",\"epoch\":9,\"test_accuracy\":0.99}\n";
        printf("metrics.jsonl: it has lines that are not of history.h5\n");
    } else
        exit(2);
    if (strcmp(kind, "training") != 0)
        f->kept = f->n;
}

/* --- and made to fit ---------------------------------------------------------------------------- */

/* The first `n` rows and `n_epochs` epochs of the chain, linked anew. */
static lks_chain relink(const lks_history *h, size_t n, size_t n_epochs) {
    const lks_chain *was = &h->chain;
    lks_chain now = {.layers = calloc(was->n_layers + 1, sizeof *now.layers),
                     .n_layers = was->n_layers,
                     .first = was->first};
    size_t e = 0;
    memcpy(now.layers, was->layers, was->n_layers * sizeof *was->layers);
    memcpy(now.start, was->start, sizeof now.start);
    memcpy(now.end, was->start, sizeof now.end);
    for (size_t i = 0; i < n; i++) {
        need(lks_chain_add_step(&now, &was->steps[i], was->hashes + i * was->n_layers, &err));
        for (; e < n_epochs && h->epochs[e].step == lks_chain_last(&now); e++)
            need(lks_chain_add_epoch(&now, &h->epochs[e], was->epochs[e].state, &err));
    }
    return now;
}

static void write_checkpoint(const forgery *f, lks_checkpoint *c, const char *path) {
    lks_history *own = &c->history;
    const size_t norms = own->n_steps * own->n_norms;
    const lks_chain forged = relink(&f->h, own->chain.n, own->chain.n_epochs);
    memcpy(own->steps, f->h.steps, own->n_steps * sizeof *own->steps);
    memcpy(own->epochs, f->h.epochs, own->n_epochs * sizeof *own->epochs);
    if (norms)
        memcpy(own->norms, f->h.norms, norms * sizeof *own->norms);
    lks_chain_free(&own->chain);
    own->chain = forged;
    need(lks_checkpoint_write(path, c, &err));
}

static void write_history(forgery *f) {
    char path[LKS_FOLDER_PATH_MAX];
    const lks_chain forged = relink(&f->h, f->h.chain.n, f->h.chain.n_epochs);
    lks_chain_free(&f->h.chain);
    f->h.chain = forged;
    need(lks_history_write(lks_folder_path(f->folder, LKS_FOLDER_HISTORY, path), &f->h, &f->test,
                           &err));
}

static char *read_text(const char *path, size_t *size) {
    char *text = calloc(1, 1 << 22);
    FILE *in = fopen(path, "r");
    if (!text || !in)
        exit(1);
    *size = fread(text, 1, (1 << 22) - 1, in);
    fclose(in);
    return text;
}

/* Its lines of steps and epochs; the test's stays. */
static void write_metrics(const forgery *f) {
    char path[LKS_FOLDER_PATH_MAX], *text;
    size_t old_size, size;
    lks_folder_path(f->folder, LKS_FOLDER_METRICS, path);
    char *old = read_text(path, &old_size);
    const char *test = strstr(old, "{\"type\":\"test\"");
    need(lks_metrics_text(&f->h, &text, &size, &err));
    FILE *out = fopen(path, "w");
    fprintf(out, "%s%s%s", text, f->metrics ? f->metrics : "", test ? test : "");
    fclose(out);
    free(old);
    free(text);
}

static void put_digest(char *text, const char *key, const char *digest) {
    char *at = strstr(text, key);
    if (at)
        memcpy(at + strlen(key), digest, LKS_SHA256_HEX - 1);
}

static void write_summary(const forgery *f) {
    char path[LKS_FOLDER_PATH_MAX], digest[LKS_SHA256_HEX];
    size_t size;
    const lks_checkpoint *last = &f->saved[f->n - 1];
    char *text = read_text(lks_folder_path(f->folder, LKS_FOLDER_SUMMARY, path), &size);
    if (f->summary) {
        memmove(text + strlen(f->summary), text + 1, size);
        memcpy(text, f->summary, strlen(f->summary));
        size += strlen(f->summary) - 1;
    }
    put_digest(text, "\"chain_sha256\": \"", f->h.chain.end);
    put_digest(text, "\n  \"weights_sha256\": \"", last->weights_sha256);
    put_digest(text, "\"state_sha256\": \"", last->state_sha256);
    need(lks_sha256_buffer(text, (size_t)(strstr(text, LKS_SUMMARY_SEAL) - text), digest, &err));
    put_digest(text, LKS_SUMMARY_SEAL, digest);
    FILE *out = fopen(path, "w");
    fwrite(text, 1, size, out);
    fclose(out);
    free(text);
}

static void drop(const forgery *f, lks_folder_file file) {
    char path[LKS_FOLDER_PATH_MAX];
    unlink(lks_folder_path(f->folder, file, path));
}

static void read_all(forgery *f) {
    char path[LKS_FOLDER_PATH_MAX];
    need(lks_history_read(lks_folder_path(f->folder, LKS_FOLDER_HISTORY, path), &f->h, &f->test,
                          &err));
    lks_folder_path(f->folder, LKS_FOLDER_CHECKPOINTS, path);
    need(lks_checkpoint_list(path, false, &f->paths, &f->n, &err));
    f->saved = calloc((size_t)f->n, sizeof *f->saved);
    for (int i = 0; i < f->n; i++)
        need(lks_checkpoint_read(f->paths[f->n - 1 - i], LKS_NUMERICS, &f->saved[i], &err));
}

static void write_all(forgery *f) {
    for (int i = 0; i < f->n; i++) {
        const char *path = f->paths[f->n - 1 - i];
        need(lks_checkpoint_digest(&f->saved[i], &err));
        if (i < f->kept)
            write_checkpoint(f, &f->saved[i], path);
        else
            unlink(path);
    }
    if (f->kept < f->n) {
        drop(f, LKS_FOLDER_HISTORY);
        drop(f, LKS_FOLDER_SUMMARY);
        drop(f, LKS_FOLDER_METRICS);
        return;
    }
    write_history(f);
    write_metrics(f);
    write_summary(f);
}

int main(int argc, char **argv) {
    forgery f = {0};
    if (argc != 4)
        return 2;
    f.folder = argv[2];
    f.seed = strtoull(argv[3], NULL, 10);
    read_all(&f);
    forge(&f, argv[1]);
    write_all(&f);
    for (int i = 0; i < f.n; i++)
        lks_checkpoint_free(&f.saved[i]);
    lks_history_free(&f.h);
    lks_predictions_free(&f.test);
    free(f.saved);
    free(f.paths);
    return 0;
}

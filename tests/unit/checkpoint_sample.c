#include "checkpoint_sample.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "support/test.h"

static const lks_tensor sample_tensors[N_TENSORS] = {
    {"conv1/weight", 4, {3, 3, 1, 4}, 0, 36, LKS_ROLE_WEIGHT, true},
    {"conv1/bias", 1, {4}, 36, 4, LKS_ROLE_BIAS, true},
    {"dense1/weight", 2, {6, 10}, 40, 60, LKS_ROLE_WEIGHT, true},
    {"dense1/bias", 1, {10}, 100, 10, LKS_ROLE_BIAS, true},
};

float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

double double_of(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void fill_values(sample *s) {
    static const char groups[3][32] = {"model", "optimizer/m", "optimizer/v"};
    memcpy(s->tensors, sample_tensors, sizeof s->tensors);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < N_VALUES; k++)
            s->values[i][k] = (float)(k + 1) / (float)(7 * i + 3);
        s->c.flats[i] = (lks_flat){.values = s->values[i],
                                   .count = N_VALUES,
                                   .tensors = s->tensors,
                                   .n_tensors = N_TENSORS};
        strcpy(s->c.flats[i].group, groups[i]);
    }
    s->c.n_flats = 3;
    s->values[0][0] = -0.0f;
    s->values[0][1] = float_of(1);           /* smallest denormal */
    s->values[0][2] = float_of(0x807fffffu); /* largest negative denormal */
    s->values[0][3] = float_of(0x7f7fffffu); /* largest number */
    s->values[0][4] = float_of(0xff800000u); /* minus infinity */
    s->values[0][5] = float_of(0x7fc12345u); /* NaN with a payload */
}

static void fill_history(sample *s) {
    for (int i = 0; i < N_STEPS; i++) {
        s->steps[i].step = i + 1;
        s->steps[i].epoch = 1 + i / 3;
        s->steps[i].loss = 2.3 / (i + 1);
        s->steps[i].accuracy = 0.1 * i;
        s->steps[i].lr = 1e-3;
        s->steps[i].gradient_norm = i ? 0.7 / i : double_of(0x7ff8000000000001u);
        for (int k = 0; k < N_NORMS; k++) {
            s->norms[i * N_NORMS + k][0] = 0.1f * (float)(i + k);
            s->norms[i * N_NORMS + k][1] = 3.0f / (float)(1 + i + k);
        }
    }
    strcpy(s->norm_names[0], "conv1/weight");
    strcpy(s->norm_names[1], "dense1/bias");
    s->norms[3][0] = float_of(0xffc00001u);            /* NaN with sign and payload */
    s->steps[2].loss = double_of(0xfff8000000abcdefu); /* NaN with sign and payload */
    for (int i = 0; i < N_EPOCHS; i++) {
        double *figures = &s->epochs[i].lr;
        s->epochs[i].epoch = i + 1;
        s->epochs[i].step = 3 * (i + 1);
        for (int k = 0; k < 10; k++)
            figures[k] = 10.0 * i + k;
        for (int k = 0; k < LKS_PHASES; k++)
            s->epochs[i].phases.of[k] =
                (lks_phase_time){0.1 * k, 0.3 + i, 7.0 / (1 + k), 3 * i + k};
    }
    s->epochs[1].test_loss = double_of(0x7ff8000000000123u);
    s->epochs[0].comm_seconds = -0.0;
    s->epochs[0].phases.of[LKS_PHASE_WAIT] = (lks_phase_time){NAN, NAN, NAN, -1};
    s->c.history = (lks_history){.steps = s->steps,
                                 .n_steps = N_STEPS,
                                 .epochs = s->epochs,
                                 .n_epochs = N_EPOCHS,
                                 .norm_names = s->norm_names,
                                 .n_norms = N_NORMS,
                                 .norms = s->norms};
}

void fill_sample(sample *s) {
    memset(s, 0, sizeof *s);
    fill_values(s);
    fill_history(s);
    strcpy(s->config, "seed: 42\nthreads: 1\n# \xc3\xa9\n");
    lks_checkpoint *c = &s->c;
    c->config_yaml = s->config;
    c->numerics = NUMERICS;
    c->seed = 0xfedcba9876543210u;
    c->cursor = (lks_cursor){.step = 5,
                             .epoch = 1,
                             .batch = 2,
                             .samples_seen = 640,
                             .correct = 99,
                             .epoch_samples = 128,
                             .epoch_hash = 0x8000000000000001u};
    c->cursor.plateau = (lks_watch_state){7, 4, 0.125, 2, 1, 3};
    c->cursor.early_stop = (lks_watch_state){.evaluations = 1, .best_epoch = 1, .best = -0.0};
    c->cursor.loss = (lks_limbs){INT64_MIN, INT64_MAX};
    c->best = (lks_best){3, 90, 100, {-1, 17}};
    c->temperature = (lks_temperature){1.25, 100, 10, 0.5, 0.4375, 1};
    c->data.traits = (lks_traits){
        .images = 60000, .low = {1, 2, 3}, .high = {4, 5, 6}, .looked = 500, .centred = 499};
    strcpy(c->data.digest, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    c->data.classes = 10;
    c->data.channels = 3;
    c->data.rows = 28;
    c->data.columns = 27;
    c->data.n_train = 55000;
    for (int i = 0; i < 3; i++) {
        c->data.mean[i] = 0.1307 + i;
        c->data.std[i] = 0.3081 / (i + 1);
    }
    strcpy(c->provenance.version, "0.1.0");
    strcpy(c->provenance.compiler, "GCC 12.2.0");
    memset(c->provenance.hosts, 'h', sizeof c->provenance.hosts - 1);
    strcpy(c->provenance.time, "2024-05-31T12:00:00Z");
    memset(c->provenance.init_from.path, 'p', sizeof c->provenance.init_from.path - 1);
    strcpy(c->provenance.init_from.weights_sha256, c->data.digest);
    strcpy(c->provenance.init_from.flat, "average");
    c->provenance.ranks = 3;
    c->provenance.threads = 2;
}

sample *new_sample(void) {
    sample *s = malloc(sizeof *s);
    if (!s)
        abort();
    fill_sample(s);
    return s;
}

void path_in(char path[PATH_MAX_TEST], const char *dir, const char *name) {
    snprintf(path, PATH_MAX_TEST, "%s/%s", dir, name);
}

void test_path(char path[PATH_MAX_TEST], const char *name) {
    path_in(path, lks_test_folder(), name);
}

unsigned char *load(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    unsigned char *bytes = malloc(*size + 1);
    CU_ASSERT_EQUAL_FATAL(fread(bytes, 1, *size, f), *size);
    bytes[*size] = 0;
    fclose(f);
    return bytes;
}

void store(const char *path, const void *bytes, size_t size) {
    FILE *f = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL_FATAL(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

bool same_files(const char *a, const char *b) {
    size_t n_a, n_b;
    unsigned char *x = load(a, &n_a), *y = load(b, &n_b);
    bool same = n_a == n_b && memcmp(x, y, n_a) == 0;
    free(x);
    free(y);
    return same;
}

bool exists(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

int count_entries(const char *dir, const char *prefix) {
    int n = 0;
    DIR *folder = opendir(dir);
    CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
             strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    closedir(folder);
    return n;
}

void make_dir(char path[PATH_MAX_TEST], const char *name) {
    test_path(path, name);
    CU_ASSERT_EQUAL_FATAL(mkdir(path, 0777), 0);
}

void write_sample(const char *path, const sample *s) {
    lks_error err;
    lks_status status = lks_checkpoint_write(path, &s->c, &err);
    if (status != LKS_OK)
        fprintf(stderr, "%s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(status, LKS_OK);
}

static bool equal_tensors(const lks_flat *a, const lks_flat *b) {
    if (a->n_tensors != b->n_tensors)
        return false;
    for (int i = 0; i < a->n_tensors; i++) {
        const lks_tensor *x = &a->tensors[i], *y = &b->tensors[i];
        if (strcmp(x->name, y->name) != 0 || x->ndim != y->ndim || x->offset != y->offset ||
            x->count != y->count || memcmp(x->shape, y->shape, (size_t)x->ndim * 8) != 0)
            return false;
    }
    return true;
}

bool equal_flats(const lks_checkpoint *a, const lks_checkpoint *b) {
    if (a->n_flats != b->n_flats)
        return false;
    for (int i = 0; i < a->n_flats; i++) {
        const lks_flat *x = &a->flats[i], *y = &b->flats[i];
        if (strcmp(x->group, y->group) != 0 || x->count != y->count || !equal_tensors(x, y) ||
            memcmp(x->values, y->values, x->count * sizeof(float)) != 0)
            return false;
    }
    return true;
}

static bool equal_phases(const lks_phase_times *a, const lks_phase_times *b) {
    for (int p = 0; p < LKS_PHASES; p++)
        if (memcmp(&a->of[p], &b->of[p], 3 * sizeof(double)) != 0 || a->of[p].rank != b->of[p].rank)
            return false;
    return true;
}

bool equal_histories(const lks_history *a, const lks_history *b) {
    if (a->n_steps != b->n_steps || a->n_epochs != b->n_epochs)
        return false;
    for (size_t i = 0; i < a->n_steps; i++)
        if (a->steps[i].step != b->steps[i].step || a->steps[i].epoch != b->steps[i].epoch ||
            memcmp(&a->steps[i].loss, &b->steps[i].loss, 4 * sizeof(double)) != 0)
            return false;
    for (size_t i = 0; i < a->n_epochs; i++)
        if (a->epochs[i].step != b->epochs[i].step || a->epochs[i].epoch != b->epochs[i].epoch ||
            memcmp(&a->epochs[i].lr, &b->epochs[i].lr, 10 * sizeof(double)) != 0 ||
            !equal_phases(&a->epochs[i].phases, &b->epochs[i].phases))
            return false;
    size_t n = a->n_norms;
    return n == b->n_norms &&
           (n == 0 || (memcmp(a->norm_names, b->norm_names, n * sizeof *a->norm_names) == 0 &&
                       memcmp(a->norms, b->norms, n * a->n_steps * sizeof *a->norms) == 0));
}

bool equal_checkpoints(const lks_checkpoint *a, const lks_checkpoint *b) {
    return a->numerics == b->numerics && a->seed == b->seed &&
           memcmp(&a->cursor, &b->cursor, sizeof a->cursor) == 0 &&
           memcmp(&a->best, &b->best, sizeof a->best) == 0 &&
           memcmp(&a->temperature, &b->temperature, sizeof a->temperature) == 0 &&
           memcmp(&a->data, &b->data, sizeof a->data) == 0 &&
           memcmp(&a->provenance, &b->provenance, sizeof a->provenance) == 0 &&
           strcmp(a->weights_sha256, b->weights_sha256) == 0 &&
           strcmp(a->state_sha256, b->state_sha256) == 0 &&
           strcmp(a->config_yaml, b->config_yaml) == 0 && equal_flats(a, b) &&
           equal_histories(&a->history, &b->history);
}

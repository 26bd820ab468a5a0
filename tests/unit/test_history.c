/* Histories: growing in memory, and history.h5. */
#include "checkpoint_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "io/history_tables.h"
#include "support/test.h"

static lks_error err;

static void records_are_kept_while_growing(void) {
    lks_history h = {0};
    int wrong = 0;
    for (int i = 1; i <= 1000; i++) {
        lks_step_record step = {.step = i, .epoch = i / 10, .loss = 1.0 / i, .lr = i};
        lks_epoch_record epoch = {.epoch = i, .step = 10 * i, .seconds = i, .comm_seconds = -i};
        wrong += lks_history_add_step(&h, &step, NULL, &err) != LKS_OK;
        wrong += lks_history_add_epoch(&h, &epoch, &err) != LKS_OK;
    }
    CU_ASSERT_EQUAL_FATAL(wrong, 0);
    CU_ASSERT_EQUAL_FATAL(h.n_steps, 1000);
    CU_ASSERT_EQUAL_FATAL(h.n_epochs, 1000);
    for (int i = 1; i <= 1000; i++) {
        const lks_step_record *s = &h.steps[i - 1];
        const lks_epoch_record *e = &h.epochs[i - 1];
        wrong += s->step != i || s->epoch != i / 10 || s->loss != 1.0 / i || s->lr != i;
        wrong += e->epoch != i || e->step != 10 * i || e->seconds != i || e->comm_seconds != -i;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    lks_history_free(&h);
    CU_ASSERT_PTR_NULL(h.steps);
    CU_ASSERT_EQUAL(h.n_epochs, 0);
    lks_history_free(&h);
}

/* Norms may begin after some steps, and some steps may lack them. */
static void norms_stay_with_their_steps(void) {
    enum { TENSORS = 3, STEPS = 300, FIRST = 70 };
    static const char names[TENSORS][LKS_TENSOR_NAME_MAX] = {"a/weight", "a/bias", "b/weight"};
    lks_history h = {0};
    int wrong = 0;
    for (int i = 0; i < STEPS; i++) {
        const lks_step_record step = {.step = i};
        const float norms[TENSORS][2] = {{i, -i}, {i + 0.25f, 1}, {i + 0.5f, 2}};
        if (i == FIRST)
            wrong += lks_history_name_norms(&h, names, TENSORS, &err) != LKS_OK;
        wrong += lks_history_add_step(&h, &step, i < FIRST || i % 7 == 0 ? NULL : norms, &err) != 0;
    }
    CU_ASSERT_EQUAL_FATAL(wrong, 0);
    for (int i = 0; i < STEPS; i++) {
        const float(*row)[2] = (const float(*)[2])h.norms + (size_t)i * TENSORS;
        for (int t = 0; t < TENSORS; t++)
            if (i < FIRST || i % 7 == 0)
                wrong += row[t][0] == row[t][0] || row[t][1] == row[t][1];
            else
                wrong += row[t][0] != (float)i + 0.25f * (float)t ||
                         row[t][1] != (t ? (float)t : (float)-i);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(lks_history_name_norms(&h, names, TENSORS, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_history_name_norms(&h, names, TENSORS - 1, &err), LKS_ERR_MISMATCH);
    CU_ASSERT_EQUAL(h.n_norms, TENSORS);
    lks_history_free(&h);
}

/* Files of the first versions have neither norms nor their column, nor phases. */
static void histories_of_first_versions_are_read(void) {
    sample *s = new_sample();
    lks_h5 file;
    unsigned char *bytes;
    size_t size;
    s->c.history.n_norms = 0;
    CU_ASSERT_EQUAL_FATAL(lks_h5_create(&file, "old", 0, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_history_put(&file, "/history", &s->c.history), LKS_OK);
    CU_ASSERT_EQUAL(H5Lexists(file.file, "/history/norms", H5P_DEFAULT), 0);
    CU_ASSERT_TRUE(H5Ldelete(file.file, "/history/steps/gradient_norm", H5P_DEFAULT) >= 0);
    CU_ASSERT_TRUE(H5Ldelete(file.file, "/history/phases", H5P_DEFAULT) >= 0);
    CU_ASSERT_EQUAL_FATAL(lks_h5_finish(&file, &bytes, &size), LKS_OK);
    lks_h5_close(&file);
    lks_history found = {0};
    CU_ASSERT_EQUAL_FATAL(lks_h5_open(&file, "old", bytes, size, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_history_get(&file, "/history", &found), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(found.n_steps, N_STEPS);
    for (int i = 0; i < N_STEPS; i++)
        CU_ASSERT(found.steps[i].gradient_norm != found.steps[i].gradient_norm &&
                  found.steps[i].lr == s->steps[i].lr);
    CU_ASSERT_EQUAL_FATAL(found.n_epochs, N_EPOCHS);
    for (int p = 0; p < LKS_PHASES; p++) {
        const lks_phase_time *t = &found.epochs[1].phases.of[p];
        CU_ASSERT(t->min != t->min && t->avg != t->avg && t->max != t->max && t->rank == -1);
    }
    lks_h5_close(&file);
    lks_history_free(&found);
    free(bytes);
    free(s);
}

/* Another version may have other phases, in another order. */
static void phases_are_found_by_name(void) {
    enum { N = 3 };
    static const char names[N][LKS_PHASE_NAME_MAX] = {"total", "augment", "compute"};
    const int64_t shape[] = {N_EPOCHS, N};
    const double seconds[N_EPOCHS * N] = {1, 2, 3, 4, 5, 6};
    const int32_t ranks[N_EPOCHS * N] = {10, 20, 30, 40, 50, 60};
    static const char *const figures[] = {"/phases/min", "/phases/avg", "/phases/max"};
    sample *s = new_sample();
    lks_h5 file;
    unsigned char *bytes;
    size_t size;
    CU_ASSERT_EQUAL_FATAL(lks_h5_create(&file, "other", 0, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_history_put(&file, "", &s->c.history), LKS_OK);
    CU_ASSERT_TRUE(H5Ldelete(file.file, "/phases", H5P_DEFAULT) >= 0);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(lks_h5_put_array(&file, figures[i], LKS_H5_F64, 2, shape, seconds), LKS_OK);
    CU_ASSERT_EQUAL(lks_h5_put_array(&file, "/phases/rank", LKS_H5_I32, 2, shape, ranks), LKS_OK);
    CU_ASSERT_EQUAL(lks_h5_put_texts(&file, "/phases", "phases", names[0], LKS_PHASE_NAME_MAX, N),
                    LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_h5_finish(&file, &bytes, &size), LKS_OK);
    lks_h5_close(&file);
    lks_history found = {0};
    CU_ASSERT_EQUAL_FATAL(lks_h5_open(&file, "other", bytes, size, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_history_get(&file, "", &found), LKS_OK);
    const lks_phase_time *t = found.epochs[1].phases.of;
    CU_ASSERT(t[LKS_PHASE_TOTAL].avg == 4 && t[LKS_PHASE_TOTAL].rank == 40);
    CU_ASSERT(t[LKS_PHASE_COMPUTE].max == 6 && t[LKS_PHASE_COMPUTE].rank == 60);
    CU_ASSERT(t[LKS_PHASE_WAIT].min != t[LKS_PHASE_WAIT].min && t[LKS_PHASE_WAIT].rank == -1);
    lks_h5_close(&file);
    lks_history_free(&found);
    free(bytes);
    free(s);
}

static void read_history(lks_h5 *file, const char *path, unsigned char **bytes) {
    size_t size;
    *bytes = load(path, &size);
    CU_ASSERT_EQUAL_FATAL(lks_h5_open(file, path, *bytes, size, &err), LKS_OK);
}

static void history_file_is_exact(void) {
    char path[PATH_MAX_TEST];
    test_path(path, "history.h5");
    sample *s = new_sample();
    CU_ASSERT_EQUAL_FATAL(lks_history_write(path, &s->c.history, NULL, &err), LKS_OK);
    lks_h5 file;
    unsigned char *bytes;
    read_history(&file, path, &bytes);
    lks_history found = {0};
    CU_ASSERT_EQUAL(lks_history_get(&file, "", &found), LKS_OK);
    CU_ASSERT_TRUE(equal_histories(&s->c.history, &found));
    /* the columns are where the interface says, by name */
    double loss[N_STEPS];
    int32_t epoch[N_EPOCHS];
    CU_ASSERT_EQUAL(lks_h5_get_array(&file, "/steps/loss", LKS_H5_F64, N_STEPS, loss), LKS_OK);
    CU_ASSERT_EQUAL(loss[4], s->steps[4].loss);
    CU_ASSERT_EQUAL(lks_h5_get_array(&file, "/epochs/epoch", LKS_H5_I32, N_EPOCHS, epoch), LKS_OK);
    CU_ASSERT_EQUAL(epoch[1], 2);
    float norms[N_STEPS * N_NORMS];
    CU_ASSERT_EQUAL(lks_h5_get_array(&file, "/norms/weight", LKS_H5_F32, N_STEPS * N_NORMS, norms),
                    LKS_OK);
    CU_ASSERT_EQUAL(norms[5], s->norms[5][1]);
    CU_ASSERT_NOT_EQUAL(lks_h5_get_array(&file, "/test/labels", LKS_H5_U8, 0, epoch), LKS_OK);
    lks_h5_close(&file);
    lks_history_free(&found);
    free(bytes);
    free(s);
}

static void predictions_are_written(void) {
    enum { N = 5, CLASSES = 3 };
    static const int64_t confusion[CLASSES * CLASSES] = {1, 0, 1, 0, 1, 0, 0, 0, INT64_MAX};
    static const uint8_t labels[N] = {0, 1, 2, 2, 255}, predicted[N] = {2, 1, 0, 2, 2};
    float probabilities[N * CLASSES], p[N * CLASSES];
    for (int i = 0; i < N * CLASSES; i++)
        probabilities[i] = 1.0f / (float)(i + 1);
    probabilities[3] = float_of(0xffc00001u);
    const lks_predictions test = {CLASSES, N, confusion, labels, predicted, probabilities};
    char path[PATH_MAX_TEST];
    test_path(path, "predictions.h5");
    CU_ASSERT_EQUAL_FATAL(lks_history_write(path, &(lks_history){0}, &test, &err), LKS_OK);
    lks_h5 file;
    unsigned char *bytes;
    read_history(&file, path, &bytes);
    int64_t c[CLASSES * CLASSES], shape[LKS_H5_DIMS_MAX];
    uint8_t l[N];
    size_t count;
    int ndim;
    CU_ASSERT_EQUAL(lks_h5_get_array(&file, "/test/confusion", LKS_H5_I64, 9, c), LKS_OK);
    CU_ASSERT_EQUAL(memcmp(c, confusion, sizeof c), 0);
    CU_ASSERT_EQUAL(lks_h5_get_array(&file, "/test/labels", LKS_H5_U8, N, l), LKS_OK);
    CU_ASSERT_EQUAL(memcmp(l, labels, N), 0);
    CU_ASSERT_EQUAL(lks_h5_get_array(&file, "/test/predicted", LKS_H5_U8, N, l), LKS_OK);
    CU_ASSERT_EQUAL(memcmp(l, predicted, N), 0);
    CU_ASSERT_EQUAL(lks_h5_get_array(&file, "/test/probabilities", LKS_H5_F32, 15, p), LKS_OK);
    CU_ASSERT_EQUAL(memcmp(p, probabilities, sizeof p), 0);
    CU_ASSERT_EQUAL(
        lks_h5_get_shape(&file, "/test/probabilities", LKS_H5_F32, &ndim, shape, &count), LKS_OK);
    CU_ASSERT_TRUE(ndim == 2 && shape[0] == N && shape[1] == CLASSES && count == 15);
    lks_h5_close(&file);
    free(bytes);
}

static void columns_of_unequal_length_are_refused(void) {
    sample *s = new_sample();
    lks_h5 file;
    unsigned char *bytes;
    size_t size;
    s->c.history.n_epochs = 0;
    CU_ASSERT_EQUAL_FATAL(lks_h5_create(&file, "unequal", 0, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_history_put(&file, "/h", &s->c.history), LKS_OK);
    CU_ASSERT_TRUE(H5Ldelete(file.file, "/h/steps/lr", H5P_DEFAULT) >= 0);
    const double four[4] = {0};
    CU_ASSERT_EQUAL(lks_h5_put_array(&file, "/h/steps/lr", LKS_H5_F64, 1, &(int64_t){4}, four),
                    LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_h5_finish(&file, &bytes, &size), LKS_OK);
    lks_h5_close(&file);
    lks_history found = {0};
    CU_ASSERT_EQUAL_FATAL(lks_h5_open(&file, "unequal", bytes, size, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_history_get(&file, "/h", &found), LKS_ERR_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/h/steps/lr"));
    lks_h5_close(&file);
    lks_history_free(&found);
    free(bytes);
    free(s);
}

static void equal_histories_give_equal_files(void) {
    char first[PATH_MAX_TEST], second[PATH_MAX_TEST];
    test_path(first, "h1.h5");
    test_path(second, "h2.h5");
    sample *s = new_sample();
    CU_ASSERT_EQUAL(lks_history_write(first, &s->c.history, NULL, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_history_write(second, &s->c.history, NULL, &err), LKS_OK);
    CU_ASSERT_TRUE(same_files(first, second));
    s->steps[0].lr = -s->steps[0].lr;
    CU_ASSERT_EQUAL(lks_history_write(second, &s->c.history, NULL, &err), LKS_OK);
    CU_ASSERT_FALSE(same_files(first, second));
    test_path(second, "no/such/folder.h5");
    CU_ASSERT_EQUAL(lks_history_write(second, &s->c.history, NULL, &err), LKS_ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, second));
    free(s);
}

/* A file with these predictions, and the curves of the sample. */
static void write_predictions(const char *path, const sample *s, const int64_t *confusion,
                              const uint8_t *labels, const uint8_t *predicted) {
    float probabilities[8];
    for (int i = 0; i < 8; i++)
        probabilities[i] = 1.0f / (float)(i + 1);
    const lks_predictions test = {2, 4, confusion, labels, predicted, probabilities};
    CU_ASSERT_EQUAL_FATAL(lks_history_write(path, &s->c.history, &test, &err), LKS_OK);
}

static const uint8_t four_labels[4] = {0, 1, 1, 0}, four_predicted[4] = {0, 1, 0, 0};
static const int64_t their_confusion[4] = {2, 0, 1, 1};

static void what_was_written_is_read(void) {
    char path[PATH_MAX_TEST];
    lks_history h;
    lks_predictions p;
    sample *s = new_sample();
    test_path(path, "read.h5");
    write_predictions(path, s, their_confusion, four_labels, four_predicted);
    CU_ASSERT_EQUAL_FATAL(lks_history_read(path, &h, &p, &err), LKS_OK);
    CU_ASSERT_TRUE(equal_histories(&s->c.history, &h));
    CU_ASSERT_FATAL(p.n == 4 && p.classes == 2);
    CU_ASSERT_EQUAL(memcmp(p.labels, four_labels, 4), 0);
    CU_ASSERT_EQUAL(memcmp(p.predicted, four_predicted, 4), 0);
    CU_ASSERT_EQUAL(memcmp(p.confusion, their_confusion, sizeof their_confusion), 0);
    CU_ASSERT(p.probabilities[0] == 1 && p.probabilities[7] == 0.125f);
    lks_history_free(&h);
    lks_predictions_free(&p);
    CU_ASSERT_EQUAL(lks_history_write(path, &s->c.history, NULL, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_history_read(path, &h, &p, &err), LKS_OK);
    CU_ASSERT(p.n == 0 && !p.labels);
    lks_history_free(&h);
    lks_predictions_free(&p);
    free(s);
}

static void refused(const char *path, lks_status wanted, const char *why) {
    lks_history h;
    lks_predictions p;
    CU_ASSERT_EQUAL(lks_history_read(path, &h, &p, &err), wanted);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, why));
    CU_ASSERT(h.n_epochs == 0 && !h.steps && !p.labels);
}

/* Whoever reads may index with labels and predictions: they are classes. */
static void contradictions_are_refused(void) {
    static const uint8_t no_class[4] = {0, 1, 2, 0};
    static const int64_t other[4] = {1, 1, 1, 1};
    char path[PATH_MAX_TEST];
    sample *s = new_sample();
    test_path(path, "wrong.h5");
    write_predictions(path, s, their_confusion, no_class, four_predicted);
    refused(path, LKS_ERR_FORMAT, "/test/confusion");
    write_predictions(path, s, their_confusion, four_labels, no_class);
    refused(path, LKS_ERR_FORMAT, "/test/confusion");
    write_predictions(path, s, other, four_labels, four_predicted);
    refused(path, LKS_ERR_FORMAT, "/test/confusion");
    free(s);
}

/* Every byte flipped, every length: an error or the same values, never anything else. */
static void damage_is_never_read(void) {
    char path[PATH_MAX_TEST];
    size_t size;
    int wrong = 0;
    sample *s = new_sample();
    test_path(path, "damaged.h5");
    write_predictions(path, s, their_confusion, four_labels, four_predicted);
    unsigned char *bytes = load(path, &size);
    for (size_t i = 0; i < size; i += 61) {
        lks_history h;
        lks_predictions p;
        bytes[i] ^= 0x10;
        store(path, bytes, size);
        bytes[i] ^= 0x10;
        if (lks_history_read(path, &h, &p, &err) != LKS_OK)
            continue;
        wrong += !equal_histories(&s->c.history, &h) || memcmp(p.labels, four_labels, 4) != 0;
        lks_history_free(&h);
        lks_predictions_free(&p);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    for (size_t n = 0; n < size; n += size / 7 + 1) {
        store(path, bytes, n);
        refused(path, LKS_ERR_FORMAT, "");
    }
    free(bytes);
    free(s);
    test_path(path, "none.h5");
    refused(path, LKS_ERR_IO, "none.h5");
    refused(lks_test_folder(), LKS_ERR_IO, "not a file");
}

int main(void) {
    const lks_test tests[] = {
        {"records are kept while growing", records_are_kept_while_growing},
        {"norms stay with their steps", norms_stay_with_their_steps},
        {"history file is exact", history_file_is_exact},
        {"histories of first versions are read", histories_of_first_versions_are_read},
        {"phases are found by name", phases_are_found_by_name},
        {"predictions are written", predictions_are_written},
        {"columns of unequal length are refused", columns_of_unequal_length_are_refused},
        {"equal histories give equal files", equal_histories_give_equal_files},
        {"what was written is read", what_was_written_is_read},
        {"contradictions are refused", contradictions_are_refused},
        {"damage is never read", damage_is_never_read},
        {NULL, NULL},
    };
    return lks_test_main("history", tests);
}

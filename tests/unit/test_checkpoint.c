/* Checkpoints: exact round trips, reproducible bytes, digests. */
#include "checkpoint_sample.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "io/h5/h5.h"
#include "support/test.h"

static lks_error err;

/* --- content ------------------------------------------------------------------------------ */

static void round_trip_is_exact(void) {
    char path[PATH_MAX_TEST];
    test_path(path, "round.h5");
    sample *s = new_sample();
    write_sample(path, s);
    lks_checkpoint c;
    CU_ASSERT_EQUAL_FATAL(lks_checkpoint_read(path, NUMERICS, &c, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_checkpoint_digest(&s->c, &err), LKS_OK);
    CU_ASSERT_TRUE(equal_checkpoints(&s->c, &c));
    CU_ASSERT_EQUAL(lks_history_add_step(&c.history, &s->steps[0], NULL, &err), LKS_OK);
    lks_checkpoint_free(&c);
    free(s);
}

/** As files of the first versions are: no attribute, and 0 is what is read. */
static void unused_rules_leave_no_attribute(void) {
    char path[PATH_MAX_TEST];
    test_path(path, "unused.h5");
    sample *s = new_sample();
    s->c.cursor.plateau = s->c.cursor.early_stop = (lks_watch_state){0};
    write_sample(path, s);
    size_t size;
    unsigned char *bytes = load(path, &size);
    lks_h5 h;
    CU_ASSERT_EQUAL_FATAL(lks_h5_open(&h, path, bytes, size, &err), LKS_OK);
    CU_ASSERT_TRUE(lks_h5_has_attribute(&h, "/cursor", "step"));
    CU_ASSERT_FALSE(lks_h5_has_attribute(&h, "/cursor", "plateau_evaluations"));
    CU_ASSERT_FALSE(lks_h5_has_attribute(&h, "/cursor", "early_stop_best"));
    lks_h5_close(&h);
    lks_checkpoint c;
    CU_ASSERT_EQUAL_FATAL(lks_checkpoint_read(path, NUMERICS, &c, &err), LKS_OK);
    CU_ASSERT_EQUAL(memcmp(&c.cursor, &s->c.cursor, sizeof c.cursor), 0);
    lks_checkpoint_free(&c);
    free(bytes);
    free(s);
}

static void empty_parts_survive(void) {
    char path[PATH_MAX_TEST];
    test_path(path, "empty.h5");
    sample *s = new_sample();
    s->c.history = (lks_history){0};
    s->c.config_yaml = NULL;
    s->c.n_flats = 1;
    s->c.provenance = (lks_provenance){0};
    write_sample(path, s);
    lks_checkpoint c;
    CU_ASSERT_EQUAL_FATAL(lks_checkpoint_read(path, NUMERICS, &c, &err), LKS_OK);
    CU_ASSERT_EQUAL(c.history.n_steps, 0);
    CU_ASSERT_EQUAL(c.history.n_epochs, 0);
    CU_ASSERT_STRING_EQUAL(c.config_yaml, "");
    CU_ASSERT_TRUE(equal_flats(&s->c, &c));
    lks_checkpoint_free(&c);
    free(s);
}

/** More names than a compact attribute holds (64 KiB), in an order that is not alphabetical. */
static void many_tensors_keep_their_order(void) {
    enum { N = 1200 };
    char path[PATH_MAX_TEST];
    test_path(path, "many.h5");
    sample *s = new_sample();
    lks_tensor *many = calloc(N, sizeof *many);
    float *values = calloc(N, sizeof *values);
    for (int i = 0; i < N; i++) {
        snprintf(many[i].name, sizeof many[i].name, "layer%d/%0*d", N - i, 80, i);
        many[i].ndim = 3;
        many[i].shape[0] = many[i].shape[1] = many[i].shape[2] = 1;
        many[i].offset = (size_t)i;
        many[i].count = 1;
        values[i] = (float)i;
    }
    s->c.flats[0] = (lks_flat){"model", values, N, many, N};
    s->c.n_flats = 1;
    write_sample(path, s);
    lks_checkpoint c;
    CU_ASSERT_EQUAL_FATAL(lks_checkpoint_read(path, NUMERICS, &c, &err), LKS_OK);
    CU_ASSERT_TRUE(equal_flats(&s->c, &c));
    lks_checkpoint_free(&c);
    free(many);
    free(values);
    free(s);
}

/** Whatever memory held before must not reach the file. */
static void equal_content_gives_equal_bytes(void) {
    char first[PATH_MAX_TEST], second[PATH_MAX_TEST];
    test_path(first, "first.h5");
    test_path(second, "second.h5");
    sample *s = new_sample();
    mallopt(M_PERTURB, 0x11);
    write_sample(first, s);
    mallopt(M_PERTURB, 0xee);
    lks_checkpoint c;
    CU_ASSERT_EQUAL_FATAL(lks_checkpoint_read(first, NUMERICS, &c, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_checkpoint_write(second, &c, &err), LKS_OK);
    mallopt(M_PERTURB, 0);
    lks_checkpoint_free(&c);
    CU_ASSERT_TRUE(same_files(first, second));
    free(s);
}

/** A time stamp would make equal checkpoints differ from one second to the next. */
static void nothing_has_a_time_stamp(void) {
    static const char *const objects[] = {
        "/",       "/cursor",          "/model", "/model/conv1", "/model/conv1/weight",
        "/config", "/history/steps/lr"};
    char path[PATH_MAX_TEST];
    test_path(path, "times.h5");
    sample *s = new_sample();
    write_sample(path, s);
    size_t size;
    unsigned char *bytes = load(path, &size);
    lks_h5 h;
    CU_ASSERT_EQUAL_FATAL(lks_h5_open_image(&h, path, bytes, size, &err), LKS_OK);
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        H5O_info_t info;
        CU_ASSERT_TRUE(H5Oget_info_by_name(h.file, objects[i], &info, H5P_DEFAULT) >= 0);
        CU_ASSERT_TRUE(info.mtime == 0 && info.ctime == 0 && info.btime == 0);
    }
    lks_h5_close(&h);
    free(bytes);
    free(s);
}

static void unsound_checkpoints_are_refused(void) {
    char path[PATH_MAX_TEST];
    test_path(path, "unsound.h5");
    sample *s = new_sample();
    lks_tensor changed[N_TENSORS];
    s->c.flats[1].tensors = changed;
    memcpy(changed, s->tensors, sizeof changed);
    changed[1].offset = 37; /* a gap */
    CU_ASSERT_NOT_EQUAL(lks_checkpoint_write(path, &s->c, &err), LKS_OK);
    memcpy(changed, s->tensors, sizeof changed);
    changed[3].shape[0] = 11; /* not the count */
    CU_ASSERT_NOT_EQUAL(lks_checkpoint_write(path, &s->c, &err), LKS_OK);
    memcpy(changed, s->tensors, sizeof changed);
    strcpy(changed[3].name, "conv1/bias"); /* twice */
    CU_ASSERT_NOT_EQUAL(lks_checkpoint_write(path, &s->c, &err), LKS_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "conv1/bias"));
    memcpy(changed, s->tensors, sizeof changed);
    memset(changed[0].name, 'x', sizeof changed[0].name); /* no end */
    CU_ASSERT_NOT_EQUAL(lks_checkpoint_write(path, &s->c, &err), LKS_OK);
    memcpy(changed, s->tensors, sizeof changed);
    s->c.n_flats = 0;
    CU_ASSERT_NOT_EQUAL(lks_checkpoint_write(path, &s->c, &err), LKS_OK);
    CU_ASSERT_FALSE(exists(path));
    CU_ASSERT_EQUAL(count_entries(lks_test_folder(), ".tmp-"), 0);
    free(s);
}

/* --- digests ------------------------------------------------------------------------------ */

/** The documented bytes, put together here once more. */
static void digests_are_the_documented_ones(void) {
    sample *s = new_sample();
    char expected[LKS_SHA256_HEX];
    unsigned char *bytes = malloc(sizeof s->values + 1024), *end = bytes;
    for (int i = 0; i < 3; i++) {
        uint64_t count = N_VALUES;
        memcpy(end, &count, 8);
        memcpy(end + 8, s->values[i], sizeof s->values[i]);
        end += 8 + sizeof s->values[i];
    }
    const uint64_t position[] = {5, 1, 2, 640, 1ull << 63, INT64_MAX, 99, 128, 0x8000000000000001u};
    memcpy(end, position, sizeof position);
    end += sizeof position;
    /* plateau, then early stopping; 0.125 and -0 in their bits */
    const uint64_t seen[] = {1, 7, 4, 0x3fc0000000000000u, 2, 1, 3,
                             2, 1, 1, 0x8000000000000000u, 0, 0, 0};
    memcpy(end, seen, sizeof seen);
    CU_ASSERT_EQUAL(lks_checkpoint_digest(&s->c, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_sha256_buffer(bytes, (size_t)(end - bytes) + sizeof seen, expected, &err),
                    LKS_OK);
    CU_ASSERT_STRING_EQUAL(s->c.state_sha256, expected);
    /* rules that have seen nothing are not there */
    s->c.cursor.plateau = s->c.cursor.early_stop = (lks_watch_state){0};
    CU_ASSERT_EQUAL(lks_checkpoint_digest(&s->c, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_sha256_buffer(bytes, (size_t)(end - bytes), expected, &err), LKS_OK);
    CU_ASSERT_STRING_EQUAL(s->c.state_sha256, expected);
    CU_ASSERT_EQUAL(lks_sha256_buffer(s->values[0], sizeof s->values[0], expected, &err), LKS_OK);
    CU_ASSERT_STRING_EQUAL(s->c.weights_sha256, expected);
    free(bytes);
    free(s);
}

/** Digests of @p s against those of an unchanged sample. */
static void expect_digests(sample *s, bool same_weights, bool same_state) {
    sample *plain = new_sample();
    CU_ASSERT_EQUAL(lks_checkpoint_digest(&plain->c, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_checkpoint_digest(&s->c, &err), LKS_OK);
    CU_ASSERT_EQUAL(strcmp(s->c.weights_sha256, plain->c.weights_sha256) == 0, same_weights);
    CU_ASSERT_EQUAL(strcmp(s->c.state_sha256, plain->c.state_sha256) == 0, same_state);
    free(plain);
    fill_sample(s);
}

static void digests_follow_state_only(void) {
    sample *s = new_sample();
    expect_digests(s, true, true);
    s->values[0][0] = 0.0f; /* it was -0 */
    expect_digests(s, false, false);
    s->values[2][N_VALUES - 1] = float_of(1);
    expect_digests(s, true, false);
    s->c.cursor.epoch_hash ^= 1;
    expect_digests(s, true, false);
    s->c.cursor.loss.lo ^= 1;
    expect_digests(s, true, false);
    s->c.cursor.plateau.cooldown ^= 1;
    expect_digests(s, true, false);
    s->c.cursor.early_stop.best = 0;
    expect_digests(s, true, false);
    s->c.cursor.early_stop = s->c.cursor.plateau; /* who saw it matters */
    s->c.cursor.plateau = (lks_watch_state){0};
    expect_digests(s, true, false);
    s->c.best.total++; /* no state: nothing that comes after depends on it */
    expect_digests(s, true, true);
    s->c.n_flats = 2;
    expect_digests(s, true, false);
    s->c.provenance.ranks = 8;
    strcpy(s->c.provenance.isa, "avx2");
    strcpy(s->config, "threads: 4\n");
    s->c.history.n_steps = 1;
    expect_digests(s, true, true);
    free(s);
}

int main(void) {
    const lks_test tests[] = {
        {"round trip is exact", round_trip_is_exact},
        {"unused rules leave no attribute", unused_rules_leave_no_attribute},
        {"empty parts survive", empty_parts_survive},
        {"many tensors keep their order", many_tensors_keep_their_order},
        {"equal content gives equal bytes", equal_content_gives_equal_bytes},
        {"nothing has a time stamp", nothing_has_a_time_stamp},
        {"unsound checkpoints are refused", unsound_checkpoints_are_refused},
        {"digests are the documented ones", digests_are_the_documented_ones},
        {"digests follow state only", digests_follow_state_only},
        {NULL, NULL},
    };
    return lks_test_main("checkpoint", tests);
}

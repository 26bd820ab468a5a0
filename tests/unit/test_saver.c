/* Snapshots that become checkpoints, by a thread and without one. */
#include "checkpoint_sample.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "io/h5/h5.h"
#include "files/publish.h"
#include "run/run_folder.h"
#include "support/test.h"
#include "train/saver.h"

static lks_error err;

typedef struct bench {
    char folder[PATH_MAX_TEST], checkpoints[PATH_MAX_TEST];
    lks_saver *saver;
    sample *s;
} bench;

/* Two runs of each test: with the thread and without. */
static const char *const modes[] = {"on", "off"};
#define FOR_BOTH(mode) for (int mode = 0; mode < 2; mode++)

static bench set_up(const char *name, int mode, int keep) {
    bench b = {.s = new_sample()};
    char folder[64];
    snprintf(folder, sizeof folder, "%s-%s", name, modes[mode]);
    setenv("LOCKSTEP_BACKGROUND", modes[mode], 1);
    make_dir(b.folder, folder);
    path_in(b.checkpoints, b.folder, "checkpoints");
    CU_ASSERT_EQUAL_FATAL(lks_publish_folder(b.checkpoints, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_saver_open(&b.saver, b.folder, keep, &err), LKS_OK);
    b.s->c.best = (lks_best){0};
    return b;
}

static void tear_down(bench *b) {
    lks_saver_close(b->saver);
    free(b->s);
    CU_ASSERT_EQUAL(count_entries(b->checkpoints, ".tmp-"), 0);
}

/* What training would say that it wrote. */
static lks_state_hash written(const lks_checkpoint *c) {
    lks_state_hash w = {.n_flats = c->n_flats,
                        .cursor = lks_hash_bytes(&c->cursor, sizeof c->cursor)};
    for (int f = 0; f < c->n_flats; f++)
        w.flats[f] = lks_hash_bytes(c->flats[f].values, c->flats[f].count * sizeof(float));
    return w;
}

static void take(bench *b, int64_t step) {
    b->s->c.cursor.step = step;
    const lks_state_hash w = written(&b->s->c);
    lks_saver_take(b->saver, &b->s->c, &w);
}

static bool has_step(const bench *b, int64_t step) {
    char path[LKS_PATH_MAX + 64];
    lks_checkpoint_path(b->checkpoints, step, path);
    return exists(path);
}

static void a_file_appears_once_its_step_is_agreed(void) {
    FOR_BOTH(mode) {
        bench b = set_up("agreed", mode, 0);
        char wanted[PATH_MAX_TEST], found[PATH_MAX_TEST];
        test_path(wanted, "wanted.h5");
        path_in(found, b.checkpoints, "last.h5");
        b.s->c.cursor.step = 5;
        write_sample(wanted, b.s);
        take(&b, 5);
        b.s->values[0][3] = 77; /* training goes on */
        b.s->steps[0].loss = 77;
        lks_saver_agreed(b.saver, 4);
        CU_ASSERT_EQUAL(lks_saver_drain(b.saver, &err), LKS_OK);
        CU_ASSERT_EQUAL(count_entries(b.checkpoints, "step-") + exists(found), 0);
        lks_saver_agreed(b.saver, 5);
        CU_ASSERT_EQUAL(lks_saver_drain(b.saver, &err), LKS_OK);
        CU_ASSERT_TRUE(has_step(&b, 5));
        CU_ASSERT_TRUE(same_files(wanted, found));
        tear_down(&b);
    }
}

static void what_was_not_agreed_is_dropped(void) {
    FOR_BOTH(mode) {
        bench b = set_up("dropped", mode, 0);
        take(&b, 1);
        lks_saver_agreed(b.saver, 1);
        take(&b, 2);
        CU_ASSERT_EQUAL(lks_saver_drain(b.saver, &err), LKS_OK);
        tear_down(&b);
        CU_ASSERT_TRUE(has_step(&b, 1) && !has_step(&b, 2));
    }
}

/* The newest file's number of steps in its history, as last.h5 leads to it. */
static int64_t newest(const bench *b, bool *sound) {
    char path[PATH_MAX_TEST];
    lks_checkpoint c;
    path_in(path, b->checkpoints, "last.h5");
    if (!exists(path))
        return 0;
    *sound = lks_checkpoint_read(path, NUMERICS, &c, &err) == LKS_OK;
    if (!*sound)
        return 0;
    const int64_t step = c.cursor.step;
    *sound = (int64_t)c.history.n_steps == step && c.flats[0].values[7] == (float)step;
    lks_checkpoint_free(&c);
    return step;
}

/* A checkpoint each step, read at the same time: whole, in order, with the history of its step, never further back
 * than what is being written. */
static void files_come_in_order(void) {
    enum { STEPS = 40 };
    FOR_BOTH(mode) {
        bench b = set_up("order", mode, 2);
        lks_history h = {0};
        int64_t before = 0;
        int wrong = 0;
        for (int64_t step = 1; step <= STEPS; step++) {
            const lks_step_record record = {.step = step};
            bool sound = true;
            wrong += lks_history_add_step(&h, &record, NULL, &err) != LKS_OK;
            b.s->values[0][7] = (float)step;
            b.s->c.history = h;
            lks_saver_agreed(b.saver, step - 1);
            take(&b, step);
            const int64_t now = newest(&b, &sound);
            wrong += !sound || now < before || now >= step || now < step - 1 - LKS_SNAPSHOTS;
            before = now;
        }
        lks_saver_agreed(b.saver, STEPS);
        CU_ASSERT_EQUAL(lks_saver_drain(b.saver, &err), LKS_OK);
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT_EQUAL(count_entries(b.checkpoints, "step-"), 2);
        CU_ASSERT_TRUE(has_step(&b, STEPS - 1) && has_step(&b, STEPS));
        lks_history_free(&h);
        tear_down(&b);
    }
}

/* While a file of HDF5 is open here, the writer cannot begin. */
static void two_are_in_memory_at_most(void) {
    bench b = set_up("two", 0, 0);
    lks_h5 h;
    CU_ASSERT_EQUAL_FATAL(lks_h5_create(&h, "mine", 0, &err), LKS_OK);
    take(&b, 1);
    CU_ASSERT_FALSE(lks_saver_full(b.saver));
    lks_saver_agreed(b.saver, 1);
    take(&b, 2);
    CU_ASSERT_TRUE(lks_saver_full(b.saver));
    lks_saver_agreed(b.saver, 2);
    CU_ASSERT_EQUAL(count_entries(b.checkpoints, "step-"), 0);
    lks_h5_close(&h);
    take(&b, 3);
    CU_ASSERT_TRUE(has_step(&b, 1));
    lks_saver_agreed(b.saver, 3);
    CU_ASSERT_EQUAL(lks_saver_drain(b.saver, &err), LKS_OK);
    CU_ASSERT_TRUE(has_step(&b, 2) && has_step(&b, 3));
    tear_down(&b);
}

static void a_failure_is_told_and_ends_saving(void) {
    struct rlimit old, limit;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    limit = (struct rlimit){.rlim_cur = 4000, .rlim_max = old.rlim_max};
    FOR_BOTH(mode) {
        bench b = set_up("failure", mode, 0);
        char path[LKS_PATH_MAX + 64];
        take(&b, 1);
        lks_saver_agreed(b.saver, 1);
        CU_ASSERT_EQUAL(lks_saver_drain(b.saver, &err), LKS_OK);
        setrlimit(RLIMIT_FSIZE, &limit);
        take(&b, 2);
        lks_saver_agreed(b.saver, 2);
        CU_ASSERT_EQUAL(lks_saver_drain(b.saver, &err), LKS_ERR_IO);
        setrlimit(RLIMIT_FSIZE, &old);
        lks_checkpoint_path(b.checkpoints, 2, path);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
        take(&b, 3);
        lks_saver_agreed(b.saver, 3);
        err.text[0] = 0;
        CU_ASSERT_EQUAL(lks_saver_check(b.saver, &err), LKS_ERR_IO);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
        CU_ASSERT_TRUE(has_step(&b, 1) && !has_step(&b, 2) && !has_step(&b, 3));
        tear_down(&b);
    }
}

/* One bit of the copy, after the update wrote the array and before the file was made. */
static void what_changed_in_memory_is_no_checkpoint(void) {
    FOR_BOTH(mode) {
        bench b = set_up("changed", mode, 0);
        b.s->c.cursor.step = 1;
        lks_state_hash w = written(&b.s->c);
        w.flats[b.s->c.n_flats - 1] ^= 1;
        lks_saver_take(b.saver, &b.s->c, &w);
        lks_saver_agreed(b.saver, 1);
        CU_ASSERT_EQUAL(lks_saver_drain(b.saver, &err), LKS_ERR_REPLICA);
        CU_ASSERT_TRUE(!has_step(&b, 1));
        tear_down(&b);
    }
}

int main(void) {
    const lks_test tests[] = {
        {"a file appears once its step is agreed", a_file_appears_once_its_step_is_agreed},
        {"what was not agreed is dropped", what_was_not_agreed_is_dropped},
        {"files come in order", files_come_in_order},
        {"two are in memory at most", two_are_in_memory_at_most},
        {"a failure is told and ends saving", a_failure_is_told_and_ends_saving},
        {"what changed in memory is no checkpoint", what_changed_in_memory_is_no_checkpoint},
        {NULL, NULL},
    };
    return lks_test_main("saver", tests);
}

#include "train/saver.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/h5/h5_images.h"
#include "job/background.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "run/run_folder.h"
#include "base/timer.h"

#define WORTH_TELLING 1.0 /* second: a small network that waits for less is done soon */

typedef struct snapshot {
    lks_checkpoint state; /* its arrays and its history are the next two */
    float *values[LKS_CHECKPOINT_FLATS];
    lks_state_hash written; /* what the arrays must hold */
    lks_history
        history; /* up to an older step where the slot is free: records are only ever added */
    lks_unpublished *file; /* complete under its temporary name; NULL: not yet */
} snapshot;

struct lks_saver {
    char folder[LKS_PATH_MAX], checkpoints[LKS_FOLDER_PATH_MAX];
    int keep;
    bool threaded, told; /* that training waits */
    double waited;       /* seconds of training */
    pthread_t thread;

    /* What both threads look at. A snapshot itself belongs to the writer while it is in the queue, and to the
     * main thread while it is not. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    snapshot slots[LKS_SNAPSHOTS];
    int oldest, n; /* the queue: slots from `oldest` on, around the end */
    int64_t agreed;
    bool closing;
    lks_error failure;
};

/* --- from a snapshot to a file ---------------------------------------------------------------- */

static lks_status prepare(const lks_saver *s, snapshot *p, lks_error *err) {
    char path[LKS_PATH_MAX + 64];
    lks_checkpoint_path(s->checkpoints, p->state.cursor.step, path);
    LKS_TRY(lks_checkpoint_prepare(&p->file, path, &p->state, err));
    if (lks_state_holds(&p->state, &p->written))
        return LKS_OK;
    return lks_fail(err, LKS_ERR_REPLICA,
                    "the checkpoint of step %lld: memory changed between the update and the file, "
                    "which was dropped; the same command goes on from the last good checkpoint",
                    (long long)p->state.cursor.step);
}

static lks_status publish(const lks_saver *s, snapshot *p, lks_error *err) {
    lks_unpublished *file = p->file;
    p->file = NULL;
    LKS_TRY(lks_publish_commit(file, err));
    return lks_folder_checkpoint_done(s->folder, p->state.cursor.step, p->state.best.step, s->keep,
                                      err);
}

static lks_status drop(const lks_saver *s, snapshot *p, lks_error *err) {
    (void)s, (void)err;
    lks_publish_drop(p->file);
    p->file = NULL;
    return LKS_OK;
}

typedef lks_status (*action)(const lks_saver *s, snapshot *p, lks_error *err);

/* What is to be done with the oldest snapshot; NULL: nothing yet. */
static action next_action(const lks_saver *s) {
    const snapshot *p = &s->slots[s->oldest];
    if (s->n == 0)
        return NULL;
    if (s->closing || s->failure.status != LKS_OK)
        return drop;
    if (!p->file)
        return prepare;
    return p->state.cursor.step <= s->agreed ? publish : NULL;
}

/* Does all that can be done now. Called with the lock, which is free while something is done. */
static void work(lks_saver *s) {
    for (action act; (act = next_action(s));) {
        lks_error err = {.status = LKS_OK};
        pthread_mutex_unlock(&s->lock);
        lks_status status = act(s, &s->slots[s->oldest], &err);
        pthread_mutex_lock(&s->lock);
        if (status != LKS_OK)
            s->failure = err; /* the snapshot, and those after it, are dropped next */
        else if (act != prepare) {
            s->oldest = (s->oldest + 1) % LKS_SNAPSHOTS;
            s->n--;
        }
        pthread_cond_broadcast(&s->changed);
    }
}

static void *write_on(void *context) {
    lks_saver *s = context;
    pthread_mutex_lock(&s->lock);
    for (work(s); !s->closing; work(s))
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* There is something new to be looked at. Called with the lock. */
static void stir(lks_saver *s) {
    if (s->threaded)
        pthread_cond_broadcast(&s->changed);
    else
        work(s);
}

/* --- the main thread -------------------------------------------------------------------------- */

lks_status lks_saver_open(lks_saver **saver, const char *folder, int keep, lks_error *err) {
    lks_saver *s = lks_alloc(1, sizeof *s, "checkpoints", err);
    *saver = s;
    if (!s)
        return err->status;
    snprintf(s->folder, sizeof s->folder, "%s", folder);
    lks_folder_path(folder, LKS_FOLDER_CHECKPOINTS, s->checkpoints);
    s->keep = keep;
    s->agreed = -1;
    lks_h5_begin(); /* before the other thread does */
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->threaded = lks_background_start(&s->thread, write_on, s);
    return LKS_OK;
}

static lks_status copy(snapshot *p, const lks_checkpoint *state, const lks_state_hash *written,
                       lks_error *err) {
    LKS_TRY(lks_history_follow(&p->history, &state->history, err));
    p->state = *state;
    p->written = *written;
    p->state.history = p->history;
    for (int f = 0; f < state->n_flats; f++) {
        const lks_flat *flat = &state->flats[f];
        if (!p->values[f])
            p->values[f] =
                lks_alloc(flat->count, sizeof(float), "the snapshot of a checkpoint", err);
        if (!p->values[f])
            return err->status;
        memcpy(p->values[f], flat->values, flat->count * sizeof(float));
        p->state.flats[f].values = p->values[f];
    }
    return LKS_OK;
}

static void tell_wait(lks_saver *s) {
    if (s->told || s->waited < WORTH_TELLING)
        return;
    lks_warn(
        "training has waited %.1f s for checkpoints: they come faster than the disk takes them; a "
        "larger checkpoint.every_epochs, every_steps or every_seconds helps (told once)",
        s->waited);
    s->told = true;
}

/* Where there is no thread, all snapshots but the newest have appeared: one step agrees on them. */
static void wait_for_room(lks_saver *s) {
    if (s->n < LKS_SNAPSHOTS)
        return;
    assert(s->threaded);
    const double began = lks_now();
    while (s->n == LKS_SNAPSHOTS)
        pthread_cond_wait(&s->changed, &s->lock);
    s->waited += lks_now() - began;
    tell_wait(s);
}

void lks_saver_take(lks_saver *s, const lks_checkpoint *state, const lks_state_hash *written) {
    lks_error err;
    pthread_mutex_lock(&s->lock);
    wait_for_room(s);
    if (s->failure.status == LKS_OK) {
        /* the slot is not in the queue, so the writer may go on */
        snapshot *p = &s->slots[(s->oldest + s->n) % LKS_SNAPSHOTS];
        pthread_mutex_unlock(&s->lock);
        const lks_status status = copy(p, state, written, &err);
        pthread_mutex_lock(&s->lock);
        if (status == LKS_OK)
            s->n++;
        else
            s->failure = err;
        stir(s);
    }
    pthread_mutex_unlock(&s->lock);
}

bool lks_saver_full(lks_saver *s) {
    pthread_mutex_lock(&s->lock);
    const bool full = s->n == LKS_SNAPSHOTS;
    pthread_mutex_unlock(&s->lock);
    return full;
}

void lks_saver_agreed(lks_saver *s, int64_t step) {
    pthread_mutex_lock(&s->lock);
    s->agreed = step;
    stir(s);
    pthread_mutex_unlock(&s->lock);
}

static lks_status failure(const lks_saver *s, lks_error *err) {
    if (s->failure.status != LKS_OK)
        *err = s->failure;
    return s->failure.status;
}

lks_status lks_saver_check(lks_saver *s, lks_error *err) {
    pthread_mutex_lock(&s->lock);
    const lks_status status = failure(s, err);
    pthread_mutex_unlock(&s->lock);
    return status;
}

lks_status lks_saver_drain(lks_saver *s, lks_error *err) {
    pthread_mutex_lock(&s->lock);
    while (s->n > 0 && s->slots[s->oldest].state.cursor.step <= s->agreed)
        pthread_cond_wait(&s->changed, &s->lock);
    const lks_status status = failure(s, err);
    pthread_mutex_unlock(&s->lock);
    return status;
}

static void free_snapshot(snapshot *p) {
    for (int f = 0; f < LKS_CHECKPOINT_FLATS; f++)
        lks_free(p->values[f]);
    lks_history_free(&p->history);
}

void lks_saver_close(lks_saver *s) {
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->closing = true;
    stir(s);
    pthread_mutex_unlock(&s->lock);
    if (s->threaded)
        pthread_join(s->thread, NULL);
    for (int i = 0; i < LKS_SNAPSHOTS; i++)
        free_snapshot(&s->slots[i]);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    lks_free(s);
}

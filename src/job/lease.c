#include "job/lease.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "job/background.h"
#include "job/lives.h"
#include "job/job.h"
#include "lockstep/log.h"
#include "files/publish.h"
#include "base/observe/pulse.h"
#include "base/timer.h"

#define LOOKS_A_SECOND 2
#define CLAIMS         100 /* starts that can come first in turn */

struct lks_lease {
    char lives[PATH_MAX];
    lks_life life;
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t ends;
    lks_heart heart;
    double beaten; /* when */
    bool ending;
    lks_error lost; /* LKS_OK while the place is kept */
    atomic_bool is_lost;
    bool threaded;
    pthread_t thread;
};

/* --- who is there ----------------------------------------------------------------------------- */

static lks_status busy(const char *lives, const lks_life *life, const char *why, lks_error *err) {
    char text[LKS_LIFE_TEXT];
    return lks_fail(err, LKS_ERR_BUSY,
                    "%.*s: another process works in this run folder (%s; %s)\nwait for it or stop "
                    "it, or give another --out; --take-over takes the folder from it",
                    (int)(strrchr(lives, '/') - lives), lives, lks_life_tell(life, text), why);
}

static void pause_a_bit(void) {
    const struct timespec time = {0, 1000000000 / LOOKS_A_SECOND};
    nanosleep(&time, NULL);
}

/* Watches until the life beats or ends, another one comes, or `patience` seconds have gone: *still. Nothing in
 * the folder is touched unless `refresh`. */
static lks_status watch(const char *lives, const lks_lives_entry *first, double patience,
                        bool refresh, bool *still, lks_error *err) {
    lks_lives_entry now;
    long long newest;
    *still = false;
    for (const double began = lks_now(); lks_now() - began < patience;) {
        if (lks_stop_requested())
            return lks_fail(err, LKS_ERR_STOPPED,
                            "stopped before the run folder was taken over; nothing was touched, "
                            "and the same command starts again");
        pause_a_bit();
        lks_pulse_tick();
        if (refresh)
            lks_lives_refresh(lives, first->life.number);
        LKS_TRY(lks_lives_newest(lives, &newest, err));
        lks_lives_look(lives, first->life.number, &now);
        if (newest != first->life.number || !now.open)
            return LKS_OK;
        if (now.beat != first->beat)
            return busy(lives, &first->life, "its heart beats", err);
    }
    *still = true;
    return LKS_OK;
}

static lks_status watch_foreign(const char *lives, const lks_lives_entry *entry, double patience,
                                bool *free_now, lks_error *err) {
    char text[LKS_LIFE_TEXT];
    lks_warn("this run folder is not free as far as its files tell (%s); it is taken over once "
             "that one's heartbeat has stood still for %.0f s",
             lks_life_tell(&entry->life, text), patience);
    return watch(lives, entry, patience, true, free_now, err);
}

/* Whether life `number` leaves its place. *free_now false: look again. */
static lks_status judge(const char *lives, long long number, const lks_life *self,
                        const lks_lease_terms *terms, bool *free_now, lks_error *err) {
    lks_lives_entry entry;
    lks_lives_look(lives, number, &entry);
    *free_now = true;
    if (!entry.open || terms->take_over)
        return LKS_OK;
    switch (lks_life_judge(self, &entry.life)) {
    case LKS_LIFE_DEAD:
    case LKS_LIFE_FORMER:
        return LKS_OK;
    case LKS_LIFE_ALIVE:
        return busy(lives, &entry.life, "it still runs", err);
    case LKS_LIFE_FOREIGN:
        break;
    }
    return watch_foreign(lives, &entry, terms->patience > 0 ? terms->patience : LKS_LEASE_PATIENCE,
                         free_now, err);
}

/* --- a place of its own ----------------------------------------------------------------------- */

/* Number of the life that this process has become; 0: look again. */
static lks_status claim_once(lks_lease *l, const lks_lease_terms *terms, long long *claimed,
                             lks_error *err) {
    long long newest = 0, now;
    bool free_now = true, taken;
    *claimed = 0;
    LKS_TRY(lks_lives_newest(l->lives, &newest, err));
    if (newest > 0)
        LKS_TRY(judge(l->lives, newest, &l->life, terms, &free_now, err));
    if (!free_now)
        return LKS_OK;
    l->life.number = newest + 1;
    LKS_TRY(lks_lives_claim(l->lives, &l->life, &taken, err));
    if (taken)
        return LKS_OK;
    LKS_TRY(lks_lives_newest(l->lives, &now, err));
    if (now == l->life.number) {
        *claimed = now;
        return LKS_OK;
    }
    lks_lives_forget(l->lives, l->life.number); /* between looking and claiming years went by */
    return LKS_OK;
}

/* --take-over means the life that was there when this one began, not one that starts beside it. */
static lks_status claim(lks_lease *l, const lks_lease_terms *terms, lks_error *err) {
    lks_lease_terms now = *terms;
    long long claimed = 0;
    if (terms->take_over) /* a client may remember that there was no such folder */
        LKS_TRY(lks_publish_folder(l->lives, err));
    for (int try = 0; try < CLAIMS && claimed == 0; try++) {
        LKS_TRY(claim_once(l, &now, &claimed, err));
        now.take_over = false;
        if (claimed == 0)
            pause_a_bit(); /* for one that has come first, to show itself */
    }
    if (claimed == 0)
        return lks_fail(err, LKS_ERR_BUSY, "%s: other processes keep starting there", l->lives);
    LKS_TRY(lks_lives_close(l->lives, claimed, err));
    lks_lives_prune(l->lives, claimed);
    return LKS_OK;
}

/* --- the heartbeat ---------------------------------------------------------------------------- */

static lks_status tell_lost(const lks_lease *l, lks_error *err) {
    char text[LKS_LIFE_TEXT];
    lks_lives_entry entry;
    long long newest = 0;
    if (lks_lives_newest(l->lives, &newest, err) != LKS_OK || newest <= l->life.number)
        return lks_fail(err, LKS_ERR_BUSY,
                        "the run folder was moved or replaced, or %s/%08lld was removed: this run "
                        "(life %lld) has lost its place and publishes nothing more",
                        l->lives, l->life.number, l->life.number);
    lks_lives_look(l->lives, newest, &entry);
    return lks_fail(err, LKS_ERR_BUSY,
                    "this run (life %lld) was overtaken by %s: it has lost its place in the run "
                    "folder and publishes nothing more",
                    l->life.number, lks_life_tell(&entry.life, text));
}

/* With the mutex. */
static lks_status beat(lks_lease *l, lks_error *err) {
    bool lost;
    if (l->lost.status == LKS_OK) {
        LKS_TRY(lks_heart_beat(&l->heart, &lost, err));
        l->beaten = lks_now();
        if (lost)
            tell_lost(l, &l->lost);
        atomic_store(&l->is_lost, lost);
    }
    if (l->lost.status != LKS_OK)
        *err = l->lost;
    return l->lost.status;
}

static lks_status ask(void *context, lks_error *err) {
    lks_lease *l = context;
    pthread_mutex_lock(&l->mutex);
    lks_status status = beat(l, err);
    pthread_mutex_unlock(&l->mutex);
    return status;
}

static void *keep_beating(void *context) {
    lks_lease *l = context;
    lks_error err;
    pthread_mutex_lock(&l->mutex);
    while (!l->ending && l->lost.status == LKS_OK) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += (time_t)LKS_LEASE_BEAT;
        pthread_cond_timedwait(&l->ends, &l->mutex, &until);
        if (!l->ending)
            beat(l,
                 &err); /* one that fails is made up for by the next one, or stops a publication */
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

lks_status lks_lease_check(lks_lease *l, lks_error *err) {
    if (atomic_load_explicit(&l->is_lost, memory_order_relaxed))
        return ask(l, err);
    if (!l->threaded && lks_now() - l->beaten >= LKS_LEASE_BEAT) {
        lks_error own;
        if (ask(l, &own) == LKS_ERR_BUSY) {
            *err = own;
            return LKS_ERR_BUSY;
        }
    }
    return LKS_OK;
}

/* --- begin and end ---------------------------------------------------------------------------- */

static void begin_beating(lks_lease *l) {
    pthread_condattr_t attributes;
    pthread_mutex_init(&l->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&l->ends, &attributes);
    pthread_condattr_destroy(&attributes);
    l->beaten = lks_now();
    lks_publish_guard(l->life.number, ask, l);
    l->threaded = lks_background_start(&l->thread, keep_beating, l);
}

lks_status lks_lease_claim(lks_lease **lease, const char *lives, const lks_lease_terms *terms,
                           lks_error *err) {
    *lease = NULL;
    lks_lease *l = calloc(1, sizeof *l);
    if (!l)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for a lease");
    snprintf(l->lives, sizeof l->lives, "%s", lives);
    lks_life_self(&l->life);
    lks_status status = claim(l, terms, err);
    if (status == LKS_OK)
        status = lks_heart_open(&l->heart, l->lives, l->life.number, err);
    if (status != LKS_OK) {
        free(l);
        return status;
    }
    begin_beating(l);
    *lease = l;
    return LKS_OK;
}

void lks_lease_release(lks_lease *l, bool forget) {
    if (!l)
        return;
    if (l->threaded) {
        pthread_mutex_lock(&l->mutex);
        l->ending = true;
        pthread_cond_signal(&l->ends);
        pthread_mutex_unlock(&l->mutex);
        pthread_join(l->thread, NULL);
    }
    lks_publish_guard(0, NULL, NULL);
    const bool kept = l->lost.status == LKS_OK;
    lks_heart_close(&l->heart);
    if (forget && kept)
        lks_lives_forget(l->lives, l->life.number);
    pthread_cond_destroy(&l->ends);
    pthread_mutex_destroy(&l->mutex);
    free(l);
}

/* --- looking only ----------------------------------------------------------------------------- */

lks_status lks_lease_look(const char *lives, const lks_lease_terms *terms, lks_error *err) {
    char text[LKS_LIFE_TEXT];
    lks_life self;
    lks_lives_entry entry;
    long long newest;
    bool still;
    LKS_TRY(lks_lives_newest(lives, &newest, err));
    if (newest == 0)
        return LKS_OK;
    lks_lives_look(lives, newest, &entry);
    lks_life_self(&self);
    if (!entry.open || terms->take_over)
        return LKS_OK;
    const lks_life_state state = lks_life_judge(&self, &entry.life);
    if (state == LKS_LIFE_ALIVE)
        return busy(lives, &entry.life, "it still runs", err);
    if (state != LKS_LIFE_FOREIGN)
        return LKS_OK;
    LKS_TRY(watch(lives, &entry, LKS_LEASE_GLANCE, false, &still, err));
    if (still)
        lks_warn("this run folder may not be free (%s); a run would watch its heartbeat first",
                 lks_life_tell(&entry.life, text));
    return LKS_OK;
}

bool lks_lease_tell(const char *lives, char text[LKS_LEASE_TEXT]) {
    static const char *const words[] = {[LKS_LIFE_DEAD] = "its process has died",
                                        [LKS_LIFE_ALIVE] = "at work",
                                        [LKS_LIFE_FORMER] = "of this job's former launch",
                                        [LKS_LIFE_FOREIGN] =
                                            "not ended, as far as can be told from here"};
    char who[LKS_LIFE_TEXT];
    lks_life self;
    lks_lives_entry entry;
    long long newest;
    lks_error err;
    text[0] = '\0';
    if (lks_lives_newest(lives, &newest, &err) != LKS_OK || newest == 0)
        return false;
    lks_lives_look(lives, newest, &entry);
    lks_life_self(&self);
    const lks_life_state state = lks_life_judge(&self, &entry.life);
    snprintf(text, LKS_LEASE_TEXT, "%s: %s", lks_life_tell(&entry.life, who),
             entry.open ? words[state] : "ended");
    return entry.open && (state == LKS_LIFE_ALIVE || state == LKS_LIFE_FOREIGN);
}

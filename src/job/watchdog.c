#include "job/watchdog.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "job/background.h"
#include "job/beat.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "base/observe/pulse.h"
#include "base/timer.h"

/* Seconds. */
#define LONGEST_INTERVAL 5.0  /* between beats, where there are many ranks */
#define FIRST_INTERVAL   0.1  /* between beats before the first answer */
#define FIRST_BEATS      20.0 /* a rank that was not heard by then is warned of */
#define CONTACT_MS       2000 /* that a rank waits for rank 0's first answer before it goes on */
#define NOTE_SECONDS     3   /* the note may hang in the very file system that made the job stall */
#define DEPUTY_SECONDS   4.0 /* for the one rank that speaks where rank 0 is gone */
#define ENDS_MS          100 /* between the datagrams that end the others */

#define BEATS_A_SECOND   256   /* that rank 0 is to take in */
#define ANSWERS_A_SECOND 100.0 /* that it is to give */
#define ENDS             5

/* What every rank learns from rank 0. */
typedef struct terms {
    int32_t timeout; /* 0: no watch */
    lks_beat_place place;
    lks_rank_name head; /* rank 0's name */
} terms;

/* What rank 0 knows of the ranks, its own among them. */
typedef struct judge {
    lks_sign *signs;           /* [size] */
    lks_rank_name *names;      /* [size] */
    struct sockaddr_in6 *from; /* [size] */
    uint8_t *blame;            /* [size] */
} judge;

/* What another rank knows of rank 0. */
typedef struct witness {
    lks_sign head;
    int address; /* of the place's, that reached it */
    int deputy;  /* the rank that speaks where rank 0 is gone */
} witness;

typedef struct notes {
    pthread_mutex_t lock;
    void (*note)(void *context, const lks_stall *stall);
    void *context;
} notes;

struct lks_watchdog {
    int rank, size;
    bool first_of_host;
    double timeout, interval;
    void (*end)(int status);
    terms terms;
    lks_beat_socket socket;
    pthread_t thread;
    bool runs;
    int stop, met;   /* eventfd: to the thread; from it, once rank 0 answered. -1: none */
    bool acquainted; /* with all ranks, or with rank 0; or that was given up */
    double clock;    /* seconds that this thread was awake */
    double woke;     /* when it was last, on the system's clock */
    lks_sign own;
    judge judge;
    witness witness;
    notes notes;
};

static double least(double a, double b) {
    return a < b ? a : b;
}

/* --- the threads' clock ----------------------------------------------------------------------- */

/* True after `seconds`, and at first with each datagram; false where the watch ends. A thread that was stopped meanwhile, with its whole process
 * or job, counts little of that time. */
static bool sleep_for(lks_watchdog *w, double seconds) {
    struct pollfd news[] = {{.fd = w->stop, .events = POLLIN},
                            {.fd = w->acquainted ? -1 : w->socket.descriptor, .events = POLLIN}};
    poll(news, 2, (int)(1e3 * seconds));
    const double now = lks_now(), gap = now - w->woke;
    w->clock += gap < 2 * seconds ? gap : 2 * seconds;
    w->woke = now;
    return !news[0].revents;
}

static void take_own(lks_watchdog *w) {
    lks_state_of_work now;
    memset(&now, 0, sizeof now);
    now.progress = atomic_load_explicit(&lks_pulse_own.progress, memory_order_relaxed);
    now.calls = atomic_load_explicit(&lks_pulse_own.calls, memory_order_relaxed);
    now.step = atomic_load_explicit(&lks_pulse_own.step, memory_order_relaxed);
    now.waiting = atomic_load_explicit(&lks_pulse_own.waiting, memory_order_relaxed);
    snprintf(now.place, sizeof now.place, "%s",
             atomic_load_explicit(&lks_pulse_own.place, memory_order_relaxed));
    lks_sign_take(&w->own, &now, w->clock);
}

static lks_beat make_beat(const lks_watchdog *w, lks_beat_kind kind) {
    lks_beat beat;
    memset(&beat, 0, sizeof beat); /* the gaps, too: it travels */
    memcpy(beat.token, w->terms.place.token, sizeof beat.token);
    beat.kind = kind;
    beat.rank = w->rank;
    memcpy(&beat.work, &w->own.work, sizeof beat.work);
    return beat;
}

/* --- the end ---------------------------------------------------------------------------------- */

typedef struct noting {
    lks_watchdog *w;
    const lks_stall *stall;
} noting;

static void *take_note(void *context) {
    const noting *n = context;
    notes *taken = &n->w->notes;
    pthread_mutex_lock(&taken->lock);
    if (taken->note)
        taken->note(taken->context, n->stall);
    pthread_mutex_unlock(&taken->lock);
    return NULL;
}

/* The message, and the note by a thread of its own that is not waited for where it hangs. */
static void tell(lks_watchdog *w, const lks_stall *stall) {
    noting n = {w, stall};
    struct timespec until;
    pthread_t thread;
    lks_error_beside(stall->text);
    if (!lks_background_start(&thread, take_note, &n))
        return;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += NOTE_SECONDS;
    pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until);
}

static void tell_of(lks_watchdog *w, const lks_sign *signs, const lks_rank_name *names, int n,
                    const uint8_t *blame) {
    char text[4096];
    int first = 0;
    while (blame[first] == LKS_BLAME_NONE)
        first++;
    lks_stall_tell(signs, names, n, w->clock, blame, text, sizeof text);
    const lks_stall stall = {blame[first] == LKS_BLAME_NETWORK ? -1 : first, names[first],
                             signs[first].work.step, text};
    tell(w, &stall);
}

/* --- rank 0 ----------------------------------------------------------------------------------- */

/* The lowest other rank that is well. */
static int find_deputy(const lks_watchdog *w) {
    int r = 1;
    while (r < w->size &&
           !(w->judge.signs[r].known && w->clock - w->judge.signs[r].heard <= 2 * LONGEST_INTERVAL))
        r++;
    return r;
}

static void answer(const lks_watchdog *w, const lks_beat *beat) {
    lks_beat reply = make_beat(w, LKS_BEAT_ANSWER);
    reply.address = beat->address;
    reply.deputy = find_deputy(w);
    lks_beat_send(&w->socket, &reply, &w->judge.from[beat->rank]);
}

static void take_beats(lks_watchdog *w) {
    lks_beat beat;
    struct sockaddr_in6 from;
    while (lks_beat_receive(&w->socket, w->terms.place.token, &beat, &from)) {
        if (beat.kind != LKS_BEAT_WORK || beat.rank < 1 || beat.rank >= w->size)
            continue;
        w->judge.from[beat.rank] = from;
        lks_sign_take(&w->judge.signs[beat.rank], &beat.work, w->clock);
        if (beat.asks)
            answer(w, &beat);
    }
}

/* Until all were heard, or some seconds after the start. */
static void look_for_all(lks_watchdog *w) {
    char text[512];
    int missing = 0, first = 0;
    if (w->acquainted)
        return;
    for (int r = 1; r < w->size; r++)
        if (!w->judge.signs[r].known && missing++ == 0)
            first = r;
    w->acquainted = missing == 0 || w->clock > FIRST_BEATS;
    if (missing == 0 || !w->acquainted)
        return;
    snprintf(
        text, sizeof text,
        "rank %d on %s%s cannot be heard by rank 0 on %s: UDP to its port %d gets lost, or there "
        "is no thread for it; where such a rank stalls it may not be told which one",
        first, w->judge.names[first].host, missing > 1 ? " and others" : "", w->terms.head.host,
        ntohs(w->terms.place.addresses[0].sin6_port));
    lks_warn_beside(text);
}

static void end_others(const lks_watchdog *w) {
    const lks_beat beat = make_beat(w, LKS_BEAT_END);
    for (int i = 0; i < ENDS; i++) {
        for (int r = 1; r < w->size; r++)
            if (w->judge.signs[r].known)
                lks_beat_send(&w->socket, &beat, &w->judge.from[r]);
        poll(NULL, 0, ENDS_MS);
    }
}

static void watch_others(lks_watchdog *w) {
    judge *j = &w->judge;
    if (w->size > 1)
        take_beats(w);
    j->signs[0] = w->own;
    look_for_all(w);
    if (lks_stall_judge(j->signs, w->size, w->clock, w->timeout, j->blame) == 0)
        return;
    tell_of(w, j->signs, j->names, w->size, j->blame);
    if (w->size > 1)
        end_others(w);
    w->end(LKS_EXIT_STALLED);
}

/* --- the other ranks -------------------------------------------------------------------------- */

static void take_answers(lks_watchdog *w) {
    lks_beat beat;
    struct sockaddr_in6 from;
    while (lks_beat_receive(&w->socket, w->terms.place.token, &beat, &from)) {
        if (beat.kind == LKS_BEAT_END)
            w->end(LKS_EXIT_STALLED);
        if (beat.kind != LKS_BEAT_ANSWER || beat.address < 0 || beat.address >= w->terms.place.n)
            continue;
        lks_sign_take(&w->witness.head, &beat.work, w->clock);
        w->witness.address = beat.address;
        w->witness.deputy = beat.deputy;
    }
}

/* To the address that reached rank 0; to all of them before one did, and where it does no more. */
static void send_beat(const lks_watchdog *w) {
    const lks_sign *head = &w->witness.head;
    const double since = w->clock - head->heard;
    lks_beat beat = make_beat(w, LKS_BEAT_WORK);
    beat.asks = !head->known || since > least(w->timeout / 5, w->size / ANSWERS_A_SECOND);
    const bool lost = !head->known || since > 2 * w->timeout / 5;
    for (beat.address = 0; beat.address < w->terms.place.n; beat.address++)
        if (lost || beat.address == w->witness.address)
            lks_beat_send(&w->socket, &beat, &w->terms.place.addresses[beat.address]);
}

/* One rank speaks, and one a host where that one is gone as well: what still lives then was not ended by the
 * launcher when the first one ended. */
static void speak_for_head(lks_watchdog *w) {
    static const uint8_t blame[] = {LKS_BLAME_SILENT};
    const bool deputy = w->witness.deputy == w->rank;
    if (!deputy && !sleep_for(w, DEPUTY_SECONDS))
        return;
    if (deputy || w->first_of_host)
        tell_of(w, &w->witness.head, &w->terms.head, 1, blame);
    w->end(LKS_EXIT_STALLED);
}

static void meet_head(lks_watchdog *w) {
    if (w->acquainted)
        return;
    if (w->witness.head.known)
        eventfd_write(w->met, 1);
    w->acquainted = w->witness.head.known || w->clock > FIRST_BEATS;
}

/* Where rank 0 was never heard nothing follows from its silence. */
static void watch_head(lks_watchdog *w) {
    const lks_sign *head = &w->witness.head;
    take_answers(w);
    meet_head(w);
    send_beat(w);
    if (head->known && w->clock - head->heard > w->timeout && w->clock - w->own.moved > w->timeout)
        speak_for_head(w);
}

/* --- start and stop --------------------------------------------------------------------------- */

static void *watch(void *context) {
    lks_watchdog *w = context;
    do {
        take_own(w);
        if (w->rank == 0)
            watch_others(w);
        else
            watch_head(w);
    } while (sleep_for(w, w->rank == 0 || w->acquainted ? w->interval
                                                        : least(FIRST_INTERVAL, w->interval)));
    return NULL;
}

void lks_watchdog_notes(lks_watchdog *w, void (*note)(void *context, const lks_stall *stall),
                        void *context) {
    if (!w)
        return;
    pthread_mutex_lock(&w->notes.lock);
    w->notes.note = note;
    w->notes.context = context;
    pthread_mutex_unlock(&w->notes.lock);
}

static void release(lks_watchdog *w) {
    if (!w)
        return;
    lks_beat_close(&w->socket);
    if (w->stop >= 0)
        close(w->stop);
    if (w->met >= 0)
        close(w->met);
    lks_free(w->judge.signs);
    lks_free(w->judge.names);
    lks_free(w->judge.from);
    lks_free(w->judge.blame);
    pthread_mutex_destroy(&w->notes.lock);
    lks_free(w);
}

/* NULL: out of memory or descriptors. */
static lks_watchdog *make(const lks_comm *comm, void (*end)(int status), lks_error *err) {
    lks_watchdog *w = lks_alloc(1, sizeof *w, "the watch over stalls", err);
    if (!w)
        return NULL;
    w->rank = comm->rank;
    w->size = comm->size;
    w->first_of_host = comm->local_rank == 0;
    w->end = end;
    w->socket.descriptor = -1;
    w->stop = eventfd(0, EFD_CLOEXEC);
    w->met = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&w->notes.lock, NULL);
    if (w->stop >= 0 && w->met >= 0)
        return w;
    lks_fail(err, LKS_ERR_MEMORY, "no event descriptor for the watch over stalls");
    release(w);
    return NULL;
}

static lks_status make_judge(lks_watchdog *w, lks_error *err) {
    const size_t n = (size_t)w->size;
    judge *j = &w->judge;
    j->signs = lks_alloc(n, sizeof *j->signs, "the watch over stalls", err);
    j->names = lks_alloc(n, sizeof *j->names, "the watch over stalls", err);
    j->from = lks_alloc(n, sizeof *j->from, "the watch over stalls", err);
    j->blame = lks_alloc(n, sizeof *j->blame, "the watch over stalls", err);
    if (!j->signs || !j->names || !j->from || !j->blame)
        return err->status;
    if (w->size > 1 &&
        !(lks_beat_open(&w->socket) && lks_beat_find_place(&w->socket, &w->terms.place)))
        return lks_fail(err, LKS_ERR_IO, "no socket for UDP can be had");
    return LKS_OK;
}

static lks_rank_name own_name(const lks_comm *comm) {
    const char *node = getenv("SLURMD_NODENAME");
    lks_rank_name name;
    memset(&name, 0, sizeof name);
    snprintf(name.host, sizeof name.host, "%.*s", (int)sizeof name.host - 1, comm->host);
    snprintf(name.node, sizeof name.node, "%s", node ? node : "");
    return name;
}

/* Rank 0 decides whether there is a watch. */
static lks_watchdog *found(const lks_comm *comm, int timeout, void (*end)(int status)) {
    lks_error err = {.status = LKS_OK};
    if (timeout == 0)
        return NULL;
    if (!lks_background_allowed()) {
        lks_detail("no watch over stalls: LOCKSTEP_BACKGROUND=off");
        return NULL;
    }
    lks_watchdog *w = make(comm, end, &err);
    if (w && make_judge(w, &err) == LKS_OK) {
        w->terms.timeout = timeout;
        w->terms.head = own_name(comm);
        return w;
    }
    lks_warn("no watch over stalls: %s", err.text);
    release(w);
    return NULL;
}

/* A rank that cannot join is one that is not heard. */
static void join(lks_watchdog *w) {
    const double crowd = (double)w->size / BEATS_A_SECOND;
    w->timeout = w->terms.timeout;
    w->interval = least(w->rank == 0 || crowd < 1 ? 1 : crowd, LONGEST_INTERVAL);
    w->interval = least(w->interval, w->timeout / 5);
    w->woke = lks_now();
    w->runs = lks_background_start(&w->thread, watch, w);
    if (!w->runs)
        lks_warn("no watch over stalls: no thread can be had");
    else if (w->rank != 0) /* what stops before the first answer would never be noticed */
        poll(&(struct pollfd){.fd = w->met, .events = POLLIN}, 1, CONTACT_MS);
}

lks_watchdog *lks_watchdog_start(lks_comm *comm, int timeout, void (*end)(int status)) {
    lks_error err = {.status = LKS_OK};
    terms agreed = {0};
    lks_watchdog *w = comm->rank == 0 ? found(comm, timeout, end) : NULL;
    if (w)
        agreed = w->terms;
    lks_comm_broadcast(comm, &agreed, sizeof agreed, 0);
    if (agreed.timeout == 0)
        return NULL;
    const lks_rank_name name = own_name(comm);
    lks_comm_gather(comm, &name, 1, sizeof name, w ? w->judge.names : NULL, NULL);
    if (comm->rank != 0 && lks_background_allowed() && (w = make(comm, end, &err))) {
        w->terms = agreed;
        lks_beat_open(&w->socket);
    }
    if (w && lks_comm_check(comm, NULL) == LKS_OK)
        join(w);
    return w;
}

void lks_watchdog_stop(lks_watchdog *w, lks_comm *comm) {
    lks_comm_barrier(comm);
    if (w && w->runs) {
        eventfd_write(w->stop, 1);
        pthread_join(w->thread, NULL);
    }
    release(w);
}

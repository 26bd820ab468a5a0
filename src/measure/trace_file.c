/* --trace FILE: what all ranks and threads did when, in the Trace Event Format that Chrome, Perfetto
 * and Speedscope read ("Trace Event Format", Google, 2016: JSON object form). A rank is a process
 * there, an OpenMP thread a thread. Rank 0 fetches one thread after the other and writes it out, so
 * no memory grows with the ranks.
 *
 * Time 0 is where each rank left one barrier: between hosts that is good to some 100 us at the
 * start, and their clocks may then drift apart by milliseconds an hour. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "job/job.h"
#include "lockstep/library.h"
#include "base/json/json.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "files/publish.h"
#include "base/timer.h"
#include "base/observe/trace.h"
#include "measure/trace_file.h"

#define DEFAULT_EVENTS 262144
#define MOST_EVENTS    100000000
#define BLOCK_EVENTS   4096 /* made into text at once */

/* Rank 0's environment counts: launchers do not pass it on to other hosts. */
static lks_status read_capacity(int64_t *events, lks_error *err) {
    const char *text = getenv("LOCKSTEP_TRACE_EVENTS");
    char *end;
    *events = DEFAULT_EVENTS;
    if (!text || !*text)
        return LKS_OK;
    *events = strtoll(text, &end, 10);
    if (*end || *events < 1 || *events > MOST_EVENTS)
        return lks_fail(err, LKS_ERR_USAGE,
                        "LOCKSTEP_TRACE_EVENTS=%.40s: not a number of events from 1 to %d", text,
                        MOST_EVENTS);
    return LKS_OK;
}

/* The next part of a list as "0,4-7", "4-7" say, goes to *first and *last; returns what follows it. NULL where there is
 * none, as at the list's end, or another thing. */
static const char *next_part(const char *list, int64_t *first, int64_t *last) {
    int n = 0;
    if (*list < '0' || *list > '9' || sscanf(list, "%9" SCNd64 "%n", first, &n) != 1)
        return NULL;
    list += n;
    *last = *first;
    if (*list == '-') {
        if (list[1] < '0' || list[1] > '9' || sscanf(list + 1, "%9" SCNd64 "%n", last, &n) != 1)
            return NULL;
        list += 1 + n;
    }
    return *list == ',' ? list + 1 : *list == 0 ? list : NULL;
}

static bool is_chosen(const lks_tracing *t, int rank) {
    int64_t first, last;
    bool chosen = !t->ranks;
    for (const char *at = t->ranks; at && !chosen && (at = next_part(at, &first, &last));)
        chosen = rank >= first && rank <= last;
    return chosen;
}

static lks_status check_ranks(const char *ranks, int size, lks_error *err) {
    int64_t first, last;
    const char *at = ranks;
    while (at && (at = next_part(at, &first, &last)) != NULL) {
        if (last < first || last >= size)
            return lks_fail(err, LKS_ERR_USAGE,
                            "--trace-ranks %.100s: %lld is not a rank from %lld to %d", ranks,
                            (long long)last, (long long)(last < first ? first : 0), size - 1);
        if (*at == 0 && at[-1] != ',')
            return LKS_OK;
    }
    return ranks ? lks_fail(err, LKS_ERR_USAGE, "--trace-ranks %.100s: not a list as 0,4-7", ranks)
                 : LKS_OK;
}

lks_status lks_tracing_check(lks_tracing *t, lks_comm *comm, const char *path, const char *ranks,
                             lks_error *err) {
    *t = (lks_tracing){.comm = comm, .path = path, .ranks = ranks};
    lks_status status = LKS_OK;
    if (!path)
        return LKS_OK;
    if (comm->rank == 0) {
        status = check_ranks(ranks, comm->size, err);
        if (status == LKS_OK)
            status = read_capacity(&t->capacity, err);
        if (status == LKS_OK && lks_publish_check(path, err) != LKS_OK)
            status = lks_fail_context(err, "--trace");
    }
    LKS_TRY(lks_comm_agree(comm, status, err));
    lks_comm_broadcast(comm, &t->capacity, sizeof t->capacity, 0);
    return LKS_OK;
}

lks_status lks_tracing_start(lks_tracing *t, int threads, lks_error *err) {
    if (!t->path)
        return LKS_OK;
    const bool chosen = is_chosen(t, t->comm->rank);
    t->threads = chosen ? threads : 0;
    lks_status status = chosen ? lks_trace_prepare(threads, (size_t)t->capacity, err) : LKS_OK;
    status = lks_comm_agree(t->comm, status, err);
    if (status != LKS_OK) {
        lks_trace_free();
        return status;
    }
    t->on = true;
    lks_comm_barrier(t->comm);
    t->origin = lks_now();
    if (chosen)
        lks_trace_begin();
    return LKS_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* What rank 0 must know of a rank before its events. */
typedef struct rank_head {
    char host[256];
    double origin;
    int32_t threads;
} rank_head;

typedef struct thread_head {
    int64_t events;
    double full;
} thread_head;

typedef struct writer {
    lks_publication *file;
    lks_trace_event *received; /* [the most events of any thread] */
    int rank, thread;          /* whose events come now */
    double origin;
    int64_t events, steps; /* written so far; steps of the rank with the fewest */
    bool any;              /* some rank was written */
    bool full;             /* some thread had no room */
    lks_status status;
    lks_error *err;
} writer;

static const char the_trace[] = "the trace";

static bool begin_text(writer *w, lks_text *t) {
    if (w->status == LKS_OK)
        w->status = lks_text_open(t, the_trace, w->err);
    return w->status == LKS_OK;
}

static void end_text(writer *w, lks_text *t) {
    w->status = lks_text_close(t, the_trace, w->err);
    if (w->status == LKS_OK)
        w->status = lks_publish_add(w->file, t->bytes, t->size, w->err);
    free(t->bytes);
}

static void put(writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(writer *w, const char *format, ...) {
    lks_text t;
    va_list args;
    if (!begin_text(w, &t))
        return;
    va_start(args, format);
    vfprintf(t.f, format, args);
    va_end(args);
    end_text(w, &t);
}

/* Whole nanoseconds, so that what lies inside an event lies inside it in the file too. */
static int64_t since_origin(const writer *w, double t) {
    return (int64_t)((t - w->origin) * 1e9 + 0.5);
}

static void put_event(FILE *f, const writer *w, const lks_trace_event *e) {
    int64_t start = since_origin(w, e->start), duration = since_origin(w, e->end) - start;
    fprintf(f,
            ",\n{\"ph\":\"X\",\"pid\":%d,\"tid\":%d,\"ts\":%lld.%03d,\"dur\":%lld.%03d,"
            "\"name\":\"%s\",\"cat\":\"%s\"",
            w->rank, w->thread, (long long)(start / 1000), (int)(start % 1000),
            (long long)(duration / 1000), (int)(duration % 1000),
            lks_trace_name((lks_trace_kind)e->kind), lks_trace_category((lks_trace_kind)e->kind));
    if (e->number >= 0)
        fprintf(f, ",\"args\":{\"%s\":%d}", e->kind == LKS_TRACE_EPOCH ? "epoch" : "step",
                e->number);
    fprintf(f, "}");
}

static void put_block(writer *w, const lks_trace_event *events, size_t n) {
    lks_text t;
    if (!begin_text(w, &t))
        return;
    for (size_t i = 0; i < n; i++)
        put_event(t.f, w, &events[i]);
    end_text(w, &t);
}

static void put_thread(writer *w, const lks_trace_event *events, const thread_head *head) {
    char name[32] = "main";
    if (w->thread > 0)
        snprintf(name, sizeof name, "thread %d", w->thread);
    put(w,
        ",\n{\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"name\":\"thread_name\",\"args\":{\"name\":\"%s\"}"
        "}",
        w->rank, w->thread, name);
    for (int64_t i = 0; i < head->events && w->status == LKS_OK; i += BLOCK_EVENTS) {
        int64_t left = head->events - i;
        put_block(w, events + i, (size_t)(left < BLOCK_EVENTS ? left : BLOCK_EVENTS));
    }
    if (head->full > 0) {
        w->full = true;
        int64_t ns = since_origin(w, head->full);
        put(w,
            ",\n{\"ph\":\"i\",\"s\":\"p\",\"pid\":%d,\"tid\":%d,\"ts\":%lld.%03d,\"name\":"
            "\"buffer full: recording stopped\",\"cat\":\"trace\"}",
            w->rank, w->thread, (long long)(ns / 1000), (int)(ns % 1000));
    }
    w->events += head->events;
}

static void put_rank(writer *w, const rank_head *head) {
    char who[300];
    lks_text t;
    if (!begin_text(w, &t))
        return;
    snprintf(who, sizeof who, "rank %d on %s", w->rank, head->host);
    fprintf(t.f, "%s{\"ph\":\"M\",\"pid\":%d,\"name\":\"process_name\",\"args\":{\"name\":",
            w->any ? ",\n" : "", w->rank);
    lks_json_text(t.f, who);
    fprintf(t.f,
            "}},\n{\"ph\":\"M\",\"pid\":%d,\"name\":\"process_sort_index\",\"args\":"
            "{\"sort_index\":%d}}",
            w->rank, w->rank);
    end_text(w, &t);
}

/* Every step ends with an update. */
static int64_t steps_of(const lks_trace_event *events, int64_t n) {
    int64_t steps = 0;
    for (int64_t i = 0; i < n; i++)
        steps += events[i].kind == LKS_TRACE_UPDATE;
    return steps;
}

/* --- from rank to rank ------------------------------------------------------------------------ */

static rank_head own_head(const lks_tracing *t) {
    rank_head head = {.origin = t->origin, .threads = t->threads};
    memcpy(head.host, t->comm->host, sizeof head.host);
    return head;
}

static void send_all(const lks_tracing *t) {
    lks_comm *comm = t->comm;
    if (!is_chosen(t, comm->rank))
        return;
    rank_head head = own_head(t);
    lks_comm_to_root(comm, comm->rank, &head, sizeof head);
    for (int i = 0; i < t->threads; i++) {
        const lks_trace_thread *own = lks_trace_thread_of(i);
        thread_head about = {(int64_t)own->n, own->full};
        lks_comm_to_root(comm, comm->rank, &about, sizeof about);
        lks_comm_to_root(comm, comm->rank, own->events, own->n * sizeof *own->events);
    }
}

/* Takes all that the rank sends, also where the file failed before: it waits until it is taken. */
static void write_rank(const lks_tracing *t, writer *w) {
    lks_comm *comm = t->comm;
    rank_head head = own_head(t);
    lks_comm_to_root(comm, w->rank, &head, sizeof head);
    w->origin = head.origin;
    put_rank(w, &head);
    for (w->thread = 0; w->thread < head.threads; w->thread++) {
        thread_head about = {0};
        const lks_trace_event *events = w->received;
        if (w->rank == 0) {
            const lks_trace_thread *own = lks_trace_thread_of(w->thread);
            about = (thread_head){(int64_t)own->n, own->full};
            events = own->events;
        }
        lks_comm_to_root(comm, w->rank, &about, sizeof about);
        lks_comm_to_root(comm, w->rank, w->received, (size_t)about.events * sizeof *w->received);
        if (w->thread == 0) {
            int64_t steps = steps_of(events, about.events);
            w->steps = !w->any || steps < w->steps ? steps : w->steps;
        }
        put_thread(w, events, &about);
    }
    w->any = true;
}

static lks_status write_file(const lks_tracing *t, int64_t steps, writer *w) {
    put(w, "{\"traceEvents\":[\n");
    for (w->rank = 0; w->rank < t->comm->size; w->rank++)
        if (is_chosen(t, w->rank))
            write_rank(t, w);
    put(w,
        "\n],\n\"displayTimeUnit\":\"ms\",\n\"otherData\":{\"lockstep\":\"%s\",\"steps\":%lld,"
        "\"steps_recorded\":%lld,\"events_per_thread\":%lld}}\n",
        lks_version(), (long long)steps, (long long)w->steps, (long long)t->capacity);
    if (w->status == LKS_OK)
        w->status = lks_comm_check(t->comm, w->err);
    return lks_publish_finish(w->file, w->status, w->err);
}

static int64_t most_events(const lks_tracing *t) {
    size_t most = 0;
    for (int i = 0; i < t->threads; i++)
        most = lks_trace_thread_of(i)->n > most ? lks_trace_thread_of(i)->n : most;
    return (int64_t)most;
}

/* Rank 0's file and memory for one thread's events. */
static lks_status open_writer(const lks_tracing *t, writer *w, int64_t most, lks_error *err) {
    *w = (writer){.status = LKS_OK, .err = err};
    w->received = lks_alloc((size_t)most, sizeof *w->received, "a thread's events", err);
    return w->received ? lks_publish_start(&w->file, t->path, err) : err->status;
}

static void tell(const lks_tracing *t, int64_t steps, const writer *w) {
    if (w->full)
        lks_info(
            "trace      %s: the first %lld of %lld steps; then a thread's buffer of %lld events "
            "was full (LOCKSTEP_TRACE_EVENTS)",
            t->path, (long long)w->steps, (long long)steps, (long long)t->capacity);
    else
        lks_info("trace      %s: %lld steps, %lld events", t->path, (long long)steps,
                 (long long)w->events);
}

static lks_status write_trace(const lks_tracing *t, int64_t steps, lks_error *err) {
    int64_t most = most_events(t);
    writer w;
    lks_status status = LKS_OK;
    lks_comm_max_i64(t->comm, &most, 1);
    if (t->comm->rank == 0)
        status = open_writer(t, &w, most, err);
    const lks_status agreed = lks_comm_agree(t->comm, status, err);
    if (t->comm->rank != 0) {
        if (agreed == LKS_OK)
            send_all(t);
        return LKS_OK;
    }
    if (agreed == LKS_OK)
        status = write_file(t, steps, &w);
    else if (status == LKS_OK) /* MPI failed */
        status = lks_publish_finish(w.file, agreed, err);
    if (status == LKS_OK)
        tell(t, steps, &w);
    lks_free(w.received);
    return status;
}

/* Neither the run's results nor its exit status hang on the trace. */
void lks_tracing_end(lks_tracing *t, int64_t steps) {
    lks_error err;
    if (!t->on)
        return;
    lks_trace_end();
    if (lks_comm_check(t->comm, NULL) == LKS_OK && write_trace(t, steps, &err) != LKS_OK)
        lks_warn("no trace: %s", err.text);
    lks_trace_free();
}

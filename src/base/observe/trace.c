#include "base/observe/trace.h"

#include "base/memory.h"

atomic_bool lks_trace_on;

/* A thread's count changes with each event: threads must not share cache lines. */
typedef struct slot {
    _Alignas(LKS_ALIGN) lks_trace_thread thread;
} slot;

static struct {
    slot *slots; /* [threads] */
    int threads;
    size_t capacity; /* events a thread */
} recorder;

lks_status lks_trace_prepare(int threads, size_t capacity, lks_error *err) {
    recorder.threads = threads;
    recorder.capacity = capacity;
    recorder.slots = lks_alloc((size_t)threads, sizeof *recorder.slots, "the trace", err);
    if (!recorder.slots)
        return err->status;
    for (int t = 0; t < threads; t++) {
        lks_trace_thread *own = &recorder.slots[t].thread;
        own->events = lks_alloc(capacity, sizeof *own->events, "the trace", err);
        if (!own->events)
            return err->status;
    }
    return LKS_OK;
}

void lks_trace_begin(void) {
    atomic_store(&lks_trace_on, true);
}

lks_trace_event *lks_trace_record(int thread, lks_trace_kind kind, int64_t number, double start) {
    lks_trace_thread *own = &recorder.slots[thread].thread;
    if (own->n == recorder.capacity) {
        own->full = start;
        atomic_store_explicit(&lks_trace_on, false, memory_order_relaxed);
        return NULL;
    }
    lks_trace_event *event = &own->events[own->n++];
    *event = (lks_trace_event){start, -1, (int32_t)kind, (int32_t)number};
    return event;
}

void lks_trace_end(void) {
    double now = lks_now();
    atomic_store(&lks_trace_on, false);
    for (int t = 0; t < recorder.threads; t++) {
        lks_trace_thread *own = &recorder.slots[t].thread;
        for (size_t i = 0; i < own->n; i++)
            if (own->events[i].end < own->events[i].start)
                own->events[i].end = now;
    }
}

void lks_trace_free(void) {
    for (int t = 0; recorder.slots && t < recorder.threads; t++)
        lks_free(recorder.slots[t].thread.events);
    lks_free(recorder.slots);
    recorder.slots = NULL;
    recorder.threads = 0;
}

const lks_trace_thread *lks_trace_thread_of(int thread) {
    return &recorder.slots[thread].thread;
}

static const struct {
    const char *name, *category;
} kinds[LKS_TRACE_KINDS] = {
    [LKS_TRACE_EPOCH] = {"epoch", "epoch"},
    [LKS_TRACE_EXCHANGE] = {"exchange", "phase"},
    [LKS_TRACE_BATCH] = {"batch", "phase"},
    [LKS_TRACE_AUGMENT] = {"augment", "phase"},
    [LKS_TRACE_COMPUTE] = {"compute", "phase"},
    [LKS_TRACE_ALLREDUCE] = {"allreduce", "phase"},
    [LKS_TRACE_UPDATE] = {"update", "phase"},
    [LKS_TRACE_EVALUATE] = {"evaluate", "phase"},
    [LKS_TRACE_CHECKPOINT] = {"checkpoint", "phase"},
    [LKS_TRACE_VERIFY] = {"verify", "phase"},
    [LKS_TRACE_FORWARD] = {"forward", "pass"},
    [LKS_TRACE_BACKWARD] = {"backward", "pass"},
    [LKS_TRACE_FORWARD_BACKWARD] = {"forward and backward", "pass"},
    [LKS_TRACE_WEIGHTS] = {"weights", "pass"},
    [LKS_TRACE_MOMENTS] = {"moments", "pass"},
    [LKS_TRACE_COLLECT] = {"collect", "pass"},
};

const char *lks_trace_name(lks_trace_kind kind) {
    return kinds[kind].name;
}

const char *lks_trace_category(lks_trace_kind kind) {
    return kinds[kind].category;
}

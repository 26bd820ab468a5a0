/* The recorder of events: what is kept, by whom, and until when. */
#include "support/test.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/observe/trace.h"

static lks_error err;

static void off_is_off(void) {
    CU_ASSERT_FALSE(lks_trace_is_on());
    CU_ASSERT_PTR_NULL(lks_trace_open(0, LKS_TRACE_FORWARD));
    lks_trace_close(NULL);
    CU_ASSERT_EQUAL_FATAL(lks_trace_prepare(1, 4, &err), LKS_OK);
    CU_ASSERT_PTR_NULL(lks_trace_open(0, LKS_TRACE_FORWARD));
    lks_trace_end();
    CU_ASSERT_EQUAL(lks_trace_thread_of(0)->n, 0);
    lks_trace_free();
    lks_trace_free();
}

/* An event stands before those inside it; one that nobody closed ends with the recording. */
static void events_stand_by_start(void) {
    CU_ASSERT_EQUAL_FATAL(lks_trace_prepare(1, 4, &err), LKS_OK);
    lks_trace_begin();
    double start = lks_now();
    lks_trace_event *outer = lks_trace_record(0, LKS_TRACE_EPOCH, 7, start);
    lks_trace_event *inner = lks_trace_open(0, LKS_TRACE_COMPUTE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(inner);
    lks_trace_close(inner);
    lks_trace_event *second = lks_trace_open(0, LKS_TRACE_UPDATE);
    CU_ASSERT(second->end < second->start);
    lks_trace_end();
    CU_ASSERT_PTR_NULL(lks_trace_open(0, LKS_TRACE_UPDATE));
    const lks_trace_thread *own = lks_trace_thread_of(0);
    CU_ASSERT_EQUAL_FATAL(own->n, 3);
    CU_ASSERT_EQUAL(own->full, 0);
    const lks_trace_event *e = own->events;
    CU_ASSERT(&e[0] == outer && e[0].kind == LKS_TRACE_EPOCH && e[0].number == 7);
    CU_ASSERT(e[0].start == start && e[1].kind == LKS_TRACE_COMPUTE && e[1].number == -1);
    CU_ASSERT(e[0].start <= e[1].start && e[1].start <= e[1].end && e[1].end <= e[2].start);
    CU_ASSERT(e[2].start <= e[2].end && e[0].end == e[2].end);
    lks_trace_free();
}

/* Where one buffer is full all threads stop; what lasts is still ended by its owner. */
static void a_full_buffer_stops_all(void) {
    enum { ROOM = 5 };
    CU_ASSERT_EQUAL_FATAL(lks_trace_prepare(2, ROOM, &err), LKS_OK);
    lks_trace_begin();
    lks_trace_event *other = lks_trace_open(1, LKS_TRACE_FORWARD), *last = NULL;
    for (int i = 0; i < ROOM; i++)
        CU_ASSERT_PTR_NOT_NULL_FATAL(last = lks_trace_open(0, LKS_TRACE_FORWARD));
    CU_ASSERT_TRUE(lks_trace_is_on());
    CU_ASSERT_PTR_NULL(lks_trace_open(0, LKS_TRACE_BACKWARD));
    CU_ASSERT_FALSE(lks_trace_is_on());
    CU_ASSERT_PTR_NULL(lks_trace_open(1, LKS_TRACE_FORWARD));
    lks_trace_close(other);
    double end = other->end;
    lks_trace_end();
    CU_ASSERT_EQUAL(other->end, end);
    const lks_trace_thread *own = lks_trace_thread_of(0);
    CU_ASSERT(own->n == ROOM && &own->events[ROOM - 1] == last);
    CU_ASSERT(own->full >= last->start && own->full <= last->end);
    CU_ASSERT(lks_trace_thread_of(1)->n == 1 && lks_trace_thread_of(1)->full == 0);
    lks_trace_free();
}

static void threads_do_not_mix(void) {
    enum { THREADS = 4, EVENTS = 5000 };
    CU_ASSERT_EQUAL_FATAL(lks_trace_prepare(THREADS, EVENTS, &err), LKS_OK);
    lks_trace_begin();
    omp_set_dynamic(0);
#pragma omp parallel num_threads(THREADS)
    {
        int t = omp_get_thread_num();
        for (int i = 0; i < EVENTS; i++)
            lks_trace_close(
                lks_trace_record(t, (lks_trace_kind)(t + 1), THREADS * i + t, lks_now()));
    }
    CU_ASSERT_TRUE(lks_trace_is_on());
    lks_trace_end();
    int wrong = 0;
    for (int t = 0; t < THREADS; t++) {
        const lks_trace_thread *own = lks_trace_thread_of(t);
        CU_ASSERT_EQUAL_FATAL(own->n, EVENTS);
        for (int i = 0; i < EVENTS; i++)
            wrong += own->events[i].kind != t + 1 || own->events[i].number != THREADS * i + t ||
                     own->events[i].end < own->events[i].start;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    lks_trace_free();
}

static void kinds_have_names(void) {
    for (int a = 0; a < LKS_TRACE_KINDS; a++) {
        const char *name = lks_trace_name((lks_trace_kind)a);
        CU_ASSERT_PTR_NOT_NULL_FATAL(name);
        CU_ASSERT(name[0] && lks_trace_category((lks_trace_kind)a)[0]);
        for (int b = 0; b < a; b++)
            CU_ASSERT_STRING_NOT_EQUAL(name, lks_trace_name((lks_trace_kind)b));
    }
}

/* More than there can be: an error, and the recorder can be used again. */
static void too_much_is_refused(void) {
    CU_ASSERT_EQUAL(lks_trace_prepare(2, SIZE_MAX / 8, &err), LKS_ERR_MEMORY);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "trace"));
    lks_trace_free();
    off_is_off();
}

int main(void) {
    static const lks_test tests[] = {{"off is off", off_is_off},
                                     {"events stand by start", events_stand_by_start},
                                     {"a full buffer stops all", a_full_buffer_stops_all},
                                     {"threads do not mix", threads_do_not_mix},
                                     {"kinds have names", kinds_have_names},
                                     {"too much is refused", too_much_is_refused},
                                     {NULL, NULL}};
    return lks_test_main("trace", tests);
}

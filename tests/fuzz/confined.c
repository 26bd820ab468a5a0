/* What a confined process (src/io/h5/confined.h) does with an input is part of the search: where it has been in the
 * code is told to libFuzzer, and what a sanitizer says of Lockstep's own code there ends the search. What befalls the
 * HDF5 library does not: that is why the process is confined. Linked by --wrap=lks_confined_run,--wrap=_exit. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fuzz.h"
#include "io/h5/confined.h"

lks_status __wrap_lks_confined_run(const lks_confined_job *job, const char *name, int input,
                                   unsigned char **bytes, size_t *size, lks_error *err);
lks_status __real_lks_confined_run(const lks_confined_job *job, const char *name, int input,
                                   unsigned char **bytes, size_t *size, lks_error *err);
_Noreturn void __wrap__exit(int status);
_Noreturn void __real__exit(int status);

/* How often each edge was taken: clang's, none in other builds (-fsanitize-coverage=inline-8bit-counters). */
#define OF_CLANG extern __attribute__((weak, visibility("hidden")))
OF_CLANG uint8_t __start___sancov_cntrs[], __stop___sancov_cntrs[];

/* Of the sanitizers, none in builds without. */
extern __attribute__((weak)) void __asan_set_error_report_callback(void (*told)(const char *));
extern __attribute__((weak)) void __sanitizer_set_death_callback(void (*died)(void));
extern __attribute__((weak)) void __ubsan_get_current_report_data(const char **kind,
                                                                  const char **message,
                                                                  const char **file, unsigned *line,
                                                                  unsigned *column, char **address);
void __ubsan_on_report(void);

enum { EDGES_MOST = 1 << 20, REPORT_ROOM = 1 << 16 };

/* In memory that both processes share. */
static struct shared {
    char report[REPORT_ROOM]; /* "": nothing is wrong with Lockstep's code */
    uint8_t edges[EDGES_MOST];
} * shared;
static bool is_worker = true; /* until the server is forked */

static size_t n_edges(void) {
    const size_t n = (size_t)(__stop___sancov_cntrs - __start___sancov_cntrs);
    return n < EDGES_MOST ? n : EDGES_MOST;
}

/* --- in the confined process ------------------------------------------------------------------ */

/* The first frame that is neither the C library nor the sanitizer's version of a function that libhdf5 called. */
static bool fell_in_a_library(const char *report) {
    const char *frame = strstr(report, "    #0 ");
    for (int n = 0; frame && n < 3; n++) {
        const char *next = strstr(frame + 1, "\n    #");
        char line[512];
        snprintf(line, sizeof line, "%.*s", (int)strcspn(frame + 1, "\n"), frame + 1);
        if (strstr(line, "libhdf5") || strstr(line, "libz.so") || strstr(line, "libsz.so"))
            return true;
        if (n > 0 && !strstr(line, "libc.so"))
            return false;
        frame = next;
    }
    return false;
}

/* The address sanitizer's report. */
static void take_report(const char *report) {
    if (!fell_in_a_library(report))
        snprintf(shared->report, REPORT_ROOM, "%s", report);
}

/* Called by the other sanitizer, which looks at Lockstep's code only. */
void __ubsan_on_report(void) {
    const char *kind, *message, *file;
    unsigned line, column;
    char *address;
    if (!is_worker || !shared || !__ubsan_get_current_report_data)
        return;
    __ubsan_get_current_report_data(&kind, &message, &file, &line, &column, &address);
    snprintf(shared->report, REPORT_ROOM, "%s:%u:%u: %s: %s\n", file, line, column, kind, message);
}

static void take_edges(void) {
    if (n_edges())
        memcpy(shared->edges, __start___sancov_cntrs, n_edges());
}

void __wrap__exit(int status) {
    if (is_worker && shared)
        take_edges();
    __real__exit(status);
}

/* --- in the fuzzer ---------------------------------------------------------------------------- */

static void watch(void (*told)(const char *), void (*dying)(void)) {
    if (__asan_set_error_report_callback)
        __asan_set_error_report_callback(told);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(dying);
}

/* Before libFuzzer watches over this process: the server, and what it forks, must not write what they fall on. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    lks_error err;
    (void)argc, (void)argv;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();
    if (n_edges())
        memset(__start___sancov_cntrs, 0, n_edges());
    watch(take_report, take_edges);
    if (lks_confined_start(&err) != LKS_OK)
        abort();
    watch(NULL, NULL);
    is_worker = false;
    return 0;
}

static void add_edges(void) {
    for (size_t i = 0; i < n_edges(); i++) {
        const int sum = __start___sancov_cntrs[i] + shared->edges[i];
        __start___sancov_cntrs[i] = (uint8_t)(sum < UINT8_MAX ? sum : UINT8_MAX);
    }
    memset(shared->edges, 0, n_edges());
}

lks_status __wrap_lks_confined_run(const lks_confined_job *job, const char *name, int input,
                                   unsigned char **bytes, size_t *size, lks_error *err) {
    const lks_status status = __real_lks_confined_run(job, name, input, bytes, size, err);
    add_edges();
    if (shared->report[0]) {
        fprintf(stderr, "in the confined process:\n%s\n", shared->report);
        abort();
    }
    return status;
}

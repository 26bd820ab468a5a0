#include "lockstep/log.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_BYTES 4096

static int log_rank;
static lks_log_level log_level = LKS_LOG_INFO;

void lks_log_setup(int rank, lks_log_level level) {
    log_rank = rank;
    log_level = level;
}

bool lks_log_enabled(void) {
    return log_rank == 0 && log_level != LKS_LOG_QUIET;
}

void lks_info(const char *format, ...) {
    if (!lks_log_enabled())
        return;
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

/* stderr is unbuffered: one call per message keeps the lines of several ranks apart. What stdout
 * still holds goes first, so that a log of both reads in the order of events. */
static void print_to_stderr(const char *kind, const char *text) {
    fflush(stdout);
    fprintf(stderr, "lockstep: %s: %s\n", kind, text);
}

void lks_warn(const char *format, ...) {
    if (log_rank != 0)
        return;
    char text[LINE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_to_stderr("warning", text);
}

void lks_error_print(const char *text) {
    print_to_stderr("error", text);
}

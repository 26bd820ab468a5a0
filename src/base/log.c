#include "lockstep/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"

#define LINE_BYTES   4096
#define PREFIX_BYTES 48

static int own_rank;
static lks_log_level log_level = LKS_LOG_INFO;
static bool outlives_output, output_lost;
static _Thread_local lks_log_held *held_here;

void lks_log_setup(lks_log_level level) {
    log_level = level;
}

void lks_log_rank(int rank) {
    own_rank = rank;
}

bool lks_log_enabled(void) {
    return own_rank == 0 && log_level != LKS_LOG_QUIET;
}

/* Line ends that came from arguments: only those at both ends of the format may stay. */
static void join_lines(char *text, size_t length, const char *format) {
    size_t first = strspn(format, "\n"), end = strlen(format), last = 0;
    while (first + last < end && format[end - 1 - last] == '\n')
        last++;
    for (size_t i = first; i + last < length; i++)
        text[i] = text[i] == '\n' ? '?' : text[i];
}

/* Prints without what a terminal would obey. A text that memory is too short for is cut
 * rather than not told. */
static void print_disarmed(FILE *f, bool lines, const char *format, va_list args) {
    char line[LINE_BYTES], *text = line;
    va_list again;
    va_copy(again, args);
    const int wanted = vsnprintf(line, sizeof line, format, args);
    if (wanted >= LINE_BYTES && (text = malloc((size_t)wanted + 1)))
        vsnprintf(text, (size_t)wanted + 1, format, again);
    va_end(again);
    text = text ? text : line;
    const size_t length = strlen(text);
    lks_utf8_disarm(text, length);
    if (!lines)
        join_lines(text, length, format);
    fwrite(text, 1, length, f);
    if (text != line)
        free(text);
}

void lks_print(FILE *f, const char *format, ...) {
    va_list args;
    va_start(args, format);
    print_disarmed(f, false, format, args);
    va_end(args);
}

void lks_info(const char *format, ...) {
    if (!lks_log_enabled())
        return;
    va_list args;
    va_start(args, format);
    print_disarmed(stdout, true, format, args);
    va_end(args);
    putchar('\n');
    if (fflush(stdout) != 0)
        lks_log_output_lost(errno);
}

/* For colours on stderr. mpirun gives its ranks a pipe there, so that none get into a log. */
static bool coloured(void) {
    const char *off = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return !(off && *off) && terminal && *terminal && strcmp(terminal, "dumb") != 0 &&
           isatty(STDERR_FILENO);
}

typedef struct kind {
    const char *word, *colour; /* SGR parameters of ECMA-48 */
} kind;

static const kind error_kind = {"error", "1;31"}, warning_kind = {"warning", "1;35"};

/* "lockstep: error: ", without a line end. */
static void make_prefix(const kind *k, char prefix[PREFIX_BYTES]) {
    if (!k)
        snprintf(prefix, PREFIX_BYTES, "lockstep: ");
    else if (coloured())
        snprintf(prefix, PREFIX_BYTES, "lockstep: \033[%sm%s:\033[0m ", k->colour, k->word);
    else
        snprintf(prefix, PREFIX_BYTES, "lockstep: %s: ", k->word);
}

/* False where memory is short. */
static bool hold(lks_log_held *to, const char *prefix, const char *text) {
    const size_t more = strlen(prefix) + strlen(text) + 1;
    char *grown = realloc(to->text, to->length + more + 1);
    if (!grown)
        return false;
    snprintf(grown + to->length, more + 1, "%s%s\n", prefix, text);
    to->text = grown;
    to->length += more;
    return true;
}

void lks_log_hold(lks_log_held *held) {
    held_here = held;
}

void lks_log_tell(lks_log_held *held) {
    if (held->text) {
        fflush(stdout);
        fputs(held->text, stderr);
    }
    lks_log_drop(held);
}

void lks_log_drop(lks_log_held *held) {
    free(held->text);
    *held = (lks_log_held){0};
}

/* stderr is unbuffered: one call per message keeps the lines of several ranks apart. What stdout
 * still holds goes first, so that a log of both reads in the order of events. */
static void print_to_stderr(const kind *k, char *text) {
    char prefix[PREFIX_BYTES];
    lks_utf8_disarm(text, strlen(text));
    make_prefix(k, prefix);
    if (held_here && hold(held_here, prefix, text))
        return;
    fflush(stdout);
    fprintf(stderr, "%s%s\n", prefix, text);
}

static void print_beside(const kind *k, const char *text) {
    char line[PREFIX_BYTES + LINE_BYTES], prefix[PREFIX_BYTES];
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    make_prefix(k, prefix);
    const int n = snprintf(line, sizeof line, "%s%.*s\n", prefix, LINE_BYTES - 2, text);
    lks_utf8_disarm(line + strlen(prefix), strlen(line + strlen(prefix)));
    if (poll(&out, 1, 1000) == 1 && write(STDERR_FILENO, line, (size_t)n) < 0)
        return; /* nobody is left to tell it to */
}

static void print_formatted(const kind *k, const char *format, va_list args) {
    char text[LINE_BYTES];
    vsnprintf(text, sizeof text, format, args);
    print_to_stderr(k, text);
}

void lks_detail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (own_rank == 0 && log_level == LKS_LOG_VERBOSE)
        print_formatted(NULL, format, args);
    va_end(args);
}

void lks_warn(const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (own_rank == 0)
        print_formatted(&warning_kind, format, args);
    va_end(args);
}

void lks_log_outlive_output(void) {
    outlives_output = true;
}

const char *lks_log_output_reason(int reason) {
    return reason == EBADF ? "it is closed"
           : reason        ? strerror(reason)
                           : "what was printed is lost";
}

bool lks_log_output_lost(int reason) {
    if (outlives_output && !output_lost)
        lks_warn(
            "cannot write to standard output: %s; the run does without, its results are in files",
            lks_log_output_reason(reason));
    output_lost = true;
    return outlives_output;
}

void lks_error_print(const char *text) {
    char shown[LINE_BYTES];
    snprintf(shown, sizeof shown, "%s", text);
    print_to_stderr(&error_kind, shown);
}

void lks_error_beside(const char *text) {
    print_beside(&error_kind, text);
}

void lks_warn_beside(const char *text) {
    print_beside(&warning_kind, text);
}

/* A character of UTF-8 has one byte that does not begin with the bits 10. */
int lks_text_width(const char *text) {
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

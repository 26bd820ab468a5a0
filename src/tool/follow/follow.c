#include "tool/follow/follow.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "run/run_folder.h"
#include "tool/follow/screen.h"
#include "tool/view/draw.h"

enum { COLUMNS = 80, ROWS = 24 }; /* of a terminal that does not say */

/* What is shown where. */
typedef struct display {
    bool terminal;
    lks_screen screen;
    int drawn;     /* lines of the picture that stand there */
    size_t epochs; /* lines of epochs that were printed */
    bool begun;
} display;

/* --- a terminal -------------------------------------------------------------------------------- */

/* Cursor and modes stay as they are, so nothing has to be put back whatever ends the program. */
static bool is_terminal(void) {
    const char *kind = getenv("TERM");
    return isatty(STDOUT_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0;
}

/* True where it has another size than before. */
static bool measure(lks_screen *s) {
    struct winsize w;
    const lks_screen before = *s;
    const bool told = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0;
    const char *kind = getenv("TERM");
    s->columns = told && w.ws_col > 0 ? w.ws_col : COLUMNS;
    s->rows = told && w.ws_row > 0 ? w.ws_row : ROWS;
    s->utf8 =
        lks_speaks_utf8() && !(kind && strcmp(kind, "linux") == 0); /* whose font has no braille */
    return before.columns > 0 && (before.columns != s->columns || before.rows != s->rows);
}

/* ECMA-48: CUU goes up, EL and ED erase to the end of the line and of the screen, CUP goes to the corner. After another
 * size lines may stand anywhere. */
static void print_picture(display *d, const char *text) {
    if (measure(&d->screen))
        fputs("\033[H\033[2J", stdout);
    else if (d->drawn > 0)
        printf("\r\033[%dA", d->drawn);
    d->drawn = 0;
    for (const char *line = text; *line; d->drawn++) {
        const size_t n = strcspn(line, "\n");
        printf("%.*s\033[K\n", (int)n, line);
        line += n + 1;
    }
    fputs("\033[J", stdout);
}

static lks_status draw(display *d, const lks_watched *w, lks_error *err) {
    lks_text text;
    if (d->screen.columns == 0)
        measure(&d->screen);
    LKS_TRY(lks_text_open(&text, "the screen", err));
    const lks_status status = lks_screen_write(w, &d->screen, text.f, err);
    if (status != LKS_OK) {
        lks_text_drop(&text);
        return status;
    }
    LKS_TRY(lks_text_close(&text, "the screen", err));
    print_picture(d, text.bytes);
    free(text.bytes);
    return LKS_OK;
}

/* --- a pipe ------------------------------------------------------------------------------------ */

/* Epochs that were not told yet; after a resume those behind its checkpoint come again. */
static void print_lines(display *d, const lks_watched *w) {
    const lks_history *h = &w->metrics.history;
    if (!d->begun)
        lks_screen_run(w, stdout);
    d->begun = true;
    if (d->epochs > h->n_epochs)
        d->epochs = h->n_epochs;
    for (; d->epochs < h->n_epochs; d->epochs++)
        lks_screen_epoch(w, &h->epochs[d->epochs], stdout);
}

static lks_status show(display *d, const lks_watched *w, lks_error *err) {
    if (d->terminal)
        LKS_TRY(draw(d, w, err));
    else
        print_lines(d, w);
    fflush(stdout);
    return LKS_OK;
}

/* --- until it ends ----------------------------------------------------------------------------- */

static sigset_t watched_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return set;
}

/* Waits for a second, or for a signal, which is returned; 0: none. A signal can come between two pictures, never in the
 * midst of one. */
static int pause_or_signal(const sigset_t *signals) {
    sigset_t all = *signals;
    const struct timespec second = {1, 0};
    sigaddset(&all, SIGWINCH); /* another size is drawn at once */
    const int got = sigtimedwait(&all, NULL, &second);
    return got > 0 && got != SIGWINCH ? got : 0;
}

static lks_status watch(lks_watched *w, const lks_follow_options *o, const sigset_t *signals,
                        int *got, lks_error *err) {
    display d = {.terminal = is_terminal()};
    do {
        LKS_TRY(lks_stand_look(w, o->patience, err));
        LKS_TRY(show(&d, w, err));
    } while (w->state == LKS_RUN_WORKS && !ferror(stdout) &&
             (*got = pause_or_signal(signals)) == 0);
    if (d.begun && *got == 0 && w->state == LKS_RUN_DONE) /* else that is an error's text */
        lks_screen_run(w, stdout);
    return LKS_OK;
}

static lks_status tell_end(const lks_watched *w, int got, lks_error *err) {
    char told[LKS_LIFE_TEXT + 400];
    if (w->state == LKS_RUN_DONE || w->state == LKS_RUN_WORKS || got)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_IO, "%s: %s", w->folder, lks_stand_tell(w, told));
}

lks_status lks_follow(const lks_follow_options *options, int *signal_got, lks_error *err) {
    lks_watched w = {.folder = options->path};
    sigset_t signals = watched_signals(), blocked = signals, before;
    *signal_got = 0;
    if (!lks_folder_is_run(options->path))
        return lks_fail(err, LKS_ERR_USAGE, "--follow: %s is no run folder", options->path);
    sigaddset(&blocked, SIGWINCH);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    lks_status status = watch(&w, options, &signals, signal_got, err);
    if (status == LKS_OK)
        status = tell_end(&w, *signal_got, err);
    lks_metrics_tail_close(&w.metrics);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

#include "job/stall.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- judging ---------------------------------------------------------------------------------- */

void lks_sign_take(lks_sign *sign, const lks_state_of_work *work, double now) {
    const lks_state_of_work *before = &sign->work;
    if (!sign->known || before->progress != work->progress || before->calls != work->calls)
        sign->moved = now;
    sign->known = true;
    sign->heard = now;
    sign->work = *work;
}

/* The rank itself tells that it stands still. One that is stopped soon after it got something done is silent
 * only: nobody knows of it that it is alive. */
static bool tells_still(const lks_sign *s, double timeout) {
    return s->known && s->heard - s->moved > timeout;
}

/* Ranks that are heard but got nothing done, outside of MPI. */
static int blame_still(const lks_sign *signs, int n, double now, double timeout, uint8_t *blame) {
    int blamed = 0;
    for (int r = 0; r < n; r++) {
        const lks_sign *s = &signs[r];
        const bool still = now - s->heard <= timeout && tells_still(s, timeout) && !s->work.waiting;
        blame[r] = still ? LKS_BLAME_STILL : LKS_BLAME_NONE;
        blamed += still;
    }
    return blamed;
}

/* Some rank has not told yet whether it waits or is gone: it will do either within the timeout. */
static bool anybody_owes_news(const lks_sign *signs, int n, double timeout) {
    for (int r = 0; r < n; r++)
        if (signs[r].known && !tells_still(&signs[r], timeout))
            return true;
    return false;
}

static bool anybody_moves(const lks_sign *signs, int n, double now, double timeout) {
    for (int r = 0; r < n; r++)
        if (signs[r].known && now - signs[r].moved <= timeout)
            return true;
    return false;
}

static int blame_silent(const lks_sign *signs, int n, double now, double timeout, uint8_t *blame) {
    int blamed = 0;
    for (int r = 0; r < n; r++)
        if (signs[r].known && now - signs[r].heard > timeout) {
            blame[r] = LKS_BLAME_SILENT;
            blamed++;
        }
    return blamed;
}

static int blame_unheard(const lks_sign *signs, int n, uint8_t *blame) {
    int blamed = 0;
    for (int r = 0; r < n; r++)
        if (!signs[r].known) {
            blame[r] = LKS_BLAME_UNHEARD;
            blamed++;
        }
    return blamed;
}

/* Every rank is heard and waits in MPI. */
static int blame_waiting(const lks_sign *signs, int n, uint8_t *blame) {
    uint64_t least = signs[0].work.calls, most = least;
    int blamed = 0;
    for (int r = 1; r < n; r++) {
        const uint64_t calls = signs[r].work.calls;
        least = calls < least ? calls : least;
        most = calls > most ? calls : most;
    }
    for (int r = 0; r < n; r++)
        if (signs[r].work.calls == least) {
            blame[r] = least == most ? LKS_BLAME_NETWORK : LKS_BLAME_BEHIND;
            blamed++;
        }
    return blamed;
}

int lks_stall_judge(const lks_sign *signs, int n, double now, double timeout, uint8_t *blame) {
    int blamed = blame_still(signs, n, now, timeout, blame);
    if (anybody_moves(signs, n, now, timeout))
        return blamed;
    blamed += blame_silent(signs, n, now, timeout, blame);
    if (blamed > 0 || anybody_owes_news(signs, n, timeout))
        return blamed;
    blamed = blame_unheard(signs, n, blame);
    return blamed > 0 ? blamed : blame_waiting(signs, n, blame);
}

/* --- telling ---------------------------------------------------------------------------------- */

#define MOST_NAMED 8

typedef struct message {
    char *text;
    size_t size, length;
} message;

__attribute__((format(printf, 2, 3))) static void add(message *m, const char *format, ...) {
    va_list args;
    if (m->length + 1 >= m->size)
        return;
    va_start(args, format);
    const int n = vsnprintf(m->text + m->length, m->size - m->length, format, args);
    va_end(args);
    m->length += n > 0 ? (size_t)n : 0;
}

static const char *explain(lks_blame blame) {
    static const char *const words[] = {
        [LKS_BLAME_SILENT] = "no sign of life; it is stopped, its host is gone, or cut off",
        [LKS_BLAME_STILL] = "alive, but gets nothing done; a file system or device may hang",
        [LKS_BLAME_UNHEARD] = "never heard, and the others wait for it",
        [LKS_BLAME_BEHIND] = "waits in an earlier MPI call than the others; look at its network",
        [LKS_BLAME_NETWORK] = ""};
    return words[blame];
}

/* "in compute of step 12, for 301 s" */
static void add_work(message *m, const lks_sign *s, double now) {
    add(m, "last seen in %s", s->work.place);
    if (s->work.step > 0)
        add(m, " of step %lld", (long long)s->work.step);
    add(m, ", for %.0f s: ", now - s->moved);
}

void lks_stall_tell(const lks_sign *signs, const lks_rank_name *names, int n, double now,
                    const uint8_t *blame, char *text, size_t size) {
    message m = {text, size, 0};
    int blamed = 0;
    if (blame[0] == LKS_BLAME_NETWORK) {
        add(&m, "stalled: all ranks wait in the same MPI call, ");
        add_work(&m, &signs[0], now);
        add(&m, "look at the network between their hosts");
    } else {
        add(&m, "stalled");
        for (int r = 0; r < n; r++) {
            if (blame[r] == LKS_BLAME_NONE || ++blamed > MOST_NAMED)
                continue;
            add(&m, "%s rank %d on %s, ", blamed == 1 ? ":" : ";", r, names[r].host);
            if (signs[r].known)
                add_work(&m, &signs[r], now);
            add(&m, "%s", explain(blame[r]));
        }
        if (blamed > MOST_NAMED)
            add(&m, "; and %d ranks more", blamed - MOST_NAMED);
    }
    add(&m, "\nthe job ends; training goes on from its last checkpoint by the same command; "
            "--stall-timeout SECONDS sets how long a rank may stand still");
}

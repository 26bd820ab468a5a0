/* The folder lives/ of a run folder: who has worked there, and who does. NNNNNNNN/ is the life of that number:
 * owner.json says who it is, and beat-K that it lives; each beat renames that to K + 1. ended: it has ended
 * itself; neither: another life took over.
 *
 * Three steps decide, and the file system's server answers each of them, whatever a client has cached: a folder
 * that is complete is renamed to its number, which fails where that is taken; a beat is renamed; a beat is
 * removed. Listings only tell where to try. Nothing needs a lock, a link or a file's time. One process; nothing
 * is collective. */
#ifndef LKS_JOB_LIVES_H
#define LKS_JOB_LIVES_H

#include <limits.h>
#include <stdbool.h>
#include "job/life.h"
#include "lockstep/status.h"

/* The highest number in folder `lives`; 0: none, or no such folder. LKS_ERR_IO. */
lks_status lks_lives_newest(const char *lives, long long *number, lks_error *err);

/* Life `number`: who it is, as far as can be read, its newest beat, and whether it may go on. */
typedef struct lks_lives_entry {
    lks_life life;
    bool open;      /* neither ended nor overtaken */
    long long beat; /* while it is open */
} lks_lives_entry;
void lks_lives_look(const char *lives, long long number, lks_lives_entry *entry);

/* Makes the folder and becomes life->number; *taken: another one came first, look
 * again. LKS_ERR_IO. */
lks_status lks_lives_claim(const char *lives, const lks_life *life, bool *taken, lks_error *err);

/* Ends all lives below `number`: from then on none of them can beat. LKS_ERR_IO where one could not be ended. */
lks_status lks_lives_close(const char *lives, long long number, lks_error *err);

/* Removes what dead starts left, and the lives below `number` but for the newest ones. */
void lks_lives_prune(const char *lives, long long number);

/* Removes life `number` as if it had not been. */
void lks_lives_forget(const char *lives, long long number);

/* Makes clients of a network file system forget what they know of life `number`'s folder. */
void lks_lives_refresh(const char *lives, long long number);

/* --- the own life ------------------------------------------------------------------------------ */

typedef struct lks_heart {
    int folder; /* descriptor of the life's folder */
    long long beat;
    char path[PATH_MAX]; /* of that same folder */
} lks_heart;

lks_status lks_heart_open(lks_heart *heart, const char *lives, long long number, lks_error *err);
/* One beat. *lost: another life has ended this one, or its folder is not where it was. LKS_ERR_IO where
 * neither could be found out. */
lks_status lks_heart_beat(lks_heart *heart, bool *lost, lks_error *err);
/* Marks the life as ended, unless it was overtaken, and closes. */
void lks_heart_close(lks_heart *heart);

#endif

#include "tool/follow/standing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json/json.h"
#include "base/timer.h"
#include "io/checkpoint.h"
#include "files/whole_file.h"
#include "run/run_folder.h"

/* --- who works there --------------------------------------------------------------------------- */

/* VmRSS of /proc/PID/status, in MiB. */
static double resident_of(long long process) {
    char path[64], line[256];
    long long kib = -1;
    snprintf(path, sizeof path, "/proc/%lld/status", process);
    FILE *f = lks_open_regular(path);
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtoll(line + 6, NULL, 10);
    if (f)
        fclose(f); /* nothing was written */
    return kib > 0 ? (double)kib / 1024 : NAN;
}

static lks_run_state state_of_open(lks_watched *s, const lks_lives_entry *entry, int patience) {
    lks_life self;
    const double now = lks_now();
    lks_life_self(&self);
    const lks_life_state judged = lks_life_judge(&self, &entry->life);
    if (s->life.number != entry->life.number || s->beat != entry->beat || s->beaten == 0)
        s->beaten = now;
    s->beat = entry->beat;
    if (judged == LKS_LIFE_ALIVE)
        s->resident_mib = resident_of(entry->life.process);
    if (judged == LKS_LIFE_DEAD)
        return LKS_RUN_DIED;
    return now - s->beaten < patience ? LKS_RUN_WORKS : LKS_RUN_STILL;
}

static lks_status look_at_life(lks_watched *s, int patience, lks_error *err) {
    char lives[LKS_FOLDER_PATH_MAX];
    lks_lives_entry entry;
    long long newest;
    lks_folder_path(s->folder, LKS_FOLDER_LIVES, lives);
    LKS_TRY(lks_lives_newest(lives, &newest, err));
    s->resident_mib = NAN;
    if (newest == 0) {
        s->state = LKS_RUN_NOBODY;
        return LKS_OK;
    }
    lks_lives_look(lives, newest, &entry);
    s->state = entry.open ? state_of_open(s, &entry, patience) : LKS_RUN_LEFT;
    s->life = entry.life;
    return LKS_OK;
}

/* --- what it has done -------------------------------------------------------------------------- */

static lks_status look_at_checkpoints(lks_watched *s, lks_error *err) {
    char folder[LKS_FOLDER_PATH_MAX], **paths = NULL;
    struct stat file;
    int n = 0;
    lks_folder_path(s->folder, LKS_FOLDER_CHECKPOINTS, folder);
    LKS_TRY(lks_checkpoint_list(folder, false, &paths, &n, err));
    s->checkpoint[0] = '\0';
    if (n > 0 && stat(paths[0], &file) == 0) {
        snprintf(s->checkpoint, sizeof s->checkpoint, "%s", strrchr(paths[0], '/') + 1);
        s->checkpoint_age = lks_wall() - (double)file.st_mtime;
    }
    free(paths);
    return LKS_OK;
}

/* A run writes its report behind its summary, and that of one that is about to go on is there for a while. */
static void look_at_result(lks_watched *s) {
    char *summary;
    if (s->state == LKS_RUN_WORKS || !lks_folder_has(s->folder, LKS_FOLDER_SUMMARY))
        return;
    lks_folder_summary(s->folder, &summary, NULL);
    s->state = LKS_RUN_DONE;
    s->test_accuracy = summary ? lks_json_get_number(summary, "test_accuracy") : NAN;
    free(summary);
}

lks_status lks_stand_look(lks_watched *s, int patience, lks_error *err) {
    const bool first = s->first_look == 0;
    LKS_TRY(look_at_life(s, patience, err)); /* before the files that it writes */
    lks_work_read(s->folder, &s->work);
    LKS_TRY(lks_metrics_tail_read(&s->metrics, s->folder, err));
    LKS_TRY(look_at_checkpoints(s, err));
    lks_folder_tell_faults(s->folder, s->faults);
    look_at_result(s);
    if (first || lks_stand_step(s) < s->first_step) { /* it began, or went back to a checkpoint */
        s->first_look = lks_now();
        s->first_step = lks_stand_step(s);
    }
    return LKS_OK;
}

/* --- figures ----------------------------------------------------------------------------------- */

static const lks_epoch_record *newest_epoch(const lks_watched *s) {
    const lks_history *h = &s->metrics.history;
    return h->n_epochs ? &h->epochs[h->n_epochs - 1] : NULL;
}

int64_t lks_stand_step(const lks_watched *s) {
    const lks_history *h = &s->metrics.history;
    const int64_t step = h->n_steps ? h->steps[h->n_steps - 1].step : 0;
    const int64_t epoch = h->n_epochs ? newest_epoch(s)->step : 0;
    const int64_t first = s->work.first_step > 0 ? s->work.first_step : 0;
    const int64_t recorded = step > epoch ? step : epoch;
    return recorded > first ? recorded : first;
}

int64_t lks_stand_epoch(const lks_watched *s) {
    const lks_history *h = &s->metrics.history;
    const int64_t step = h->n_steps ? h->steps[h->n_steps - 1].epoch : 0;
    const lks_epoch_record *e = newest_epoch(s);
    const int64_t behind = e ? (int64_t)e->epoch + (e->step < lks_stand_last_step(s)) : 1;
    return step > behind ? step : behind;
}

int64_t lks_stand_last_step(const lks_watched *s) {
    return s->work.last_step > 0 ? s->work.last_step : 0;
}

/* While this process looks on; NaN until that is long enough. */
static double seen_speed(const lks_watched *s) {
    const double seconds = lks_now() - s->first_look;
    const int64_t steps = lks_stand_step(s) - s->first_step;
    return seconds >= 2 && steps > 0 ? (double)steps / seconds : NAN;
}

/* Steps a second, evaluations included, by the newest epoch or else by what was seen so far. */
static double speed_of(const lks_watched *s) {
    const lks_epoch_record *e = newest_epoch(s);
    if (!e || s->work.steps_per_epoch <= 0)
        return seen_speed(s);
    const double total = e->phases.of[LKS_PHASE_TOTAL].max;
    const double seconds = total > 0 ? total : e->seconds;
    return seconds > 0 ? (double)s->work.steps_per_epoch / seconds : seen_speed(s);
}

double lks_stand_images(const lks_watched *s) {
    const lks_epoch_record *e = newest_epoch(s);
    if (e && e->images_per_second > 0)
        return e->images_per_second;
    return s->work.step_images > 0 ? seen_speed(s) * (double)s->work.step_images : NAN;
}

double lks_stand_left(const lks_watched *s) {
    const int64_t last = lks_stand_last_step(s), step = lks_stand_step(s);
    return s->state == LKS_RUN_WORKS && last > step ? (double)(last - step) / speed_of(s) : NAN;
}

/* --- words ------------------------------------------------------------------------------------- */

const char *lks_stand_word(const lks_watched *s) {
    static const char *const words[] = {
        [LKS_RUN_WORKS] = "at work", [LKS_RUN_DONE] = "done",
        [LKS_RUN_LEFT] = "stopped",  [LKS_RUN_DIED] = "its process is gone",
        [LKS_RUN_STILL] = "silent",  [LKS_RUN_NOBODY] = "nobody is there"};
    return words[s->state];
}

const char *lks_stand_tell(const lks_watched *s, char text[LKS_LIFE_TEXT + 400]) {
    enum { ROOM = LKS_LIFE_TEXT + 400 };
    char life[LKS_LIFE_TEXT] = "";
    if (s->life.number > 0)
        lks_life_tell(&s->life, life);
    const long long step = (long long)lks_stand_step(s);
    switch (s->state) {
    case LKS_RUN_WORKS:
        snprintf(text, ROOM, "%s", life);
        break;
    case LKS_RUN_DONE:
        if (isfinite(s->test_accuracy))
            snprintf(text, ROOM, "%s%stest accuracy %.2f %%", life, life[0] ? "; " : "",
                     100 * s->test_accuracy);
        else
            snprintf(text, ROOM, "%s", life);
        break;
    case LKS_RUN_LEFT:
        snprintf(text, ROOM,
                 "%s: it ended without a result at step %lld: stopped, or failed; the same command "
                 "goes on",
                 life, step);
        break;
    case LKS_RUN_DIED:
        snprintf(text, ROOM, "%s: its process is gone, at step %lld; the same command goes on",
                 life, step);
        break;
    case LKS_RUN_STILL:
        snprintf(text, ROOM,
                 "%s: its heartbeat stands still for %.0f s, at step %lld: the process or its host "
                 "is stopped or gone, or the file system is",
                 life, lks_now() - s->beaten, step);
        break;
    case LKS_RUN_NOBODY:
        snprintf(text, ROOM, "nobody has worked there, as far as its files tell");
        break;
    }
    return text;
}

#include "tensorboard/event_folder.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "files/publish.h"
#include "files/system_error.h"
#include "files/whole_file.h"
#include "tensorboard/event.h"
#include "tensorboard/tfrecord.h"

/* TensorBoard takes files with "tfevents" in their names. */
#define HEAD "events.out.tfevents."
#define TAIL ".lockstep"
enum { DIGITS = 10 };

/* --- names ------------------------------------------------------------------------------------ */

/* -1: another file's. */
static long long number_of(const char *name) {
    const size_t head = strlen(HEAD);
    if (strncmp(name, HEAD, head) != 0 || strspn(name + head, "0123456789") != DIGITS ||
        strcmp(name + head + DIGITS, TAIL) != 0)
        return -1;
    return strtoll(name + head, NULL, 10);
}

/* Calls visit(context, number) for each file of lockstep's until that fails. */
static lks_status each(const char *folder,
                       lks_status (*visit)(void *context, long long number, lks_error *err),
                       void *context, lks_error *err) {
    DIR *entries = opendir(folder);
    lks_status status = LKS_OK;
    if (!entries)
        return errno == ENOENT ? LKS_OK : lks_fail_system(err, "list", folder);
    for (struct dirent *entry; status == LKS_OK && (entry = readdir(entries));) {
        const long long number = number_of(entry->d_name);
        if (number >= 0)
            status = visit(context, number, err);
    }
    closedir(entries);
    return status;
}

static lks_status note_newest(void *context, long long number, lks_error *err) {
    long long *newest = context;
    (void)err;
    *newest = number > *newest ? number : *newest;
    return LKS_OK;
}

lks_status lks_event_folder_newest(const char *folder, long long *number, lks_error *err) {
    *number = 0;
    return each(folder, note_newest, number, err);
}

lks_status lks_event_folder_path(const char *folder, long long number, char *path, size_t size,
                                 lks_error *err) {
    const int n = snprintf(path, size, "%s/" HEAD "%0*lld" TAIL, folder, DIGITS, number);
    return n >= 0 && (size_t)n < size
               ? LKS_OK
               : lks_fail(err, LKS_ERR_IO, "%s: the path is too long", folder);
}

typedef struct removal {
    const char *folder;
    long long below;
} removal;

static lks_status remove_old(void *context, long long number, lks_error *err) {
    const removal *r = context;
    char path[PATH_MAX];
    if (number >= r->below)
        return LKS_OK;
    LKS_TRY(lks_event_folder_path(r->folder, number, path, sizeof path, err));
    return lks_publish_remove(path, err);
}

lks_status lks_event_folder_remove(const char *folder, long long below, lks_error *err) {
    removal r = {folder, below};
    return each(folder, remove_old, &r, err);
}

/* --- what is carried over --------------------------------------------------------------------- */

static bool begins(const char *tag, const char *with) {
    return strncmp(tag, with, strlen(with)) == 0;
}

/* Whether an event goes on into a new file: a value, of a step that the run still has. */
static bool goes_on(const lks_event_read *event, int64_t limit) {
    return event->tag && event->step >= 0 && event->step <= limit &&
           !begins(event->tag, LKS_TAGS_RESULT) && !begins(event->tag, LKS_TAGS_SETTING);
}

static void note(lks_event_carried *carried, const lks_event_read *event) {
    if (strcmp(event->tag, LKS_TAG_STEP) == 0 && event->step > carried->step)
        carried->step = event->step;
    if (strcmp(event->tag, LKS_TAG_EPOCH) == 0 && event->step > carried->epoch_step)
        carried->epoch_step = event->step;
}

static void carry(const unsigned char *file, size_t size, int64_t limit, FILE *to,
                  lks_event_carried *carried) {
    const unsigned char *bytes;
    size_t n, at = 0;
    lks_event_read event;
    while (lks_tfrecord_get(file, size, &at, &bytes, &n) && lks_event_get(bytes, n, &event)) {
        if (goes_on(&event, limit)) {
            lks_tfrecord_put(to, bytes, n);
            note(carried, &event);
        }
        lks_event_free(&event);
    }
}

lks_status lks_event_folder_carry(const char *folder, long long number, int64_t limit, FILE *to,
                                  lks_event_carried *carried, lks_error *err) {
    char path[PATH_MAX];
    unsigned char *bytes = NULL;
    size_t size = 0;
    *carried = (lks_event_carried){-1, -1};
    if (number == 0)
        return LKS_OK;
    LKS_TRY(lks_event_folder_path(folder, number, path, sizeof path, err));
    const lks_status status = lks_read_whole_file(path, 0, NULL, &bytes, &size, err);
    if (status == LKS_OK)
        carry(bytes, size, limit, to, carried);
    free(bytes);
    return status;
}

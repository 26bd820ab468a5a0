#include "job/lives.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/system_error.h"
#include "files/whole_file.h"
#include "files/publish.h"

#define OWNER       "owner.json"
#define BEAT        "beat-"
#define ENDED       "ended"
#define KEPT        8    /* lives that stay for people to read */
#define NAMES       1000 /* of a folder that is being prepared */
#define BEATS_AHEAD 4096 /* beats that a listing may be late */
#define TRIES       3    /* of a call whose answer may have been lost on the way */
#define OWNER_MAX   2048

static bool is_gone(int code) {
    return code == ENOENT || code == ESTALE || code == ENOTDIR;
}

static lks_status life_path(char path[PATH_MAX], const char *lives, long long number,
                            const char *name, lks_error *err) {
    if (snprintf(path, PATH_MAX, "%s/%08lld%s%s", lives, number, *name ? "/" : "", name) < PATH_MAX)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_IO, "%s: the path is too long", lives);
}

/* What follows `prefix` as a number; -1: another name. */
static long long number_after(const char *prefix, const char *name) {
    const size_t length = strlen(prefix);
    if (strncmp(name, prefix, length) != 0)
        return -1;
    const char *at = name + length;
    const size_t digits = strspn(at, "0123456789");
    return digits == 0 || digits > 18 || at[digits] ? -1 : strtoll(at, NULL, 10);
}

/* Calls visit(context, name) for each entry; a folder that is not there has none. */
static lks_status each_entry(const char *path, void (*visit)(void *context, const char *name),
                             void *context, lks_error *err) {
    DIR *folder = opendir(path);
    if (!folder)
        return is_gone(errno) ? LKS_OK : lks_fail_system(err, "list", path);
    errno = 0;
    for (struct dirent *entry; (entry = readdir(folder)); errno = 0)
        visit(context, entry->d_name);
    const int code = errno;
    closedir(folder);
    errno = code;
    return code == 0 || is_gone(code) ? LKS_OK : lks_fail_system(err, "list", path);
}

static void note_newest(void *context, const char *name) {
    long long *newest = context;
    const long long number = number_after("", name);
    if (number > *newest)
        *newest = number;
}

lks_status lks_lives_newest(const char *lives, long long *number, lks_error *err) {
    *number = 0;
    return each_entry(lives, note_newest, number, err);
}

/* --- one life --------------------------------------------------------------------------------- */

static void note_beat(void *context, const char *name) {
    lks_lives_entry *entry = context;
    const long long beat = number_after(BEAT, name);
    if (beat < 0)
        return;
    entry->open = true;
    if (beat > entry->beat)
        entry->beat = beat;
}

static void read_owner(const char *path, lks_life *life) {
    char text[OWNER_MAX];
    size_t n = 0;
    FILE *f = lks_open_regular(path);
    if (f) {
        n = fread(text, 1, sizeof text - 1, f);
        fclose(f);
    }
    text[n] = '\0';
    lks_life_get(life, text);
}

void lks_lives_look(const char *lives, long long number, lks_lives_entry *entry) {
    char path[PATH_MAX];
    lks_error err;
    memset(entry, 0, sizeof *entry);
    if (life_path(path, lives, number, OWNER, &err) == LKS_OK)
        read_owner(path, &entry->life);
    entry->life.number = number;
    /* One that cannot be listed may be alive. */
    if (life_path(path, lives, number, "", &err) != LKS_OK ||
        each_entry(path, note_beat, entry, &err) != LKS_OK)
        entry->open = true;
}

void lks_lives_refresh(const char *lives, long long number) {
    char path[PATH_MAX];
    lks_error err;
    /* A change that this client makes itself: a server tells it the folder's new times, which differ from the
     * known ones if others changed it, too (RFC 1813, 2.6 and 3.3.8). */
    if (life_path(path, lives, number, ".tmp-0-look", &err) == LKS_OK && mkdir(path, 0777) == 0)
        rmdir(path);
}

/* --- a new one -------------------------------------------------------------------------------- */

/* A folder for this process alone. */
static lks_status make_folder(const char *lives, const lks_life *life, char path[PATH_MAX],
                              lks_error *err) {
    int result = -1;
    for (int try = 0; result != 0 && try < NAMES; try++) {
        if (snprintf(path, PATH_MAX, "%s/.tmp-0-life.%s-%lld-%d", lives, life->host, life->process,
                     try) >= PATH_MAX)
            errno = ENAMETOOLONG;
        else
            result = mkdir(path, 0777);
        if (result != 0 && errno != EEXIST)
            break;
    }
    return result == 0 ? LKS_OK : lks_fail_system(err, "make", path);
}

static lks_status write_in(const char *folder, const char *name, const char *text, lks_error *err) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return lks_fail(err, LKS_ERR_IO, "%s: the path is too long", folder);
    return lks_publish_text(path, text, strlen(text), err);
}

static lks_status fill_folder(const char *folder, const lks_life *life, lks_error *err) {
    char text[OWNER_MAX];
    LKS_TRY(lks_life_put(life, text, sizeof text, err));
    LKS_TRY(write_in(folder, OWNER, text, err));
    return write_in(folder, BEAT "0", "", err);
}

static void remove_folder(const char *path) {
    const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = folder < 0 ? NULL : fdopendir(folder);
    if (!entries && folder >= 0)
        close(folder);
    if (!entries)
        return;
    for (struct dirent *entry; (entry = readdir(entries));)
        if (unlinkat(folder, entry->d_name, 0) != 0 && strncmp(entry->d_name, ".tmp-", 5) == 0)
            unlinkat(folder, entry->d_name, AT_REMOVEDIR);
    closedir(entries);
    rmdir(path);
}

/* The number is taken where the folder of its name holds something (rename(2)). */
static lks_status take_number(const char *prepared, const char *path, bool *taken, lks_error *err) {
    if (rename(prepared, path) == 0)
        return LKS_OK;
    const int code = errno;
    *taken = code == ENOTEMPTY || code == EEXIST || is_gone(code) || access(path, F_OK) == 0;
    errno = code;
    return *taken ? LKS_OK : lks_fail_system(err, "make", path);
}

lks_status lks_lives_claim(const char *lives, const lks_life *life, bool *taken, lks_error *err) {
    char prepared[PATH_MAX], path[PATH_MAX];
    *taken = false;
    LKS_TRY(life_path(path, lives, life->number, "", err));
    LKS_TRY(lks_publish_folder(lives, err));
    LKS_TRY(make_folder(lives, life, prepared, err));
    lks_status status = fill_folder(prepared, life, err);
    if (status == LKS_OK)
        status = take_number(prepared, path, taken, err);
    if (status == LKS_OK && !*taken)
        return LKS_OK;
    *taken |=
        access(prepared, F_OK) != 0 && errno == ENOENT; /* one that came first has tidied up */
    remove_folder(prepared);
    return *taken ? LKS_OK : status;
}

/* --- former ones ------------------------------------------------------------------------------ */

/* Its beat goes on while it is looked for, and a listing may be old. */
static bool remove_beat(const char *lives, const lks_lives_entry *entry) {
    char name[32], path[PATH_MAX];
    lks_error err;
    for (long long beat = entry->beat; beat <= entry->beat + BEATS_AHEAD; beat++) {
        snprintf(name, sizeof name, BEAT "%lld", beat);
        if (life_path(path, lives, entry->life.number, name, &err) == LKS_OK && unlink(path) == 0)
            return true;
        if (!is_gone(errno))
            return false;
    }
    return false;
}

static lks_status close_one(const char *lives, long long number, lks_error *err) {
    lks_lives_entry entry;
    for (int try = 0; try < TRIES; try++) {
        errno = 0;
        lks_lives_look(lives, number, &entry);
        if (!entry.open || remove_beat(lives, &entry))
            return LKS_OK;
        lks_lives_refresh(lives, number);
    }
    return lks_fail(err, LKS_ERR_IO, "%s: life %lld cannot be ended%s%s", lives, number,
                    errno ? ": " : "", errno ? strerror(errno) : "");
}

typedef struct numbers {
    const char *lives;
    long long below;
    lks_status status;
    lks_error *err;
} numbers;

static void close_entry(void *context, const char *name) {
    numbers *n = context;
    const long long number = number_after("", name);
    if (number > 0 && number < n->below && n->status == LKS_OK)
        n->status = close_one(n->lives, number, n->err);
}

lks_status lks_lives_close(const char *lives, long long number, lks_error *err) {
    numbers n = {lives, number, LKS_OK, err};
    LKS_TRY(each_entry(lives, close_entry, &n, err));
    return n.status;
}

/* A folder goes in one step, so that a start which is preparing it does not find half of it. */
static void prune_entry(void *context, const char *name) {
    const numbers *n = context;
    const long long number = number_after("", name);
    char path[PATH_MAX], gone[PATH_MAX];
    if (strncmp(name, ".tmp-", 5) != 0 && (number <= 0 || number >= n->below - KEPT))
        return;
    if (snprintf(path, sizeof path, "%s/%s", n->lives, name) < (int)sizeof path &&
        snprintf(gone, sizeof gone, "%s/.tmp-0-gone-%lld", n->lives, n->below) < (int)sizeof gone)
        remove_folder(rename(path, gone) == 0 ? gone : path);
}

void lks_lives_prune(const char *lives, long long number) {
    numbers n = {lives, number, LKS_OK, NULL};
    lks_error err;
    each_entry(lives, prune_entry, &n, &err); /* what stays is removed the next time */
}

void lks_lives_forget(const char *lives, long long number) {
    char path[PATH_MAX];
    lks_error err;
    if (life_path(path, lives, number, "", &err) == LKS_OK)
        remove_folder(path);
}

/* --- the own heart ---------------------------------------------------------------------------- */

lks_status lks_heart_open(lks_heart *heart, const char *lives, long long number, lks_error *err) {
    heart->beat = 0;
    heart->folder = -1;
    LKS_TRY(life_path(heart->path, lives, number, "", err));
    heart->folder = open(heart->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return heart->folder >= 0 ? LKS_OK : lks_fail_system(err, "open", heart->path);
}

/* The run folder was moved, or removed and made anew: what is written to its path goes elsewhere. */
static bool was_moved(const lks_heart *heart) {
    struct stat own, there;
    if (fstat(heart->folder, &own) != 0)
        return is_gone(errno);
    if (stat(heart->path, &there) != 0)
        return is_gone(errno);
    return own.st_dev != there.st_dev || own.st_ino != there.st_ino;
}

static bool rename_beat(const lks_heart *heart, long long from, const char *to) {
    char name[32];
    snprintf(name, sizeof name, BEAT "%lld", from);
    return renameat(heart->folder, name, heart->folder, to) == 0;
}

/* The beat after `from` is made from that one. */
static bool beat_on(lks_heart *heart, long long from) {
    char next[32];
    snprintf(next, sizeof next, BEAT "%lld", from + 1);
    if (!rename_beat(heart, from, next))
        return false;
    heart->beat = from + 1;
    return true;
}

lks_status lks_heart_beat(lks_heart *heart, bool *lost, lks_error *err) {
    int first = 0;
    *lost = false;
    for (int try = 0; try < TRIES; try++) {
        bool beaten = beat_on(heart, heart->beat);
        first = errno;
        if (!beaten) /* a former call was done, and its answer lost */
            beaten = beat_on(heart, heart->beat + 1);
        if (beaten) {
            *lost = was_moved(heart);
            return LKS_OK;
        }
        /* One stale answer may be a file server's that starts anew. */
        if ((*lost = is_gone(first) && is_gone(errno) && (first != ESTALE || try > 0)))
            return LKS_OK;
    }
    return lks_fail(err, LKS_ERR_IO, "cannot tell whether this run still has its folder: %s",
                    strerror(first));
}

void lks_heart_close(lks_heart *heart) {
    if (heart->folder < 0)
        return;
    if (!rename_beat(heart, heart->beat, ENDED))
        rename_beat(heart, heart->beat + 1, ENDED);
    close(heart->folder);
    heart->folder = -1;
}

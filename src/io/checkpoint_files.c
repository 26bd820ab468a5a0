#include "io/checkpoint.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "files/system_error.h"
#include "io/checkpoint_format.h"
#include "files/publish.h"

#define FILE_NAME_MAX  40 /**< "step-", at most 19 digits, ".h5" */
#define DIGITS_MIN     8
#define DIGITS_MAX     18
#define FIRST_CAPACITY 64

/** Steps of the checkpoint files in a folder. */
typedef struct step_list {
    int64_t *steps;
    size_t n, capacity;
} step_list;

static void file_name(char name[FILE_NAME_MAX], int64_t step) {
    snprintf(name, FILE_NAME_MAX, "step-%08lld.h5", (long long)step);
}

void lks_checkpoint_path(const char *dir, int64_t step, char path[LKS_PATH_MAX + 64]) {
    char name[FILE_NAME_MAX];
    file_name(name, step);
    /* A path that was cut could be another file's; the empty one is no file's. */
    if (snprintf(path, LKS_PATH_MAX + 64, "%s/%s", dir, name) >= LKS_PATH_MAX + 64)
        path[0] = 0;
}

/** The step in a name that file_name() makes, or -1 for any other name. */
static int64_t parse_name(const char *name) {
    if (strncmp(name, "step-", 5) != 0)
        return -1;
    int64_t step = 0;
    int digits = 0;
    for (name += 5; isdigit((unsigned char)*name) && digits < DIGITS_MAX; name++, digits++)
        step = 10 * step + (*name - '0');
    if (digits < DIGITS_MIN || digits > DIGITS_MAX || strcmp(name, ".h5") != 0)
        return -1;
    if (digits > DIGITS_MIN && name[-digits] == '0')
        return -1;
    return step;
}

static bool is_file(int folder, const char *name) {
    struct stat info;
    return fstatat(folder, name, &info, 0) == 0 && S_ISREG(info.st_mode);
}

static lks_status add_step(step_list *list, int64_t step, lks_error *err) {
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : FIRST_CAPACITY;
        int64_t *steps = reallocarray(list->steps, capacity, sizeof *steps);
        if (!steps)
            return lks_fail(err, LKS_ERR_MEMORY, "out of memory: list of %zu checkpoints",
                            capacity);
        list->steps = steps;
        list->capacity = capacity;
    }
    list->steps[list->n++] = step;
    return LKS_OK;
}

static int newest_first(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

static lks_status scan(DIR *folder, const char *dir, step_list *list, lks_error *err) {
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(folder);
        if (!entry && errno)
            return lks_fail_system(err, "list", dir);
        if (!entry)
            return LKS_OK;
        int64_t step = parse_name(entry->d_name);
        if (step >= 0 && is_file(dirfd(folder), entry->d_name))
            LKS_TRY(add_step(list, step, err));
    }
}

/** Fills the zeroed @p list, newest first; the caller frees its steps, also after a failure. */
static lks_status find_steps(const char *dir, step_list *list, lks_error *err) {
    DIR *folder = opendir(dir);
    if (!folder)
        return errno == ENOENT ? LKS_OK : lks_fail_system(err, "list", dir);
    lks_status status = scan(folder, dir, list, err);
    closedir(folder);
    if (list->n > 0)
        qsort(list->steps, list->n, sizeof *list->steps, newest_first);
    return status;
}

/** Pointers and texts in one block. */
static lks_status make_paths(const char *dir, const step_list *list, char ***paths,
                             lks_error *err) {
    size_t room = strlen(dir) + 1 + FILE_NAME_MAX;
    char **block = calloc(list->n, sizeof *block + room);
    if (!block)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory: list of %zu checkpoints", list->n);
    char *text = (char *)(block + list->n);
    for (size_t i = 0; i < list->n; i++, text += room) {
        char name[FILE_NAME_MAX];
        file_name(name, list->steps[i]);
        snprintf(text, room, "%s/%s", dir, name);
        block[i] = text;
    }
    *paths = block;
    return LKS_OK;
}

lks_status lks_checkpoint_list(const char *dir, bool clean, char ***paths, int *n, lks_error *err) {
    step_list list = {0};
    *paths = NULL;
    *n = 0;
    if (clean)
        lks_publish_clean(dir);
    lks_status status = find_steps(dir, &list, err);
    if (status == LKS_OK && list.n > 0)
        status = make_paths(dir, &list, paths, err);
    if (status == LKS_OK)
        *n = (int)list.n;
    free(list.steps);
    return status;
}

/* --- links ------------------------------------------------------------------------------------ */

/** The first lines of a file tell its length and the digest of all that follows. */
static bool read_seal(int folder, const char *name, char seal[LKS_SEAL_SIZE]) {
    const int file = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const bool whole = file >= 0 && read(file, seal, LKS_SEAL_SIZE) == LKS_SEAL_SIZE;
    if (file >= 0)
        close(file);
    return whole;
}

static bool same_content(int folder, const char *a, const char *b) {
    char x[LKS_SEAL_SIZE], y[LKS_SEAL_SIZE];
    return read_seal(folder, a, x) && read_seal(folder, b, y) && memcmp(x, y, sizeof x) == 0;
}

static bool leads(int folder, const char *link, const char *name) {
    struct stat a, b;
    if (fstatat(folder, link, &a, 0) != 0 || fstatat(folder, name, &b, 0) != 0)
        return false;
    if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
        return true;
    return a.st_size == b.st_size && same_content(folder, link, name);
}

bool lks_checkpoint_leads(const char *dir, const char *link, int64_t step) {
    char name[FILE_NAME_MAX];
    const int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return false;
    file_name(name, step);
    const bool there = leads(folder, link, name);
    close(folder);
    return there;
}

lks_status lks_checkpoint_link(const char *dir, const char *link, int64_t step, lks_error *err) {
    char target[FILE_NAME_MAX], path[LKS_PATH_MAX + 64];
    lks_checkpoint_path(dir, step, path);
    if (access(path, F_OK) != 0)
        return lks_fail_system(err, "make a link to", path);
    if (lks_checkpoint_leads(dir, link, step))
        return LKS_OK;
    file_name(target, step);
    snprintf(path, sizeof path, "%s/%s", dir, link);
    return lks_publish_link(path, target, err);
}

/* --- pruning ---------------------------------------------------------------------------------- */

/** A file that a link leads to; unset where the link leads nowhere. */
typedef struct link_target {
    bool set;
    dev_t device;
    ino_t inode;
} link_target;

/** A link that exists but cannot be followed for another reason than a missing target stops the
 * pruning. */
static lks_status follow(int folder, const char *dir, const char *link, link_target *target,
                         lks_error *err) {
    struct stat info;
    *target = (link_target){0};
    if (fstatat(folder, link, &info, 0) == 0)
        *target = (link_target){true, info.st_dev, info.st_ino};
    else if (errno != ENOENT)
        return lks_fail(err, LKS_ERR_IO, "no old checkpoints removed: cannot follow %s/%s: %s", dir,
                        link, strerror(errno));
    return LKS_OK;
}

static bool is_target(const link_target *target, const struct stat *info) {
    return target->set && target->device == info->st_dev && target->inode == info->st_ino;
}

static lks_status remove_old(int folder, const char *dir, int64_t step, const link_target kept[2],
                             lks_error *err) {
    char name[FILE_NAME_MAX], path[LKS_PATH_MAX + 64];
    struct stat info;
    file_name(name, step);
    lks_checkpoint_path(dir, step, path);
    int result = fstatat(folder, name, &info, 0);
    if (result == 0 && (is_target(&kept[0], &info) || is_target(&kept[1], &info)))
        return LKS_OK;
    if (result != 0 && errno != ENOENT)
        return lks_fail_system(err, "remove", path);
    return lks_publish_remove(path, err);
}

static lks_status prune(int folder, const char *dir, const step_list *list, int keep, int64_t best,
                        lks_error *err) {
    link_target kept[2];
    LKS_TRY(follow(folder, dir, "last.h5", &kept[0], err));
    LKS_TRY(follow(folder, dir, "best.h5", &kept[1], err));
    for (size_t i = (size_t)keep; i < list->n; i++)
        if (list->steps[i] != best)
            LKS_TRY(remove_old(folder, dir, list->steps[i], kept, err));
    return LKS_OK;
}

lks_status lks_checkpoint_prune(const char *dir, int keep, int64_t best, lks_error *err) {
    step_list list = {0};
    if (keep <= 0)
        return LKS_OK;
    lks_status status = find_steps(dir, &list, err);
    if (status == LKS_OK && list.n > (size_t)keep) {
        int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        status = folder < 0 ? lks_fail_system(err, "list", dir)
                            : prune(folder, dir, &list, keep, best, err);
        if (folder >= 0)
            close(folder);
    }
    free(list.steps);
    return status;
}

#include "files/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "files/system_error.h"
#include "files/target.h"
#include "base/digest.h"

lks_status lks_publish_text(const char *path, const char *text, size_t size, lks_error *err) {
    lks_target t;
    LKS_TRY(lks_target_open(&t, path, err));
    lks_status status = lks_target_fill(&t, text, size, err);
    if (status == LKS_OK)
        status = lks_target_rename(&t, err);
    lks_target_close(&t);
    return status;
}

lks_status lks_publish_new(const char *path, const char *bytes, size_t size, bool *taken,
                           lks_error *err) {
    lks_target t;
    *taken = false;
    LKS_TRY(lks_target_open(&t, path, err));
    lks_status status = lks_target_fill(&t, bytes, size, err);
    if (status == LKS_OK)
        status = lks_target_rename_new(&t, taken, err);
    lks_target_close(&t);
    return status;
}

/* --- first the bytes, then the name ----------------------------------------------------------- */

struct lks_unpublished {
    lks_target target;
    char path[]; /* the target's */
};

lks_status lks_publish_prepare(lks_unpublished **prepared, const char *path, const char *text,
                               size_t size, lks_error *err) {
    const size_t room = strlen(path) + 1;
    *prepared = NULL;
    lks_unpublished *p = malloc(sizeof *p + room);
    if (!p)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for %s", path);
    memcpy(p->path, path, room);
    lks_status status = lks_target_open(&p->target, p->path, err);
    if (status == LKS_OK) {
        status = lks_target_fill(&p->target, text, size, err);
        if (status != LKS_OK)
            lks_target_close(&p->target);
    }
    if (status == LKS_OK)
        *prepared = p;
    else
        free(p);
    return status;
}

lks_status lks_publish_commit(lks_unpublished *p, lks_error *err) {
    lks_status status = lks_target_rename(&p->target, err);
    lks_publish_drop(p);
    return status;
}

void lks_publish_drop(lks_unpublished *p) {
    if (!p)
        return;
    lks_target_close(&p->target);
    free(p);
}

/* --- part by part ----------------------------------------------------------------------------- */

struct lks_publication {
    lks_target target;
    int file;
    lks_sha256 *digest; /**< of what was written, which is not kept for comparison */
};

static lks_status begin_parts(lks_publication *p, lks_error *err) {
    LKS_TRY(lks_target_create(&p->target, &p->file, err));
    p->digest = lks_sha256_start(err);
    if (p->digest)
        return LKS_OK;
    close(p->file);
    return LKS_ERR_MEMORY;
}

lks_status lks_publish_start(lks_publication **publication, const char *path, lks_error *err) {
    *publication = NULL;
    lks_publication *p = calloc(1, sizeof *p);
    if (!p)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for %s", path);
    lks_status status = lks_target_open(&p->target, path, err);
    if (status == LKS_OK) {
        status = begin_parts(p, err);
        if (status != LKS_OK)
            lks_target_close(&p->target);
    }
    if (status == LKS_OK)
        *publication = p;
    else
        free(p);
    return status;
}

lks_status lks_publish_add(lks_publication *p, const char *bytes, size_t size, lks_error *err) {
    lks_sha256_add(p->digest, bytes, size);
    return lks_target_write(p->file, &p->target, bytes, size, err);
}

static lks_status read_digest(lks_publication *p, char hex[LKS_SHA256_HEX], lks_error *err) {
    lks_sha256 *digest = lks_sha256_start(err);
    if (!digest)
        return LKS_ERR_MEMORY;
    char block[LKS_TARGET_BLOCK];
    size_t n = 1;
    lks_status status = LKS_OK;
    for (size_t done = 0; n > 0 && status == LKS_OK; done += n) {
        status = lks_target_read(p->file, &p->target, done, block, &n, err);
        lks_sha256_add(digest, block, n);
    }
    lks_sha256_finish(digest, hex);
    return status;
}

/** Everything between the last part and the file's name. */
static lks_status complete_parts(lks_publication *p, const char *written, lks_error *err) {
    char found[LKS_SHA256_HEX];
    LKS_TRY(lks_target_flush(p->file, &p->target, err));
    LKS_TRY(read_digest(p, found, err));
    return written[0] && strcmp(written, found) == 0 ? LKS_OK
                                                     : lks_target_fail_bytes(&p->target, err);
}

lks_status lks_publish_finish(lks_publication *p, lks_status so_far, lks_error *err) {
    char written[LKS_SHA256_HEX];
    lks_sha256_finish(p->digest, written);
    lks_status status = so_far == LKS_OK ? complete_parts(p, written, err) : so_far;
    if (close(p->file) != 0 && errno != EINTR && status == LKS_OK)
        status = lks_fail_system(err, "write", p->target.path);
    if (status == LKS_OK)
        status = lks_target_rename(&p->target, err);
    lks_target_close(&p->target);
    free(p);
    return status;
}

lks_status lks_publish_check(const char *path, lks_error *err) {
    lks_target p;
    int file;
    LKS_TRY(lks_target_open(&p, path, err));
    const lks_status status = lks_target_create(&p, &file, err);
    if (status == LKS_OK)
        close(file);
    lks_target_close(&p);
    return status;
}

/* --- sets ------------------------------------------------------------------------------------- */

#define SET_MAX 12

static lks_status remove_old(const lks_target *p, lks_error *err) {
    if (unlinkat(p->folder, p->name, 0) != 0 && errno != ENOENT)
        return lks_fail_system(err, "replace", p->path);
    return LKS_OK;
}

/* The files' places are open in @p places. */
static lks_status publish_places(lks_target *places, const lks_publish_item *items, int n,
                                 lks_error *err) {
    for (int i = 0; i < n; i++)
        if (items[i].bytes)
            LKS_TRY(lks_target_fill(&places[i], items[i].bytes, items[i].size, err));
    for (int i = 0; i < n; i++)
        LKS_TRY(remove_old(&places[i], err));
    for (int i = 0; i < n; i++)
        if (items[i].bytes)
            LKS_TRY(lks_target_rename(&places[i], err));
    return LKS_OK;
}

lks_status lks_publish_set(const lks_publish_item *items, int n, lks_error *err) {
    lks_target places[SET_MAX];
    int opened = 0;
    lks_status status =
        n <= SET_MAX ? LKS_OK
                     : lks_fail(err, LKS_ERR_IO, "a set of %d files; at most %d", n, SET_MAX);
    for (; opened < n && status == LKS_OK; opened += status == LKS_OK)
        status = lks_target_open(&places[opened], items[opened].path, err);
    if (status == LKS_OK)
        status = publish_places(places, items, n, err);
    while (opened > 0)
        lks_target_close(&places[--opened]);
    return status;
}

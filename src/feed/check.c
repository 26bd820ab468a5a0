/* A set of images against the digests beside it: each rank adds up its share, block by block. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed/dataset.h"
#include "lockstep/log.h"
#include "base/memory.h"

/* The ranks whose shares have a part of images [first, end). */
static void find_readers(const lks_image_set *s, int size, int64_t first, int64_t end, int *lowest,
                         int *highest) {
    *lowest = *highest = -1;
    for (int r = 0; r < size; r++) {
        const lks_range share = lks_share(s->info.count, size, r);
        if (share.count > 0 && share.first < end && share.first + share.count > first) {
            *lowest = *lowest < 0 ? r : *lowest;
            *highest = r;
        }
    }
}

/* All ranks know the sums; the host's name comes from where it is. */
static lks_status refuse(const lks_image_set *s, lks_comm *comm, const char *path, int64_t block,
                         int64_t bad, lks_error *err) {
    const int64_t first = block * LKS_DIGEST_BLOCK;
    const int64_t end =
        first + LKS_DIGEST_BLOCK < s->info.count ? first + LKS_DIGEST_BLOCK : s->info.count;
    char host[sizeof comm->host], who[sizeof host + 64];
    int lowest, highest;
    find_readers(s, comm->size, first, end, &lowest, &highest);
    memcpy(host, comm->host, sizeof host);
    lks_comm_broadcast(comm, host, sizeof host, lowest);
    LKS_TRY(lks_comm_check(comm, err));
    if (lowest == highest)
        snprintf(who, sizeof who, "rank %d on %s", lowest, host);
    else
        snprintf(who, sizeof who, "ranks %d to %d, the first on %s", lowest, highest, host);
    return lks_fail(err, LKS_ERR_DATA,
                    "%s: images %" PRId64 " to %" PRId64
                    " or their labels are not those of %s (read by %s; %" PRId64 " of %" PRId64
                    " blocks differ): fetch the data again, or where they are right let `lockstep "
                    "info --digest` write the digests anew",
                    s->info.path, first, end - 1, path, who, bad, s->digest.n_blocks);
}

/* `wanted` are the sums of the file, on all ranks. */
static lks_status compare(lks_image_set *s, lks_comm *comm, const char *path,
                          const lks_digest_words *wanted, lks_error *err) {
    const int64_t n = s->digest.n_blocks;
    int64_t bad = 0, first = -1;
    lks_digest_words *sums = lks_alloc((size_t)n, sizeof *sums, "digests of the images", err);
    LKS_TRY(lks_comm_agree(comm, sums ? LKS_OK : err->status, err));
    memcpy(sums, s->digest.blocks, (size_t)n * sizeof *sums);
    lks_comm_sum_i64(comm, (int64_t *)sums[0].of, 4 * (size_t)n);
    for (int64_t b = 0; b < n; b++)
        if (memcmp(&sums[b], &wanted[b], sizeof *sums) != 0) {
            first = first < 0 ? b : first;
            bad++;
        }
    lks_free(sums);
    LKS_TRY(lks_comm_check(comm, err));
    return bad ? refuse(s, comm, path, first, bad, err) : LKS_OK;
}

static lks_status same_sizes(const lks_set_digest *file, const lks_set_digest *own,
                             const char *path, const char *images, lks_error *err) {
    if (file->count == own->count && file->rows == own->rows && file->columns == own->columns &&
        file->channels == own->channels)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_DATA,
                    "%s is of %" PRId64 " images of %d x %d x %d, but %s has %" PRId64
                    " of %d x %d x %d; `lockstep info --digest` writes it anew",
                    path, file->count, file->rows, file->columns, file->channels, images,
                    own->count, own->rows, own->columns, own->channels);
}

/* Rank 0. Digests of other labels say nothing of these. */
static lks_status read_file(const lks_image_set *s, const char *path, lks_set_digest *file,
                            bool *found, lks_error *err) {
    LKS_TRY(lks_set_digest_read(file, path, found, err));
    if (*found && strcmp(file->labels, s->digest.labels) != 0) {
        lks_detail("%s is of the labels %s, not %s", path, file->labels, s->digest.labels);
        *found = false;
    }
    return *found ? same_sizes(file, &s->digest, path, s->info.path, err) : LKS_OK;
}

static lks_status check_against(lks_image_set *s, lks_comm *comm, lks_set_digest *file,
                                const char *path, lks_error *err) {
    lks_status status = LKS_OK;
    if (comm->rank == 0)
        status = read_file(s, path, file, &s->checked, err);
    else
        status = lks_set_digest_start_for(file, &s->info, err);
    LKS_TRY(lks_comm_agree(comm, status, err));
    lks_comm_broadcast(comm, &s->checked, sizeof s->checked, 0);
    LKS_TRY(lks_comm_check(comm, err));
    if (!s->checked)
        return LKS_OK;
    lks_detail("comparing %s with %s", s->info.path, path);
    lks_comm_broadcast(comm, file->blocks, (size_t)s->digest.n_blocks * sizeof *file->blocks, 0);
    return compare(s, comm, path, file->blocks, err);
}

static lks_status digest_share(lks_image_set *s, lks_error *err) {
    const lks_image_file *f = &s->info;
    LKS_TRY(lks_set_digest_start_for(&s->digest, f, err));
    return lks_set_digest_add_images(&s->digest, f, s->share.first, s->share.count, s->images,
                                     s->labels, err);
}

lks_status lks_image_set_check(lks_image_set *s, lks_comm *comm, lks_error *err) {
    char path[LKS_PATH_MAX];
    lks_set_digest file = {0};
    lks_status status = lks_set_digest_path(s->info.path, path, err);
    if (status == LKS_OK)
        status = digest_share(s, err);
    LKS_TRY(lks_comm_agree(comm, status, err));
    status = check_against(s, comm, &file, path, err);
    lks_set_digest_free(&file);
    return status;
}

#include "tool/digests.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "feed/names.h"
#include "feed/set_digest.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "files/publish.h"

/* --- one set ---------------------------------------------------------------------------------- */

typedef struct digesting {
    lks_set_digest *digest;
    const lks_image_file *file;
    uint8_t *labels;
} digesting;

static lks_status add_portion(void *context, int64_t first, int64_t n, const uint8_t *images,
                              lks_error *err) {
    const digesting *d = context;
    return lks_set_digest_add_images(d->digest, d->file, first, n, images, d->labels + first, err);
}

static lks_status add_all(lks_set_digest *d, const lks_image_file *f, lks_error *err) {
    digesting all = {d, f, lks_alloc((size_t)f->count, 1, "the labels", err)};
    lks_status status = all.labels ? LKS_OK : err->status;
    if (status == LKS_OK)
        status = lks_image_file_read_labels(f, all.labels, err);
    if (status == LKS_OK)
        status = lks_image_file_walk(f, add_portion, &all, err);
    lks_free(all.labels);
    return status;
}

/* Whether the file that is there says the same. One that cannot be read does not. */
static bool is_right(const char *path, const lks_set_digest *d) {
    lks_set_digest old;
    lks_error ignored;
    bool found;
    const bool same = lks_set_digest_read(&old, path, &found, &ignored) == LKS_OK && found &&
                      old.count == d->count && old.rows == d->rows && old.columns == d->columns &&
                      old.channels == d->channels && strcmp(old.labels, d->labels) == 0 &&
                      memcmp(old.blocks, d->blocks, (size_t)d->n_blocks * sizeof *d->blocks) == 0;
    lks_set_digest_free(&old);
    return same;
}

static lks_status publish(const lks_set_digest *d, const lks_image_file *f, lks_error *err) {
    char path[LKS_PATH_MAX];
    lks_digest_text digits;
    const lks_digest_words total = lks_set_digest_total(d);
    LKS_TRY(lks_set_digest_path(f->path, path, err));
    const bool right = is_right(path, d);
    if (!right) {
        char *text = lks_set_digest_write(d, err);
        if (!text)
            return err->status;
        const lks_status status = lks_publish_text(path, text, strlen(text), err);
        lks_free(text);
        LKS_TRY(status);
    }
    lks_digest_words_print(&total, digits);
    lks_print(stdout, "%s: %" PRId64 " images of %d x %d x %d, digest %.16s%s\n", path, d->count,
              d->rows, d->columns, d->channels, digits, right ? ", was there" : "");
    return LKS_OK;
}

/* As it stands in the files: the same digests for every configuration that reads them. */
static lks_status write_set(const lks_data_config *config, lks_image_part part, lks_error *err) {
    lks_data_config stored = *config;
    lks_image_file f;
    lks_set_digest d;
    stored.transpose = false;
    stored.label_offset = 0;
    LKS_TRY(lks_image_file_open(&f, &stored, part, err));
    lks_status status = lks_set_digest_start_for(&d, &f, err);
    if (status == LKS_OK)
        status = add_all(&d, &f, err);
    if (status == LKS_OK)
        status = publish(&d, &f, err);
    lks_set_digest_free(&d);
    return status;
}

/* --- which sets ------------------------------------------------------------------------------- */

static lks_status write_sets(const lks_data_config *c, lks_error *err) {
    LKS_TRY(write_set(c, LKS_PART_TRAIN, err));
    return c->test_images[0] ? write_set(c, LKS_PART_TEST, err) : LKS_OK;
}

static lks_status write_configured(const char *path, const char *const *sets, int n_sets,
                                   lks_error *err) {
    char *text;
    size_t size;
    lks_config c;
    LKS_TRY(lks_config_read_file(path, &text, &size, err));
    lks_status status = lks_config_parse(&c, text, size, path, sets, n_sets, err);
    free(text);
    LKS_TRY(status);
    status = write_sets(&c.data, err);
    lks_config_free(&c);
    return status;
}

/* A folder with MNIST's names, or one HDF5 file. */
static lks_status write_unconfigured(const char *path, bool folder, lks_error *err) {
    lks_data_config c = LKS_MNIST_NAMES;
    if (strlen(path) >= sizeof c.dir || strlen(path) >= sizeof c.train_images)
        return lks_fail(err, LKS_ERR_USAGE, "%.60s...: the path is too long", path);
    strcpy(folder ? c.dir : c.train_images, path);
    if (!folder || !lks_image_file_exists(&c, LKS_PART_TEST))
        c.test_images[0] = 0;
    return write_sets(&c, err);
}

lks_status lks_write_digests(const char *path, const char *const *sets, int n_sets,
                             lks_error *err) {
    struct stat info;
    const bool folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    if (!folder && !lks_data_format_of(path)->holds_labels)
        return write_configured(path, sets, n_sets, err);
    if (n_sets > 0)
        return lks_fail(err, LKS_ERR_USAGE,
                        "--set %s: it has no effect on %s; give a configuration", sets[0], path);
    return write_unconfigured(path, folder, err);
}

#include "feed/set_digest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files/whole_file.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/observe/pulse.h"

/* --- words ------------------------------------------------------------------------------------ */

lks_status lks_digest_words_add(lks_digest_words *sum, int64_t id, uint8_t label,
                                const uint8_t *pixels, size_t bytes, lks_error *err) {
    const uint64_t number = (uint64_t)id;
    char hex[LKS_SHA256_HEX];
    lks_sha256 *h = lks_sha256_start(err);
    if (!h)
        return err->status;
    lks_sha256_add(h, &number, sizeof number);
    lks_sha256_add(h, &label, 1);
    lks_sha256_add(h, pixels, bytes);
    lks_sha256_finish(h, hex);
    for (int w = 0; w < 4; w++) {
        char word[17] = "";
        memcpy(word, hex + 16 * w, 16);
        sum->of[w] += strtoull(word, NULL, 16);
    }
    return LKS_OK;
}

void lks_digest_words_print(const lks_digest_words *words, lks_digest_text text) {
    for (int w = 0; w < 4; w++)
        snprintf(text + 16 * w, 17, "%016" PRIx64, words->of[w]);
}

/* --- sums ------------------------------------------------------------------------------------- */

static size_t length_without_gz(const char *path) {
    const size_t length = strlen(path);
    return length > 3 && strcmp(path + length - 3, ".gz") == 0 ? length - 3 : length;
}

lks_status lks_set_digest_start(lks_set_digest *d, int64_t count, const int shape[3],
                                const char *labels, lks_error *err) {
    const char *slash = strrchr(labels, '/'), *name = slash ? slash + 1 : labels;
    *d = (lks_set_digest){.count = count,
                          .rows = shape[0],
                          .columns = shape[1],
                          .channels = shape[2],
                          .n_blocks = (count + LKS_DIGEST_BLOCK - 1) / LKS_DIGEST_BLOCK};
    snprintf(d->labels, sizeof d->labels, "%.*s", (int)length_without_gz(name), name);
    d->blocks = lks_alloc((size_t)d->n_blocks, sizeof *d->blocks, "digests of the images", err);
    return d->blocks ? LKS_OK : err->status;
}

lks_status lks_set_digest_start_for(lks_set_digest *d, const lks_image_file *f, lks_error *err) {
    const int shape[3] = {f->transpose ? f->columns : f->rows, f->transpose ? f->rows : f->columns,
                          f->channels};
    return lks_set_digest_start(d, f->count, shape, f->labels_path, err);
}

static size_t image_bytes(const lks_set_digest *d) {
    return (size_t)d->rows * (size_t)d->columns * (size_t)d->channels;
}

lks_status lks_set_digest_add(lks_set_digest *d, int64_t id, uint8_t label, const uint8_t *pixels,
                              lks_error *err) {
    return lks_digest_words_add(&d->blocks[id / LKS_DIGEST_BLOCK], id, label, pixels,
                                image_bytes(d), err);
}

lks_status lks_set_digest_add_images(lks_set_digest *d, const lks_image_file *f, int64_t first,
                                     int64_t n, const uint8_t *images, const uint8_t *labels,
                                     lks_error *err) {
    const size_t bytes = image_bytes(d);
    uint8_t *stored = lks_alloc(bytes, 1, "one image", err);
    lks_status status = stored ? LKS_OK : err->status;
    for (int64_t i = 0; i < n && status == LKS_OK; i++) {
        const uint8_t label = (uint8_t)(labels[i] + f->label_offset);
        const uint8_t *image = lks_image_file_stored(f, images + (size_t)i * bytes, stored);
        status = lks_set_digest_add(d, first + i, label, image, err);
        lks_pulse_tick();
    }
    lks_free(stored);
    return status;
}

lks_digest_words lks_set_digest_total(const lks_set_digest *d) {
    lks_digest_words total = {{0}};
    for (int64_t b = 0; b < d->n_blocks; b++)
        for (int w = 0; w < 4; w++)
            total.of[w] += d->blocks[b].of[w];
    return total;
}

void lks_set_digest_free(lks_set_digest *d) {
    lks_free(d->blocks);
    memset(d, 0, sizeof *d);
}

/* --- the file --------------------------------------------------------------------------------- */

#define MAGIC  "lockstep-digest 1\n"
#define SIZES  "%" PRId64 " images of %d x %d x %d in blocks of %d\n"
#define LABELS "labels "
#define SEAL   "sha256 "
#define AGAIN  "`lockstep info --digest` writes it anew"

enum { SEAL_BYTES = sizeof SEAL - 1 + 64 + 1, LINE_BYTES = 128 };

lks_status lks_set_digest_path(const char *images, char path[LKS_PATH_MAX], lks_error *err) {
    const size_t length = length_without_gz(images);
    if (snprintf(path, LKS_PATH_MAX, "%.*s.digest", (int)length, images) >= LKS_PATH_MAX)
        return lks_fail(err, LKS_ERR_DATA, "%s.digest: the path is too long", images);
    return LKS_OK;
}

static size_t print_body(const lks_set_digest *d, char *text, size_t size) {
    lks_digest_text digits;
    size_t n = (size_t)snprintf(text, size, MAGIC SIZES LABELS "%s\n", d->count, d->rows,
                                d->columns, d->channels, LKS_DIGEST_BLOCK, d->labels);
    for (int64_t b = 0; b < d->n_blocks; b++) {
        lks_digest_words_print(&d->blocks[b], digits);
        n += (size_t)snprintf(text + n, size - n, "%" PRId64 " %s\n", b * LKS_DIGEST_BLOCK, digits);
    }
    const lks_digest_words total = lks_set_digest_total(d);
    lks_digest_words_print(&total, digits);
    return n + (size_t)snprintf(text + n, size - n, "total %s\n", digits);
}

char *lks_set_digest_write(const lks_set_digest *d, lks_error *err) {
    const size_t size = ((size_t)d->n_blocks + 4) * LINE_BYTES + sizeof d->labels;
    char *text = lks_alloc(size, 1, "a file of digests", err), hex[LKS_SHA256_HEX];
    if (!text)
        return NULL;
    const size_t n = print_body(d, text, size);
    if (lks_sha256_buffer(text, n, hex, err) != LKS_OK) {
        lks_free(text);
        return NULL;
    }
    snprintf(text + n, size - n, SEAL "%s\n", hex);
    return text;
}

static lks_status check_seal(const char *path, const char *text, size_t size, lks_error *err) {
    char hex[LKS_SHA256_HEX];
    if (size < sizeof MAGIC - 1 || memcmp(text, MAGIC, sizeof MAGIC - 1) != 0)
        return lks_fail(err, LKS_ERR_DATA, "%s: no file of digests that this program knows; " AGAIN,
                        path);
    if (size > SEAL_BYTES) {
        LKS_TRY(lks_sha256_buffer(text, size - SEAL_BYTES, hex, err));
        const char *seal = text + size - SEAL_BYTES;
        if (memcmp(seal, SEAL, sizeof SEAL - 1) == 0 &&
            memcmp(seal + sizeof SEAL - 1, hex, 64) == 0 && seal[SEAL_BYTES - 1] == '\n')
            return LKS_OK;
    }
    return lks_fail(err, LKS_ERR_DATA,
                    "%s: damaged or incomplete, its last line is not the SHA-256 "
                    "of the others; " AGAIN,
                    path);
}

static bool read_words(const char *digits, lks_digest_words *words) {
    for (int w = 0; w < 4; w++) {
        char word[17] = "", *end;
        memcpy(word, digits + 16 * w, 16);
        words->of[w] = strtoull(word, &end, 16);
        if (end != word + 16)
            return false;
    }
    return true;
}

static bool read_blocks(lks_set_digest *d, const char *at) {
    for (int64_t b = 0; b < d->n_blocks; b++) {
        char *end;
        if (strtoll(at, &end, 10) != b * LKS_DIGEST_BLOCK || *end != ' ' ||
            strcspn(end + 1, "\n") != 64 || !read_words(end + 1, &d->blocks[b]))
            return false;
        at = end + 1 + 65;
    }
    return true;
}

/* The sizes and the labels' name; *at moves behind them. */
static bool read_head(lks_set_digest *d, const char **at) {
    int block, used = 0;
    if (sscanf(*at, "%" SCNd64 " images of %d x %d x %d in blocks of %d\n" LABELS "%n", &d->count,
               &d->rows, &d->columns, &d->channels, &block, &used) != 5 ||
        used == 0 || d->count <= 0 || d->count > UINT32_MAX || block != LKS_DIGEST_BLOCK)
        return false;
    const char *name = *at + used;
    const size_t length = strcspn(name, "\n");
    if (length >= sizeof d->labels || name[length] != '\n')
        return false;
    memcpy(d->labels, name, length);
    *at = name + length + 1;
    return true;
}

/* The seal held: what is wrong here was written so. */
static lks_status parse(lks_set_digest *d, const char *path, const char *text, lks_error *err) {
    const char *at = text + sizeof MAGIC - 1;
    lks_set_digest head = {0};
    if (!read_head(&head, &at))
        return lks_fail(err, LKS_ERR_DATA, "%s: its sizes cannot be read; " AGAIN, path);
    const int shape[3] = {head.rows, head.columns, head.channels};
    LKS_TRY(lks_set_digest_start(d, head.count, shape, head.labels, err));
    if (read_blocks(d, at))
        return LKS_OK;
    lks_set_digest_free(d);
    return lks_fail(err, LKS_ERR_DATA, "%s: its blocks cannot be read; " AGAIN, path);
}

lks_status lks_set_digest_read(lks_set_digest *d, const char *path, bool *found, lks_error *err) {
    unsigned char *bytes;
    size_t size;
    memset(d, 0, sizeof *d);
    *found = access(path, F_OK) == 0 || errno != ENOENT;
    if (!*found)
        return LKS_OK;
    lks_status status = lks_read_whole_file(path, 0, NULL, &bytes, &size, err);
    if (status == LKS_OK)
        status = check_seal(path, (const char *)bytes, size, err);
    if (status == LKS_OK) {
        bytes[size - 1] = 0; /* the seal's line end */
        status = parse(d, path, (const char *)bytes, err);
    }
    free(bytes);
    return status;
}

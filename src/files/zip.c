#include "files/zip.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

struct lks_zip {
    zip_t *archive;
    const char *path;
    size_t n;
    zip_stat_t *files; /* [n] */
};

/* 1980-01-01, the first day of the format. */
enum { NO_DATE = 0x0021, NO_TIME = 0 };

/* --- writing ---------------------------------------------------------------------------------- */

static lks_status fail_writing(lks_error *err, zip_error_t *cause) {
    return lks_fail(err, LKS_ERR_MEMORY, "a zip archive cannot be made in memory: %s",
                    zip_error_strerror(cause));
}

static bool add(zip_t *archive, const lks_zip_file *file) {
    zip_source_t *source = zip_source_buffer(archive, file->bytes, file->size, 0);
    if (!source)
        return false;
    const zip_int64_t i = zip_file_add(archive, file->name, source, ZIP_FL_ENC_UTF_8);
    if (i < 0) {
        zip_source_free(source);
        return false;
    }
    return zip_set_file_compression(archive, (zip_uint64_t)i, ZIP_CM_STORE, 0) == 0 &&
           zip_file_set_dostime(archive, (zip_uint64_t)i, NO_TIME, NO_DATE, 0) == 0;
}

/* Into `source`, which is the archive's bytes afterwards. */
static lks_status make(zip_source_t *source, const lks_zip_file *files, size_t n, lks_error *err) {
    zip_error_t cause;
    zip_error_init(&cause);
    zip_source_keep(source); /* the archive takes it over otherwise */
    zip_t *archive = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &cause);
    if (!archive) {
        zip_source_free(source);
        lks_status status = fail_writing(err, &cause);
        zip_error_fini(&cause);
        return status;
    }
    bool well = true;
    for (size_t i = 0; i < n && well; i++)
        well = add(archive, &files[i]);
    if (well && zip_close(archive) == 0)
        return LKS_OK;
    lks_status status = fail_writing(err, zip_get_error(archive));
    zip_discard(archive);
    return status;
}

static lks_status copy(FILE *to, zip_source_t *source, lks_error *err) {
    char block[65536];
    zip_int64_t n = 0;
    if (zip_source_open(source) != 0)
        return fail_writing(err, zip_source_error(source));
    while ((n = zip_source_read(source, block, sizeof block)) > 0)
        fwrite(block, 1, (size_t)n, to);
    zip_source_close(source);
    return n < 0 ? fail_writing(err, zip_source_error(source)) : LKS_OK;
}

lks_status lks_zip_write(FILE *to, const lks_zip_file *files, size_t n, lks_error *err) {
    zip_error_t cause;
    zip_error_init(&cause);
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &cause);
    lks_status status = source ? make(source, files, n, err) : fail_writing(err, &cause);
    if (status == LKS_OK)
        status = copy(to, source, err);
    if (source)
        zip_source_free(source);
    zip_error_fini(&cause);
    return status;
}

/* --- reading ---------------------------------------------------------------------------------- */

static lks_status fail_reading(const char *path, zip_error_t *cause, lks_error *err) {
    const bool memory = zip_error_code_zip(cause) == ZIP_ER_MEMORY;
    return lks_fail(err, memory ? LKS_ERR_MEMORY : LKS_ERR_FORMAT, "%s: as a zip archive: %s", path,
                    zip_error_strerror(cause));
}

/* Takes `bytes` for an archive; on failure NULL. */
static zip_t *open_bytes(const void *bytes, size_t size, const char *path, lks_error *err) {
    zip_error_t cause;
    zip_error_init(&cause);
    zip_t *archive = NULL;
    zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &cause);
    if (source)
        archive = zip_open_from_source(source, ZIP_RDONLY, &cause);
    if (!archive) {
        fail_reading(path, &cause, err);
        if (source)
            zip_source_free(source);
    }
    zip_error_fini(&cause);
    return archive;
}

static lks_status check_file(const lks_zip *z, size_t i, lks_error *err) {
    const zip_uint64_t wanted =
        ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    zip_stat_t *file = &z->files[i];
    if (zip_stat_index(z->archive, i, ZIP_FL_ENC_GUESS, file) != 0)
        return fail_reading(z->path, zip_get_error(z->archive), err);
    if ((file->valid & wanted) != wanted)
        return lks_fail(err, LKS_ERR_FORMAT, "%s: file %zu of the archive has no name or size",
                        z->path, i + 1);
    if (file->encryption_method != ZIP_EM_NONE)
        return lks_fail(err, LKS_ERR_FORMAT, "%s: '%.128s' in it is encrypted", z->path,
                        file->name);
    if (file->comp_method != ZIP_CM_STORE && file->comp_method != ZIP_CM_DEFLATE)
        return lks_fail(err, LKS_ERR_FORMAT,
                        "%s: '%.128s' in it is packed by method %d; only deflate (8) is read",
                        z->path, file->name, (int)file->comp_method);
    return LKS_OK;
}

static int by_name(const void *a, const void *b) {
    const zip_stat_t *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static lks_status check_names(const lks_zip *z, lks_error *err) {
    const zip_stat_t **sorted = malloc((z->n + 1) * sizeof *sorted);
    if (!sorted)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the names in %s", z->path);
    for (size_t i = 0; i < z->n; i++)
        sorted[i] = &z->files[i];
    qsort(sorted, z->n, sizeof *sorted, by_name);
    lks_status status = LKS_OK;
    for (size_t i = 1; i < z->n && status == LKS_OK; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            status = lks_fail(err, LKS_ERR_FORMAT, "%s: '%.128s' is in it twice", z->path,
                              sorted[i]->name);
    free(sorted);
    return status;
}

static lks_status list(lks_zip *z, lks_error *err) {
    const zip_int64_t n = zip_get_num_entries(z->archive, 0);
    if (n < 0 || n > LKS_ZIP_FILES_MAX)
        return lks_fail(err, LKS_ERR_FORMAT, "%s: an archive of %lld files; at most %d are read",
                        z->path, (long long)n, LKS_ZIP_FILES_MAX);
    z->n = (size_t)n;
    z->files = calloc(z->n + 1, sizeof *z->files);
    if (!z->files)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the names in %s", z->path);
    for (size_t i = 0; i < z->n; i++)
        LKS_TRY(check_file(z, i, err));
    return check_names(z, err);
}

lks_status lks_zip_open(lks_zip **zip, const void *bytes, size_t size, const char *path,
                        lks_error *err) {
    *zip = NULL;
    lks_zip *z = calloc(1, sizeof *z);
    if (!z)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for %s", path);
    z->path = path;
    z->archive = open_bytes(bytes, size, path, err);
    const lks_status status = z->archive ? list(z, err) : err->status;
    if (status == LKS_OK)
        *zip = z;
    else
        lks_zip_close(z);
    return status;
}

void lks_zip_close(lks_zip *zip) {
    if (!zip)
        return;
    if (zip->archive)
        zip_discard(zip->archive);
    free(zip->files);
    free(zip);
}

size_t lks_zip_count(const lks_zip *zip) {
    return zip->n;
}

const char *lks_zip_name(const lks_zip *zip, size_t i) {
    return zip->files[i].name;
}

uint64_t lks_zip_size(const lks_zip *zip, size_t i) {
    return zip->files[i].size;
}

/* All of `n` bytes; false where the file is shorter or damaged. `to` NULL: they are passed over. */
static bool take(zip_file_t *file, char *to, uint64_t n) {
    char block[16384];
    while (n > 0) {
        const uint64_t part = to || n < sizeof block ? n : sizeof block;
        const zip_int64_t got = zip_fread(file, to ? to : block, part);
        if (got <= 0)
            return false;
        n -= (uint64_t)got;
        to = to ? to + got : NULL;
    }
    return true;
}

/* What reads beyond the last byte has the checksum compared. */
static bool ends(zip_file_t *file) {
    char more;
    return zip_fread(file, &more, 1) == 0;
}

lks_status lks_zip_read(const lks_zip *zip, size_t i, uint64_t at, void *to, size_t n,
                        lks_error *err) {
    zip_file_t *file = zip_fopen_index(zip->archive, i, 0);
    if (!file)
        return fail_reading(zip->path, zip_get_error(zip->archive), err);
    const bool last = at + n == zip->files[i].size;
    const bool well = take(file, NULL, at) && take(file, to, n) && (!last || ends(file));
    zip_fclose(file);
    if (well)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_FORMAT, "%s: '%.128s' in it is damaged, or cut", zip->path,
                    zip->files[i].name);
}

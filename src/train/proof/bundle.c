#include "train/proof/bundle.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "files/kind/file_kind.h"
#include "files/system_error.h"
#include "files/ustar.h"
#include "files/whole_file.h"
#include "base/json/json.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "files/publish.h"
#include "train/proof/recorded.h"

#define MANIFEST "MANIFEST"
#define FORMAT   "lockstep bundle 1"
#define RUN      "run/"

static const char read_me[] =
    "A run of Lockstep, to be checked by anybody.\n"
    "\n"
    "    lockstep replay BUNDLE.tar --data-dir DIR        the run is computed again and compared\n"
    "    ssh-keygen -Y verify -f SIGNERS -I WHO -n lockstep -s BUNDLE.tar.sig < BUNDLE.tar\n"
    "                                                     where it is signed: by whom\n"
    "    tar -xf BUNDLE.tar && sha256sum -c MANIFEST      the files are those that were packed\n"
    "\n"
    "bundle.json names the data with their digests, the program and where it ran. The script\n"
    "fetch-data.sh, which comes with the program, fetches MNIST and Fashion-MNIST. Any number of\n"
    "ranks and threads will do.\n";

/* --- files of an archive ------------------------------------------------------------------------ */

typedef struct pack {
    const char *folder;
    lks_ustar_file *files; /* [n], each with bytes of its own */
    size_t n, room;
} pack;

/* Takes over `bytes`. */
static lks_status add(pack *p, const char *name, unsigned char *bytes, size_t size,
                      lks_error *err) {
    lks_ustar_file *file = &p->files[p->n];
    if (p->n == p->room || strlen(name) >= sizeof file->name) {
        free(bytes);
        return lks_fail(err, LKS_ERR_FORMAT, "no room for %s in an archive", name);
    }
    strcpy(file->name, name);
    file->bytes = bytes;
    file->size = size;
    p->n++;
    return LKS_OK;
}

static lks_status add_file(pack *p, const char *path, const char *name, lks_error *err) {
    unsigned char *bytes = NULL;
    size_t size = 0;
    const lks_status status = lks_read_whole_file(path, 0, NULL, &bytes, &size, err);
    if (status != LKS_OK) {
        free(bytes);
        return status;
    }
    return add(p, name, bytes, size, err);
}

static lks_status add_text(pack *p, const char *name, lks_text *text, lks_error *err) {
    LKS_TRY(lks_text_close(text, name, err));
    return add(p, name, (unsigned char *)text->bytes, text->size, err);
}

/* The run's own, where it is there. */
static lks_status add_own(pack *p, lks_folder_file file, const char *name, lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX];
    return lks_folder_has(p->folder, file)
               ? add_file(p, lks_folder_path(p->folder, file, path), name, err)
               : LKS_OK;
}

static lks_status add_run(pack *p, const lks_recorded *r, lks_error *err) {
    char name[64];
    LKS_TRY(add_own(p, LKS_FOLDER_CONFIG, RUN "config.yaml", err));
    LKS_TRY(add_own(p, LKS_FOLDER_HISTORY, RUN "history.h5", err));
    LKS_TRY(add_own(p, LKS_FOLDER_METRICS, RUN "metrics.jsonl", err));
    LKS_TRY(add_own(p, LKS_FOLDER_SUMMARY, RUN "summary.json", err));
    LKS_TRY(add_own(p, LKS_FOLDER_FAULTS, RUN "faults.jsonl", err));
    for (int i = 0; i < r->n_saved; i++) {
        snprintf(name, sizeof name, RUN "checkpoints/%s", strrchr(r->saved[i].path, '/') + 1);
        LKS_TRY(add_file(p, r->saved[i].path, name, err));
    }
    return LKS_OK;
}

/* --- what describes it -------------------------------------------------------------------------- */

/* "NAME" or "NAME.gz": SHA-256 of a data file as it lies here; null where it is not there. */
static void put_data_file(lks_json_object *j, const char *dir, const char *name) {
    char path[2 * LKS_PATH_MAX], digest[LKS_SHA256_HEX] = "";
    lks_error ignored;
    for (int gz = 0; name[0] && !digest[0] && gz < 2; gz++) {
        unsigned char *bytes = NULL;
        size_t size = 0;
        snprintf(path, sizeof path, "%s/%s%s", dir, name, gz ? ".gz" : "");
        if (lks_read_whole_file(path, 0, NULL, &bytes, &size, &ignored) == LKS_OK)
            lks_sha256_buffer(bytes, size, digest, &ignored);
        free(bytes);
    }
    if (name[0])
        lks_json_put_text_or_null(j, digest[0] ? strrchr(path, '/') + 1 : name, digest);
}

static void put_provenance(lks_json_object *j, const lks_provenance *p) {
    lks_json_put_text(j, "version", p->version);
    lks_json_put_text(j, "revision", p->revision);
    lks_json_put_text(j, "compiler", p->compiler);
    lks_json_put_text(j, "mpi", p->mpi);
    lks_json_put_text(j, "isa", p->isa);
    lks_json_put_text(j, "hosts", p->hosts);
    lks_json_put_integer(j, "ranks", p->ranks);
    lks_json_put_integer(j, "threads", p->threads);
    lks_json_put_text(j, "time", p->time);
    lks_json_put_text_or_null(j, "init_from", p->init_from.path);
    lks_json_put_text_or_null(j, "init_from_sha256", p->init_from.weights_sha256);
}

static lks_status describe(pack *p, const lks_recorded *r, const lks_checkpoint *newest,
                           const lks_data_config *data, lks_error *err) {
    lks_text text;
    LKS_TRY(lks_text_open(&text, "bundle.json", err));
    lks_json_object j = lks_json_begin(text.f, "\n  ");
    lks_json_put_text(&j, "format", FORMAT);
    lks_json_put_text(&j, "chain_sha256", r->history.chain.end);
    lks_json_put_text(&j, "state_sha256", newest->state_sha256);
    lks_json_put_integer(&j, "numerics", newest->numerics);
    put_provenance(&j, &newest->provenance);
    lks_json_put_text(&j, "data_digest", newest->data.digest);
    put_data_file(&j, data->dir, data->train_images);
    put_data_file(&j, data->dir, data->train_labels);
    put_data_file(&j, data->dir, data->test_images);
    put_data_file(&j, data->dir, data->test_labels);
    fputs("\n}\n", text.f);
    LKS_TRY(add_text(p, "bundle.json", &text, err));
    LKS_TRY(lks_text_open(&text, "README.txt", err));
    fputs(read_me, text.f);
    return add_text(p, "README.txt", &text, err);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const lks_ustar_file *)a)->name, ((const lks_ustar_file *)b)->name);
}

/* The digests of all files so far, as sha256sum writes them; it comes first. */
static lks_status add_manifest(pack *p, lks_error *err) {
    lks_text text;
    lks_status status = LKS_OK;
    qsort(p->files, p->n, sizeof *p->files, by_name);
    LKS_TRY(lks_text_open(&text, MANIFEST, err));
    for (size_t i = 0; i < p->n && status == LKS_OK; i++) {
        char digest[LKS_SHA256_HEX];
        status = lks_sha256_buffer(p->files[i].bytes, p->files[i].size, digest, err);
        fprintf(text.f, "%s  %s\n", digest, p->files[i].name);
    }
    if (status != LKS_OK) {
        lks_text_drop(&text);
        return status;
    }
    LKS_TRY(add_text(p, MANIFEST, &text, err));
    const lks_ustar_file manifest = p->files[p->n - 1];
    memmove(p->files + 1, p->files, (p->n - 1) * sizeof *p->files);
    p->files[0] = manifest;
    return LKS_OK;
}

static lks_status fill(pack *p, const lks_recorded *r, const lks_checkpoint *newest,
                       const lks_data_config *data, lks_error *err) {
    enum { OTHERS = 8 };
    p->room = (size_t)r->n_saved + OTHERS;
    p->files = lks_alloc(p->room, sizeof *p->files, "files of a bundle", err);
    if (!p->files)
        return err->status;
    LKS_TRY(add_run(p, r, err));
    LKS_TRY(describe(p, r, newest, data, err));
    return add_manifest(p, err);
}

static lks_status write_checked(const char *folder, const char *out, const lks_config *config,
                                const lks_checkpoint *newest, lks_error *err) {
    lks_recorded r;
    pack p = {.folder = folder};
    lks_status status = lks_recorded_read(&r, folder, config, err);
    if (status == LKS_OK)
        status = fill(&p, &r, newest, &config->data, err);
    if (status == LKS_OK)
        status = lks_ustar_write(out, p.files, p.n, err);
    if (status == LKS_OK)
        lks_info("%s: %zu files of %s, chain %.16s to step %lld", out, p.n, folder,
                 r.history.chain.end, (long long)lks_chain_last(&r.history.chain));
    for (size_t i = 0; i < p.n; i++)
        free(p.files[i].bytes);
    lks_free(p.files);
    lks_recorded_free(&r);
    return status;
}

lks_status lks_bundle_write(const char *folder, const char *out, lks_error *err) {
    lks_chosen newest;
    lks_config config;
    char *yaml, remark[LKS_REMARK_ROOM] = "";
    LKS_TRY(lks_folder_read_newest(folder, &newest, err));
    lks_status status = lks_folder_config(folder, &newest.checkpoint, &config, &yaml, remark, err);
    if (status == LKS_OK) {
        status = remark[0] ? lks_fail(err, LKS_ERR_MISMATCH, "%s", remark)
                           : write_checked(folder, out, &config, &newest.checkpoint, err);
        free(yaml);
        lks_config_free(&config);
    }
    lks_checkpoint_free(&newest.checkpoint);
    return status;
}

/* --- unpacking ---------------------------------------------------------------------------------- */

static const lks_ustar_file *find(const lks_ustar_file *files, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(files[i].name, name) == 0)
            return &files[i];
    return NULL;
}

/* Whether MANIFEST says of a file what it is. */
static bool listed(const lks_ustar_file *manifest, const lks_ustar_file *file) {
    char line[LKS_SHA256_HEX + LKS_USTAR_NAME_MAX + 4], digest[LKS_SHA256_HEX];
    lks_error ignored;
    if (lks_sha256_buffer(file->bytes, file->size, digest, &ignored) != LKS_OK)
        return false;
    const int length = snprintf(line, sizeof line, "%s  %s\n", digest, file->name);
    return memmem(manifest->bytes, manifest->size, line, (size_t)length) != NULL;
}

/* The files that MANIFEST names are there: "DIGEST  NAME" in a line. */
static lks_status check_lines(const char *path, const lks_ustar_file *manifest,
                              const lks_ustar_file *files, size_t n, lks_error *err) {
    const char *at = (const char *)manifest->bytes, *end = at + manifest->size;
    while (at < end) {
        char name[LKS_USTAR_NAME_MAX] = "";
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const size_t length = (size_t)((stop ? stop : end) - at), head = LKS_SHA256_HEX - 1 + 2;
        if (length > head && length - head < sizeof name)
            memcpy(name, at + head, length - head);
        if (!name[0] || !find(files, n, name))
            return lks_fail(err, LKS_ERR_MISMATCH, "%s: MANIFEST names %s, which is not there",
                            path, name[0] ? name : "no file in a line");
        at += length + 1;
    }
    return LKS_OK;
}

static lks_status check_manifest(const char *path, const lks_ustar_file *files, size_t n,
                                 lks_error *err) {
    const lks_ustar_file *manifest = find(files, n, MANIFEST);
    if (!manifest || !find(files, n, RUN "config.yaml"))
        return lks_fail(err, LKS_ERR_FORMAT,
                        "%s is no bundle of a run: it has no MANIFEST, or no "
                        "run/config.yaml",
                        path);
    for (size_t i = 0; i < n; i++)
        if (&files[i] != manifest && !listed(manifest, &files[i]))
            return lks_fail(err, LKS_ERR_MISMATCH, "%s: %s is not what MANIFEST says", path,
                            files[i].name);
    return check_lines(path, manifest, files, n, err);
}

/* Into a folder that is nobody else's; names are plain, so none leads out of it. */
static lks_status unpack_file(const char *folder, const lks_ustar_file *file, lks_error *err) {
    char path[LKS_PATH_MAX + LKS_USTAR_NAME_MAX + 2];
    snprintf(path, sizeof path, "%s/%s", folder, file->name);
    char *slash = strrchr(path, '/');
    *slash = 0;
    LKS_TRY(lks_publish_folder(path, err));
    *slash = '/';
    FILE *out = fopen(path, "wx");
    if (!out)
        return lks_fail_system(err, "write", path);
    const bool whole = fwrite(file->bytes, 1, file->size, out) == file->size;
    return fclose(out) == 0 && whole ? LKS_OK : lks_fail_system(err, "write", path);
}

static lks_status unpack_all(const char *folder, const lks_ustar_file *files, size_t n,
                             lks_error *err) {
    for (size_t i = 0; i < n; i++)
        LKS_TRY(unpack_file(folder, &files[i], err));
    return LKS_OK;
}

static lks_status make_folder(char **folder, lks_error *err) {
    const char *base = getenv("TMPDIR");
    base = base && base[0] && strlen(base) < LKS_PATH_MAX / 2 ? base : "/tmp";
    if (asprintf(folder, "%s/lockstep-bundle-XXXXXX", base) < 0) {
        *folder = NULL;
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for a folder's name");
    }
    if (mkdtemp(*folder))
        return LKS_OK;
    const lks_status status = lks_fail_system(err, "make the folder", *folder);
    free(*folder);
    *folder = NULL;
    return status;
}

/* What something else is that somebody takes for a bundle, by its first bytes; a tar archive is read. */
static lks_status check_kind(const char *path, const unsigned char *head, size_t size,
                             lks_error *err) {
    return size > 262 && memcmp(head + 257, "ustar", 5) == 0
               ? LKS_OK
               : lks_fail_file_kind(err, path, lks_file_kind_of(head, size), LKS_WANTED_BUNDLE);
}

lks_status lks_bundle_unpack(const char *path, char **folder, lks_error *err) {
    unsigned char *bytes = NULL;
    lks_ustar_file *files = NULL;
    size_t size = 0, n = 0;
    *folder = NULL;
    lks_status status = lks_read_whole_file(path, 0, NULL, &bytes, &size, err);
    if (status == LKS_OK)
        status = check_kind(path, bytes, size, err);
    if (status == LKS_OK)
        status = lks_ustar_read(path, bytes, size, &files, &n, err);
    if (status == LKS_OK)
        status = check_manifest(path, files, n, err);
    if (status == LKS_OK)
        status = make_folder(folder, err);
    if (status == LKS_OK)
        status = unpack_all(*folder, files, n, err);
    free(files);
    free(bytes);
    if (status != LKS_OK) {
        lks_bundle_remove(*folder);
        *folder = NULL;
    }
    return status;
}

lks_status lks_bundle_compare(const char *folder, const lks_recorded *r, lks_error *err) {
    const lks_saved *newest = &r->saved[r->n_saved - 1];
    const char *const wanted[][2] = {{"format", FORMAT},
                                     {"chain_sha256", r->history.chain.end},
                                     {"state_sha256", r->n_saved ? newest->state_sha256 : ""},
                                     {"data_digest", r->data_digest}};
    char path[LKS_PATH_MAX + 16], found[LKS_SHA256_HEX];
    unsigned char *bytes = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/bundle.json", folder);
    LKS_TRY(lks_read_whole_file(path, 0, NULL, &bytes, &size, err));
    char *text = strndup((const char *)bytes, size);
    lks_status status =
        text ? LKS_OK : lks_fail(err, LKS_ERR_MEMORY, "out of memory for bundle.json");
    for (size_t i = 0; status == LKS_OK && i < sizeof wanted / sizeof *wanted; i++)
        if (!lks_json_get_text(text, wanted[i][0], found, sizeof found) ||
            strcmp(found, wanted[i][1]) != 0)
            status =
                lks_fail(err, LKS_ERR_MISMATCH,
                         "bundle.json: its %s is not that of the run in the bundle", wanted[i][0]);
    free(text);
    free(bytes);
    return status;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)info, (void)kind, (void)place;
    return remove(path);
}

void lks_bundle_remove(char *folder) {
    if (folder && nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
        lks_warn("the unpacked bundle stays in %s", folder);
    free(folder);
}

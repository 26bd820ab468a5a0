/* npz: a zip archive of arrays as numpy.save() writes them
 * (numpy.org/doc/stable/reference/generated/numpy.lib.format.html). Nothing in it is run: what is pickled is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json/json_scan.h"
#include "files/zip.h"
#include "import/npy.h"
#include "import/source.h"

#define METADATA     "__metadata__"
#define METADATA_MAX ((uint64_t)4 << 20)

static bool is_zip(const unsigned char *bytes, size_t size) {
    return size > 4 && memcmp(bytes, "PK", 2) == 0 && (bytes[2] == 3 || bytes[2] == 5);
}

/* The length of `name` without ".npy"; 0: it does not end so. */
static size_t stem_of(const char *name) {
    const size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".npy") == 0 ? n - 4 : 0;
}

/* --- facts ------------------------------------------------------------------------------------ */

/* One text without dimensions, JSON. */
static lks_status take_metadata(lks_import_source *s, size_t i, const lks_npy_head *head,
                                lks_error *err) {
    const lks_zip *zip = s->own;
    const uint64_t size = lks_zip_size(zip, i) - head->bytes;
    if (head->kind != LKS_NPY_TEXT || head->t.ndim != 0)
        return LKS_OK;
    if (size != head->text_bytes || size > METADATA_MAX)
        return lks_fail(err, LKS_ERR_FORMAT, "%s: " METADATA " has %llu bytes, for a text of %llu",
                        s->path, (unsigned long long)size, (unsigned long long)head->text_bytes);
    char *text = calloc(size + 1, 1);
    if (!text)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for " METADATA " of %s", s->path);
    lks_status status = lks_zip_read(zip, i, head->bytes, text, size, err);
    lks_json_scan json = {text};
    if (status == LKS_OK)
        status = lks_import_take_facts(s, &json, err);
    free(text);
    return status;
}

/* --- arrays ----------------------------------------------------------------------------------- */

static lks_status fail_array(const lks_import_source *s, const char *name, const char *why,
                             lks_error *err) {
    return lks_fail(err, LKS_ERR_FORMAT, "%s: '%.128s' in it %s", s->path, name, why);
}

static lks_status read_head(const lks_import_source *s, size_t i, lks_npy_head *head,
                            lks_error *err) {
    unsigned char bytes[LKS_NPY_HEAD_MAX];
    const lks_zip *zip = s->own;
    const uint64_t size = lks_zip_size(zip, i);
    const size_t n = size < sizeof bytes ? size : sizeof bytes;
    LKS_TRY(lks_zip_read(zip, i, 0, bytes, n, err));
    const char *why = lks_npy_head_read(head, bytes, n);
    return why ? fail_array(s, lks_zip_name(zip, i), why, err) : LKS_OK;
}

static lks_status take_array(lks_import_source *s, size_t i, size_t stem, lks_error *err) {
    const lks_zip *zip = s->own;
    const char *file = lks_zip_name(zip, i);
    char name[LKS_IMPORT_NAME_MAX];
    lks_npy_head head;
    if (stem >= sizeof name)
        return fail_array(s, file, "has too long a name", err);
    snprintf(name, sizeof name, "%.*s", (int)stem, file);
    LKS_TRY(read_head(s, i, &head, err));
    if (strcmp(name, METADATA) == 0)
        return take_metadata(s, i, &head, err);
    head.t.name = name;
    head.t.at = i;
    head.t.bytes = head.bytes;
    LKS_TRY(lks_import_add(s, &head.t, err));
    const uint64_t count = s->tensors[s->n_tensors - 1].count;
    const size_t size = lks_import_value_bytes(head.t.type);
    if (size > 0 && lks_zip_size(zip, i) - head.bytes != count * size)
        return fail_array(s, file, "has another size than its shape says", err);
    return LKS_OK;
}

/* What torch.save() writes is a zip archive, too. */
static lks_status fail_empty(const lks_import_source *s, lks_error *err) {
    const lks_zip *zip = s->own;
    for (size_t i = 0; i < lks_zip_count(zip); i++)
        if (strstr(lks_zip_name(zip, i), "data.pkl"))
            return lks_fail(err, LKS_ERR_FORMAT,
                            "%s: was written by torch.save(), as a program that makes the tensors "
                            "(a pickle), which is not run; safetensors.torch.save_file() writes "
                            "them alone",
                            s->path);
    return lks_fail(err, LKS_ERR_FORMAT, "%s: has no array of NumPy (.npy)", s->path);
}

static lks_status open_archive(lks_import_source *s, lks_error *err) {
    lks_zip *zip;
    LKS_TRY(lks_zip_open(&zip, s->bytes, s->size, s->path, err));
    s->own = zip;
    for (size_t i = 0; i < lks_zip_count(zip); i++) {
        const size_t stem = stem_of(lks_zip_name(zip, i));
        if (stem > 0)
            LKS_TRY(take_array(s, i, stem, err));
    }
    return s->n_tensors > 0 ? LKS_OK : fail_empty(s, err);
}

static void close_archive(lks_import_source *s) {
    lks_zip_close(s->own);
}

static lks_status fetch(const lks_import_source *s, int i, void *bytes, lks_error *err) {
    const lks_import_tensor *t = &s->tensors[i];
    return lks_zip_read(s->own, t->at, t->bytes, bytes, t->count * lks_import_value_bytes(t->type),
                        err);
}

const lks_import_reader lks_import_npz = {.name = "npz",
                                          .layout = LKS_LAYOUT_NATIVE,
                                          .is = is_zip,
                                          .open = open_archive,
                                          .fetch = fetch,
                                          .close = close_archive};

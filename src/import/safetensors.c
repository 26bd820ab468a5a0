/* safetensors: 8 bytes with the length of a header in JSON, the header, and the tensors
 * (github.com/huggingface/safetensors, "Format"). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json/json_scan.h"
#include "import/source.h"

/* The format allows 100 MB; 65,536 tensors take some 8 MiB. */
#define HEADER_MAX ((uint64_t)16 << 20)

enum { LENGTH = 8 };

static const struct {
    const char *name;
    lks_import_type type;
    unsigned bytes;
} types[] = {
    {"F64", LKS_IMPORT_F64, 8},   {"F32", LKS_IMPORT_F32, 4},   {"F16", LKS_IMPORT_F16, 2},
    {"BF16", LKS_IMPORT_BF16, 2}, {"I64", LKS_IMPORT_OTHER, 8}, {"I32", LKS_IMPORT_OTHER, 4},
    {"I16", LKS_IMPORT_OTHER, 2}, {"I8", LKS_IMPORT_OTHER, 1},  {"U64", LKS_IMPORT_OTHER, 8},
    {"U32", LKS_IMPORT_OTHER, 4}, {"U16", LKS_IMPORT_OTHER, 2}, {"U8", LKS_IMPORT_OTHER, 1},
    {"BOOL", LKS_IMPORT_OTHER, 1}};
enum { TYPES = sizeof types / sizeof types[0] };

/* An entry of the header, as it is read. */
typedef struct entry {
    lks_import_tensor t;
    int type; /* in the table; -1: another one */
    bool has_shape, has_type, has_place;
    uint64_t begin, end; /* in the bytes behind the header */
} entry;

static uint64_t length_of_header(const unsigned char *bytes) {
    uint64_t length = 0;
    for (int i = 0; i < LENGTH; i++)
        length |= (uint64_t)bytes[i] << 8 * i;
    return length;
}

static bool is_safetensors(const unsigned char *bytes, size_t size) {
    return size > LENGTH && bytes[LENGTH] == '{' && length_of_header(bytes) < (uint64_t)1 << 40;
}

/* --- an entry --------------------------------------------------------------------------------- */

static bool take_type(lks_json_scan *json, entry *e) {
    char *name;
    if (!lks_json_take_text(json, &name))
        return false;
    e->type = -1;
    for (int i = 0; i < TYPES; i++)
        if (strcmp(types[i].name, name) == 0)
            e->type = i;
    free(name);
    e->has_type = true;
    return true;
}

static bool take_shape(lks_json_scan *json, entry *e) {
    e->has_shape = true;
    e->t.ndim = 0;
    if (!lks_json_eat(json, '['))
        return false;
    if (lks_json_eat(json, ']'))
        return true;
    do {
        uint64_t size;
        if (e->t.ndim == LKS_IMPORT_DIMENSIONS || !lks_json_take_count(json, &size) ||
            size > INT64_MAX)
            return false;
        e->t.shape[e->t.ndim++] = (int64_t)size;
    } while (lks_json_eat(json, ','));
    return lks_json_eat(json, ']');
}

static bool take_place(lks_json_scan *json, entry *e) {
    e->has_place = true;
    return lks_json_eat(json, '[') && lks_json_take_count(json, &e->begin) &&
           lks_json_eat(json, ',') && lks_json_take_count(json, &e->end) && lks_json_eat(json, ']');
}

static bool take_member(lks_json_scan *json, entry *e) {
    char *key;
    bool well = lks_json_take_text(json, &key) && lks_json_eat(json, ':');
    if (well && strcmp(key, "dtype") == 0)
        well = !e->has_type && take_type(json, e);
    else if (well && strcmp(key, "shape") == 0)
        well = !e->has_shape && take_shape(json, e);
    else if (well && strcmp(key, "data_offsets") == 0)
        well = !e->has_place && take_place(json, e);
    else if (well)
        well = lks_json_skip(json);
    free(key);
    return well;
}

static bool take_members(lks_json_scan *json, entry *e) {
    bool well = lks_json_eat(json, '{');
    do
        well = well && take_member(json, e);
    while (well && lks_json_eat(json, ','));
    return well && lks_json_eat(json, '}') && e->has_type && e->has_shape && e->has_place;
}

/* A type of later versions is no harm as long as nobody wants the tensor; its place is checked all the same. */
static lks_status add(lks_import_source *s, entry *e, uint64_t room, lks_error *err) {
    e->t.type = e->type < 0 ? LKS_IMPORT_OTHER : types[e->type].type;
    e->t.at = e->begin;
    e->t.bytes = e->end - e->begin;
    LKS_TRY(lks_import_add(s, &e->t, err));
    const uint64_t count = s->tensors[s->n_tensors - 1].count;
    if (e->begin > e->end || e->end > room ||
        (e->type >= 0 && e->t.bytes != count * types[e->type].bytes))
        return lks_fail(err, LKS_ERR_FORMAT,
                        "%s: tensor '%.128s' is said to lie from byte %" PRIu64 " to %" PRIu64
                        ", which its shape does not fill, or the file of %" PRIu64
                        " bytes of tensors does not have",
                        s->path, e->t.name, e->begin, e->end, room);
    return LKS_OK;
}

/* --- the header ------------------------------------------------------------------------------- */

static lks_status fail_header(const lks_import_source *s, const char *text,
                              const lks_json_scan *json, lks_error *err) {
    return lks_fail(err, LKS_ERR_FORMAT,
                    "%s: its header, a text in JSON, cannot be understood at byte %zu", s->path,
                    LENGTH + (size_t)(json->at - text));
}

static lks_status take_entry(lks_import_source *s, const char *text, lks_json_scan *json,
                             uint64_t room, lks_error *err) {
    entry e = {0};
    lks_status status = LKS_OK;
    if (!lks_json_take_text(json, &e.t.name) || !lks_json_eat(json, ':'))
        status = fail_header(s, text, json, err);
    else if (strcmp(e.t.name, "__metadata__") == 0)
        status = lks_import_take_facts(s, json, err);
    else if (!take_members(json, &e))
        status = fail_header(s, text, json, err);
    else
        status = add(s, &e, room, err);
    free(e.t.name);
    return status;
}

static lks_status take_header(lks_import_source *s, const char *text, size_t length,
                              lks_error *err) {
    lks_json_scan json = {text};
    const uint64_t room = s->size - LENGTH - length;
    bool more = lks_json_eat(&json, '{') && !lks_json_eat(&json, '}');
    while (more) {
        LKS_TRY(take_entry(s, text, &json, room, err));
        more = lks_json_eat(&json, ',');
        if (!more && !lks_json_eat(&json, '}'))
            return fail_header(s, text, &json, err);
    }
    return lks_json_next(&json) == '\0' && json.at == text + length
               ? LKS_OK
               : fail_header(s, text, &json, err);
}

static int by_place(const void *a, const void *b) {
    const lks_import_tensor *x = *(lks_import_tensor *const *)a;
    const lks_import_tensor *y = *(lks_import_tensor *const *)b;
    return x->at != y->at ? (x->at > y->at) - (x->at < y->at)
                          : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* Tensors may not overlap, nor leave room between them: what no tensor has could be anything. */
static lks_status check_places(const lks_import_source *s, uint64_t room, lks_error *err) {
    const size_t n = (size_t)s->n_tensors;
    const lks_import_tensor **sorted = malloc((n + 1) * sizeof *sorted);
    uint64_t end = 0;
    if (!sorted)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the tensors of %s", s->path);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &s->tensors[i];
    qsort(sorted, n, sizeof *sorted, by_place);
    size_t fits = 0;
    while (fits < n && sorted[fits]->at == end)
        end += sorted[fits++]->bytes;
    lks_status status = LKS_OK;
    if (fits < n)
        status = lks_fail(err, LKS_ERR_FORMAT,
                          "%s: tensor '%.128s' begins at byte %" PRIu64 ", the one before it ends "
                          "at %" PRIu64,
                          s->path, sorted[fits]->name, sorted[fits]->at, end);
    else if (end != room)
        status =
            lks_fail(err, LKS_ERR_FORMAT, "%s: its tensors end at byte %" PRIu64 " of %" PRIu64,
                     s->path, end, room);
    free(sorted);
    return status;
}

static lks_status open_file(lks_import_source *s, lks_error *err) {
    const uint64_t length = length_of_header(s->bytes);
    if (length > HEADER_MAX || length > s->size - LENGTH)
        return lks_fail(err, LKS_ERR_FORMAT,
                        "%s: a header of %" PRIu64 " bytes in a file of %zu; at most %" PRIu64
                        " are read",
                        s->path, length, s->size, HEADER_MAX);
    char *text = malloc(length + 1);
    if (!text)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the header of %s", s->path);
    memcpy(text, s->bytes + LENGTH, length);
    text[length] = '\0';
    const lks_status status = take_header(s, text, length, err);
    free(text);
    LKS_TRY(status);
    return check_places(s, s->size - LENGTH - length, err);
}

static lks_status fetch(const lks_import_source *s, int i, void *bytes, lks_error *err) {
    const lks_import_tensor *t = &s->tensors[i];
    (void)err;
    memcpy(bytes, s->bytes + LENGTH + length_of_header(s->bytes) + t->at,
           t->count * lks_import_value_bytes(t->type));
    return LKS_OK;
}

const lks_import_reader lks_import_safetensors = {.name = "safetensors",
                                                  .layout = LKS_LAYOUT_TORCH,
                                                  .is = is_safetensors,
                                                  .open = open_file,
                                                  .fetch = fetch};

#include "import/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/json/json_scan.h"
#include "files/kind/file_kind.h"
#include "lockstep/tensor.h"

/* --- the readers ------------------------------------------------------------------------------ */

/* Readers do not know this table, so no header declares them. */
#define READERS(X)    X(safetensors) X(keras) X(npz) X(onnx)
#define DECLARE(name) extern const lks_import_reader lks_import_##name;
READERS(DECLARE)

#define ENTRY(name) &lks_import_##name,
static const lks_import_reader *const readers[] = {READERS(ENTRY) NULL};

/* --- names ------------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static lks_status check_names(const lks_import_source *s, lks_error *err) {
    const size_t n = (size_t)s->n_tensors;
    char **names = malloc((n + 1) * sizeof *names);
    if (!names)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the names in %s", s->path);
    for (size_t i = 0; i < n; i++)
        names[i] = s->tensors[i].name;
    qsort(names, n, sizeof *names, by_name);
    lks_status status = LKS_OK;
    for (size_t i = 1; i < n && status == LKS_OK; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            status = lks_fail(err, LKS_ERR_FORMAT, "%s: two of its tensors are called '%.128s'",
                              s->path, names[i]);
    free(names);
    return status;
}

/* --- opening ---------------------------------------------------------------------------------- */

lks_status lks_import_open(lks_import_source *s, const char *path, const unsigned char *bytes,
                           size_t size, lks_error *err) {
    *s = (lks_import_source){.path = path, .bytes = bytes, .size = size};
    for (int i = 0; readers[i] && !s->reader; i++)
        if (readers[i]->is(bytes, size))
            s->reader = readers[i];
    if (!s->reader)
        return lks_fail_file_kind(err, path, lks_file_kind_of(bytes, size), LKS_WANTED_WEIGHTS);
    LKS_TRY(s->reader->open(s, err));
    return check_names(s, err);
}

void lks_import_close(lks_import_source *s) {
    if (s->reader && s->reader->close)
        s->reader->close(s);
    for (int i = 0; i < s->n_tensors; i++)
        free(s->tensors[i].name);
    free(s->tensors);
    for (int i = 0; i < s->n_facts; i++) {
        free(s->facts[i].key);
        free(s->facts[i].value);
    }
    *s = (lks_import_source){0};
}

/* --- tensors ---------------------------------------------------------------------------------- */

/* False where they are more than memory could have. */
static bool count_values(lks_import_tensor *t) {
    uint64_t count = 1;
    if (t->ndim > LKS_IMPORT_DIMENSIONS)
        return false;
    for (int d = 0; d < t->ndim; d++)
        if (t->shape[d] < 0 || __builtin_mul_overflow(count, (uint64_t)t->shape[d], &count) ||
            count > INT64_MAX / 8)
            return false;
    t->count = count;
    return true;
}

static bool make_room(lks_import_source *s) {
    if (s->n_tensors < s->room)
        return true;
    const int room = 2 * s->room + 64;
    lks_import_tensor *tensors = realloc(s->tensors, (size_t)room * sizeof *tensors);
    if (!tensors)
        return false;
    s->tensors = tensors;
    s->room = room;
    return true;
}

lks_status lks_import_add(lks_import_source *s, const lks_import_tensor *t, lks_error *err) {
    lks_import_tensor own = *t;
    const size_t length = strlen(t->name);
    if (length == 0 || length >= LKS_IMPORT_NAME_MAX)
        return lks_fail(err, LKS_ERR_FORMAT,
                        "%s: tensor %d has a name of %zu bytes; 1 to %d can be", s->path,
                        s->n_tensors + 1, length, LKS_IMPORT_NAME_MAX - 1);
    if (!count_values(&own))
        return lks_fail(err, LKS_ERR_FORMAT,
                        "%s: tensor '%.128s' has a shape that nothing can have", s->path, t->name);
    if (s->n_tensors == LKS_TENSORS_MAX)
        return lks_fail(err, LKS_ERR_FORMAT, "%s: it has more than %d tensors", s->path,
                        LKS_TENSORS_MAX);
    if (!make_room(s) || !(own.name = strdup(t->name)))
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the tensors of %s", s->path);
    s->tensors[s->n_tensors++] = own;
    return LKS_OK;
}

/* --- facts ------------------------------------------------------------------------------------ */

const char *lks_import_fact_of(const lks_import_source *s, const char *key) {
    for (int i = 0; i < s->n_facts; i++)
        if (strcmp(s->facts[i].key, key) == 0)
            return s->facts[i].value;
    return NULL;
}

/* A member, whose value is kept where it is a text and there is room. */
static bool take_fact(lks_import_source *s, lks_json_scan *json) {
    char *key, *value = NULL;
    bool well = lks_json_take_text(json, &key) && lks_json_eat(json, ':');
    if (well && lks_json_next(json) == '"')
        well = lks_json_take_text(json, &value);
    else if (well)
        well = lks_json_skip(json);
    if (well && value && s->n_facts < LKS_IMPORT_FACTS_MAX) {
        s->facts[s->n_facts++] = (lks_import_fact){key, value};
        return true;
    }
    free(key);
    free(value);
    return well;
}

lks_status lks_import_take_facts(lks_import_source *s, lks_json_scan *json, lks_error *err) {
    bool well = lks_json_eat(json, '{');
    if (well && !lks_json_eat(json, '}')) {
        do
            well = take_fact(s, json);
        while (well && lks_json_eat(json, ','));
        well = well && lks_json_eat(json, '}');
    }
    return well ? LKS_OK
                : lks_fail(err, LKS_ERR_FORMAT, "%s: what it says about its network is no JSON",
                           s->path);
}

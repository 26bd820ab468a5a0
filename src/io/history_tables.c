#include "io/history_tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"

/** A member of a record and the data set it becomes. */
typedef struct column {
    const char *name;
    lks_h5_type type;
    size_t offset;
    bool later; /**< a double that files of earlier versions lack: NaN there */
} column;

/** Columns of one kind of record. */
typedef struct table {
    const char *group;
    const column *columns;
    int n_columns;
    size_t record_size;
} table;

#define STEP(member, type)                                                                         \
    { #member, type, offsetof(lks_step_record, member), false }
#define EPOCH(member, type)                                                                        \
    { #member, type, offsetof(lks_epoch_record, member), false }

static const column step_columns[] = {
    STEP(step, LKS_H5_I64),
    STEP(epoch, LKS_H5_I32),
    STEP(loss, LKS_H5_F64),
    STEP(accuracy, LKS_H5_F64),
    STEP(lr, LKS_H5_F64),
    {"gradient_norm", LKS_H5_F64, offsetof(lks_step_record, gradient_norm), true},
    {"gradient_variance", LKS_H5_F64, offsetof(lks_step_record, gradient_variance), true},
    {"gradient_square", LKS_H5_F64, offsetof(lks_step_record, gradient_square), true}};

static const column epoch_columns[] = {
    EPOCH(epoch, LKS_H5_I32),
    EPOCH(step, LKS_H5_I64),
    EPOCH(lr, LKS_H5_F64),
    EPOCH(train_loss, LKS_H5_F64),
    EPOCH(train_accuracy, LKS_H5_F64),
    EPOCH(validation_loss, LKS_H5_F64),
    EPOCH(validation_accuracy, LKS_H5_F64),
    EPOCH(test_loss, LKS_H5_F64),
    EPOCH(test_accuracy, LKS_H5_F64),
    EPOCH(images_per_second, LKS_H5_F64),
    EPOCH(seconds, LKS_H5_F64),
    EPOCH(comm_seconds, LKS_H5_F64),
    {"noise_scale", LKS_H5_F64, offsetof(lks_epoch_record, noise_scale), true},
    {"energy_joules", LKS_H5_F64, offsetof(lks_epoch_record, energy_joules), true}};

#define CHAIN(name, type, member)                                                                  \
    { #name, type, offsetof(lks_chain_step, member), false }

static const column chain_columns[] = {
    CHAIN(loss_hi, LKS_H5_I64, loss.hi), CHAIN(loss_lo, LKS_H5_I64, loss.lo),
    CHAIN(correct, LKS_H5_I64, correct), CHAIN(samples, LKS_H5_I64, samples),
    CHAIN(lr, LKS_H5_F64, lr),           CHAIN(mark, LKS_H5_U64, mark)};

static const table steps_table = {
    "steps", step_columns, sizeof step_columns / sizeof step_columns[0], sizeof(lks_step_record)};
static const table epochs_table = {"epochs", epoch_columns,
                                   sizeof epoch_columns / sizeof epoch_columns[0],
                                   sizeof(lks_epoch_record)};

static const table chain_table = {
    "chain", chain_columns, sizeof chain_columns / sizeof chain_columns[0], sizeof(lks_chain_step)};

static void column_path(char path[64], const char *prefix, const table *t, const column *c) {
    snprintf(path, 64, "%s/%s/%s", prefix, t->group, c->name);
}

static lks_status put_table(lks_h5 *h, const char *prefix, const table *t, const void *records,
                            size_t n) {
    unsigned char *values = lks_alloc(n, sizeof(double), "history", h->err);
    if (!values)
        return LKS_ERR_MEMORY;
    lks_status status = LKS_OK;
    for (int i = 0; status == LKS_OK && i < t->n_columns; i++) {
        const column *c = &t->columns[i];
        const unsigned char *from = (const unsigned char *)records;
        size_t size = lks_h5_type_size(c->type);
        for (size_t k = 0; k < n; k++)
            memcpy(values + k * size, from + k * t->record_size + c->offset, size);
        char path[64];
        column_path(path, prefix, t, c);
        status = lks_h5_put_array(h, path, c->type, 1, &(int64_t){(int64_t)n}, values);
    }
    lks_free(values);
    return status;
}

/** One column; @p values has room for it. */
static lks_status get_column(lks_h5 *h, const char *path, const column *c, unsigned char *values,
                             size_t n) {
    if (!c->later || lks_h5_has(h, path))
        return lks_h5_get_array(h, path, c->type, n, values);
    for (size_t k = 0; k < n; k++)
        memcpy(values + k * sizeof(double), &(double){NAN}, sizeof(double));
    return LKS_OK;
}

static lks_status get_columns(lks_h5 *h, const char *prefix, const table *t, unsigned char *values,
                              unsigned char *records, size_t n) {
    for (int i = 0; i < t->n_columns; i++) {
        const column *c = &t->columns[i];
        size_t size = lks_h5_type_size(c->type);
        char path[64];
        column_path(path, prefix, t, c);
        LKS_TRY(get_column(h, path, c, values, n));
        for (size_t k = 0; k < n; k++)
            memcpy(records + k * t->record_size + c->offset, values + k * size, size);
    }
    return LKS_OK;
}

/** *records is malloc'd, as the growing arrays of lks_history are. */
static lks_status get_table(lks_h5 *h, const char *prefix, const table *t, void **records,
                            size_t *n) {
    char path[64];
    int ndim;
    int64_t shape[LKS_H5_DIMS_MAX];
    column_path(path, prefix, t, &t->columns[0]);
    LKS_TRY(lks_h5_get_shape(h, path, t->columns[0].type, &ndim, shape, n));
    if (*n == 0)
        return get_columns(h, prefix, t, NULL, NULL, 0);
    unsigned char *values = lks_alloc(*n, sizeof(double), "history", h->err);
    if (!values)
        return LKS_ERR_MEMORY;
    *records = calloc(*n, t->record_size);
    lks_status status = *records ? get_columns(h, prefix, t, values, *records, *n)
                                 : lks_fail(h->err, LKS_ERR_MEMORY, "out of memory: history");
    lks_free(values);
    return status;
}

/* --- norms of each step, one column a tensor -------------------------------------------------- */

static const char *const norm_tables[2] = {"gradient", "weight"};

static void norms_path(char path[64], const char *prefix, int which) {
    snprintf(path, 64, "%s/norms/%s", prefix, norm_tables[which]);
}

static lks_status put_norms(lks_h5 *h, const char *prefix, const lks_history *history) {
    const int64_t shape[] = {(int64_t)history->n_steps, (int64_t)history->n_norms};
    size_t n = history->n_steps * history->n_norms;
    char path[64];
    if (history->n_norms == 0)
        return LKS_OK;
    float *values = lks_alloc(n, sizeof *values, "history", h->err);
    lks_status status = values ? LKS_OK : LKS_ERR_MEMORY;
    for (int k = 0; status == LKS_OK && k < 2; k++) {
        for (size_t i = 0; i < n; i++)
            values[i] = history->norms[i][k];
        norms_path(path, prefix, k);
        status = lks_h5_put_array(h, path, LKS_H5_F32, 2, shape, values);
    }
    lks_free(values);
    LKS_TRY(status);
    snprintf(path, sizeof path, "%s/norms", prefix);
    return lks_h5_put_texts(h, path, "tensors", history->norm_names[0], LKS_TENSOR_NAME_MAX,
                            history->n_norms);
}

static lks_status get_norm_names(lks_h5 *h, const char *prefix, lks_history *history) {
    char path[64], *names;
    size_t n;
    snprintf(path, sizeof path, "%s/norms", prefix);
    LKS_TRY(lks_h5_get_texts(h, path, "tensors", LKS_TENSOR_NAME_MAX, LKS_TENSORS_MAX, &names, &n));
    history->norm_names = calloc(n, LKS_TENSOR_NAME_MAX);
    lks_status status = LKS_OK;
    if (history->norm_names) {
        memcpy(history->norm_names, names, n * LKS_TENSOR_NAME_MAX);
        history->n_norms = n;
    } else {
        status = lks_fail(h->err, LKS_ERR_MEMORY, "out of memory: history");
    }
    lks_free(names);
    return status;
}

static lks_status get_norm_values(lks_h5 *h, const char *prefix, lks_history *history,
                                  float *values, size_t n) {
    char path[64];
    for (int k = 0; k < 2; k++) {
        norms_path(path, prefix, k);
        LKS_TRY(lks_h5_get_array(h, path, LKS_H5_F32, n, values));
        for (size_t i = 0; i < n; i++)
            history->norms[i][k] = values[i];
    }
    return LKS_OK;
}

/** Files of earlier versions, and of runs without steps recorded, have none. */
static lks_status get_norms(lks_h5 *h, const char *prefix, lks_history *history) {
    char path[64];
    int ndim;
    int64_t shape[LKS_H5_DIMS_MAX];
    size_t n;
    snprintf(path, sizeof path, "%s/norms", prefix);
    if (!lks_h5_has(h, path))
        return LKS_OK;
    LKS_TRY(get_norm_names(h, prefix, history));
    norms_path(path, prefix, 0);
    LKS_TRY(lks_h5_get_shape(h, path, LKS_H5_F32, &ndim, shape, &n));
    if (ndim != 2 || (size_t)shape[0] != history->n_steps || (size_t)shape[1] != history->n_norms)
        return lks_h5_fail(h, path, "not one row a step and one column a tensor");
    float *values = lks_alloc(n, sizeof *values, "history", h->err);
    history->norms = calloc(n ? n : 1, sizeof *history->norms);
    history->norms_capacity = history->n_steps;
    lks_status status = !values ? LKS_ERR_MEMORY
                        : !history->norms
                            ? lks_fail(h->err, LKS_ERR_MEMORY, "out of memory: history")
                            : get_norm_values(h, prefix, history, values, n);
    lks_free(values);
    return status;
}

/* --- phases of each epoch, one column a phase --------------------------------------------------- */

/** A member of lks_phase_time and the data set it becomes. */
static const column phase_figures[] = {{"min", LKS_H5_F64, offsetof(lks_phase_time, min), true},
                                       {"avg", LKS_H5_F64, offsetof(lks_phase_time, avg), true},
                                       {"max", LKS_H5_F64, offsetof(lks_phase_time, max), true},
                                       {"rank", LKS_H5_I32, offsetof(lks_phase_time, rank), true}};
enum { PHASE_FIGURES = sizeof phase_figures / sizeof phase_figures[0] };
enum { PHASES_MOST = 256 }; /* other versions may have more than this one */

static void phases_path(char path[64], const char *prefix, const column *c) {
    snprintf(path, 64, "%s/phases/%s", prefix, c->name);
}

static lks_status put_phases(lks_h5 *h, const char *prefix, const lks_history *history) {
    const int64_t shape[] = {(int64_t)history->n_epochs, LKS_PHASES};
    char path[64];
    if (history->n_epochs == 0)
        return LKS_OK;
    unsigned char *values =
        lks_alloc(history->n_epochs * LKS_PHASES, sizeof(double), "history", h->err);
    lks_status status = values ? LKS_OK : LKS_ERR_MEMORY;
    for (int i = 0; status == LKS_OK && i < PHASE_FIGURES; i++) {
        const column *c = &phase_figures[i];
        size_t size = lks_h5_type_size(c->type);
        for (size_t k = 0; k < history->n_epochs * LKS_PHASES; k++) {
            const lks_phase_time *t = &history->epochs[k / LKS_PHASES].phases.of[k % LKS_PHASES];
            memcpy(values + k * size, (const unsigned char *)t + c->offset, size);
        }
        phases_path(path, prefix, c);
        status = lks_h5_put_array(h, path, c->type, 2, shape, values);
    }
    lks_free(values);
    LKS_TRY(status);
    snprintf(path, sizeof path, "%s/phases", prefix);
    return lks_h5_put_texts(h, path, "phases", lks_phase_names[0], LKS_PHASE_NAME_MAX, LKS_PHASES);
}

/** The phase of a name in a file; LKS_PHASES for one that this version does not have. */
static int phase_named(const char *name) {
    int p = 0;
    while (p < LKS_PHASES && strcmp(name, lks_phase_names[p]) != 0)
        p++;
    return p;
}

static lks_status get_phase_figure(lks_h5 *h, const char *prefix, const column *c,
                                   const char *names, size_t n_names, lks_history *history) {
    char path[64];
    int ndim;
    int64_t shape[LKS_H5_DIMS_MAX];
    size_t n, size = lks_h5_type_size(c->type);
    phases_path(path, prefix, c);
    LKS_TRY(lks_h5_get_shape(h, path, c->type, &ndim, shape, &n));
    if (ndim != 2 || (size_t)shape[0] != history->n_epochs || (size_t)shape[1] != n_names)
        return lks_h5_fail(h, path, "not one row an epoch and one column a phase");
    unsigned char *values = lks_alloc(n, size, "history", h->err);
    if (!values)
        return LKS_ERR_MEMORY;
    lks_status status = lks_h5_get_array(h, path, c->type, n, values);
    for (size_t k = 0; status == LKS_OK && k < n; k++) {
        int phase = phase_named(names + k % n_names * LKS_PHASE_NAME_MAX);
        if (phase < LKS_PHASES)
            memcpy((unsigned char *)&history->epochs[k / n_names].phases.of[phase] + c->offset,
                   values + k * size, size);
    }
    lks_free(values);
    return status;
}

/** Files of earlier versions have none. */
static lks_status get_phases(lks_h5 *h, const char *prefix, lks_history *history) {
    char path[64], *names;
    size_t n_names;
    for (size_t k = 0; k < history->n_epochs * LKS_PHASES; k++)
        history->epochs[k / LKS_PHASES].phases.of[k % LKS_PHASES] =
            (lks_phase_time){NAN, NAN, NAN, -1};
    snprintf(path, sizeof path, "%s/phases", prefix);
    if (!lks_h5_has(h, path))
        return LKS_OK;
    LKS_TRY(lks_h5_get_texts(h, path, "phases", LKS_PHASE_NAME_MAX, PHASES_MOST, &names, &n_names));
    lks_status status = LKS_OK;
    for (int i = 0; status == LKS_OK && i < PHASE_FIGURES; i++)
        status = get_phase_figure(h, prefix, &phase_figures[i], names, n_names, history);
    lks_free(names);
    return status;
}

/* --- the chain: a row a step, the hashes of its layers, digests of epochs ---------------------- */

enum { DIGITS = LKS_SHA256_HEX - 1 };

/** A digest of an epoch and the data set it becomes: rows of digits. */
static const struct {
    const char *name;
    size_t offset;
} chain_digests[] = {{"state", offsetof(lks_chain_epoch, state)},
                     {"link", offsetof(lks_chain_epoch, link)}};
enum { CHAIN_DIGESTS = sizeof chain_digests / sizeof chain_digests[0] };

static void chain_path(char path[64], const char *prefix, const char *rest) {
    snprintf(path, 64, "%s/chain%s", prefix, rest);
}

static void digests_path(char path[64], const char *prefix, int which) {
    snprintf(path, 64, "%s/chain/epochs/%s", prefix, chain_digests[which].name);
}

static lks_status put_chain_epochs(lks_h5 *h, const char *prefix, const lks_chain *chain) {
    const int64_t shape[] = {(int64_t)chain->n_epochs, DIGITS};
    char path[64];
    unsigned char *rows = lks_alloc(chain->n_epochs, DIGITS, "history", h->err);
    lks_status status = rows ? LKS_OK : LKS_ERR_MEMORY;
    for (int k = 0; status == LKS_OK && k < CHAIN_DIGESTS; k++) {
        for (size_t e = 0; e < chain->n_epochs; e++)
            memcpy(rows + e * DIGITS, (const char *)&chain->epochs[e] + chain_digests[k].offset,
                   DIGITS);
        digests_path(path, prefix, k);
        status = lks_h5_put_array(h, path, LKS_H5_U8, 2, shape, rows);
    }
    lks_free(rows);
    return status;
}

static lks_status put_chain_layers(lks_h5 *h, const char *prefix, const lks_chain *chain) {
    const int64_t shape[] = {(int64_t)chain->n, (int64_t)chain->n_layers};
    char path[64];
    if (chain->n_layers == 0)
        return LKS_OK;
    chain_path(path, prefix, "/layers");
    LKS_TRY(lks_h5_put_array(h, path, LKS_H5_U64, 2, shape, chain->hashes));
    chain_path(path, prefix, "");
    return lks_h5_put_texts(h, path, "layers", chain->layers[0], LKS_TENSOR_NAME_MAX,
                            chain->n_layers);
}

static lks_status put_chain(lks_h5 *h, const char *prefix, const lks_chain *chain) {
    char path[64];
    if (chain->n == 0)
        return LKS_OK;
    LKS_TRY(put_table(h, prefix, &chain_table, chain->steps, chain->n));
    LKS_TRY(put_chain_layers(h, prefix, chain));
    LKS_TRY(put_chain_epochs(h, prefix, chain));
    chain_path(path, prefix, "");
    LKS_TRY(lks_h5_put(h, path, "first", LKS_H5_I64, &chain->first, 1));
    LKS_TRY(lks_h5_put_text(h, path, "start", chain->start));
    return lks_h5_put_text(h, path, "end", chain->end);
}

/** Room for @p n elements, as growing arrays have it. */
static void *grown(lks_h5 *h, size_t n, size_t size) {
    void *room = calloc(n ? n : 1, size);
    if (!room)
        lks_fail(h->err, LKS_ERR_MEMORY, "out of memory: history");
    return room;
}

/** A data set with as many rows and columns as there must be. */
static lks_status check_shape(lks_h5 *h, const char *path, lks_h5_type type, size_t rows,
                              size_t columns) {
    int ndim;
    int64_t shape[LKS_H5_DIMS_MAX];
    size_t count;
    LKS_TRY(lks_h5_get_shape(h, path, type, &ndim, shape, &count));
    return ndim == 2 && (size_t)shape[0] == rows && (size_t)shape[1] == columns
               ? LKS_OK
               : lks_h5_fail(h, path, "not %zu rows of %zu", rows, columns);
}

static lks_status get_chain_layers(lks_h5 *h, const char *prefix, lks_chain *chain) {
    char path[64], *names;
    size_t n;
    chain_path(path, prefix, "");
    if (!lks_h5_has_attribute(h, path, "layers"))
        return LKS_OK;
    LKS_TRY(lks_h5_get_texts(h, path, "layers", LKS_TENSOR_NAME_MAX, LKS_TENSORS_MAX, &names, &n));
    chain->layers = grown(h, n, LKS_TENSOR_NAME_MAX);
    if (chain->layers)
        memcpy(chain->layers, names, n * LKS_TENSOR_NAME_MAX);
    lks_free(names);
    if (!chain->layers)
        return LKS_ERR_MEMORY;
    chain->n_layers = n;
    chain_path(path, prefix, "/layers");
    LKS_TRY(check_shape(h, path, LKS_H5_U64, chain->n, n));
    chain->hashes = grown(h, chain->n * n, sizeof *chain->hashes);
    return chain->hashes ? lks_h5_get_array(h, path, LKS_H5_U64, chain->n * n, chain->hashes)
                         : LKS_ERR_MEMORY;
}

static lks_status get_chain_digests(lks_h5 *h, const char *prefix, int which, unsigned char *rows,
                                    lks_chain *chain) {
    char path[64];
    digests_path(path, prefix, which);
    LKS_TRY(check_shape(h, path, LKS_H5_U8, chain->n_epochs, DIGITS));
    LKS_TRY(lks_h5_get_array(h, path, LKS_H5_U8, chain->n_epochs * DIGITS, rows));
    for (size_t e = 0; e < chain->n_epochs; e++) {
        char *digest = (char *)&chain->epochs[e] + chain_digests[which].offset;
        memcpy(digest, rows + e * DIGITS, DIGITS);
        if (strspn(digest, "0123456789abcdef") != DIGITS)
            return lks_h5_fail(h, path, "not 64 hexadecimal digits");
    }
    return LKS_OK;
}

static lks_status get_chain_epochs(lks_h5 *h, const char *prefix, lks_chain *chain) {
    char path[64];
    int ndim;
    int64_t shape[LKS_H5_DIMS_MAX];
    size_t count;
    digests_path(path, prefix, 0);
    LKS_TRY(lks_h5_get_shape(h, path, LKS_H5_U8, &ndim, shape, &count));
    chain->n_epochs = chain->epochs_capacity = (size_t)shape[0];
    if (count != chain->n_epochs * DIGITS)
        return lks_h5_fail(h, path, "not one digest an epoch");
    chain->epochs = grown(h, chain->n_epochs, sizeof *chain->epochs);
    unsigned char *rows = chain->epochs ? lks_alloc(count, 1, "history", h->err) : NULL;
    lks_status status = rows ? LKS_OK : LKS_ERR_MEMORY;
    for (int k = 0; status == LKS_OK && k < CHAIN_DIGESTS; k++)
        status = get_chain_digests(h, prefix, k, rows, chain);
    lks_free(rows);
    return status;
}

/** Files of earlier versions have none. */
static lks_status get_chain(lks_h5 *h, const char *prefix, lks_chain *chain) {
    const int64_t most = (int64_t)1 << 53;
    char path[64];
    void *steps = NULL;
    chain_path(path, prefix, "");
    if (!lks_h5_has(h, path))
        return LKS_OK;
    const lks_status status = get_table(h, prefix, &chain_table, &steps, &chain->n);
    chain->steps = steps;
    chain->capacity = chain->n;
    LKS_TRY(status);
    LKS_TRY(lks_h5_get(h, path, "first", LKS_H5_I64, &chain->first, 1));
    if (chain->n == 0 || chain->first < 0 || chain->first > most)
        return lks_h5_fail(h, path, "no step has its first row");
    LKS_TRY(lks_h5_get_text(h, path, "start", chain->start, sizeof chain->start));
    LKS_TRY(lks_h5_get_text(h, path, "end", chain->end, sizeof chain->end));
    LKS_TRY(get_chain_layers(h, prefix, chain));
    return get_chain_epochs(h, prefix, chain);
}

/* --- a whole history -------------------------------------------------------------------------- */

lks_status lks_history_put(lks_h5 *h, const char *prefix, const lks_history *history) {
    LKS_TRY(put_table(h, prefix, &steps_table, history->steps, history->n_steps));
    LKS_TRY(put_table(h, prefix, &epochs_table, history->epochs, history->n_epochs));
    LKS_TRY(put_phases(h, prefix, history));
    LKS_TRY(put_norms(h, prefix, history));
    return put_chain(h, prefix, &history->chain);
}

lks_status lks_history_get(lks_h5 *h, const char *prefix, lks_history *history) {
    void *steps = NULL, *epochs = NULL;
    lks_status status = get_table(h, prefix, &steps_table, &steps, &history->n_steps);
    if (status == LKS_OK)
        status = get_table(h, prefix, &epochs_table, &epochs, &history->n_epochs);
    history->steps = steps;
    history->epochs = epochs;
    history->steps_capacity = steps ? history->n_steps : 0;
    history->epochs_capacity = epochs ? history->n_epochs : 0;
    LKS_TRY(status);
    LKS_TRY(get_phases(h, prefix, history));
    LKS_TRY(get_norms(h, prefix, history));
    return get_chain(h, prefix, &history->chain);
}

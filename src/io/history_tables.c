#include "io/history_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lockstep/memory.h"

/** A member of a record and the data set it becomes. */
typedef struct column {
    const char *name;
    lks_h5_type type;
    size_t offset;
} column;

/** Columns of one kind of record. */
typedef struct table {
    const char *group;
    const column *columns;
    int n_columns;
    size_t record_size;
} table;

#define STEP(member, type)                                                                         \
    { #member, type, offsetof(lks_step_record, member) }
#define EPOCH(member, type)                                                                        \
    { #member, type, offsetof(lks_epoch_record, member) }

static const column step_columns[] = {STEP(step, LKS_H5_I64), STEP(epoch, LKS_H5_I32),
                                      STEP(loss, LKS_H5_F64), STEP(accuracy, LKS_H5_F64),
                                      STEP(lr, LKS_H5_F64)};

static const column epoch_columns[] = {EPOCH(epoch, LKS_H5_I32),
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
                                       EPOCH(comm_seconds, LKS_H5_F64)};

static const table steps_table = {
    "steps", step_columns, sizeof step_columns / sizeof step_columns[0], sizeof(lks_step_record)};
static const table epochs_table = {"epochs", epoch_columns,
                                   sizeof epoch_columns / sizeof epoch_columns[0],
                                   sizeof(lks_epoch_record)};

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

static lks_status get_columns(lks_h5 *h, const char *prefix, const table *t, unsigned char *values,
                              unsigned char *records, size_t n) {
    for (int i = 0; i < t->n_columns; i++) {
        const column *c = &t->columns[i];
        size_t size = lks_h5_type_size(c->type);
        char path[64];
        column_path(path, prefix, t, c);
        LKS_TRY(lks_h5_get_array(h, path, c->type, n, values));
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

lks_status lks_history_put(lks_h5 *h, const char *prefix, const lks_history *history) {
    LKS_TRY(put_table(h, prefix, &steps_table, history->steps, history->n_steps));
    return put_table(h, prefix, &epochs_table, history->epochs, history->n_epochs);
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
    return status;
}

/* Asking confined processes what is in a stranger's file. */
#include "io/h5/h5_tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/observe/pulse.h"
#include "io/h5/h5.h"
#include "io/h5/h5_tensors_file.h"

#define OWN_BYTES      ((size_t)96 << 20) /* of HDF5 itself */
#define BYTES_A_SECOND ((size_t)1 << 26)  /* that slow machines inflate */
#define SECONDS        4
#define TENSORS_MAX    65536

/* --- the list --------------------------------------------------------------------------------- */

static bool is_sound(const lks_h5_tensor *t) {
    return memchr(t->path, 0, sizeof t->path) && memchr(t->label, 0, sizeof t->label) &&
           t->path[0] == '/' && t->type <= LKS_H5_NUMBER_TEXT && t->big_endian <= 1 &&
           t->ndim <= LKS_H5_TENSOR_DIMS_MAX;
}

static int by_path(const void *a, const void *b) {
    const lks_h5_tensor *x = a, *y = b;
    return strcmp(x->path, y->path);
}

static lks_status take_list(lks_h5_tensors *t, size_t bytes, lks_error *err) {
    lks_h5_tensor *all = (lks_h5_tensor *)(void *)t->bytes;
    bool sound = bytes % sizeof *all == 0;
    t->n = bytes / sizeof *all;
    for (size_t i = 0; i < t->n && sound; i++)
        sound = is_sound(&all[i]);
    if (!sound)
        return lks_fail(err, LKS_ERR_FORMAT, "%s: what HDF5 finds in it makes no sense", t->name);
    if (t->n > 0)
        qsort(all, t->n, sizeof *all, by_path);
    t->all = all;
    return LKS_OK;
}

lks_status lks_h5_tensors_open(lks_h5_tensors *t, const char *name, const void *bytes, size_t size,
                               lks_error *err) {
    char argument[LKS_CONFINED_ARGUMENT];
    size_t found = 0;
    *t = (lks_h5_tensors){.name = name, .file = -1, .size = size};
    const int length = snprintf(argument, sizeof argument, "%s", name);
    const size_t most = TENSORS_MAX * sizeof(lks_h5_tensor);
    const lks_confined_job job = {
        .work = lks_h5_list_tensors,
        .argument = argument,
        .argument_size = length < (int)sizeof argument ? (size_t)length + 1 : sizeof argument,
        .memory = OWN_BYTES + 4 * most + 4 * size,
        .most = most,
        .seconds = SECONDS + (int)(size / BYTES_A_SECOND)};
    if (size == 0)
        return lks_fail(err, LKS_ERR_FORMAT, "%s: is empty", name);
    t->file = lks_h5_lend(name, bytes, size, err);
    if (t->file < 0)
        return LKS_ERR_IO;
    LKS_TRY(lks_confined_run(&job, name, t->file, &t->bytes, &found, err));
    return take_list(t, found, err);
}

void lks_h5_tensors_close(lks_h5_tensors *t) {
    if (t->file >= 0)
        close(t->file);
    free(t->bytes);
    *t = (lks_h5_tensors){.file = -1};
}

/* --- values ----------------------------------------------------------------------------------- */

lks_status lks_h5_tensors_read(const lks_h5_tensors *t, size_t i, void *values, size_t size,
                               lks_error *err) {
    lks_h5_wanted wanted = {.tensor = t->all[i], .bytes = size};
    snprintf(wanted.name, sizeof wanted.name, "%s", t->name);
    const lks_confined_job job = {.work = lks_h5_read_tensor,
                                  .argument = &wanted,
                                  .argument_size = sizeof wanted,
                                  .memory = OWN_BYTES + 6 * size + 4 * t->size,
                                  .most = size,
                                  .seconds = SECONDS + (int)((size + t->size) / BYTES_A_SECOND)};
    unsigned char *bytes;
    size_t found = 0;
    if (size == 0)
        return LKS_OK;
    LKS_TRY(lks_confined_run(&job, t->name, t->file, &bytes, &found, err));
    if (found == size)
        memcpy(values, bytes, size);
    free(bytes);
    lks_pulse_tick();
    return found == size ? LKS_OK
                         : lks_fail(err, LKS_ERR_FORMAT, "%s: %s: %zu bytes came where %zu belong",
                                    t->name, t->all[i].path, found, size);
}

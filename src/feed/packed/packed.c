#include "feed/packed/packed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files/whole_file.h"
#include "feed/image_file.h"
#include "lockstep/log.h"
#include "base/memory.h"

enum { SIZE_MAX_OF_NOTE = 1 << 20 };

/* The file beside the images of a set, and what it says. */
typedef struct packed {
    char path[LKS_PATH_MAX];
    bool found;
    lks_packed_note note;
} packed;

/* --- one process ------------------------------------------------------------------------------ */

static lks_status name_file(char path[LKS_PATH_MAX], const lks_data_config *c, lks_image_part part,
                            lks_error *err) {
    char images[LKS_PATH_MAX];
    LKS_TRY(lks_data_path(images, c->dir, part == LKS_PART_TRAIN ? c->train_images : c->test_images,
                          err));
    char *slash = strrchr(images, '/');
    if (slash)
        slash[1] = '\0';
    return lks_data_path(path, slash ? images : ".", LKS_PACKED_NAME, err);
}

static lks_status check_size(const char *path, const unsigned char *head, size_t size,
                             lks_error *err) {
    (void)head;
    return size <= SIZE_MAX_OF_NOTE
               ? LKS_OK
               : lks_fail(err, LKS_ERR_CONFIG,
                          "%s: larger than 1 MiB, this is no file of `lockstep pack`", path);
}

/* Images that cannot be opened are for others to explain. */
static lks_status check_shape(const packed *p, const lks_data_config *c, lks_image_part part,
                              lks_error *err) {
    lks_image_file f;
    lks_error ignored;
    const lks_packed_note *n = &p->note;
    if (lks_image_file_open(&f, c, part, &ignored) != LKS_OK)
        return LKS_OK;
    const int rows = c->transpose ? f.columns : f.rows, columns = c->transpose ? f.rows : f.columns;
    if (rows == n->rows && columns == n->columns && f.channels == n->channels)
        return LKS_OK;
    return lks_fail(
        err, LKS_ERR_DATA,
        "%s is of images of %d x %d x %d (rows, columns, channels), %s has %d x %d x %d: it "
        "belongs to other images; move one of them away, or pack them anew",
        p->path, n->rows, n->columns, n->channels, f.path, rows, columns, f.channels);
}

static lks_status read_note(packed *p, const lks_data_config *c, lks_image_part part,
                            lks_error *err) {
    struct stat info;
    unsigned char *text;
    size_t size;
    LKS_TRY(name_file(p->path, c, part, err));
    if (lstat(p->path, &info) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return LKS_OK;
    lks_status status = lks_read_whole_file(p->path, 0, check_size, &text, &size, err);
    if (status == LKS_OK)
        status = lks_packed_note_parse(&p->note, (const char *)text, size, p->path, err);
    free(text);
    LKS_TRY(status);
    p->found = true;
    lks_detail("read %s, %zu bytes", p->path, size);
    return check_shape(p, c, part, err);
}

/* --- all of them ------------------------------------------------------------------------------ */

static lks_status read_alike(packed *p, const lks_data_config *c, lks_image_part part,
                             lks_comm *comm, lks_error *err) {
    if (!comm)
        return read_note(p, c, part, err);
    LKS_TRY(lks_comm_agree(comm, comm->rank == 0 ? read_note(p, c, part, err) : LKS_OK, err));
    lks_comm_broadcast(comm, p, sizeof *p, 0);
    return lks_comm_check(comm, err);
}

static lks_status start(packed **p, lks_comm *comm, lks_error *err) {
    *p = lks_alloc(1, sizeof **p, LKS_PACKED_NAME, err);
    const lks_status status = *p ? LKS_OK : err->status;
    return comm ? lks_comm_agree(comm, status, err) : status;
}

lks_status lks_packed_take(lks_config *config, lks_comm *comm, lks_error *err) {
    packed *p;
    char remarks[3][LKS_REMARK_MAX];
    lks_status status = start(&p, comm, err);
    if (status == LKS_OK)
        status = read_alike(p, &config->data, LKS_PART_TRAIN, comm, err);
    if (status == LKS_OK && p->found) {
        const int n = lks_config_take_note(config, &p->note, remarks);
        for (int i = 0; i < n; i++)
            lks_warn("%s: %s", p->path, remarks[i]);
    }
    lks_free(p);
    return status;
}

/* "2" where the classes have no names. */
static const char *name_of(const lks_data_config *c, int k, char number[16]) {
    if (c->n_class_names)
        return c->class_names[k];
    snprintf(number, 16, "%d", k);
    return number;
}

/* The first class of another name; -1: there is none, or nothing can be said. */
static int first_other(const lks_data_config *a, const lks_data_config *b) {
    const int m = a->n_class_names, n = b->n_class_names;
    const int least = !m ? n : !n || m < n ? m : n;
    char x[16], y[16];
    for (int k = 0; k < least; k++)
        if (strcmp(name_of(a, k, x), name_of(b, k, y)) != 0)
            return k;
    return -1;
}

static lks_status compare(const packed *p, const lks_data_config *own, lks_error *err) {
    const lks_data_config *said = &p->note.data;
    const lks_pictures_config *a = &own->pictures, *b = &said->pictures;
    const int k = first_other(own, said);
    char x[16], y[16];
    if (k >= 0 && own->n_class_names && said->n_class_names)
        return lks_fail(
            err, LKS_ERR_MISMATCH,
            "class %d is '%s' to the network, but '%s' in %s: figures would mix them up; "
            "pack the pictures with the network's classes, or use eval --pictures, "
            "which goes by names",
            k, own->class_names[k], said->class_names[k], p->path);
    if (k >= 0)
        lks_warn("class %d is '%s' to the network, but '%s' in %s: are they the same classes?", k,
                 name_of(own, k, x), name_of(said, k, y), p->path);
    if (a->preprocess != LKS_PREPROCESS_AUTO &&
        (a->preprocess != b->preprocess || a->invert != b->invert ||
         a->background != b->background))
        lks_warn("%s: these pictures were prepared in another way than those that the network was "
                 "trained on",
                 p->path);
    return LKS_OK;
}

lks_status lks_packed_compare(const lks_config *config, lks_comm *comm, lks_error *err) {
    packed *p;
    lks_status status = start(&p, comm, err);
    if (status == LKS_OK)
        status = read_alike(p, &config->data, LKS_PART_TEST, comm, err);
    if (status == LKS_OK && p->found)
        status = compare(p, &config->data, err);
    lks_free(p);
    return status;
}

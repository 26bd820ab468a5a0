/* stranger WHAT CHECKPOINT OUT: the same checkpoint, made by somebody with other purposes: seal and digests are valid,
 * and WHAT it is that does harm. "stranger list": every WHAT that is to be refused, one a line. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/checkpoint_format.h"
#include "lockstep/log.h"
#include "lockstep/model.h"

/* --- texts: every one speaks to terminals, to readers of JSON or to browsers ------------------ */

#define HOSTILE "\033]0;pwned\a\033[31m\xc2\x9b\",\"pwned\":\"1\n\xff<script>"

/* As much of it as there is room for. */
static void spoil(char *text, size_t size) {
    static const char hostile[] = HOSTILE;
    const size_t n = sizeof hostile < size ? sizeof hostile : size;
    memcpy(text, hostile, n);
    text[n - 1] = '\0';
}

static void texts(lks_checkpoint *c) {
    lks_provenance *p = &c->provenance;
    spoil(p->version, sizeof p->version);
    spoil(p->revision, sizeof p->revision);
    spoil(p->compiler, sizeof p->compiler);
    spoil(p->isa, sizeof p->isa);
    spoil(p->time, sizeof p->time);
    spoil(p->mpi, sizeof p->mpi);
    spoil(p->hosts, sizeof p->hosts);
    spoil(p->init_from.path, sizeof p->init_from.path);
    spoil(p->init_from.weights_sha256, sizeof p->init_from.weights_sha256);
    spoil(p->init_from.flat, sizeof p->init_from.flat);
}

/* --- numbers ---------------------------------------------------------------------------------- */

#define NUMBER(name, member, value)                                                                \
    static void name(lks_checkpoint *c) {                                                          \
        c->member = value;                                                                         \
    }
NUMBER(many_classes, data.classes, 300)
NUMBER(no_classes, data.classes, 0)
NUMBER(many_channels, data.channels, 1000000)
NUMBER(no_channels, data.channels, -1)
NUMBER(rows, data.rows, -28)
NUMBER(columns, data.columns, INT32_MAX)
NUMBER(no_images, data.n_train, -1)
NUMBER(mean, data.mean[0], NAN)
NUMBER(deviation, data.std[0], 0)
NUMBER(digest, data.digest[3], '/')
NUMBER(step, cursor.step, -5)
NUMBER(epoch, cursor.epoch, INT64_C(1) << 40)
NUMBER(batch, cursor.batch, -1)
NUMBER(correct, cursor.correct, INT64_MAX)
NUMBER(reductions, cursor.plateau.reductions, INT64_C(1) << 50)
NUMBER(watched, cursor.early_stop.best, INFINITY)
NUMBER(ranks, provenance.ranks, -1)
NUMBER(nan_weight, flats[0].values[3], NAN)
NUMBER(infinite_state, flats[1].values[7], -INFINITY)

static void best(lks_checkpoint *c) {
    c->best = (lks_best){.step = c->cursor.step, .correct = 7, .total = 0};
}

/* An array that is shorter than the model. */
static void short_array(lks_checkpoint *c) {
    c->flats[1].n_tensors = 1;
    c->flats[1].count = c->flats[1].tensors[0].count;
}

static void other_first(lks_checkpoint *c) {
    strcpy(c->flats[0].group, "models");
}

/* Sides that are possible each; a network may look at one pixel of it. */
static void large_images(lks_checkpoint *c) {
    c->data.rows = c->data.columns = 65536;
}

/* Each is finite, but what a layer sums up is not. */
static void large_weights(lks_checkpoint *c) {
    for (int f = 0; f < c->n_flats; f++)
        for (size_t i = 0; i < c->flats[f].count; i++)
            c->flats[f].values[i] = i % 3 ? 3e38F : -3e38F;
}

/* A network of 3 GB. */
static void huge_network(lks_checkpoint *c) {
    static char yaml[] = "data: {classes: 10}\nmodel: [flatten, {dense: 1000000}, {dense: 10}]\n";
    free(c->config_yaml);
    c->config_yaml = strdup(yaml);
}

/* --- what HDF5 can be told to do -------------------------------------------------------------- */

/* A million names of one byte: each takes many where it is kept. */
static void many_names(hid_t file) {
    static char names[1 << 20];
    const hsize_t n = sizeof names;
    const hid_t text = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &n, NULL);
    H5Adelete_by_name(file, "/model", "tensors", H5P_DEFAULT);
    memset(names, 'a', sizeof names);
    const hid_t id = H5Acreate_by_name(file, "/model", "tensors", text, space, H5P_DEFAULT,
                                       H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(id, text, names);
    H5Aclose(id);
    H5Sclose(space);
    H5Tclose(text);
}

static void put_set(hid_t file, const char *path, hid_t type, hsize_t n, hid_t creation) {
    H5Ldelete(file, path, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(1, &n, NULL);
    H5Dclose(H5Dcreate2(file, path, type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    H5Sclose(space);
    H5Pclose(creation);
}

static void external_storage(hid_t file) {
    const hid_t text = H5Tcopy(H5T_C_S1), creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Tset_size(text, 32);
    H5Pset_external(creation, "/etc/passwd", 0, 32);
    put_set(file, "/config", text, 1, creation);
    H5Tclose(text);
}

static void external_link(hid_t file) {
    H5Ldelete(file, "/history", H5P_DEFAULT);
    H5Lcreate_external("/etc/passwd", "/history", file, "/history", H5P_DEFAULT, H5P_DEFAULT);
}

static void soft_link(hid_t file) {
    H5Ldelete(file, "/config", H5P_DEFAULT);
    H5Lcreate_soft("/config", file, "/config", H5P_DEFAULT, H5P_DEFAULT); /* to itself */
}

/* Groups within themselves: there is no end of paths. */
static void loop(hid_t file) {
    for (char name[] = "/data/a"; name[6] <= 'z'; name[6]++)
        H5Lcreate_hard(file, "/data", file, name, H5P_DEFAULT, H5P_DEFAULT);
}

static void virtual_set(hid_t file) {
    const hsize_t n = 32;
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, &n, NULL);
    H5Pset_virtual(creation, space, "/etc/passwd", "/x", space);
    put_set(file, "/history/steps/loss", H5T_IEEE_F64LE, n, creation);
    H5Sclose(space);
}

static void huge_set(hid_t file) {
    const hsize_t chunk = 1 << 20;
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 1, &chunk);
    put_set(file, "/history/steps/loss", H5T_IEEE_F64LE, (hsize_t)1 << 40, creation);
}

/* Large enough for the file, but never written. */
static void unwritten(hid_t file) {
    const hsize_t chunk = 40;
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 1, &chunk);
    H5Pset_fletcher32(creation);
    put_set(file, "/history/steps/loss", H5T_IEEE_F64LE, chunk, creation);
}

static void packed(hid_t file) {
    const hsize_t chunk = 3;
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 1, &chunk);
    H5Pset_deflate(creation, 9);
    put_set(file, "/history/steps/loss", H5T_IEEE_F64LE, chunk, creation);
}

static void own_type(hid_t file) {
    const hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, H5T_VARIABLE);
    put_set(file, "/config", text, 1, H5Pcreate(H5P_DATASET_CREATE));
    H5Tclose(text);
}

static void no_tensor(hid_t file) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_layout(creation, H5D_COMPACT);
    put_set(file, "/model/conv1/weight", H5T_IEEE_F32LE, 0, creation);
}

static void missing(hid_t file) {
    H5Ldelete(file, "/cursor", H5P_DEFAULT);
}

/* --- all of them ------------------------------------------------------------------------------ */

static const struct {
    const char *what;
    void (*content)(lks_checkpoint *c);
    void (*file)(hid_t file);
} deeds[] = {
    {"texts", texts, NULL}, /* harmless where they are shown as they should be */
    {"many_classes", many_classes, NULL},
    {"no_classes", no_classes, NULL},
    {"many_channels", many_channels, NULL},
    {"no_channels", no_channels, NULL},
    {"rows", rows, NULL},
    {"columns", columns, NULL},
    {"no_images", no_images, NULL},
    {"mean", mean, NULL},
    {"deviation", deviation, NULL},
    {"digest", digest, NULL},
    {"step", step, NULL},
    {"epoch", epoch, NULL},
    {"batch", batch, NULL},
    {"correct", correct, NULL},
    {"reductions", reductions, NULL},
    {"watched", watched, NULL},
    {"ranks", ranks, NULL},
    {"best", best, NULL},
    {"nan_weight", nan_weight, NULL},
    {"infinite_state", infinite_state, NULL},
    {"large_images", large_images, NULL},
    {"large_weights", large_weights, NULL},
    {"short_array", short_array, NULL},
    {"other_first", other_first, NULL},
    {"huge_network", huge_network, NULL},
    {"external_storage", NULL, external_storage},
    {"external_link", NULL, external_link},
    {"soft_link", NULL, soft_link},
    {"loop", NULL, loop},
    {"virtual_set", NULL, virtual_set},
    {"huge_set", NULL, huge_set},
    {"many_names", NULL, many_names},
    {"unwritten", NULL, unwritten},
    {"packed", NULL, packed},
    {"own_type", NULL, own_type},
    {"no_tensor", NULL, no_tensor},
    {"missing", NULL, missing},
};
enum { DEEDS = sizeof deeds / sizeof *deeds };

static lks_status seal_anew(const char *path, lks_error *err) {
    FILE *f = fopen(path, "r+b");
    static unsigned char bytes[1 << 22];
    const size_t size = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    lks_status status = size < LKS_SEAL_SIZE ? lks_fail(err, LKS_ERR_IO, "cannot read %s", path)
                                             : lks_seal_write(bytes, size, err);
    if (status == LKS_OK && (fseek(f, 0, SEEK_SET) != 0 || fwrite(bytes, size, 1, f) != 1))
        status = lks_fail(err, LKS_ERR_IO, "cannot write %s", path);
    if (f && fclose(f) != 0 && status == LKS_OK)
        status = lks_fail(err, LKS_ERR_IO, "cannot write %s", path);
    return status;
}

static lks_status make(int deed, const char *from, const char *to, lks_error *err) {
    lks_checkpoint c;
    LKS_TRY(lks_checkpoint_read(from, LKS_NUMERICS, &c, err));
    if (deeds[deed].content)
        deeds[deed].content(&c);
    const lks_status status = lks_checkpoint_write(to, &c, err);
    lks_checkpoint_free(&c);
    if (status != LKS_OK || !deeds[deed].file)
        return status;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const hid_t file = H5Fopen(to, H5F_ACC_RDWR, H5P_DEFAULT);
    deeds[deed].file(file);
    if (H5Fclose(file) < 0)
        return lks_fail(err, LKS_ERR_IO, "cannot edit %s", to);
    return seal_anew(to, err);
}

int main(int argc, char **argv) {
    lks_error err;
    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        for (int i = 1; i < DEEDS; i++)
            puts(deeds[i].what);
        return 0;
    }
    for (int i = 0; argc == 4 && i < DEEDS; i++)
        if (strcmp(argv[1], deeds[i].what) == 0) {
            if (make(i, argv[2], argv[3], &err) == LKS_OK)
                return 0;
            lks_error_print(err.text);
            return 1;
        }
    return 2;
}

#include "feed/names.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "files/kind/file_kind.h"
#include "lockstep/log.h"

/* Folders below data.dir in which sets stand: torchvision's, and that of EMNIST's archive. */
static const char *const folders[] = {"",           "raw",        "MNIST/raw",  "FashionMNIST/raw",
                                      "KMNIST/raw", "QMNIST/raw", "EMNIST/raw", "gzip"};

enum { SETS_MAX = 16 };

typedef struct search {
    const lks_data_config *config;
    lks_image_part part;
    char found[SETS_MAX][LKS_PATH_MAX]; /* files of images, below data.dir, without .gz; in order */
    int n;
} search;

/* --- names ------------------------------------------------------------------------------------ */

static bool is_file(const char *dir, const char *name) {
    char path[LKS_PATH_MAX];
    struct stat info;
    lks_error ignored;
    return lks_data_path(path, dir, name, &ignored) == LKS_OK && stat(path, &info) == 0 &&
           S_ISREG(info.st_mode);
}

/* NAME or NAME.gz. */
static bool is_there(const char *dir, const char *name) {
    char zipped[LKS_PATH_MAX];
    return is_file(dir, name) ||
           (snprintf(zipped, sizeof zipped, "%s.gz", name) < LKS_PATH_MAX && is_file(dir, zipped));
}

/* "emnist-digits-train-images-idx3-ubyte.gz": [PREFIX-]WORD[-.]idx3-ubyte[.gz]. */
static bool is_name_of(const char *name, const char *word) {
    const char *at = strstr(name, word);
    if (!at || (at > name && at[-1] != '-' && at[-1] != '_'))
        return false;
    at += strlen(word);
    if (*at != '-' && *at != '.')
        return false;
    return strcmp(at + 1, "idx3-ubyte") == 0 || strcmp(at + 1, "idx3-ubyte.gz") == 0;
}

static bool is_wanted(const char *name, lks_image_part part) {
    if (part == LKS_PART_TRAIN)
        return is_name_of(name, "train-images");
    return is_name_of(name, "t10k-images") || is_name_of(name, "test-images");
}

/* --- what is there ---------------------------------------------------------------------------- */

static int compare(const void *a, const void *b) {
    return strcmp(a, b);
}

static void add_found(search *s, const char *folder, const char *name) {
    char path[2 * LKS_PATH_MAX];
    const size_t length = strlen(name);
    const bool zipped = length > 3 && strcmp(name + length - 3, ".gz") == 0;
    const int n = snprintf(path, sizeof path, "%s%s%.*s", folder, folder[0] ? "/" : "",
                           (int)(zipped ? length - 3 : length), name);
    if (n >= LKS_PATH_MAX || s->n == SETS_MAX || !is_there(s->config->dir, path))
        return;
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->found[i], path) == 0) /* plain and .gz */
            return;
    memcpy(s->found[s->n++], path, (size_t)n + 1);
}

static void look_into(search *s, const char *folder) {
    char path[LKS_PATH_MAX];
    lks_error ignored;
    if (lks_data_path(path, s->config->dir, folder, &ignored) != LKS_OK)
        return;
    DIR *dir = opendir(path);
    for (const struct dirent *e; dir && (e = readdir(dir));)
        if (is_wanted(e->d_name, s->part))
            add_found(s, folder, e->d_name);
    if (dir)
        closedir(dir);
}

static void search_all(search *s) {
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        look_into(s, folders[i]);
    qsort(s->found, (size_t)s->n, sizeof *s->found, compare);
}

/* ...images-idx3-ubyte becomes ...labels-idx1-ubyte, or QMNIST's labels-idx2-int, whose opening tells what it is. */
static void name_labels(char labels[LKS_PATH_MAX], const char *images, const char *dir) {
    static const char *const ends[] = {"idx1-ubyte", "idx2-int"};
    const char *slash = strrchr(images, '/');
    const char *word = strstr(slash ? slash : images, "images");
    for (size_t i = 0; i < 2; i++) {
        snprintf(labels, LKS_PATH_MAX, "%.*slabels%c%s", (int)(word - images), images,
                 word[strlen("images")], ends[i]);
        if (is_there(dir, labels))
            return;
    }
    snprintf(labels, LKS_PATH_MAX, "%.*slabels%c%s", (int)(word - images), images,
             word[strlen("images")], ends[0]);
}

/* --- what to say ------------------------------------------------------------------------------ */

static lks_status fail_several(const search *s, lks_error *err) {
    const bool train = s->part == LKS_PART_TRAIN;
    return lks_fail(err, LKS_ERR_DATA,
                    "%s: no %s, but several other sets: %s, %s%s; name one with data.%s_images and "
                    "data.%s_labels",
                    s->config->dir, train ? LKS_TRAIN_IMAGES : LKS_TEST_IMAGES, s->found[0],
                    s->found[1], s->n > 2 ? ", ..." : "", train ? "train" : "test",
                    train ? "train" : "test");
}

/* Files in which sets are handed round that this program cannot read. */
static bool is_foreign(const char *name) {
    static const char *const ends[] = {".npz",    ".npy",    ".csv",     ".zip", ".tar",
                                       ".tgz",    ".tar.gz", ".parquet", ".mat", ".pkl",
                                       ".pickle", ".pt",     ".arff",    ".7z"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const size_t n = strlen(name), m = strlen(ends[i]);
        if (n > m && strcmp(name + n - m, ends[i]) == 0)
            return true;
    }
    return false;
}

/* The first of them in order, so that all ranks name the same. */
static bool find_foreign(const char *dir, char name[LKS_PATH_MAX]) {
    char path[LKS_PATH_MAX];
    lks_error ignored;
    DIR *d = lks_data_path(path, dir, "", &ignored) == LKS_OK ? opendir(path) : NULL;
    bool found = false;
    for (const struct dirent *e; d && (e = readdir(d));)
        if (is_foreign(e->d_name) && (!found || strcmp(e->d_name, name) < 0)) {
            snprintf(name, LKS_PATH_MAX, "%s", e->d_name);
            found = true;
        }
    if (d)
        closedir(d);
    return found;
}

static lks_status fail_foreign(const lks_data_config *c, lks_error *err) {
    char name[LKS_PATH_MAX], path[LKS_PATH_MAX];
    if (!find_foreign(c->dir, name))
        return LKS_OK;
    LKS_TRY(lks_data_path(path, c->dir, name, err));
    return lks_fail_file_kind(err, path, lks_file_kind_at(path), LKS_WANTED_IMAGES);
}

static bool has_picture(const char *dir, const char *name) {
    static const char *const ends[] = {".png", ".jpg", ".jpeg", ".pgm",
                                       ".ppm", ".pbm", ".pnm",  NULL};
    char path[LKS_PATH_MAX];
    lks_error ignored;
    bool found = false;
    DIR *d = lks_data_path(path, dir, name, &ignored) == LKS_OK ? opendir(path) : NULL;
    for (const struct dirent *e; d && !found && (e = readdir(d));) {
        const char *dot = strrchr(e->d_name, '.');
        for (int i = 0; dot && ends[i] && !found; i++)
            found = strcasecmp(dot, ends[i]) == 0;
    }
    if (d)
        closedir(d);
    return found;
}

/* Two folders with pictures are class folders. */
static bool has_class_folders(const char *dir) {
    char path[LKS_PATH_MAX];
    lks_error ignored;
    int folders_seen = 0, classes = 0;
    DIR *d = lks_data_path(path, dir, "", &ignored) == LKS_OK ? opendir(path) : NULL;
    for (const struct dirent *e; d && classes < 2 && folders_seen < 1000 && (e = readdir(d));)
        if (e->d_name[0] != '.' && !is_file(dir, e->d_name)) {
            folders_seen++;
            classes += has_picture(path, e->d_name);
        }
    if (d)
        closedir(d);
    return classes == 2;
}

/* What is there in place of a set. */
static lks_status fail_other(const lks_data_config *c, lks_error *err) {
    if (has_class_folders(c->dir))
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: no %s, but folders of pictures: `lockstep pack` makes a data set of "
                        "them",
                        c->dir, LKS_TRAIN_IMAGES);
    return fail_foreign(c, err);
}

/* --- all -------------------------------------------------------------------------------------- */

static lks_status choose(search *s, lks_set_names *names, bool labels_too, lks_error *err) {
    const char *dir = s->config->dir;
    search_all(s);
    if (s->n > 1)
        return fail_several(s, err);
    if (s->n == 0)
        return s->part == LKS_PART_TRAIN ? fail_other(s->config, err) : LKS_OK;
    snprintf(names->images, sizeof names->images, "%s", s->found[0]);
    if (labels_too)
        name_labels(names->labels, names->images, dir);
    names->found = true;
    return LKS_OK;
}

lks_status lks_set_names_find(lks_set_names *names, const lks_data_config *c, lks_image_part part,
                              lks_error *err) {
    const bool train = part == LKS_PART_TRAIN;
    *names = (lks_set_names){.found = false};
    snprintf(names->images, sizeof names->images, "%s", train ? c->train_images : c->test_images);
    snprintf(names->labels, sizeof names->labels, "%s", train ? c->train_labels : c->test_labels);
    if (strcmp(names->images, train ? LKS_TRAIN_IMAGES : LKS_TEST_IMAGES) != 0 ||
        is_there(c->dir, names->images))
        return LKS_OK;
    search *s = calloc(1, sizeof *s);
    if (!s)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for names of files");
    s->config = c;
    s->part = part;
    const bool default_labels =
        strcmp(names->labels, train ? LKS_TRAIN_LABELS : LKS_TEST_LABELS) == 0;
    const lks_status status = choose(s, names, default_labels, err);
    free(s);
    return status;
}

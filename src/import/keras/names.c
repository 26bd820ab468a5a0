/* Two layouts. Keras 3 has /layers/CLASS_N/vars/0, 1, ..., mostly with the layer's name at the group: what a variable is, its
 * place and shape tell. Keras 2 has LAYER/LAYER/kernel:0, in a file of a whole model below /model_weights. */
#include "import/keras/names.h"

#include <stdlib.h>
#include <string.h>

#include "import/groups.h"
#include "lockstep/log.h"

/* A part of a path between slashes. */
typedef struct part {
    const char *at;
    size_t length;
} part;

enum { PARTS_MAX = 20 }; /* deeper files are not read */

typedef struct parts {
    part all[PARTS_MAX];
    int n;
} parts;

static parts parts_of(const char *path) {
    parts p = {.n = 0};
    while (*path == '/' && p.n < PARTS_MAX) {
        const size_t length = strcspn(++path, "/");
        p.all[p.n++] = (part){path, length};
        path += length;
    }
    return p;
}

static bool is_word(part p, const char *word) {
    return p.length == strlen(word) && memcmp(p.at, word, p.length) == 0;
}

static bool begins(part p, const char *word) {
    return p.length >= strlen(word) && memcmp(p.at, word, strlen(word)) == 0;
}

/* Of the class in Keras 3: "dense", "dense_1", but not "dense_like". */
static bool is_of(part p, const char *class) {
    const size_t n = strlen(class);
    if (!begins(p, class) || p.length == n)
        return p.length == n && begins(p, class);
    return p.at[n] == '_' && strspn(p.at + n + 1, "0123456789") == p.length - n - 1;
}

static bool is_float(const lks_h5_tensor *t) {
    return t->type >= LKS_H5_NUMBER_F16 && t->type <= LKS_H5_NUMBER_F64;
}

/* Training's own, which a compiled model has beside its layers. */
static bool is_of_training(const parts *p) {
    static const char *const words[] = {"optimizer", "metrics", "compile_metrics", "loss", "_loss"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (begins(p->all[0], words[i]))
            return true;
    return false;
}

/* --- names ------------------------------------------------------------------------------------ */

static void append(char name[LKS_IMPORT_NAME_MAX], const char *text, size_t length) {
    const size_t used = strlen(name);
    snprintf(name + used, LKS_IMPORT_NAME_MAX - used, "%s%.*s", used ? "/" : "", (int)length, text);
}

/* Keras 3: groups without those that are called "layers" alone; the last one by its label. */
static void name_layer(char name[LKS_IMPORT_NAME_MAX], const parts *p, const char *label) {
    const int layer = p->n - 3;
    for (int i = 0; i <= layer; i++)
        if (i == layer && label[0])
            append(name, label, strlen(label));
        else if (i == layer || (!is_word(p->all[i], "layers") &&
                                !is_word(p->all[i], "_layer_checkpoint_dependencies")))
            append(name, p->all[i].at, p->all[i].length);
}

static bool is_keras_3(const parts *p) {
    return p->n >= 3 && is_word(p->all[p->n - 2], "vars");
}

/* Keras 2: the last group and what is in it, without the number that TensorFlow adds. */
static void name_by_words(lks_keras_variable *v, const parts *p) {
    part word = p->all[p->n - 1];
    const char *colon = memchr(word.at, ':', word.length);
    if (colon)
        word.length = (size_t)(colon - word.at);
    v->depthwise = is_word(word, "depthwise_kernel");
    if (p->n > 1)
        append(v->name, p->all[p->n - 2].at, p->all[p->n - 2].length);
    if (v->depthwise)
        append(v->name, "kernel", strlen("kernel"));
    else
        append(v->name, word.at, word.length);
}

/* --- what variables are ----------------------------------------------------------------------- */

/* The variables of one layer, [first, end) of the list. */
typedef struct layer {
    lks_keras_variable *all;
    size_t first, end;
} layer;

static const lks_h5_tensor *tensor_of(const layer *l, size_t k) {
    return l->all[l->first + k].tensor;
}

static bool all_vectors(const layer *l) {
    for (size_t k = 0; k < l->end - l->first; k++)
        if (tensor_of(l, k)->ndim != 1 || !is_float(tensor_of(l, k)) ||
            tensor_of(l, k)->dims[0] != tensor_of(l, 0)->dims[0])
            return false;
    return true;
}

/* The words for its variables in order, or NULL: it is of a kind that nobody here knows. */
static const char *const *words_of(const layer *l) {
    static const char *const norm[] = {"gamma", "beta", "moving_mean", "moving_variance"};
    static const char *const weights[] = {"kernel", "bias"};
    const size_t n = l->end - l->first;
    if (all_vectors(l))
        return n == 4 ? norm : n == 2 ? norm + 2 : NULL;
    const bool kernel = is_float(tensor_of(l, 0)) && tensor_of(l, 0)->ndim >= 2;
    const bool bias = n == 1 || (is_float(tensor_of(l, 1)) && tensor_of(l, 1)->ndim == 1);
    return kernel && bias && n <= 2 ? weights : NULL;
}

static bool has_floats(const layer *l) {
    for (size_t k = l->first; k < l->end; k++)
        if (is_float(l->all[k].tensor))
            return true;
    return false;
}

static lks_status name_variables(const layer *l, const char *path, lks_error *err) {
    const parts p = parts_of(tensor_of(l, 0)->path);
    const part folder = p.all[p.n - 3];
    if (is_of(folder, "normalization")) {
        lks_warn("%s: its layer '%.*s' normalizes images; here data.normalize does", path,
                 (int)folder.length, folder.at);
        return LKS_OK;
    }
    if (!has_floats(l)) /* states of random numbers */
        return LKS_OK;
    const char *const *words = words_of(l);
    if (!words)
        return lks_fail(err, LKS_ERR_FORMAT,
                        "%s: '%.128s' and its like, %zu in all, are the variables of no layer that "
                        "Lockstep has",
                        path, tensor_of(l, 0)->path, l->end - l->first);
    for (size_t k = l->first; k < l->end; k++) {
        name_layer(l->all[k].name, &p, l->all[k].tensor->label);
        append(l->all[k].name, words[k - l->first], strlen(words[k - l->first]));
        l->all[k].depthwise = k == l->first && is_of(folder, "depthwise_conv2d");
    }
    return LKS_OK;
}

/* --- all of them ------------------------------------------------------------------------------ */

static int by_layers(const void *a, const void *b) {
    const lks_h5_tensor *x = ((const lks_keras_variable *)a)->tensor;
    const lks_h5_tensor *y = ((const lks_keras_variable *)b)->tensor;
    const int order = lks_import_by_numbers(x->path, strlen(x->path), y->path, strlen(y->path));
    return x->place != y->place ? (x->place > y->place) - (x->place < y->place)
           : order              ? order
                                : strcmp(x->path, y->path);
}

static bool one_layer(const lks_keras_variable *a, const lks_keras_variable *b) {
    const char *p = a->tensor->path, *q = b->tensor->path;
    const size_t n = (size_t)(strrchr(p, '/') - p);
    return strncmp(p, q, n + 1) == 0 && !strchr(q + n + 1, '/');
}

static lks_status name_all(lks_keras_variable *all, size_t n, const char *path, lks_error *err) {
    for (size_t i = 0, end; i < n; i = end) {
        const parts p = parts_of(all[i].tensor->path);
        end = i + 1;
        if (is_of_training(&p))
            continue;
        if (!is_keras_3(&p)) {
            name_by_words(&all[i], &p);
            continue;
        }
        while (end < n && one_layer(&all[i], &all[end]))
            end++;
        LKS_TRY(name_variables(&(layer){all, i, end}, path, err));
    }
    return LKS_OK;
}

lks_status lks_keras_variables(const lks_h5_tensors *file, const char *path,
                               lks_keras_variable **variables, lks_error *err) {
    lks_keras_variable *all = calloc(file->n + 1, sizeof *all);
    *variables = NULL;
    if (!all)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the names in %s", path);
    for (size_t i = 0; i < file->n; i++)
        all[i].tensor = &file->all[i];
    qsort(all, file->n, sizeof *all, by_layers);
    const lks_status status = name_all(all, file->n, path, err);
    if (status == LKS_OK)
        *variables = all;
    else
        free(all);
    return status;
}

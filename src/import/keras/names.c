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

/* --- classes ---------------------------------------------------------------------------------- */

enum { UNKNOWN = 0, NORM = 1, DENSE = 2, CONVOLUTION = 4, PIXELS = 5, STRANGE = 6 };

/* Keras's classes with variables. Of those that can be taken the number is also the dimensions of the first one. The strange
 * ones may look like them, and are none: axes of a kernel stand for something else, two vectors are scale and shift. */
static const struct {
    const char *word;
    int class;
} classes[] = {{"conv2d", CONVOLUTION},
               {"depthwise_conv2d", CONVOLUTION},
               {"dense", DENSE},
               {"batch_normalization", NORM},
               {"normalization", PIXELS},
               {"conv1d", STRANGE},
               {"conv3d", STRANGE},
               {"conv1d_transpose", STRANGE},
               {"conv2d_transpose", STRANGE},
               {"conv3d_transpose", STRANGE},
               {"depthwise_conv1d", STRANGE},
               {"separable_conv1d", STRANGE},
               {"separable_conv2d", STRANGE},
               {"locally_connected1d", STRANGE},
               {"locally_connected2d", STRANGE},
               {"einsum_dense", STRANGE},
               {"embedding", STRANGE},
               {"reversible_embedding", STRANGE},
               {"position_embedding", STRANGE},
               {"layer_normalization", STRANGE},
               {"group_normalization", STRANGE},
               {"rms_normalization", STRANGE},
               {"spectral_normalization", STRANGE},
               {"p_re_lu", STRANGE}};

static int class_of(part name) {
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (is_of(name, classes[i].word))
            return classes[i].class;
    return UNKNOWN;
}

static bool is_list(part p) {
    return is_word(p, "layers") || is_word(p, "_layers") ||
           is_word(p, "_layer_checkpoint_dependencies");
}

/* Keras 3 calls a group in a list of layers after the class; one of a model that somebody wrote, after its attribute:
 * there the layer's name tells, unless that was given, too. */
static part class_name(const parts *p, const char *label) {
    const part folder = p->all[p->n - 3], called = {label, strlen(label)};
    const bool listed = p->n > 3 && is_list(p->all[p->n - 4]);
    return !listed && class_of(called) != UNKNOWN ? called : folder;
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
        else if (i == layer || !is_list(p->all[i]))
            append(name, p->all[i].at, p->all[i].length);
}

static bool is_keras_3(const parts *p) {
    return p->n >= 3 && is_word(p->all[p->n - 2], "vars");
}

/* Keras 2: what is called so in the last group, without the number that TensorFlow adds. */
static part word_of(const parts *p) {
    part word = p->all[p->n - 1];
    const char *colon = memchr(word.at, ':', word.length);
    if (colon)
        word.length = (size_t)(colon - word.at);
    return word;
}

static void name_by_words(lks_keras_variable *v, const parts *p) {
    const part word = word_of(p);
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
static const char *const *words_of(const layer *l, int class) {
    static const char *const norm[] = {"gamma", "beta", "moving_mean", "moving_variance"};
    static const char *const weights[] = {"kernel", "bias"};
    const size_t n = l->end - l->first;
    const uint32_t ndim = tensor_of(l, 0)->ndim;
    if (class == STRANGE || (class != UNKNOWN && ndim != (uint32_t) class))
        return NULL;
    if (all_vectors(l)) /* two might be scale and shift of any other layer */
        return n == 4 ? norm : n == 2 && class == NORM ? norm + 2 : NULL;
    const bool kernel = is_float(tensor_of(l, 0)) && ndim >= 2;
    const bool bias = n == 1 || (is_float(tensor_of(l, 1)) && tensor_of(l, 1)->ndim == 1);
    return kernel && bias && n <= 2 ? weights : NULL;
}

static bool has_floats(const layer *l) {
    for (size_t k = l->first; k < l->end; k++)
        if (is_float(l->all[k].tensor))
            return true;
    return false;
}

static void warn_of_pixels(const char *path, part name) {
    lks_warn("%s: its layer '%.*s' normalizes images; here data.normalize does", path,
             (int)name.length, name.at);
}

static lks_status refuse(const layer *l, const char *path, lks_error *err) {
    return lks_fail(err, LKS_ERR_FORMAT,
                    "%s: '%.128s' and its like, %zu in all, are the variables of no layer that "
                    "Lockstep has",
                    path, tensor_of(l, 0)->path, l->end - l->first);
}

/* Keras 3. */
static lks_status name_variables(const layer *l, const char *path, lks_error *err) {
    const parts p = parts_of(tensor_of(l, 0)->path);
    const part name = class_name(&p, tensor_of(l, 0)->label);
    const int class = class_of(name);
    if (class == PIXELS) {
        warn_of_pixels(path, name);
        return LKS_OK;
    }
    if (!has_floats(l)) /* states of random numbers */
        return LKS_OK;
    const char *const *words = words_of(l, class);
    if (!words)
        return refuse(l, path, err);
    if (class == UNKNOWN)
        lks_warn("%s: no name tells what '%.128s' is of; its shape is taken for that of a layer "
                 "here",
                 path, tensor_of(l, 0)->path);
    for (size_t k = l->first; k < l->end; k++) {
        name_layer(l->all[k].name, &p, l->all[k].tensor->label);
        append(l->all[k].name, words[k - l->first], strlen(words[k - l->first]));
        l->all[k].depthwise = k == l->first && is_of(name, "depthwise_conv2d");
    }
    return LKS_OK;
}

/* What normalizes images in Keras 2 is known by its words: a batch normalisation's mean is a moving one. */
static bool normalizes_pixels(const layer *l) {
    bool has_variance = false;
    for (size_t k = l->first; k < l->end; k++) {
        const parts p = parts_of(l->all[k].tensor->path);
        const part word = word_of(&p);
        if (!is_word(word, "mean") && !is_word(word, "variance") && !is_word(word, "count"))
            return false;
        has_variance = has_variance || is_word(word, "variance");
    }
    return has_variance;
}

/* Keras 2: the part before the last is the layer's name, which tells its class unless it was given. */
static lks_status name_by_name(const layer *l, const char *path, lks_error *err) {
    const parts first = parts_of(tensor_of(l, 0)->path);
    const part name = first.all[first.n > 1 ? first.n - 2 : 0];
    if (first.n > 1 && class_of(name) == STRANGE)
        return refuse(l, path, err);
    if (normalizes_pixels(l)) {
        warn_of_pixels(path, name);
        return LKS_OK;
    }
    for (size_t k = l->first; k < l->end; k++) {
        const parts p = parts_of(l->all[k].tensor->path);
        name_by_words(&l->all[k], &p);
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
        while (end < n && one_layer(&all[i], &all[end]))
            end++;
        const layer l = {all, i, end};
        LKS_TRY(is_keras_3(&p) ? name_variables(&l, path, err) : name_by_name(&l, path, err));
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

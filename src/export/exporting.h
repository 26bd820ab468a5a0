/* What a format is given: the network as an exporter sees it. Everything is borrowed, and lasts while the format
 * writes. */
#ifndef LKS_EXPORT_EXPORTING_H
#define LKS_EXPORT_EXPORTING_H

#include "base/text.h"
#include "export/export.h"
#include "export/layout.h"
#include "infer/network.h"

/* A tensor of a layer, row-major in `shape`, which is the one of lks_tensor: convolutions [kernel row][kernel
 * column][in of a group][out], dense layers [in][out]. */
typedef struct lks_export_tensor {
    const char *what; /* "weight", "bias", "running_mean", "running_var" */
    lks_role role;
    int ndim;
    int64_t shape[4];
    size_t count;
    const float *values;
} lks_export_tensor;

/* A layer. Its kind is config->kind->name, its inputs are config->inputs [config->n_inputs]: numbers of layers, -1: the
 * image. */
typedef struct lks_export_layer {
    const lks_layer_config *config;
    lks_shape in, out; /* in: of the first input; behind a flatten 1 x 1 x values */
    /* How the values of the first input lie, as [rows][columns][channels]: `in`, or, behind a flatten, the image that
     * was flattened. Who stores images channels first takes a vector's values in another order: layout.h. */
    lks_shape order;
    lks_export_tensor tensors[LKS_LAYER_TENSORS_MAX];
    int n_tensors;
} lks_export_layer;

/* A fact about the network, for the file's metadata. */
typedef struct lks_export_fact {
    const char *key;
    char *value; /* text; lists and objects are JSON */
} lks_export_fact;

#define LKS_EXPORT_FACTS_MAX 24

struct lks_exporting {
    const lks_export_options *options;
    const lks_export_format *format;
    char (*names)[LKS_FOLDER_PATH_MAX]; /* of its files, one for each ending */
    const lks_network *network;         /* with its model, for batches of one image on one thread */
    lks_model_view model; /* weights, and pixels: the exact float of every byte, [channels][256] */
    lks_shape input;      /* of an image */
    int classes;
    const lks_export_layer *layers; /* [n_layers], in order: each reads earlier ones */
    int n_layers;
    char weights_sha256[LKS_SHA256_HEX]; /* of the weights that are exported */
    lks_export_fact facts[LKS_EXPORT_FACTS_MAX];
    int n_facts;
};

/* The options that decide what the network takes and gives. */
static inline bool lks_export_has(const lks_exporting *x, lks_export_option option) {
    return (x->options->given & (unsigned)option) != 0;
}

/* --- layers ----------------------------------------------------------------------------------- */

/* Whether the layer is of the kind `name`: "conv2d". */
bool lks_export_is(const lks_export_layer *layer, const char *name);

/* The layer's tensor called `what`, or NULL: it has none. */
const lks_export_tensor *lks_export_tensor_of(const lks_export_layer *layer, const char *what);

/* Settings of the layer by their keys in a configuration, which its kind has and which are of that type. */
int lks_export_int(const lks_export_layer *layer, const char *key);
double lks_export_number(const lks_export_layer *layer, const char *key);
bool lks_export_flag(const lks_export_layer *layer, const char *key);

/* The window of a convolution or pooling layer: rows, then columns. Padding is in numbers, whatever the configuration
 * says; windows that do not fit as a whole are dropped. */
typedef struct lks_export_window {
    int size[2], stride[2];
    int before[2], after[2];
} lks_export_window;
lks_export_window lks_export_window_of(const lks_export_layer *layer);
bool lks_export_is_padded(const lks_export_window *w);

/* --- layouts and bytes ------------------------------------------------------------------------ */

/* The tensor as layout.h takes it: lks_layout_shape(), lks_layout_to(). */
lks_laid lks_export_laid(const lks_export_layer *layer, const lks_export_tensor *t);

/* Writes floats in little-endian order, whatever the machine's. */
void lks_export_put(FILE *f, const float *values, size_t count);

/* --- facts ------------------------------------------------------------------------------------ */

/* The fact of that key; "": there is none. */
const char *lks_export_fact_of(const lks_exporting *x, const char *key);

/* Writes all of x->facts as members of an object. */
struct lks_json_object;
void lks_export_put_facts(struct lks_json_object *o, const lks_exporting *x);

/* The same as an object alone: text->bytes is the caller's, for free(). LKS_ERR_MEMORY, and there is nothing to free. */
lks_status lks_export_facts_text(const lks_exporting *x, lks_text *text, lks_error *err);

/* The name of class k: the configuration's, or its number. */
const char *lks_export_class_name(const lks_exporting *x, int k, char number[16]);

#endif

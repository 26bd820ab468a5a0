/* What src/nn knows of a kind of layer. Each kind has a file in layers/ with its settings, its options,
 * its rules and its operation; layers.c lists the kinds. */
#ifndef LKS_NN_LAYER_H
#define LKS_NN_LAYER_H

#include <assert.h>

#include "config/option.h"
#include "nn/op.h"

/* A layer in its network, while shapes are worked out. */
typedef struct lks_place {
    const lks_config *config;
    int index;
    const lks_layer_config *layer;
    lks_shape in[LKS_LAYER_INPUTS_MAX]; /* of what it reads */
} lks_place;

/* The same while operations are made. */
typedef struct lks_site {
    lks_model *model;
    const lks_config *config;
    int index;
    const lks_layer_config *layer;
    const lks_layer_info *info; /* what its rule said of shape and tensors */
    const int *readers;         /* [layers] how many layers read each one's output */
    int used;                   /* layers that the operation takes in; this one at first */
} lks_site;

/* What an operation before it may compute in one go with its own work. */
typedef enum lks_fusion {
    LKS_FUSES_NOT,
    LKS_FUSES_RELU,
    LKS_FUSES_MAXIMA /* of 2 x 2 */
} lks_fusion;

typedef struct lks_layer_rules {
    /* Fills in info->out, flop and the tensors, from the shapes of the inputs; before, out is the
     * first input's shape and flop one for each of its values. NULL: that stays. Refuses by
     * lks_place_refuse(). */
    lks_status (*shape)(const lks_place *p, lks_layer_info *info, lks_error *err);
    /* Appends the operation. NULL: the layer is only another view of its input. */
    lks_status (*make)(lks_site *site, lks_error *err);
    lks_fusion (*fusion)(const lks_layer_config *layer); /* NULL: LKS_FUSES_NOT */
    bool flattens;       /* the output has no rows and columns any more, where the input had */
    bool new_channels;   /* of its own, in whole blocks; and an output of 1 x 1 is a true vector */
    bool wants_image;    /* needs rows and columns, or channels, which a flattened image has not */
    bool pads_input;     /* needs the channels of its first input in whole blocks */
    bool gives_logits;   /* may be the last layer */
    bool gives_maps;     /* its output is looked at as pictures, one a channel */
    bool refines_maps;   /* behind such a layer, what matters of the pictures is its output */
    const char *outputs; /* the option that sets the number of output channels, or NULL */
    /* What the report's table says beside the name: "3 × 3". NULL: nothing. */
    void (*details)(const lks_layer_config *layer, char *text, size_t size);
    /* The layer in JavaScript, for the report's page: an expression, a function (layer, shape,
     * numbers) as src/page/assets/network.js has them; layer has the options by their keys.
     * NULL: a network with it does not run in the page. */
    const char *script;
} lks_layer_rules;

#define LKS_COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* The option of a member `bias` in the settings struct `type`. */
#define LKS_BIAS_OPTION(type)                                                                      \
    {                                                                                              \
        "bias", "add a trainable constant to each output", LKS_OPT_BOOL,                           \
            .offset = LKS_SETTING(type, bias), .preset = "true"                                    \
    }

/* The settings of a layer: a struct of its kind. */
static inline const void *lks_settings(const lks_layer_config *layer) {
    return layer->settings.bytes;
}

/* Fails with LKS_ERR_CONFIG: "layer 3 maxpool 'pool1': ...". */
lks_status lks_place_refuse(const lks_place *p, lks_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The layer has one more tensor. At most LKS_LAYER_TENSORS_MAX, which is checked. */
lks_tensor_plan *lks_info_tensor(lks_layer_info *info, const char *what, lks_role role, int ndim,
                                 const int64_t *shape);

/* The same for a weight of `ndim` dimensions, the last one for the outputs, and a bias of as many outputs where
 * there is one. */
void lks_info_weights(lks_layer_info *info, int ndim, const int64_t *shape, bool bias);

/* True where the next layer reads this output, nobody else does, and it may be fused so: then the
 * operation takes it in. */
bool lks_site_takes(lks_site *site, lks_fusion fusion);

/* The activation that input `i` of the layer is. */
lks_activation *lks_site_input(const lks_site *site, int i);

/* Appends the operation with the layer's name, and the output's shape as it was worked out. */
lks_status lks_site_append(lks_site *site, lks_op *op, const lks_op_class *class, int stride,
                           lks_error *err);

#endif

/* A network as Keras 3 builds it: layers of Keras's classes, of which one of Lockstep's may need several. */
#ifndef LKS_EXPORT_KERAS_KERAS_H
#define LKS_EXPORT_KERAS_KERAS_H

#include "base/text.h"
#include "export/exporting.h"

/* Lockstep's name, or one that is made of it. */
#define LKS_KERAS_NAME_MAX (LKS_NAME_MAX + 32)

/* What is known of the outputs' signs. */
typedef enum lks_keras_sign {
    LKS_KERAS_ANY,
    LKS_KERAS_NOT_BELOW_0,
    LKS_KERAS_AS_INPUTS /* not below 0 where no input is; for lks_keras_add() only */
} lks_keras_sign;

typedef struct lks_keras_node {
    const char *type; /* the class in keras.layers: "Conv2D" */
    char name[LKS_KERAS_NAME_MAX];
    char *settings; /* of its class, as members of an object in JSON, a comma before each; owned */
    const lks_export_layer *layer;              /* whose tensors it has; NULL: it has none */
    int inputs[LKS_LAYER_INPUTS_MAX], n_inputs; /* nodes; none: it is the input */
    lks_shape shape;                            /* of the output */
    bool flat; /* the output is a vector to Keras, else it has rows and columns */
    lks_keras_sign sign;
} lks_keras_node;

typedef struct lks_keras_graph {
    const lks_exporting *x;
    lks_keras_node
        *nodes; /* [n], each behind those that it reads; the last one gives the answers */
    int n, room;
    int *order; /* [n] nodes in the order in which Keras numbers its layers */
    int *made;  /* [x->n_layers] the node that gives a layer's output */
    lks_error *err;
} lks_keras_graph;

/* LKS_ERR_CONFIG names a layer that Keras has no equal of, and what to do; LKS_ERR_MEMORY. Freed by
 * lks_keras_graph_free(), also after a failure. */
lks_status lks_keras_graph_make(lks_keras_graph *g, const lks_exporting *x, lks_error *err);
void lks_keras_graph_free(lks_keras_graph *g);

/* Text as printf() makes it, for `settings`; NULL where memory is short. */
char *lks_keras_settings(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Appends `node`. Its name is `stem`; where `ending` is not NULL, it is both, with a number where that is taken. Its
 * settings are taken over, also after a failure; NULL: memory was short. */
lks_status lks_keras_add(lks_keras_graph *g, const lks_keras_node *node, const char *stem,
                         const char *ending);

/* Appends the nodes of layer i, whose inputs are there, and fills g->made[i]. */
lks_status lks_keras_layer(lks_keras_graph *g, int i);

/* Changes *node to one behind it that makes a vector of it, unless it is one. */
lks_status lks_keras_as_vector(lks_keras_graph *g, int *node);

/* Fills g->order [g->n] as Keras does for a functional model. LKS_ERR_MEMORY. */
lks_status lks_keras_order(const lks_keras_graph *g);

/* Write config.json and metadata.json. */
void lks_keras_config(FILE *f, const lks_keras_graph *g);
void lks_keras_metadata(FILE *f, const lks_exporting *x);

/* The weights as HDF5, into *bytes [*size], freed by free(); `facts`: with what the file says of its network. LKS_ERR_IO
 * for a failure of HDF5, LKS_ERR_MEMORY. */
lks_status lks_keras_weights(const lks_keras_graph *g, bool facts, unsigned char **bytes,
                             size_t *size);

#endif

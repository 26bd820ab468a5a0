/* The network as the configuration of a functional model: what Model.get_config() gives, in the form of Keras 3.0, which
 * later versions read, too (serialize_keras_object() in keras/src/saving/serialization_lib.py and get_config() in
 * keras/src/models/functional.py of github.com/keras-team/keras). */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json/json.h"
#include "export/keras/keras.h"

/* The first version with this form. */
#define KERAS_VERSION "3.0.0"

static bool is_input(const lks_keras_node *node) {
    return node->n_inputs == 0;
}

static const char *type_of_values(const lks_keras_graph *g, const lks_keras_node *node) {
    return is_input(node) && g->x->options->bytes ? "uint8" : "float32";
}

/* With any number of images in front. */
static void write_shape(FILE *f, const lks_keras_node *node) {
    const lks_shape s = node->shape;
    if (node->flat)
        fprintf(f, "[null, %" PRId64 "]", (int64_t)s.rows * s.columns * s.channels);
    else
        fprintf(f, "[null, %d, %d, %d]", s.rows, s.columns, s.channels);
}

/* Names are of [A-Za-z0-9_-], so nothing has to be escaped. */
static void write_tensor(FILE *f, const lks_keras_graph *g, const lks_keras_node *node) {
    fputs("{\"class_name\": \"__keras_tensor__\", \"config\": {\"shape\": ", f);
    write_shape(f, node);
    fprintf(f, ", \"dtype\": \"%s\", \"keras_history\": [\"%s\", 0, 0]}}", type_of_values(g, node),
            node->name);
}

/* A layer that takes several tensors takes them as one list. */
static void write_call(FILE *f, const lks_keras_graph *g, const lks_keras_node *node) {
    const bool list = node->n_inputs > 1;
    fprintf(f, "{\"args\": [%s", list ? "[" : "");
    for (int k = 0; k < node->n_inputs; k++) {
        fputs(k ? ", " : "", f);
        write_tensor(f, g, &g->nodes[node->inputs[k]]);
    }
    fprintf(f, "%s], \"kwargs\": {}}", list ? "]" : "");
}

static void write_layer(FILE *f, const lks_keras_graph *g, const lks_keras_node *node) {
    fprintf(f,
            "{\"module\": \"keras.layers\", \"class_name\": \"%s\", \"config\": {\"name\": \"%s\""
            "%s, \"dtype\": \"%s\"%s}, \"registered_name\": null",
            node->type, node->name, is_input(node) ? "" : ", \"trainable\": true",
            type_of_values(g, node), node->settings);
    if (node->layer) { /* what has variables, which are made when it is read */
        fputs(", \"build_config\": {\"input_shape\": ", f);
        write_shape(f, &g->nodes[node->inputs[0]]);
        fputs("}", f);
    }
    fprintf(f, ", \"name\": \"%s\", \"inbound_nodes\": [", node->name);
    if (!is_input(node))
        write_call(f, g, node);
    fputs("]}", f);
}

/* TensorFlow makes a name for its own of it, which begins with a letter or digit. */
static void write_model_name(FILE *f, const char *name) {
    fputs(isalnum((unsigned char)*name) ? "\"" : "\"net", f);
    for (; *name; name++)
        fputc(isalnum((unsigned char)*name) || *name == '-' ? *name : '_', f);
    fputs("\"", f);
}

/* Inputs and outputs are lists in the form that all versions read; a list of one is what Model.__call__() takes and gives
 * as a tensor. */
void lks_keras_config(FILE *f, const lks_keras_graph *g) {
    fputs("{\"module\": \"keras.src.models.functional\", \"class_name\": \"Functional\", "
          "\"config\": {\"name\": ",
          f);
    write_model_name(f, g->x->network->config.name);
    fputs(", \"trainable\": true, \"layers\": [", f);
    for (int i = 0; i < g->n; i++) {
        fputs(i ? ", " : "", f);
        write_layer(f, g, &g->nodes[g->order[i]]);
    }
    fprintf(f,
            "], \"input_layers\": [[\"%s\", 0, 0]], \"output_layers\": [[\"%s\", 0, 0]]}, "
            "\"registered_name\": \"Functional\", \"build_config\": {\"input_shape\": null}}",
            g->nodes[0].name, g->nodes[g->n - 1].name);
}

/* Keras writes the day here, too, and reads nothing of it. */
void lks_keras_metadata(FILE *f, const lks_exporting *x) {
    lks_json_object o = lks_json_begin(f, "");
    lks_json_put_text(&o, "keras_version", KERAS_VERSION);
    lks_export_put_facts(&o, x);
    lks_json_end(&o, "");
}

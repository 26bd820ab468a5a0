/* A network, layer by layer. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/json/rows.h"
#include "feed/image_file.h"
#include "lockstep/log.h"
#include "lockstep/model.h"
#include "optim/optim.h"
#include "tool/describe/parts.h"

/* --- for people -------------------------------------------------------------------------------- */

static void print_shape(lks_shape s) {
    char text[48];
    if (s.rows == 1 && s.columns == 1)
        snprintf(text, sizeof text, "%d", s.channels);
    else
        snprintf(text, sizeof text, "%d x %d x %d", s.rows, s.columns, s.channels);
    lks_print(stdout, "%-16s", text);
}

static void print_totals(const lks_config *c, const lks_layer_info *info, const char *products) {
    const lks_layer_info *sum = info;
    int64_t parameters = 0, bytes = 0;
    double flop = 0;
    for (int i = 0; i < c->n_layers; i++) {
        parameters += sum[i].parameters;
        bytes += sum[i].out_bytes;
        flop += sum[i].flop;
    }
    int states = lks_optimizer_states(&c->train.optimizer) + (c->train.ema_decay > 0);
    int chunks = lks_chunks(c->train.global_batch, c->train.chunk);
    lks_print(stdout, "      %-26s %-16s %12lld %10.3f %10.1f\n\n", "total", "",
              (long long)parameters, flop / 1e6, (double)bytes / 1024);
    lks_print(stdout, "weights and optimizer state  %.2f MiB on every %s\n",
              (double)parameters * 4 * (1 + states) / 1048576,
              c->train.exchange == LKS_EXCHANGE_HOST ? "host" : "rank");
    bool exact = c->train.reduce == LKS_REDUCE_EXACT;
    lks_print(stdout, "message of every step        %s%.2f MiB (%s)\n", exact ? "at most " : "",
              (double)parameters * (exact ? 8 : 4) / 1048576,
              !exact                                      ? "float32"
              : c->train.exchange == LKS_EXCHANGE_SCATTER ? "int64, exact"
                                                          : "int64, exact; packed between hosts");
    lks_print(stdout, "products                     %s\n", products);
    lks_print(stdout,
              "global batch                 %d in %d chunks of %d: more than %d ranks would leave "
              "some without work\n",
              c->train.global_batch, chunks, c->train.chunk, chunks);
}

static void print_class_names(const lks_data_config *c) {
    for (int k = 0; k < c->n_class_names; k++) {
        fputs(k == 0 ? "classes  " : k % 8 ? ", " : ",\n         ", stdout);
        lks_print(stdout, "%d %s", k, c->class_names[k]);
    }
    if (c->n_class_names)
        fputs("\n\n", stdout);
}

static void print_pictures(const lks_pictures_config *p) {
    if (p->preprocess == LKS_PREPROCESS_MNIST)
        fputs("pictures  centred as MNIST's images are\n\n", stdout);
    if (p->preprocess == LKS_PREPROCESS_NONE)
        lks_print(stdout, "pictures  resized on a ground of %d%s\n\n", p->background,
                  p->invert ? ", inverted" : "");
}

static void print_layers(const lks_config *c, const lks_layer_info *info) {
    lks_print(stdout, "  #  %-14s %-16s %-16s %12s %10s %10s\n", "layer", "name", "output",
              "parameters", "MFLOP", "KiB");
    for (int i = 0; i < c->n_layers; i++) {
        lks_print(stdout, "%3d  %-14s %-16s ", i + 1, lks_layer_kind_name(c->layers[i].kind),
                  c->layers[i].name);
        print_shape(info[i].out);
        lks_print(stdout, " %12lld %10.3f %10.1f\n", (long long)info[i].parameters,
                  info[i].flop / 1e6, (double)info[i].out_bytes / 1024);
    }
}

static void print_network(const lks_config *c, const lks_layer_info *info,
                          const lks_kernels *kernels) {
    print_class_names(&c->data);
    print_pictures(&c->data.pictures);
    print_layers(c, info);
    print_totals(c, info, lks_products_text(c, kernels));
}

/* --- for programs ------------------------------------------------------------------------------ */

static void put_layer(lks_rows *r, int number, const char *kind, const char *name,
                      const lks_layer_info *info) {
    lks_row_begin(r);
    lks_row_integer(r, "number", number);
    lks_row_text(r, "layer", kind);
    lks_row_text(r, "name", name);
    lks_row_integer(r, "rows", info->out.rows);
    lks_row_integer(r, "columns", info->out.columns);
    lks_row_integer(r, "channels", info->out.channels);
    lks_row_integer(r, "parameters", info->parameters);
    lks_row_number(r, "flop", info->flop);
    lks_row_integer(r, "bytes", info->out_bytes);
    lks_row_end(r);
}

static void put_layers(FILE *f, const lks_config *c, const lks_layer_info *info,
                       lks_format format) {
    lks_rows rows = lks_rows_begin(f, format);
    lks_rows_head(&rows);
    put_layer(&rows, 0, "", "", info);
    for (int i = 0; i < c->n_layers; i++)
        put_layer(&rows, i + 1, lks_layer_kind_name(c->layers[i].kind), c->layers[i].name,
                  &info[i]);
    lks_rows_end(&rows);
}

static void put_class_names(lks_json_object *o, const lks_data_config *c) {
    lks_json_key(o, "class_names");
    for (int k = 0; k < c->n_class_names; k++) {
        fputs(k ? ", " : "[", o->f);
        lks_json_text(o->f, c->class_names[k]);
    }
    fputs(c->n_class_names ? "]" : "[]", o->f);
}

static void put_network(lks_json_object *o, const lks_config *c, const lks_layer_info *info,
                        const lks_kernels *kernels) {
    int64_t parameters = 0;
    double flop = 0;
    for (int i = 0; i < c->n_layers; i++) {
        parameters += info[i].parameters;
        flop += info[i].flop;
    }
    put_class_names(o, &c->data);
    lks_json_put_integer(o, "parameters", parameters);
    lks_json_put_number(o, "flop", flop);
    lks_json_put_integer(o, "optimizer_states", lks_optimizer_states(&c->train.optimizer));
    lks_json_put_bool(o, "averaged", c->train.ema_decay > 0);
    lks_json_put_text(o, "precision", lks_precision_word(c->train.precision));
    lks_json_put_text(o, "products", lks_products_unit(c, kernels));
    lks_json_put_text(o, "reduce", c->train.reduce == LKS_REDUCE_EXACT ? "exact" : "fp32");
    lks_json_put_text(o, "exchange", lks_exchange_word(c->train.exchange));
    lks_json_put_integer(o, "global_batch", c->train.global_batch);
    lks_json_put_integer(o, "chunks", lks_chunks(c->train.global_batch, c->train.chunk));
    lks_json_key(o, "layers");
    put_layers(o->f, c, info, LKS_FORMAT_JSON);
}

/* --- either ------------------------------------------------------------------------------------ */

lks_status lks_tell_network(const lks_config *c, lks_shape input, int classes, lks_format format,
                            lks_json_object *o, lks_error *err) {
    const lks_kernels *kernels;
    LKS_TRY(lks_class_names_check(&c->data, classes, err));
    LKS_TRY(lks_kernels_select(getenv("LOCKSTEP_ISA"), &kernels, err));
    lks_layer_info *info = lks_alloc((size_t)c->n_layers, sizeof *info, "the layer table", err);
    if (!info)
        return err->status;
    const lks_status status = lks_model_shapes(c, input, classes, info, err);
    if (status == LKS_OK && format == LKS_FORMAT_TEXT)
        print_network(c, info, kernels);
    else if (status == LKS_OK && format == LKS_FORMAT_JSON)
        put_network(o, c, info, kernels);
    else if (status == LKS_OK)
        put_layers(stdout, c, info, format);
    lks_free(info);
    return status;
}

/* --- a configuration: shape and classes from its data where they can be found, else those of MNIST */

typedef struct input {
    lks_shape shape;
    int classes;
    bool found;
} input;

static int count_classes(const lks_image_file *file) {
    lks_error ignored;
    int classes = 0;
    uint8_t *labels = lks_alloc((size_t)file->count, 1, "labels", &ignored);
    if (labels && lks_image_file_read_labels(file, labels, &ignored) == LKS_OK)
        for (int64_t i = 0; i < file->count; i++)
            classes = labels[i] + 1 > classes ? labels[i] + 1 : classes;
    lks_free(labels);
    return classes;
}

static input input_of(const lks_config *c) {
    lks_image_file file;
    lks_error ignored;
    const int names = c->data.n_class_names;
    input in = {{28, 28, 1}, c->data.classes ? c->data.classes : names ? names : 10, false};
    if (lks_image_file_open(&file, &c->data, LKS_PART_TRAIN, &ignored) != LKS_OK)
        return in;
    const int found = c->data.classes ? 0 : count_classes(&file);
    in.shape = (lks_shape){file.rows, file.columns, file.channels};
    in.classes = found ? found : in.classes;
    in.found = true;
    return in;
}

static lks_status print_config(const lks_config *c, const input *in, lks_error *err) {
    const lks_shape s = in->shape;
    lks_print(stdout, "network %s (forward of one image: MFLOP, KiB of output)\n", c->name);
    if (in->found)
        lks_print(stdout, "input  %d x %d x %d and %d classes, from %s\n\n", s.rows, s.columns,
                  s.channels, in->classes, c->data.dir);
    else
        lks_print(stdout, "input  28 x 28 x 1 and %d classes assumed: no data in %s\n\n",
                  in->classes, c->data.dir);
    return lks_tell_network(c, s, in->classes, LKS_FORMAT_TEXT, NULL, err);
}

static lks_status put_config(const lks_config *c, const input *in, lks_error *err) {
    lks_json_page page;
    lks_json_object *o = &page.object;
    LKS_TRY(lks_json_page_open(&page, err));
    lks_json_put_text(o, "name", c->name);
    lks_json_put_text(o, "data", c->data.dir);
    lks_json_put_bool(o, "data_found", in->found);
    lks_json_put_integer(o, "rows", in->shape.rows);
    lks_json_put_integer(o, "columns", in->shape.columns);
    lks_json_put_integer(o, "channels", in->shape.channels);
    lks_json_put_integer(o, "classes", in->classes);
    const lks_status status = lks_tell_network(c, in->shape, in->classes, LKS_FORMAT_JSON, o, err);
    return lks_json_page_close(&page, status, err);
}

lks_status lks_tell_config(const lks_config *c, lks_format format, lks_error *err) {
    const input in = input_of(c);
    if (format == LKS_FORMAT_TEXT)
        return print_config(c, &in, err);
    return format == LKS_FORMAT_JSON
               ? put_config(c, &in, err)
               : lks_tell_network(c, in.shape, in.classes, LKS_FORMAT_CSV, NULL, err);
}

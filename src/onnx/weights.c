#include "onnx/weights.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/onnx.pb-c.h"
#include "onnx/said.h"

typedef Lks__Onnx__NodeProto node;
typedef Lks__Onnx__TensorProto tensor;

/* Something by its name; tables are sorted. */
typedef struct named {
    const char *name;
    const void *what;
} named;

typedef struct table {
    named *all; /* [n] */
    size_t n;
} table;

struct lks_onnx_file {
    const char *path; /* while it is opened */
    ProtobufCAllocator allocator;
    size_t left; /* bytes that reading may still take */
    Lks__Onnx__ModelProto *model;
    table constants; /* tensors: initialisers, and what operations called Constant give */
    table makers;    /* operations, where the graph lists them, by their first output */
    lks_onnx_weight *weights;
    size_t n_weights, room;
    lks_onnx_fact *facts;
    lks_error *err; /* while it is opened */
};

static const char *text_of(const char *text) {
    return text ? text : "";
}

static lks_status no_memory(const lks_onnx_file *f) {
    return lks_fail(f->err, LKS_ERR_MEMORY, "out of memory for the graph of %s", f->path);
}

/* --- the messages ----------------------------------------------------------------------------- */

bool lks_onnx_is(const unsigned char *bytes, size_t size) {
    /* field 1, the version of the format, and then the next one of text, message or number */
    return size > 3 && bytes[0] == 0x08 && bytes[1] > 0 && bytes[1] < 32 && (bytes[2] & 5) == 0 &&
           bytes[2] >> 3 > 1 && bytes[2] >> 3 < 15;
}

static void *take(void *data, size_t size) {
    lks_onnx_file *f = data;
    if (size > f->left)
        return NULL;
    f->left -= size;
    return malloc(size);
}

static void give(void *data, void *p) {
    (void)data;
    free(p);
}

/* An empty message takes two bytes of a file and a hundred times as much in memory: a file of nothing else is stopped by a
 * limit, which true ones, of long tensors, are far from. No message that is read contains one of its own kind, so depth
 * is limited by itself. */
static lks_status read_messages(lks_onnx_file *f, const unsigned char *bytes, size_t size) {
    f->left = size > SIZE_MAX / 16 ? SIZE_MAX / 2 : 8 * size + ((size_t)16 << 20);
    f->allocator = (ProtobufCAllocator){.alloc = take, .free = give, .allocator_data = f};
    f->model = lks__onnx__model_proto__unpack(&f->allocator, size, bytes);
    if (!f->model)
        return lks_fail(f->err, LKS_ERR_FORMAT,
                        "%s: looks like ONNX, and cannot be read as that: it is damaged or cut "
                        "off; check it against its source",
                        f->path);
    if (!f->model->graph)
        return lks_fail(f->err, LKS_ERR_FORMAT, "%s: an ONNX file without a graph", f->path);
    return LKS_OK;
}

static bool is(const node *n, const char *type) {
    return lks_onnx_is_type(n, type);
}

/* --- tables ----------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) {
    const named *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static const void *find(const table *t, const char *name) {
    const named wanted = {.name = name};
    const named *found = t->n ? bsearch(&wanted, t->all, t->n, sizeof wanted, by_name) : NULL;
    return found ? found->what : NULL;
}

static void enter(table *t, const char *name, const void *what) {
    t->all[t->n++] = (named){name, what};
}

static lks_status sort(const lks_onnx_file *f, table *t) {
    qsort(t->all, t->n, sizeof *t->all, by_name);
    for (size_t i = 1; i < t->n; i++)
        if (strcmp(t->all[i - 1].name, t->all[i].name) == 0)
            return lks_fail(f->err, LKS_ERR_FORMAT,
                            "%s: two values of its graph are called '%.128s'", f->path,
                            t->all[i].name);
    return LKS_OK;
}

static lks_status check_place(const lks_onnx_file *f, const tensor *t) {
    if (t->data_location != 1 && t->n_external_data == 0)
        return LKS_OK;
    return lks_fail(
        f->err, LKS_ERR_FORMAT,
        "%s: the values of '%.128s' are in another file; make one file of both: python3 "
        "-c 'import onnx; onnx.save(onnx.load(\"in.onnx\"), \"one.onnx\")'",
        f->path, text_of(t->name));
}

static lks_status index_graph(lks_onnx_file *f) {
    const Lks__Onnx__GraphProto *g = f->model->graph;
    f->constants.all = malloc((g->n_initializer + g->n_node + 1) * sizeof *f->constants.all);
    f->makers.all = malloc((g->n_node + 1) * sizeof *f->makers.all);
    if (!f->constants.all || !f->makers.all)
        return no_memory(f);
    for (size_t i = 0; i < g->n_initializer; i++) {
        LKS_TRY(check_place(f, g->initializer[i]));
        enter(&f->constants, text_of(g->initializer[i]->name), g->initializer[i]);
    }
    for (size_t i = 0; i < g->n_node; i++) {
        const node *n = g->node[i];
        const Lks__Onnx__AttributeProto *value = lks_onnx_attribute(n, "value");
        if (n->n_output == 0 || !n->output[0][0])
            continue;
        enter(&f->makers, n->output[0], &g->node[i]);
        if (is(n, "Constant") && value && value->t) {
            LKS_TRY(check_place(f, value->t));
            enter(&f->constants, n->output[0], value->t);
        }
    }
    LKS_TRY(sort(f, &f->constants));
    return sort(f, &f->makers);
}

/* --- values ----------------------------------------------------------------------------------- */

static size_t value_bytes(int type) {
    return type == LKS_ONNX_FLOAT ? 4 : type == LKS_ONNX_DOUBLE ? 8 : 2;
}

/* Raw bytes, little-endian, or lists of numbers, which protobuf has in this machine's order. */
static size_t count_of(const tensor *t) {
    if (t->has_raw_data)
        return t->raw_data.len / value_bytes(t->data_type);
    switch (t->data_type) {
    case LKS_ONNX_FLOAT:
        return t->n_float_data;
    case LKS_ONNX_DOUBLE:
        return t->n_double_data;
    default:
        return t->n_int32_data; /* of 16 bits each */
    }
}

static uint64_t bits_of(const tensor *t, size_t i) {
    uint64_t bits;
    uint32_t word;
    switch (t->data_type) {
    case LKS_ONNX_FLOAT:
        memcpy(&word, &t->float_data[i], sizeof word);
        return word;
    case LKS_ONNX_DOUBLE:
        memcpy(&bits, &t->double_data[i], sizeof bits);
        return bits;
    default:
        return (uint32_t)t->int32_data[i];
    }
}

void lks_onnx_values(const lks_onnx_weight *w, void *out) {
    const tensor *t = w->tensor;
    const size_t size = value_bytes(t->data_type);
    unsigned char *to = out;
    if (t->has_raw_data) {
        memcpy(out, t->raw_data.data, w->stored * size);
        return;
    }
    for (size_t i = 0; i < w->stored; i++) {
        const uint64_t bits = htole64(bits_of(t, i));
        memcpy(to + i * size, &bits, size);
    }
}

/* --- constants -------------------------------------------------------------------------------- */

/* The operation that gives `value`, and its number; NULL: none does. */
static const node *maker_of(const lks_onnx_file *f, const char *value, size_t *number) {
    node *const *place = find(&f->makers, value);
    if (place)
        *number = (size_t)(place - (node *const *)f->model->graph->node);
    return place ? *place : NULL;
}

/* A constant as an operation reads it. */
typedef struct constant {
    const tensor *t; /* NULL: it is none */
    const char *name;
    bool transposed;
} constant;

/* A Cast to a type of weights; to whole numbers it would make others of them. */
static bool keeps_weights(const node *n) {
    const Lks__Onnx__AttributeProto *to = lks_onnx_attribute(n, "to");
    return to && (to->i == LKS_ONNX_FLOAT || to->i == LKS_ONNX_DOUBLE ||
                  to->i == LKS_ONNX_FLOAT16 || to->i == LKS_ONNX_BFLOAT16);
}

/* Writers give one constant several names, round it, or lay a matrix out the other way round. */
static constant constant_called(const lks_onnx_file *f, const char *name) {
    constant c = {.name = name};
    size_t number;
    for (int steps = 0; steps < 8; steps++) {
        c.t = find(&f->constants, c.name);
        const node *n = c.t ? NULL : maker_of(f, c.name, &number);
        if (!n || n->n_input == 0 || !(is(n, "Identity") || is(n, "Cast") || is(n, "Transpose")))
            break;
        const lks_onnx_turn turn = is(n, "Transpose") ? lks_onnx_turn_of(n) : LKS_ONNX_TURN_NOT;
        if (turn == LKS_ONNX_TURN_OTHER || (is(n, "Cast") && !keeps_weights(n)))
            break;
        c.transposed ^= turn == LKS_ONNX_TURN;
        c.name = n->input[0];
    }
    if (c.t && c.transposed && c.t->n_dims != 2)
        c.t = NULL;
    return c;
}

static constant input_of(const lks_onnx_file *f, const node *n, size_t i) {
    return i < n->n_input && n->input[i][0] ? constant_called(f, n->input[i]) : (constant){0};
}

static bool single(const tensor *t) {
    for (size_t d = 0; d < t->n_dims; d++)
        if (t->dims[d] != 1)
            return false;
    return true;
}

/* Shapes, axes and places are whole numbers. */
static bool may_be_weights(const tensor *t) {
    enum { BOOL = 9 };
    return !single(t) && t->data_type != LKS_ONNX_INT32 && t->data_type != LKS_ONNX_INT64 &&
           t->data_type != BOOL;
}

/* --- weights ---------------------------------------------------------------------------------- */

/* What is padded before, or laid out otherwise for that, is not looked for. */
static lks_onnx_said said_of(const lks_onnx_file *f, const node *n) {
    lks_onnx_said said = lks_onnx_said_of(n);
    size_t number;
    const node *before = n->n_input > 0 ? maker_of(f, n->input[0], &number) : NULL;
    if (before && is(before, "Transpose") && before->n_input > 0)
        before = maker_of(f, before->input[0], &number);
    if (before && is(before, "Pad"))
        said.padding = LKS_ONNX_PAD_UNKNOWN;
    return said;
}

static lks_status add(lks_onnx_file *f, const node *of, size_t number, lks_onnx_part part,
                      constant c) {
    if (f->n_weights == f->room) {
        const size_t room = 2 * f->room + 64;
        lks_onnx_weight *weights = realloc(f->weights, room * sizeof *weights);
        if (!weights)
            return no_memory(f);
        f->weights = weights;
        f->room = room;
    }
    f->weights[f->n_weights++] = (lks_onnx_weight){.layer = text_of(of->name),
                                                   .number = (int)number,
                                                   .name = c.name,
                                                   .part = part,
                                                   .type = c.t->data_type,
                                                   .ndim = (int)c.t->n_dims,
                                                   .shape = c.t->dims,
                                                   .transposed = c.transposed,
                                                   .stored = count_of(c.t),
                                                   .said = said_of(f, of),
                                                   .tensor = c.t};
    return LKS_OK;
}

static lks_status refuse(const lks_onnx_file *f, const node *n, const char *why) {
    return lks_fail(f->err, LKS_ERR_FORMAT, "%s: operation '%.128s', a %.64s, %s", f->path,
                    text_of(n->name), text_of(n->op_type), why);
}

/* Inputs from 1 on are constants, each another part. */
static lks_status take_parts(lks_onnx_file *f, const node *n, size_t number, size_t parts,
                             size_t least) {
    const bool flips = is(n, "MatMul") || is(n, "Gemm");
    const char *foreign = lks_onnx_foreign(n);
    if (foreign)
        return refuse(f, n, foreign);
    const Lks__Onnx__AttributeProto *b = lks_onnx_attribute(n, "transB");
    for (size_t i = 1; i <= parts; i++) {
        constant c = input_of(f, n, i);
        if (!c.t && (i <= least || (i < n->n_input && n->input[i][0])))
            return refuse(f, n,
                          "reads weights that the graph computes; let its writer fold constants");
        if (!c.t)
            continue;
        if (i == 1 && flips)
            c.transposed ^= !(b && b->i); /* [in][out] where nothing is said */
        LKS_TRY(add(f, n, number, (lks_onnx_part)(i - 1), c));
    }
    return LKS_OK;
}

static bool is_one(const node *n, const char *name) {
    const Lks__Onnx__AttributeProto *a = lks_onnx_attribute(n, name);
    return !a || a->f == 1.0f;
}

static lks_status take_gemm(lks_onnx_file *f, const node *n, size_t number) {
    const Lks__Onnx__AttributeProto *a = lks_onnx_attribute(n, "transA");
    if (!is_one(n, "alpha") || !is_one(n, "beta") || (a && a->i))
        return refuse(f, n, "is no plain dense layer: it has alpha, beta or transA");
    return take_parts(f, n, number, 2, 1);
}

/* The bias of a MatMul is added by another operation. */
static lks_status take_sum(lks_onnx_file *f, const node *n, bool *taken) {
    for (size_t i = 0; i < 2 && n->n_input == 2 && !*taken; i++) {
        size_t number;
        const constant c = input_of(f, n, i);
        const node *product =
            c.t && c.t->n_dims == 1 ? maker_of(f, n->input[1 - i], &number) : NULL;
        if (!product || !is(product, "MatMul") || !input_of(f, product, 1).t)
            continue;
        *taken = true;
        LKS_TRY(add(f, product, number, LKS_ONNX_BIAS, c));
    }
    return LKS_OK;
}

/* What images flattened with their channels last are to a dense layer only the graph knows. Channels come first where they
 * came last before the first layer. */
static lks_status check_order(const lks_onnx_file *f, const node *n) {
    static const int64_t channels_first[] = {0, 3, 1, 2};
    const Lks__Onnx__AttributeProto *perm = lks_onnx_attribute(n, "perm");
    if (!perm || perm->n_ints != 4 || lks_onnx_turn_of(n) == LKS_ONNX_TURN_NOT ||
        memcmp(perm->ints, channels_first, sizeof channels_first) == 0)
        return LKS_OK;
    return refuse(f, n,
                  "lays images out with channels last, or otherwise, so that the order of a dense "
                  "layer's inputs is not known; write the weights as safetensors or npz from where "
                  "they were trained");
}

/* What may be done to pixels before the first layer: data.normalize does it here. */
static bool is_of_pixels(const node *n) {
    static const char *const types[] = {"Sub", "Div",  "Mul",    "Add",
                                        "Pad", "Clip", "Gather", "Resize"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (is(n, types[i]))
            return true;
    return false;
}

static lks_status check_rest(const lks_onnx_file *f, const node *n) {
    if (is(n, "If") || is(n, "Loop") || is(n, "Scan"))
        return refuse(f, n, "has a graph of its own; write the network without");
    for (size_t i = 0; i < n->n_input && (f->n_weights > 0 || !is_of_pixels(n)); i++) {
        const constant c = input_of(f, n, i);
        if (c.t && may_be_weights(c.t))
            return refuse(f, n, "has weights, and is no layer that can be imported");
    }
    return LKS_OK;
}

static lks_status take_operation(lks_onnx_file *f, size_t number) {
    const node *n = f->model->graph->node[number];
    bool taken = false;
    if (is(n, "Conv"))
        return take_parts(f, n, number, 2, 1);
    if (is(n, "Gemm"))
        return take_gemm(f, n, number);
    if (is(n, "BatchNormalization"))
        return take_parts(f, n, number, 4, 4);
    if (is(n, "Constant") || is(n, "Identity") || is(n, "Cast"))
        return LKS_OK;
    if (is(n, "Transpose"))
        return check_order(f, n);
    if (is(n, "MatMul") && input_of(f, n, 1).t) /* else it multiplies two values of the graph */
        return take_parts(f, n, number, 1, 1);
    if (is(n, "Add"))
        LKS_TRY(take_sum(f, n, &taken));
    return taken ? LKS_OK : check_rest(f, n);
}

static int by_operation(const void *a, const void *b) {
    const lks_onnx_weight *x = a, *y = b;
    return x->number != y->number ? (x->number > y->number) - (x->number < y->number)
                                  : (int)x->part - (int)y->part;
}

static lks_status take_weights(lks_onnx_file *f) {
    const size_t n = f->model->graph->n_node;
    for (size_t i = 0; i < n && i < INT32_MAX; i++)
        LKS_TRY(take_operation(f, i));
    if (f->n_weights == 0)
        return lks_fail(f->err, LKS_ERR_FORMAT,
                        "%s: its graph has no convolution or dense layer with weights", f->path);
    qsort(f->weights, f->n_weights, sizeof *f->weights, by_operation);
    return LKS_OK;
}

static lks_status take_facts(lks_onnx_file *f) {
    const Lks__Onnx__ModelProto *m = f->model;
    f->facts = malloc((m->n_metadata_props + 1) * sizeof *f->facts);
    if (!f->facts)
        return no_memory(f);
    for (size_t i = 0; i < m->n_metadata_props; i++)
        f->facts[i] = (lks_onnx_fact){text_of(m->metadata_props[i]->key),
                                      text_of(m->metadata_props[i]->value)};
    return LKS_OK;
}

/* --- from outside ----------------------------------------------------------------------------- */

static lks_status open_file(lks_onnx_file *f, const unsigned char *bytes, size_t size) {
    LKS_TRY(read_messages(f, bytes, size));
    LKS_TRY(index_graph(f));
    LKS_TRY(take_weights(f));
    return take_facts(f);
}

lks_status lks_onnx_open(lks_onnx_file **file, const char *path, const unsigned char *bytes,
                         size_t size, lks_error *err) {
    lks_onnx_file *f = *file = calloc(1, sizeof *f);
    if (!f)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the graph of %s", path);
    f->path = path;
    f->err = err;
    const lks_status status = open_file(f, bytes, size);
    if (status != LKS_OK) {
        lks_onnx_close(f);
        *file = NULL;
    }
    return status;
}

void lks_onnx_close(lks_onnx_file *f) {
    if (!f)
        return;
    if (f->model)
        lks__onnx__model_proto__free_unpacked(f->model, &f->allocator);
    free(f->constants.all);
    free(f->makers.all);
    free(f->weights);
    free(f->facts);
    free(f);
}

const lks_onnx_weight *lks_onnx_weights(const lks_onnx_file *f, int *n) {
    *n = (int)f->n_weights;
    return f->weights;
}

const lks_onnx_fact *lks_onnx_facts(const lks_onnx_file *f, int *n) {
    *n = (int)f->model->n_metadata_props;
    return f->facts;
}

#include "onnx/graph.h"

#include <assert.h>
#include <endian.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"
#include "onnx/onnx.pb-c.h"

enum { OPSET = 13, IR_VERSION = 7 };

/* Memory that lives as long as the model. */
typedef struct block {
    struct block *next;
    alignas(max_align_t) unsigned char bytes[];
} block;

/* Pointers to what was added. */
typedef struct list {
    void **items;
    size_t n, capacity;
} list;

struct lks_onnx {
    block *blocks;
    lks_error err; /* the first failure; status LKS_OK: none */
    char *name;
    list nodes, constants, inputs, outputs, facts;
};

/* --- memory ----------------------------------------------------------------------------------- */

/* Zeroed; NULL after a failure. */
static void *take(lks_onnx *m, size_t count, size_t size) {
    if (m->err.status != LKS_OK)
        return NULL;
    lks_error err;
    const size_t most = SIZE_MAX - sizeof(block);
    block *b = lks_alloc(1, size && count > most / size ? SIZE_MAX : sizeof *b + count * size,
                         "the ONNX model", &err);
    if (!b) {
        m->err = err;
        return NULL;
    }
    b->next = m->blocks;
    m->blocks = b;
    return b->bytes;
}

static char *text(lks_onnx *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
static char *text(lks_onnx *m, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const size_t size = (size_t)vsnprintf(NULL, 0, format, args) + 1;
    char *out = take(m, size, 1);
    if (out)
        vsnprintf(out, size, format, again);
    va_end(again);
    va_end(args);
    return out;
}

/* Grows by doubling; what it had before stays with the model. */
static void append(lks_onnx *m, list *l, void *item) {
    if (l->n == l->capacity) {
        const size_t more = l->capacity ? 2 * l->capacity : 16;
        void **items = take(m, more, sizeof *items);
        if (!items)
            return;
        if (l->n > 0)
            memcpy(items, l->items, l->n * sizeof *items);
        l->items = items;
        l->capacity = more;
    }
    if (item)
        l->items[l->n++] = item;
}

/* A list as protobuf-c wants it, an array of pointers of its own type. */
static void *array_of(lks_onnx *m, const list *l) {
    void *array = take(m, l->n, sizeof *l->items);
    if (array && l->n > 0)
        memcpy(array, l->items, l->n * sizeof *l->items);
    return array;
}

/* --- constants -------------------------------------------------------------------------------- */

static size_t element_size(int type) {
    return type == LKS_ONNX_INT64 ? sizeof(int64_t) : sizeof(float);
}

lks_onnx_constant lks_onnx_constant_add(lks_onnx *m, const char *owner, const char *what,
                                        lks_onnx_type type, int n, const int64_t *shape) {
    assert(type == LKS_ONNX_FLOAT || type == LKS_ONNX_INT32 || type == LKS_ONNX_INT64);
    size_t count = 1;
    for (int d = 0; d < n; d++)
        count *= (size_t)shape[d];
    Lks__Onnx__TensorProto *t = take(m, 1, sizeof *t);
    char *name = text(m, "%s.%s", owner, what);
    int64_t *dims = take(m, (size_t)n, sizeof *dims);
    void *values = take(m, count, element_size(type));
    if (!values)
        return (lks_onnx_constant){NULL, NULL};
    if (n > 0)
        memcpy(dims, shape, (size_t)n * sizeof *dims);
    lks__onnx__tensor_proto__init(t);
    t->name = name;
    t->n_dims = (size_t)n;
    t->dims = dims;
    t->has_data_type = true;
    t->data_type = type;
    t->has_raw_data = true;
    t->raw_data.data = values;
    t->raw_data.len = count * element_size(type);
    append(m, &m->constants, t);
    return (lks_onnx_constant){name, values};
}

/* Raw data are little-endian, whatever the machine is. */
static void lay_bytes(const Lks__Onnx__TensorProto *t) {
    const size_t size = element_size(t->data_type);
    for (size_t at = 0; at < t->raw_data.len; at += size) {
        if (size == sizeof(uint32_t)) {
            uint32_t word;
            memcpy(&word, t->raw_data.data + at, sizeof word);
            word = htole32(word);
            memcpy(t->raw_data.data + at, &word, sizeof word);
        } else {
            uint64_t word;
            memcpy(&word, t->raw_data.data + at, sizeof word);
            word = htole64(word);
            memcpy(t->raw_data.data + at, &word, sizeof word);
        }
    }
}

/* --- operations ------------------------------------------------------------------------------- */

/* All that one operation needs, in one piece. */
typedef struct node {
    Lks__Onnx__NodeProto proto;
    char *inputs[LKS_ONNX_INPUTS_MAX];
    char *output;
    Lks__Onnx__AttributeProto attributes[LKS_ONNX_ATTRIBUTES_MAX];
    Lks__Onnx__AttributeProto *attribute[LKS_ONNX_ATTRIBUTES_MAX];
    int64_t ints[LKS_ONNX_ATTRIBUTES_MAX][4];
} node;

static void set_attribute(lks_onnx *m, node *n, size_t i, const lks_onnx_attribute *from) {
    Lks__Onnx__AttributeProto *to = n->attribute[i] = &n->attributes[i];
    lks__onnx__attribute_proto__init(to);
    to->name = text(m, "%s", from->name);
    to->has_type = true;
    memcpy(n->ints[i], from->ints, sizeof n->ints[i]);
    switch (from->kind) {
    case LKS_ONNX_ONE:
        to->type = LKS__ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
        to->has_i = true;
        to->i = from->ints[0];
        break;
    case LKS_ONNX_SEVERAL:
        to->type = LKS__ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
        to->n_ints = (size_t)from->n;
        to->ints = n->ints[i];
        break;
    case LKS_ONNX_REAL:
        to->type = LKS__ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
        to->has_f = true;
        to->f = from->real;
        break;
    }
}

const char *lks_onnx_operation_add(lks_onnx *m, const lks_onnx_operation *o) {
    node *n = take(m, 1, sizeof *n);
    if (!n)
        return NULL;
    Lks__Onnx__NodeProto *p = &n->proto;
    lks__onnx__node_proto__init(p);
    p->op_type = text(m, "%s", o->type);
    p->name = o->what ? text(m, "%s.%s", o->owner, o->what) : text(m, "%s", o->owner);
    p->input = n->inputs;
    while (o->inputs[p->n_input]) {
        n->inputs[p->n_input] = text(m, "%s", o->inputs[p->n_input]);
        p->n_input++;
    }
    p->n_output = 1;
    p->output = &n->output;
    n->output = text(m, "%s.out", p->name);
    p->attribute = n->attribute;
    while (o->attributes[p->n_attribute].name) {
        set_attribute(m, n, p->n_attribute, &o->attributes[p->n_attribute]);
        p->n_attribute++;
    }
    append(m, &m->nodes, p);
    return m->err.status == LKS_OK ? n->output : NULL;
}

/* --- ports ------------------------------------------------------------------------------------ */

typedef struct port {
    Lks__Onnx__ValueInfoProto proto;
    Lks__Onnx__TypeProto type;
    Lks__Onnx__TypeProto__Tensor tensor;
    Lks__Onnx__TensorShapeProto shape;
    Lks__Onnx__TensorShapeProto__Dimension dims[4], *dim[4];
} port;

static void set_shape(lks_onnx *m, port *p, const lks_onnx_port *from) {
    lks__onnx__tensor_shape_proto__init(&p->shape);
    p->shape.n_dim = (size_t)from->n + 1;
    p->shape.dim = p->dim;
    for (int d = 0; d <= from->n; d++) {
        p->dim[d] = &p->dims[d];
        lks__onnx__tensor_shape_proto__dimension__init(p->dim[d]);
        if (d == 0) {
            p->dim[d]->dim_param = text(m, "batch");
        } else {
            p->dim[d]->has_dim_value = true;
            p->dim[d]->dim_value = from->shape[d - 1];
        }
    }
}

static const char *add_port(lks_onnx *m, list *to, const lks_onnx_port *from) {
    port *p = take(m, 1, sizeof *p);
    if (!p)
        return NULL;
    lks__onnx__value_info_proto__init(&p->proto);
    lks__onnx__type_proto__init(&p->type);
    lks__onnx__type_proto__tensor__init(&p->tensor);
    set_shape(m, p, from);
    p->proto.name = text(m, "%s", from->name);
    p->proto.doc_string = text(m, "%s", from->about);
    p->proto.type = &p->type;
    p->type.tensor_type = &p->tensor;
    p->tensor.has_elem_type = true;
    p->tensor.elem_type = (int32_t)from->type;
    p->tensor.shape = &p->shape;
    append(m, to, &p->proto);
    return p->proto.name;
}

const char *lks_onnx_input(lks_onnx *m, const lks_onnx_port *from) {
    return add_port(m, &m->inputs, from);
}

void lks_onnx_output(lks_onnx *m, const char *value, const lks_onnx_port *from) {
    add_port(m, &m->outputs, from);
    for (size_t i = 0; m->err.status == LKS_OK && i < m->nodes.n; i++) {
        Lks__Onnx__NodeProto *p = m->nodes.items[i];
        if (strcmp(p->output[0], value) == 0)
            p->output[0] = text(m, "%s", from->name);
    }
}

/* --- the file --------------------------------------------------------------------------------- */

void lks_onnx_fact(lks_onnx *m, const char *key, const char *value) {
    Lks__Onnx__StringStringEntryProto *p = take(m, 1, sizeof *p);
    if (!p)
        return;
    lks__onnx__string_string_entry_proto__init(p);
    p->key = text(m, "%s", key);
    p->value = text(m, "%s", value);
    append(m, &m->facts, p);
}

static void fill_graph(lks_onnx *m, Lks__Onnx__GraphProto *g) {
    lks__onnx__graph_proto__init(g);
    g->name = m->name;
    g->n_node = m->nodes.n;
    g->node = array_of(m, &m->nodes);
    g->n_initializer = m->constants.n;
    g->initializer = array_of(m, &m->constants);
    g->n_input = m->inputs.n;
    g->input = array_of(m, &m->inputs);
    g->n_output = m->outputs.n;
    g->output = array_of(m, &m->outputs);
}

/* Bytes go to the stream as they are made: into a text in memory, for an exporter the third copy of the weights, behind the
 * network's and the constants; an array of all of them would be a fourth. */
typedef struct stream {
    ProtobufCBuffer base;
    FILE *f;
} stream;

static void append_bytes(ProtobufCBuffer *buffer, size_t size, const uint8_t *bytes) {
    fwrite(bytes, 1, size, ((stream *)buffer)->f);
}

static lks_status pack(const Lks__Onnx__ModelProto *p, FILE *f, lks_error *err) {
    const size_t size = lks__onnx__model_proto__get_packed_size(p);
    if (size > INT32_MAX)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "the network would need %zu bytes as ONNX, and readers take less than 2 "
                        "GiB; --format safetensors has no such limit",
                        size);
    stream s = {.base = {.append = append_bytes}, .f = f};
    lks__onnx__model_proto__pack_to_buffer(p, &s.base);
    return LKS_OK;
}

lks_status lks_onnx_write(lks_onnx *m, const char *version, const char *about, FILE *f,
                          lks_error *err) {
    Lks__Onnx__ModelProto model = LKS__ONNX__MODEL_PROTO__INIT;
    Lks__Onnx__GraphProto graph;
    Lks__Onnx__OperatorSetIdProto opset = LKS__ONNX__OPERATOR_SET_ID_PROTO__INIT;
    Lks__Onnx__OperatorSetIdProto *opsets[] = {&opset};
    fill_graph(m, &graph);
    model.has_ir_version = opset.has_version = true;
    model.ir_version = IR_VERSION;
    model.producer_name = text(m, "lockstep");
    model.producer_version = text(m, "%s", version);
    model.doc_string = text(m, "%s", about);
    model.graph = &graph;
    opset.domain = text(m, "%s", ""); /* ONNX's own operators */
    opset.version = OPSET;
    model.n_opset_import = 1;
    model.opset_import = opsets;
    model.n_metadata_props = m->facts.n;
    model.metadata_props = array_of(m, &m->facts);
    if (m->err.status != LKS_OK)
        return lks_fail(err, m->err.status, "%s", m->err.text);
    for (size_t i = 0; i < graph.n_initializer; i++)
        lay_bytes(graph.initializer[i]);
    return pack(&model, f, err);
}

lks_status lks_onnx_create(lks_onnx **model, const char *name, lks_error *err) {
    lks_onnx *m = *model = lks_alloc(1, sizeof *m, "the ONNX model", err);
    if (!m)
        return err->status;
    m->name = text(m, "%s", name);
    return LKS_OK;
}

void lks_onnx_free(lks_onnx *m) {
    while (m && m->blocks) {
        block *b = m->blocks;
        m->blocks = b->next;
        lks_free(b);
    }
    lks_free(m);
}

#include "import/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "feed/packed/packed.h"
#include "files/whole_file.h"
#include "import/identity.h"
#include "import/match.h"
#include "import/result.h"
#include "import/source.h"
#include "infer/restore.h"
#include "job/job.h"
#include "lockstep/log.h"

/* The work in hand, on rank 0 but for what all ranks have. */
typedef struct importing {
    const lks_import_options *o;
    lks_config config; /* all ranks */
    unsigned char *bytes;
    lks_import_source source;
    lks_data_identity data; /* all ranks */
    lks_provenance provenance;
    lks_model *model;
    lks_model_view view;
    lks_import_target *targets; /* [view.n_tensors] */
    int *from;                  /* [view.n_tensors] */
} importing;

/* --- the file --------------------------------------------------------------------------------- */

static lks_status open_source(importing *m, lks_error *err) {
    size_t size;
    LKS_TRY(lks_import_out_check(m->o, err));
    LKS_TRY(lks_read_whole_file(m->o->file, 0, NULL, &m->bytes, &size, err));
    return lks_import_open(&m->source, m->o->file, m->bytes, size, err);
}

/* Where rank 0 finds them in the file, or the user says them, the others need nothing. */
static lks_status find_data(importing *m, lks_comm *comm, lks_error *err) {
    const lks_shape image = m->o->image;
    lks_status status = LKS_OK;
    int64_t told = comm->rank == 0 && lks_import_tells_data(&m->source);
    lks_comm_max_i64(comm, &told, 1);
    LKS_TRY(lks_comm_check(comm, err));
    if (told)
        status = comm->rank == 0 ? lks_import_data_told(&m->data, &m->source, err) : LKS_OK;
    else if (image.rows)
        status = lks_import_data_said(&m->data, image, &m->config, err);
    else {
        status = lks_packed_take(&m->config, comm, err);
        if (status == LKS_OK)
            status = lks_import_data_read(&m->data, comm, &m->config, err);
        if (status == LKS_ERR_DATA)
            lks_fail_context(err, "what the network learnt from is not in the file, and --image "
                                  "ROWSxCOLUMNSxCHANNELS does not say it");
    }
    return lks_comm_agree(comm, status, err);
}

/* --- the network ------------------------------------------------------------------------------ */

static void fill_targets(importing *m, const lks_layer_info *info, const lks_shape *orders) {
    const lks_config *config = &m->config;
    const lks_shape input = {m->data.rows, m->data.columns, m->data.channels};
    lks_import_target *to = m->targets;
    for (int i = 0; i < config->n_layers; i++)
        for (int t = 0; t < info[i].n_tensors; t++, to++) {
            to->tensor = &m->view.tensors[to - m->targets];
            to->layer = i;
            to->laid.ndim = to->tensor->ndim;
            to->laid.order = lks_layout_input(config, i, input, orders);
            memcpy(to->laid.shape, to->tensor->shape, sizeof to->laid.shape);
        }
}

static lks_status find_targets(importing *m, lks_error *err) {
    const size_t n = (size_t)m->config.n_layers;
    const lks_shape input = {m->data.rows, m->data.columns, m->data.channels};
    lks_layer_info *info = lks_alloc(n, sizeof *info, "layers", err);
    lks_shape *orders = lks_alloc(n, sizeof *orders, "layers", err);
    lks_status status = info && orders ? LKS_OK : err->status;
    if (status == LKS_OK)
        status = lks_model_shapes(&m->config, input, m->data.classes, info, err);
    if (status == LKS_OK) {
        lks_layout_orders(&m->config, info, input, orders);
        fill_targets(m, info, orders);
    }
    lks_free(info);
    lks_free(orders);
    return status;
}

static lks_status build(importing *m, lks_error *err) {
    LKS_TRY(lks_restore_model(&m->model, &m->config, &m->data, 1, 1, err));
    m->view = lks_model_look(m->model);
    const size_t n = (size_t)m->view.n_tensors;
    m->targets = lks_alloc(n, sizeof *m->targets, "tensors", err);
    m->from = lks_alloc(n, sizeof *m->from, "tensors", err);
    return m->targets && m->from ? find_targets(m, err) : err->status;
}

/* --- values ----------------------------------------------------------------------------------- */

static lks_layout layout_of(const importing *m) {
    if (m->o->layout == LKS_IMPORT_AS_FILE)
        return m->source.reader->layout;
    return m->o->layout == LKS_IMPORT_PYTORCH ? LKS_LAYOUT_TORCH : LKS_LAYOUT_NATIVE;
}

static bool ends_with(const char *text, const char *end) {
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* A batchnorm divides by its root. */
static lks_status check_variance(const importing *m, int target, lks_error *err) {
    const lks_tensor *t = m->targets[target].tensor;
    const float *values = m->view.weights + t->offset;
    for (size_t i = 0; ends_with(t->name, "/running_var") && i < t->count; i++)
        if (values[i] < 0)
            return lks_fail(err, LKS_ERR_NUMERIC,
                            "%s: value %zu of '%.128s' is %g, which no "
                            "variance can be",
                            m->o->file, i, m->source.tensors[m->from[target]].name,
                            (double)values[i]);
    return LKS_OK;
}

static lks_status take_tensor(importing *m, int target, lks_layout layout, lks_error *err) {
    const lks_import_target *to = &m->targets[target];
    float *values = lks_alloc(to->tensor->count, sizeof *values, "a tensor", err);
    if (!values)
        return err->status;
    lks_status status = lks_import_values(&m->source, m->from[target], values, err);
    if (status == LKS_OK) {
        lks_layout_from(&to->laid, layout, values, m->view.weights + to->tensor->offset);
        status = check_variance(m, target, err);
    }
    lks_free(values);
    return status;
}

static void tell(const importing *m, int target) {
    const lks_import_tensor *t = &m->source.tensors[m->from[target]];
    char shape[192];
    lks_info("%-24s  from %s, %s", m->targets[target].tensor->name, t->name,
             lks_import_shape_text(t->shape, t->ndim, shape));
}

static lks_status take_all(importing *m, lks_error *err) {
    const int n = m->view.n_tensors;
    const lks_layout layout = layout_of(m);
    LKS_TRY(lks_import_match(&m->source, m->targets, n, layout, &m->o->maps, m->from, err));
    for (int t = 0; t < n; t++)
        LKS_TRY(take_tensor(m, t, layout, err));
    for (int t = 0; t < n; t++)
        tell(m, t);
    return LKS_OK;
}

/* --- the layers, which weights do not tell --------------------------------------------------------- */

/* Of a file of `lockstep export`: two networks may differ in what has no weights. */
static lks_status compare_layers(const importing *m, lks_error *err) {
    const char *said = lks_import_fact_of(&m->source, "layers");
    size_t at = 1;
    for (int i = 0; said && i < m->config.n_layers; i++) {
        char *own = lks_layer_to_json(&m->config.layers[i], err);
        if (!own)
            return err->status;
        const size_t n = strlen(own);
        const bool same = strlen(said) > at && strncmp(said + at, own, n) == 0;
        if (!same)
            lks_warn("layer %d of %s is otherwise in %s: here %s", i + 1, m->o->config, m->o->file,
                     own);
        free(own);
        if (!same)
            return LKS_OK;
        at += n + 2;
    }
    return LKS_OK;
}

/* --- all of it -------------------------------------------------------------------------------- */

static lks_status work_alone(importing *m, lks_error *err) {
    LKS_TRY(lks_import_take_classes(&m->config, &m->source, err));
    LKS_TRY(compare_layers(m, err));
    LKS_TRY(build(m, err));
    LKS_TRY(take_all(m, err));
    const lks_import_result r = {.config = &m->config,
                                 .data = &m->data,
                                 .provenance = &m->provenance,
                                 .view = &m->view,
                                 .reader = m->source.reader->name};
    return lks_import_write(m->o, &r, err);
}

static lks_status work(importing *m, lks_comm *comm, lks_error *err) {
    const lks_kernels *kernels;
    LKS_TRY(lks_comm_agree(comm, comm->rank == 0 ? open_source(m, err) : LKS_OK, err));
    LKS_TRY(find_data(m, comm, err));
    LKS_TRY(lks_comm_agree(comm, lks_kernels_select(getenv("LOCKSTEP_ISA"), &kernels, err), err));
    lks_fill_provenance(&m->provenance, comm, kernels, 1);
    return lks_comm_agree(comm, comm->rank == 0 ? work_alone(m, err) : LKS_OK, err);
}

lks_status lks_import(lks_comm *comm, const lks_import_options *o, lks_error *err) {
    importing m = {.o = o};
    LKS_TRY(lks_config_load(comm, o->config, o->sets, o->n_sets, &m.config, err));
    const lks_status status = work(&m, comm, err);
    lks_import_close(&m.source);
    free(m.bytes);
    lks_model_free(m.model);
    lks_free(m.targets);
    lks_free(m.from);
    lks_config_free(&m.config);
    return status;
}

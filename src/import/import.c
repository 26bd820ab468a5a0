#include "import/import.h"

#include <stdlib.h>
#include <string.h>

#include "feed/packed/packed.h"
#include "files/whole_file.h"
#include "import/identity.h"
#include "import/network.h"
#include "import/result.h"
#include "import/source.h"
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
    lks_import_network network;
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

/* --- the layers, which weights do not tell ------------------------------------------------ */

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

static lks_layout layout_of(const importing *m) {
    if (m->o->layout == LKS_IMPORT_AS_FILE)
        return m->source.reader->layout;
    return m->o->layout == LKS_IMPORT_PYTORCH ? LKS_LAYOUT_TORCH : LKS_LAYOUT_NATIVE;
}

static lks_status work_alone(importing *m, lks_error *err) {
    lks_import_network *n = &m->network;
    LKS_TRY(lks_import_take_classes(&m->config, &m->source, err));
    LKS_TRY(compare_layers(m, err));
    LKS_TRY(lks_import_network_make(n, &m->config, &m->data, err));
    LKS_TRY(lks_import_network_take(n, &m->source, layout_of(m), &m->o->maps, err));
    lks_import_network_tell(n, &m->source);
    const lks_import_result r = {.config = &m->config,
                                 .data = &m->data,
                                 .provenance = &m->provenance,
                                 .view = &n->view,
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
    lks_import_network_free(&m.network);
    lks_config_free(&m.config);
    return status;
}

#include "import/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/json/json.h"
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

#define COUNT_MAX ((int64_t)1 << 53)

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

/* Of the object of JSON that begins there; 0: none does. Texts in it have no braces. */
static size_t length_of(const char *object) {
    size_t n = 0;
    int depth = 0;
    if (*object != '{')
        return 0;
    do {
        depth += (object[n] == '{') - (object[n] == '}');
        n++;
    } while (depth > 0 && object[n]);
    return n;
}

/* Whether the layer at `said` is layer i; the first one that is not is shown. */
static lks_status compare_layer(const importing *m, int i, const char *said, int *others,
                                lks_error *err) {
    enum { SHOWN = 160 };
    const size_t n = length_of(said);
    char *own = lks_layer_to_json(&m->config.layers[i], err);
    if (!own)
        return err->status;
    const bool same = strlen(own) == n && memcmp(said, own, n) == 0;
    if (!same && (*others)++ == 0)
        lks_warn("layer %d differs: %s has %.*s, %s has %.*s; answers may differ, too", i + 1,
                 m->o->file, n < SHOWN ? (int)n : SHOWN, said, m->o->config, SHOWN, own);
    free(own);
    return LKS_OK;
}

/* Of a file of `lockstep export`: two networks may differ in what has no weights. */
static lks_status compare_layers(const importing *m, lks_error *err) {
    const char *said = lks_import_fact_of(&m->source, "layers");
    int i = 0, others = 0;
    if (!said)
        return LKS_OK;
    said += *said == '[';
    for (; i < m->config.n_layers && *said == '{'; i++) {
        LKS_TRY(compare_layer(m, i, said, &others, err));
        said += length_of(said);
        said += strspn(said, ", ");
    }
    if (others > 1)
        lks_warn("%d more layers differ", others - 1);
    if (i < m->config.n_layers || *said == '{')
        lks_warn("%s has %s layers than %s: answers may differ", m->o->file,
                 *said == '{' ? "more" : "fewer", m->o->config);
    return LKS_OK;
}

/* --- pixels, of which weights do not tell either ----------------------------------------------- */

static bool same_numbers(const double *found, const double *given, int n_given, int channels) {
    for (int k = 0; k < channels; k++)
        if (found[k] != given[n_given == 1 ? 0 : k])
            return false;
    return true;
}

/* Of a file that says it, whether the configuration wants it otherwise. The numbers of `computed` are only known with the
 * images. */
static bool wants_other_pixels(const importing *m) {
    const lks_data_config *c = &m->config.data;
    const lks_data_identity *d = &m->data;
    if (c->normalize == LKS_NORMALIZE_GIVEN)
        return !same_numbers(d->mean, c->mean, c->n_mean, d->channels) ||
               !same_numbers(d->std, c->std, c->n_std, d->channels);
    return lks_pixels_plain(d) != (c->normalize == LKS_NORMALIZE_NONE);
}

static void tell_pixels(const importing *m) {
    char text[LKS_PIXELS_TEXT];
    const bool told = lks_import_tells_data(&m->source);
    lks_info("%-24s  %s, as %s has it%s", "pixels", lks_pixels_text(&m->data, text),
             told ? m->o->file : m->o->config, told ? "" : ": the file does not say");
    if (told && wants_other_pixels(m))
        lks_warn("data.normalize of %s is otherwise: a network answers well to pixels as it has "
                 "learnt them, so those of %s are kept",
                 m->o->config, m->o->file);
}

/* --- what else a file of `lockstep export` says ------------------------------------------------- */

/* How sure it is, as it was fitted; 0 images: it does not say. */
static lks_temperature temperature_of(const lks_import_source *s) {
    const char *fit = lks_import_fact_of(s, "calibration");
    lks_temperature t = {0};
    if (!fit)
        return t;
    t.value = lks_json_get_number(fit, "temperature");
    t.images = lks_json_get_integer(fit, "images", COUNT_MAX, 0);
    t.wrong = lks_json_get_integer(fit, "wrong", COUNT_MAX, 0);
    t.nll_before = lks_json_get_number(fit, "loss_before");
    t.nll_after = lks_json_get_number(fit, "loss_after");
    t.second_run = (int32_t)lks_json_get_integer(fit, "second_run", 1, 0);
    return t;
}

/* Pictures are prepared as they were for it, unless the configuration says how. */
static void take_pictures(importing *m) {
    const char *said = lks_import_fact_of(&m->source, "pictures");
    lks_pictures_config *own = &m->config.data.pictures;
    char word[16];
    if (!said || own->preprocess != LKS_PREPROCESS_AUTO ||
        !lks_json_get_text(said, "preprocess", word, sizeof word))
        return;
    if (strcmp(word, "mnist") == 0)
        own->preprocess = LKS_PREPROCESS_MNIST;
    if (strcmp(word, "none") != 0)
        return;
    own->preprocess = LKS_PREPROCESS_NONE;
    own->invert = strstr(said, "\"invert\": true") != NULL;
    own->background = (int)lks_json_get_integer(said, "background", 255, own->invert ? 255 : 0);
}

/* Precision is the configuration's: another one gives other answers. */
static void compare_precision(const importing *m) {
    const char *said = lks_import_fact_of(&m->source, "precision");
    const char *own = lks_precision_word(m->config.train.precision);
    if (said && strcmp(said, own) != 0)
        lks_warn("%s was trained with train.precision %s, %s has %s: answers differ a little",
                 m->o->file, said, m->o->config, own);
}

static lks_status compare_size(const importing *m, lks_error *err) {
    const lks_shape said = m->o->image;
    const lks_data_identity *d = &m->data;
    if (!said.rows ||
        (said.rows == d->rows && said.columns == d->columns && said.channels == d->channels))
        return LKS_OK;
    return lks_fail(err, LKS_ERR_USAGE, "--image %dx%dx%d: %s says %dx%dx%d", said.rows,
                    said.columns, said.channels, m->o->file, d->rows, d->columns, d->channels);
}

/* --- all of it -------------------------------------------------------------------------------- */

static lks_layout layout_of(const importing *m) {
    if (m->o->layout == LKS_IMPORT_AS_FILE)
        return m->source.reader->layout;
    return m->o->layout == LKS_IMPORT_PYTORCH ? LKS_LAYOUT_TORCH : LKS_LAYOUT_NATIVE;
}

static lks_status work_alone(importing *m, lks_error *err) {
    lks_import_network *n = &m->network;
    const lks_temperature temperature = temperature_of(&m->source);
    LKS_TRY(lks_import_take_classes(&m->config, &m->source, err));
    take_pictures(m);
    LKS_TRY(compare_size(m, err));
    LKS_TRY(compare_layers(m, err));
    compare_precision(m);
    LKS_TRY(lks_import_network_make(n, &m->config, &m->data, err));
    LKS_TRY(lks_import_network_take(n, &m->source, layout_of(m), &m->o->maps, err));
    lks_import_network_tell(n, &m->source);
    tell_pixels(m);
    const lks_import_result r = {.config = &m->config,
                                 .data = &m->data,
                                 .provenance = &m->provenance,
                                 .view = &n->view,
                                 .temperature = &temperature,
                                 .exported = lks_import_fact_of(&m->source, "weights_sha256"),
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

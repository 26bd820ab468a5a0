/* What was packed, and what to type next. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "config/source.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "lockstep/model.h"
#include "base/shell.h"
#include "tool/pack.h"

/* --- the classes ------------------------------------------------------------------------------ */

static void print_table(const lks_packed *p) {
    int64_t counts[2][LKS_CLASSES_MAX] = {{0}};
    const lks_split *s = &p->split;
    for (int64_t i = 0; i < s->n_train; i++)
        counts[0][p->labels[s->train[i]]]++;
    for (int64_t i = 0; i < s->n_validation; i++)
        counts[1][p->labels[s->validation[i]]]++;
    printf("label     train      test  class\n");
    for (int k = 0; k < p->folder.n_classes; k++) {
        char name[256];
        const char *full = p->folder.class_names[k];
        printf("%5d %9" PRId64 " %9" PRId64 "  %s\n", k, counts[0][k], counts[1][k],
               lks_printable(name, sizeof name, full, strlen(full)));
    }
    printf("total %9" PRId64 " %9" PRId64 "\n\n", s->n_train, s->n_validation);
    printf("%s: images of %d x %d x %d, %d classes%s\n", p->options->out, p->form.rows,
           p->form.columns, p->form.channels, p->folder.n_classes,
           s->n_validation ? "" : ", no test set");
}

/* --- the commands ----------------------------------------------------------------------------- */

static lks_status print_word(const char *word, lks_error *err) {
    char *text = lks_shell_word(word);
    if (!text)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the report");
    printf(" %s", text);
    free(text);
    return LKS_OK;
}

static lks_status print_set(const lks_config *c, const char *key, lks_error *err) {
    char *text = lks_config_assignment(c, key, err);
    if (!text)
        return LKS_ERR_MEMORY;
    printf(" --set");
    lks_status status = print_word(text, err);
    free(text);
    return status;
}

/* The last component of the folder's name, for the run folder. */
static void name_run(const char *out, char *name, size_t size) {
    size_t end = strlen(out);
    while (end > 0 && out[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && out[start - 1] != '/')
        start--;
    const int length = (int)(end - start);
    const bool useful = length > 0 && out[start] != '.';
    snprintf(name, size, "runs/%.*s", useful ? length : 8, useful ? out + start : "pictures");
}

/* "--set" text that gives the network the classes of the data; "" where it has them. LKS_ERR_CONFIG tells why it
 * cannot take the images. */
static lks_status fit_network(const lks_packed *p, char *set, size_t size, lks_error *err) {
    const lks_pack_options *o = p->options;
    const lks_shape shape = {p->form.rows, p->form.columns, p->form.channels};
    const int classes = p->folder.n_classes;
    lks_config c;
    LKS_TRY(lks_config_parse(&c, o->network_text, o->network_size, o->network, NULL, 0, err));
    lks_model_fit_outputs(&c, classes, set, size);
    lks_config_free(&c);
    const char *sets[] = {set};
    LKS_TRY(
        lks_config_parse(&c, o->network_text, o->network_size, o->network, sets, *set != 0, err));
    lks_layer_info *info = lks_alloc((size_t)c.n_layers, sizeof *info, "the layer table", err);
    lks_status status = info ? lks_model_shapes(&c, shape, classes, info, err) : err->status;
    lks_free(info);
    lks_config_free(&c);
    return status;
}

/* How the network goes on that the pictures were packed for. */
static lks_status print_next(const lks_packed *p, lks_config *c, lks_error *err) {
    char run[LKS_PATH_MAX];
    name_run(p->options->out, run, sizeof run);
    snprintf(c->data.dir, sizeof c->data.dir, "%s", p->options->out);
    printf(
        "\nTo train the network on them from where it is, CONFIG being what it was trained with:\n"
        "  mpirun -n 2 lockstep train CONFIG");
    LKS_TRY(print_set(c, "data.dir", err));
    if (!p->split.n_validation) {
        LKS_TRY(print_set(c, "data.test_images", err));
        LKS_TRY(print_set(c, "data.test_labels", err));
    }
    printf(" --init-from");
    LKS_TRY(print_word(p->options->like, err));
    printf(" --out");
    LKS_TRY(print_word(run, err));
    printf("\n");
    return LKS_OK;
}

static lks_status print_commands(const lks_packed *p, const char *units, lks_config *c,
                                 lks_error *err) {
    char run[LKS_PATH_MAX], checkpoint[LKS_PATH_MAX + 32];
    name_run(p->options->out, run, sizeof run);
    snprintf(checkpoint, sizeof checkpoint, "%s/checkpoints/last.h5", run);
    snprintf(c->data.dir, sizeof c->data.dir, "%s", p->options->out);
    printf("\nTo train on it, and to evaluate what was trained:\n"
           "  lockstep configs %s > net.yaml\n"
           "  mpirun -n 2 lockstep train net.yaml",
           p->options->network);
    LKS_TRY(print_set(c, "data.dir", err));
    if (*units)
        printf(" --set %s", units);
    if (!p->split.n_validation) {
        LKS_TRY(print_set(c, "data.test_images", err));
        LKS_TRY(print_set(c, "data.test_labels", err));
    }
    printf(" --out");
    LKS_TRY(print_word(run, err));
    if (p->split.n_validation) {
        printf("\n  lockstep eval");
        LKS_TRY(print_word(checkpoint, err));
    }
    printf("\n\nTo ask it about a picture:\n  lockstep predict");
    LKS_TRY(print_word(run, err));
    printf(" photo.png\n");
    return LKS_OK;
}

/* How a new network is trained on them. */
static lks_status print_first(const lks_packed *p, lks_config *c, lks_error *err) {
    char units[LKS_NAME_MAX + 32];
    const lks_status status = fit_network(p, units, sizeof units, err);
    if (status == LKS_OK)
        return print_commands(p, units, c, err);
    if (status != LKS_ERR_CONFIG)
        return status;
    printf("\nThe shipped network %s cannot take them: %s\n"
           "`lockstep configs` lists others, `lockstep info` tells whether one fits.\n",
           p->options->network, err->text);
    return LKS_OK;
}

lks_status lks_pack_report(const lks_packed *p, lks_error *err) {
    lks_config *c = lks_alloc(1, sizeof *c, "the report", err);
    if (!c)
        return LKS_ERR_MEMORY;
    print_table(p);
    const lks_status status = p->like ? print_next(p, c, err) : print_first(p, c, err);
    lks_free(c);
    return status;
}

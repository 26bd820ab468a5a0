/* A network as a program in C99 that needs nothing but a compiler: a source and its header, with the weights in them.
 * Each layer's arithmetic is a text of text/, written as src/kernels computes it; a file has those that its network
 * needs. */
#include <string.h>

#include "export/c/head.h"
#include "export/c/int8/int8.h"
#include "export/c/kernels.h"
#include "export/c/vectors.h"
#include "lockstep/log.h"

static const lks_c_form floats = {.kernels = &lks_c_floats_kernels,
                                  .header = "header",
                                  .top = "top",
                                  .guard = "guard",
                                  .scratch = "float",
                                  .logits = "float",
                                  .answers = {"predict", "softmax"}};
static const lks_c_form integers = {.kernels = &lks_c_int8_kernels,
                                    .header = "int8_header",
                                    .top = "int8_top",
                                    .guard = "int8_guard",
                                    .scratch = "int8_t",
                                    .logits = "int32_t",
                                    .answers = {"int8_predict"}};

static void heading(const lks_c_writer *w, const char *what) {
    fprintf(
        w->out, "/* --- %s %.*s */\n\n", what, (int)(90 - strlen(what)),
        "----------------------------------------------------------------------------------------"
        "----------");
}

static void write_kernels(lks_c_writer *w, const lks_c_plan *plan) {
    heading(w, "arithmetic");
    for (int i = 0; i < plan->n_steps; i++) {
        const lks_c_step *s = &plan->steps[i];
        if (s->kernel->texts)
            s->kernel->texts(w, s);
        else
            lks_c_part(w, s->kernel->text);
    }
}

static lks_status write_constants(lks_c_writer *w, const lks_c_plan *plan, lks_error *err) {
    heading(w, "layers: settings, and the bits of weights");
    for (int i = 0; i < plan->n_steps; i++)
        if (plan->steps[i].kernel->declare)
            LKS_TRY(plan->steps[i].kernel->declare(w, &plan->steps[i], err));
    return LKS_OK;
}

/* Where a step finds its room, and leaves its values of type `type`. */
static void write_places(const lks_c_writer *w, const lks_c_step *s, const char *type) {
    char prefix[LKS_C_NAME_MAX];
    const lks_c_step *place = &s->plan->steps[s->stands_in];
    lks_c_prefix(s, prefix);
    if (s->room.floats > 0)
        fprintf(w->out, "    %s *const %sroom = scratch + %zu;\n", type, prefix, s->room.at);
    if (s != &s->plan->steps[s->plan->n_steps - 1])
        fprintf(w->out, "    %s *const %sout = scratch + %zu; /* %d x %d x %d */\n", type, prefix,
                place->value.at, s->out.rows, s->out.columns, s->out.channels);
}

static void write_network(lks_c_writer *w, const lks_c_plan *plan, const lks_c_form *form) {
    heading(w, "the network");
    lks_c_write_classes(w, plan->x);
    fprintf(w->out, "void %s_logits(const unsigned char *image, %s *logits, %s *scratch) {\n",
            w->name, form->logits, form->scratch);
    for (int i = 0; i < plan->n_steps; i++)
        write_places(w, &plan->steps[i], form->scratch);
    for (int i = 0; i < plan->n_steps; i++)
        plan->steps[i].kernel->call(w, &plan->steps[i]);
    fputs("}\n\n", w->out);
    for (int i = 0; form->answers[i]; i++)
        lks_c_part(w, form->answers[i]);
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The header's name stands in an #include, and may not be that of a header which the file itself includes. */
static lks_status check_name(const char *name, lks_error *err) {
    static const char *const standard[] = {"float.h",  "limits.h", "math.h",  "stddef.h",
                                           "stdint.h", "stdio.h",  "string.h"};
    for (int i = 0; i < LKS_COUNT(standard); i++)
        if (strcmp(name, standard[i]) == 0)
            return lks_fail(err, LKS_ERR_USAGE,
                            "%s is a header of every C compiler; --out FILE.c gives another name",
                            name);
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || strchr("\"\\?", *c))
            return lks_fail(err, LKS_ERR_USAGE,
                            "%s: a file in C cannot include a file of that name; --out FILE.c "
                            "gives another",
                            name);
    return LKS_OK;
}

static lks_status write_files(const lks_c_plan *plan, const lks_c_form *form, const char *measured,
                              FILE *const *files, lks_error *err) {
    const lks_exporting *x = plan->x;
    const char *source = base_name(x->names[0]), *header = base_name(x->names[1]);
    lks_c_writer w = {.out = files[1]};
    LKS_TRY(check_name(header, err));
    lks_c_writer_name(&w, source);
    lks_c_write_header(&w, plan, form);
    w.out = files[0];
    LKS_TRY(lks_c_write_top(&w, plan, form, header, measured, err));
    write_kernels(&w, plan);
    LKS_TRY(write_constants(&w, plan, err));
    write_network(&w, plan, form);
    if (form == &integers)
        return lks_c_write_int8_test(&w, plan, err);
    return lks_c_write_test(&w, x, err);
}

/* Chooses scales, and tells what they cost: "scales ...; 98.70 % of 10000 test images ...". */
static lks_status round_network(lks_c_plan *plan, char *measured, size_t size, lks_error *err) {
    int images = 0;
    lks_c_accuracy a;
    LKS_TRY(lks_c_calibrate(plan, &images, err));
    LKS_TRY(lks_c_measure(plan, &a, err));
    int used = snprintf(measured, size, "scales by the first %d training images; %s", images,
                        a.images > 0 ? "" : "there is no test set to measure the accuracy with");
    if (a.images > 0) {
        const double percent = 100 / (double)a.images;
        snprintf(measured + used, size - (size_t)used,
                 "of %lld test images %.2f %% are classified rightly, by floats %.2f %%; %.2f %% "
                 "get the same answer",
                 (long long)a.images, percent * (double)a.integers, percent * (double)a.floats,
                 percent * (double)a.agreement);
    }
    lks_info("%s", measured);
    return LKS_OK;
}

static lks_status write_c(const lks_exporting *x, FILE *const *files, lks_error *err) {
    const lks_c_form *form = lks_export_has(x, LKS_EXPORT_INT8) ? &integers : &floats;
    char measured[256] = "";
    lks_c_plan plan = {.x = x};
    LKS_TRY(lks_c_check_kinds(x, err));
    lks_status status = lks_c_plan_make(&plan, x, form->kernels, err);
    if (status == LKS_OK && form == &integers)
        status = round_network(&plan, measured, sizeof measured, err);
    if (status == LKS_OK)
        status = write_files(&plan, form, measured, files, err);
    lks_c_plan_free(&plan);
    return status;
}

const lks_export_format lks_export_c = {
    .name = "c", .endings = {"c", "h"}, .options = LKS_EXPORT_INT8, .write = write_c};

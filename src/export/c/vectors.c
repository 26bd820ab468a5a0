#include "export/c/vectors.h"

#include <string.h>

#include "base/memory.h"
#include "export/c/int8/int8.h"
#include "export/c/text/test_image.c99" /* make_image(), as the file has it */

#define IMAGES 8

/* What the network gives for image i, [classes] each. */
static void ask(const lks_exporting *x, int i, uint8_t *image, float *logits,
                float *probabilities) {
    const lks_batch batch = {.images = image, .n = 1};
    make_image(i, lks_c_values(x->input), image);
    lks_model_evaluate(x->network->model, &batch, NULL, probabilities);
    const lks_layer_output last = lks_model_output(x->network->model, x->n_layers - 1);
    memcpy(logits, last.values, (size_t)x->classes * sizeof *logits);
}

static void begin(const lks_c_writer *w) {
    fprintf(w->out,
            "#ifdef %s_TEST /* a program that compares its results */\n#include <stdio.h>\n\n"
            "#define TEST_IMAGES %d\n\n",
            w->upper, IMAGES);
}

static void write_bits(FILE *out, const char *what, const float *values, int images, int classes) {
    fprintf(out, "static const uint32_t %s[TEST_IMAGES][%d] = {\n", what, classes);
    for (int i = 0; i < images; i++) {
        for (int c = 0; c < classes; c++) {
            uint32_t bits;
            memcpy(&bits, values++, sizeof bits);
            fprintf(out, "%s0x%08x", c == 0 ? "    {" : c % 8 ? ", " : ",\n     ", (unsigned)bits);
        }
        fputs("},\n", out);
    }
    fputs("};\n\n", out);
}

lks_status lks_c_write_test(lks_c_writer *w, const lks_exporting *x, lks_error *err) {
    const size_t classes = (size_t)x->classes;
    uint8_t *image = lks_alloc(lks_c_values(x->input), 1, "a test", err);
    float *logits = lks_alloc(2 * IMAGES * classes, sizeof *logits, "a test", err);
    if (image && logits) {
        float *probabilities = logits + IMAGES * classes;
        for (int i = 0; i < IMAGES; i++)
            ask(x, i, image, logits + (size_t)i * classes, probabilities + (size_t)i * classes);
        begin(w);
        write_bits(w->out, "logits_wanted", logits, IMAGES, x->classes);
        write_bits(w->out, "probabilities_wanted", probabilities, IMAGES, x->classes);
        lks_c_part(w, "test");
        fputs("#endif\n", w->out);
    }
    const bool made = image && logits;
    lks_free(image);
    lks_free(logits);
    return made ? LKS_OK : err->status;
}

static void write_logits(FILE *out, const int32_t *logits, int classes) {
    fprintf(out, "static const int32_t logits_wanted[TEST_IMAGES][%d] = {\n", classes);
    for (int i = 0; i < IMAGES; i++) {
        for (int c = 0; c < classes; c++)
            fprintf(out, "%s%ld", c == 0 ? "    {" : c % 8 ? ", " : ",\n     ", (long)*logits++);
        fputs("},\n", out);
    }
    fputs("};\n\n", out);
}

lks_status lks_c_write_int8_test(lks_c_writer *w, const lks_c_plan *plan, lks_error *err) {
    const size_t classes = (size_t)plan->x->classes, values = lks_c_values(plan->x->input);
    uint8_t *image = lks_alloc(values, 1, "a test", err);
    int8_t *scratch = lks_alloc(plan->floats, 1, "a test", err);
    int32_t *logits = lks_alloc(IMAGES * classes, sizeof *logits, "a test", err);
    if (image && scratch && logits) {
        for (int i = 0; i < IMAGES; i++) {
            make_image(i, values, image);
            lks_c_compute(plan, image, scratch, logits + (size_t)i * classes);
        }
        begin(w);
        write_logits(w->out, logits, plan->x->classes);
        lks_c_part(w, "int8_test");
        fputs("#endif\n", w->out);
    }
    const bool made = image && scratch && logits;
    lks_free(image);
    lks_free(scratch);
    lks_free(logits);
    return made ? LKS_OK : err->status;
}

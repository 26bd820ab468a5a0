/* Writes C: texts with the network's name in them, constants, identifiers. */
#ifndef LKS_EXPORT_C_WRITER_H
#define LKS_EXPORT_C_WRITER_H

#include "export/c/plan.h"
#include "nn/layer.h"

#define LKS_C_TEXTS_MAX 64
#define LKS_C_NAME_MAX  128

struct lks_c_writer {
    FILE *out;
    char name[LKS_C_NAME_MAX], upper[LKS_C_NAME_MAX]; /* "mnist", "MNIST" */
    bool given[LKS_C_TEXTS_MAX];                      /* texts that are there already */
};

/* Sets the name that functions begin with, made of that of the file, NAME.c. */
void lks_c_writer_name(lks_c_writer *w, const char *file);

/* Writes a text of text/, in which @name@ and @NAME@ become the network's name, after those that its first line says it
 * needs; but nothing a second time. */
void lks_c_text(lks_c_writer *w, const char *name);

/* The same, and an empty line after each. */
void lks_c_part(lks_c_writer *w, const char *name);

/* The name of a step in C, which ends in "_" and no two steps have: "conv1_". */
const char *lks_c_prefix(const lks_c_step *s, char prefix[LKS_C_NAME_MAX]);

/* What has the value of a step's input k, or its own: "conv1_out". */
const char *lks_c_input(const lks_c_step *s, int k, char name[LKS_C_NAME_MAX]);
const char *lks_c_output(const lks_c_step *s, char name[LKS_C_NAME_MAX]);

/* Writes "static const union { ... } PREFIXwhat", whose member `values` has n floats, from their bits. */
void lks_c_floats(lks_c_writer *w, const lks_c_step *s, const char *what, const float *values,
                  size_t n);

/* The upper halves of floats: "static const uint16_t PREFIXwhat[n]". */
void lks_c_halves(lks_c_writer *w, const lks_c_step *s, const char *what, const float *values,
                  size_t n);

/* Tables of whole numbers: "static const int8_t PREFIXwhat[n]". */
void lks_c_int8s(lks_c_writer *w, const lks_c_step *s, const char *what, const int8_t *values,
                 size_t n);
void lks_c_uint8s(lks_c_writer *w, const lks_c_step *s, const char *what, const uint8_t *values,
                  size_t n);
void lks_c_int32s(lks_c_writer *w, const lks_c_step *s, const char *what, const int32_t *values,
                  size_t n);

/* A member of a constant: `own`, a constant of the same step, or where that is NULL a number. */
typedef struct lks_c_member {
    const char *name;
    long value;
    const char *own;
} lks_c_member;

/* Writes "static const TYPE PREFIXwhat = {...}". */
void lks_c_constant(lks_c_writer *w, const lks_c_step *s, const char *type, const char *what,
                    const lks_c_member *members, int n);

/* Text within a comment, which cannot end it; and a string. Both are ASCII. */
void lks_c_remark(FILE *out, const char *text);
void lks_c_string(FILE *out, const char *text);

#endif

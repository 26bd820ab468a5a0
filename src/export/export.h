/* A trained network for other programs: `lockstep export`. A new format is a file beside this one, which defines
 * lks_export_NAME, and a line in LKS_EXPORT_FORMATS. One process does it alone, nothing is collective. */
#ifndef LKS_EXPORT_EXPORT_H
#define LKS_EXPORT_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lockstep/config.h"
#include "lockstep/status.h"
#include "run/run_folder.h"

/* Options that only some formats have a use for. */
typedef enum lks_export_option {
    LKS_EXPORT_NORMALIZED = 1 << 0, /* --normalized-input */
    LKS_EXPORT_SOFTMAX = 1 << 1,    /* --softmax */
    LKS_EXPORT_INPUT = 1 << 2,      /* --input */
    LKS_EXPORT_INT8 = 1 << 3        /* --int8 */
} lks_export_option;

/* The formats, in the order of help: name, and what for. */
#define LKS_EXPORT_FORMATS(X, between)                                                             \
    X(safetensors, "tensors for PyTorch, JAX, Rust and others, named and laid out as in PyTorch")  \
    between X(onnx, "the whole network for ONNX Runtime and others") between X(                    \
        npz, "arrays for NumPy, named and laid out as in a checkpoint") between                    \
    X(keras, "the whole network for keras.models.load_model() of Keras 3") between                 \
    X(keras_weights, "its weights alone, for load_weights() of such a model") between              \
    X(c, "a program in C99 that needs nothing else, with the bits of `lockstep eval`")

typedef struct lks_exporting lks_exporting;

#define LKS_EXPORT_FILES_MAX 3

typedef char lks_export_names[LKS_EXPORT_FILES_MAX][LKS_FOLDER_PATH_MAX];

typedef struct lks_export_format {
    const char *name;
    /* Endings of its files, without the dot, NULL after the last; --out names the first file. */
    const char *endings[LKS_EXPORT_FILES_MAX + 1];
    unsigned options; /* lks_export_option that it has a use for */
    /* Writes the whole of each file; `files` has one for each ending. What is written is not published where it
     * fails. Errors of the streams show later, to the caller. LKS_ERR_CONFIG for a network that the format cannot
     * hold, which names the layer and what to do; LKS_ERR_MEMORY. */
    lks_status (*write)(const lks_exporting *x, FILE *const *files, lks_error *err);
} lks_export_format;

/* All of them, NULL after the last. */
extern const lks_export_format *const lks_export_formats[];

/* What the command line says. Strings are borrowed. */
typedef struct lks_export_options {
    const char *checkpoint; /* or a run folder: lks_folder_read() */
    const char *const *sets;
    int n_sets;
    const char *format; /* NULL: the one that the ending of `out` belongs to */
    /* NULL: NAME.ENDING in the current folder, of the run's or the checkpoint's name; "-": standard output. */
    const char *out;
    bool force;     /* replaces what is there */
    unsigned given; /* lks_export_option that were named */
    bool bytes;     /* --input uint8, else float */
} lks_export_options;

/* What was written. */
typedef struct lks_exported {
    lks_export_names paths; /* [files]; "-": standard output */
    size_t bytes[LKS_EXPORT_FILES_MAX];
    int files;
    char source[LKS_FOLDER_PATH_MAX]; /* the checkpoint */
    bool averaged;                    /* the averaged weights */
} lks_exported;

/* LKS_ERR_USAGE where the format is unknown, or is missing and no name of a file tells it; where the file's name ends as
 * those of another format do; where an option is one that the format has no use for, which names the formats that have;
 * where options contradict each other. Looks at no file. */
lks_status lks_export_check(const lks_export_options *o, lks_error *err);

/* Writes the network's files, each complete or absent; or its one file to standard output, whose errors show to the
 * caller. Weights are those that evaluations use: averaged ones where
 * there are some. LKS_ERR_USAGE as above, and where a file of that name is there and may not be replaced;
 * LKS_ERR_NUMERIC for weights that are no numbers; errors of reading the checkpoint, of the format, and of
 * lks_publish_set(). */
lks_status lks_export_write(const lks_export_options *o, lks_exported *written, lks_error *err);

#endif

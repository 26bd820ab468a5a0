/* A file of another program as a list of named tensors. A new format is a file beside this one, which defines
 * lks_import_NAME, and a word in source.c. What the files say may be anybody's. */
#ifndef LKS_IMPORT_SOURCE_H
#define LKS_IMPORT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export/layout.h"
#include "lockstep/status.h"
#include "onnx/weights.h"

/* How a value is stored. */
typedef enum lks_import_type {
    LKS_IMPORT_OTHER, /* no weights: whole numbers, truth values */
    LKS_IMPORT_F16,
    LKS_IMPORT_BF16,
    LKS_IMPORT_F32,
    LKS_IMPORT_F64
} lks_import_type;

enum { LKS_IMPORT_DIMENSIONS = 8, LKS_IMPORT_NAME_MAX = 512, LKS_IMPORT_FACTS_MAX = 64 };

typedef struct lks_import_tensor {
    char *name; /* owned by the source */
    lks_import_type type;
    bool big_endian;   /* else little-endian */
    bool column_major; /* the first dimension is the fastest */
    int ndim;          /* 0: a single value */
    int64_t shape[LKS_IMPORT_DIMENSIONS];
    lks_onnx_said said; /* of its layer; as ONNX has it, whatever the format. 0: nothing */
    uint64_t count;     /* values; the file has as many */
    uint64_t at, bytes; /* the reader's own */
} lks_import_tensor;

/* What the file says about its network; files of `lockstep export` have those of its page. */
typedef struct lks_import_fact {
    char *key, *value; /* owned by the source */
} lks_import_fact;

typedef struct lks_import_reader lks_import_reader;

typedef struct lks_import_source {
    const char *path;           /* borrowed; for messages */
    const unsigned char *bytes; /* [size] the file, borrowed */
    size_t size;
    const lks_import_reader *reader;
    lks_import_tensor *tensors; /* [n_tensors], in the order of the file */
    int n_tensors, room;
    lks_import_fact facts[LKS_IMPORT_FACTS_MAX];
    int n_facts;
    void *own; /* the reader's */
} lks_import_source;

struct lks_import_reader {
    const char *name;  /* "safetensors" */
    lks_layout layout; /* of files that say nothing of it */
    /* Whether the bytes are of this format, as far as their beginning tells. */
    bool (*is)(const unsigned char *bytes, size_t size);
    /* Lists the tensors by lks_import_add(), which sees to most of what may be wrong with one, and the facts. After a
     * failure close() is called, too. LKS_ERR_FORMAT says what is wrong. */
    lks_status (*open)(lks_import_source *s, lks_error *err);
    /* The stored values of tensor i, into bytes [count * size of a value]. LKS_ERR_FORMAT. */
    lks_status (*fetch)(const lks_import_source *s, int i, void *bytes, lks_error *err);
    void (*close)(lks_import_source *s); /* frees s->own; NULL: there is nothing */
};

/* Opens the file in `bytes`, which have to last, and so has `path`. LKS_ERR_FORMAT for a file of no known format, or one
 * that is damaged; LKS_ERR_MEMORY. Closed by lks_import_close(), also after a failure. */
lks_status lks_import_open(lks_import_source *s, const char *path, const unsigned char *bytes,
                           size_t size, lks_error *err);
void lks_import_close(lks_import_source *s);

/* The fact called `key`, or NULL. */
const char *lks_import_fact_of(const lks_import_source *s, const char *key);

/* The values of tensor i as floats, row-major, into values [count]. A float64 has to be a float32 exactly:
 * LKS_ERR_NUMERIC names the first value that is not, and also one that is NaN or infinite. LKS_ERR_FORMAT,
 * LKS_ERR_MEMORY. */
lks_status lks_import_values(const lks_import_source *s, int i, float *values, lks_error *err);

/* --- for readers ------------------------------------------------------------------------------ */

/* Bytes of a stored value; 0 for LKS_IMPORT_OTHER. */
size_t lks_import_value_bytes(lks_import_type type);

/* Adds `t`, whose count is worked out here; the name is copied. LKS_ERR_FORMAT for a shape whose values cannot be counted,
 * for an empty or too long name, and for too many tensors; LKS_ERR_MEMORY. */
lks_status lks_import_add(lks_import_source *s, const lks_import_tensor *t, lks_error *err);

/* Takes facts from `json`, an object of texts that ends with a 0; what is no text is passed over. LKS_ERR_FORMAT. */
struct lks_json_scan;
lks_status lks_import_take_facts(lks_import_source *s, struct lks_json_scan *json, lks_error *err);

#endif

/* The beginning of an array as numpy.save() writes it. */
#ifndef LKS_IMPORT_NPY_H
#define LKS_IMPORT_NPY_H

#include "import/source.h"

enum { LKS_NPY_HEAD_MAX = 8192 };

typedef enum lks_npy_kind { LKS_NPY_VALUES, LKS_NPY_TEXT } lks_npy_kind;

typedef struct lks_npy_head {
    size_t bytes; /* that it takes; the values follow */
    lks_npy_kind kind;
    uint64_t text_bytes; /* of LKS_NPY_TEXT: of one text */
    lks_import_tensor t; /* type, order, shape; nothing else */
} lks_npy_head;

/* Reads it from bytes [n], of which LKS_NPY_HEAD_MAX are enough. NULL, or what is wrong with it, in words that follow on
 * the file's name: "is ...". */
const char *lks_npy_head_read(lks_npy_head *head, const unsigned char *bytes, size_t n);

#endif

/** @file golden.h  Reads the files of expected values in tests/golden/, which another program made.
 *
 *  A file is a list of cases; a case has texts and tensors, found by their keys:
 *
 *      # comment
 *      case NAME UP TO THE END OF THE LINE
 *      text KEY UP TO THE END OF THE LINE
 *      tensor KEY 2 3
 *      1 -0.25 3e-05
 *      0.5 4 7
 *
 *  Numbers are decimal and read back, as a double and then rounded to float, as the float they were
 * written from. What is malformed or missing ends the program with file, line and what it is. */
#ifndef LKS_GOLDEN_H
#define LKS_GOLDEN_H

#include <stddef.h>
#include <stdint.h>

#define LKS_GOLDEN_DIMS 4

typedef struct lks_golden_tensor {
    const char *key;
    int ndim;
    int64_t shape[LKS_GOLDEN_DIMS];
    size_t count;
    double *values; /**< row-major */
} lks_golden_tensor;

typedef struct lks_golden_text {
    const char *key, *value;
} lks_golden_text;

typedef struct lks_golden_case {
    const char *name;
    lks_golden_text *texts;
    int n_texts;
    lks_golden_tensor *tensors;
    int n_tensors;
} lks_golden_case;

typedef struct lks_golden {
    char *text; /**< the file; keys, names and values point into it */
    lks_golden_case *cases;
    int n_cases;
} lks_golden;

/** Reads @p name in tests/golden/. Owned by the caller (lks_golden_free()). */
lks_golden lks_golden_read(const char *name);
void lks_golden_free(lks_golden *g);

/** The text or tensor of that key: NULL where the case has none. */
const char *lks_golden_find_text(const lks_golden_case *c, const char *key);
const lks_golden_tensor *lks_golden_find(const lks_golden_case *c, const char *key);

/** The same, of what must be there. */
const char *lks_golden_text_of(const lks_golden_case *c, const char *key);
const lks_golden_tensor *lks_golden_tensor_of(const lks_golden_case *c, const char *key);

/** The largest |value|. */
double lks_golden_scale(const lks_golden_tensor *t);

#endif

/** @file diff_parts.h  How two checkpoints are compared, for who prints it: diff.c as text, diff_rows.c as JSON and CSV. */
#ifndef LKS_IO_DIFF_PARTS_H
#define LKS_IO_DIFF_PARTS_H

#include "io/checkpoint_format.h"
#include "lockstep/format.h"

/** How two tensors of one shape differ, bit for bit. */
typedef struct lks_difference {
    size_t differing, first;
    uint64_t most_ulp; /**< over pairs without a NaN */
    size_t most_at;
    double most; /**< largest difference of values, wherever; ulp tell nothing around zero */
    size_t nans; /**< differing pairs with a NaN in them: no distance */
} lks_difference;

/** Two checkpoints and what was found so far. */
typedef struct lks_comparison {
    const char *path_a, *path_b;
    const lks_checkpoint *a, *b;
    bool weights; /**< only those that evaluations use are compared, and told of */
    bool values;  /**< some differ */
    bool state;   /**< the cursor or whole groups differ */
} lks_comparison;

uint32_t lks_diff_bits(float x);

/** Compares @p count floats bit for bit. */
lks_difference lks_diff_values(const float *a, const float *b, size_t count);

/** Between two floats that are no NaN, in units in the last place; both zeros are one. */
uint64_t lks_diff_ulp(float a, float b);

/** The group of that name, or the tensor; NULL where there is none. */
const lks_flat *lks_diff_flat(const lks_checkpoint *c, const char *group);
const lks_tensor *lks_diff_tensor(const lks_flat *flat, const char *name);

/** "conv1/weight" of the model, "optimizer/m/conv1/weight" of others. */
void lks_diff_label(char label[160], const lks_flat *flat, const lks_tensor *t);

bool lks_diff_same_shape(const lks_tensor *a, const lks_tensor *b);

/** "[3][3][1][8]", and "[0][2][0][17]" for element @p at in row-major order. */
void lks_diff_shape(char text[128], const lks_tensor *t);
void lks_diff_index(char text[128], const lks_tensor *t, size_t at);

/** Whether the field differs, and does not simply follow from what else does. */
bool lks_diff_field(const lks_comparison *c, const lks_field *f);

/** The next line in which two texts differ: its number, from 1 on, and where it begins and how long it is in both; 0: in
 * none. */
int lks_diff_line(const char *texts[2], size_t lengths[2]);

/** diff_rows.c: prints what differs as JSON or CSV; *same as lks_checkpoint_diff(). LKS_ERR_MISMATCH where tensors' names or shapes
 * differ, which JSON tells; LKS_ERR_MEMORY. */
lks_status lks_diff_print_rows(lks_comparison *c, lks_format format, bool *same, lks_error *err);

#endif

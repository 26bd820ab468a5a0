/** @file checkpoint_sample.h  A small checkpoint with every awkward value in it, and files for
 * tests. */
#ifndef LKS_CHECKPOINT_SAMPLE_H
#define LKS_CHECKPOINT_SAMPLE_H

#include "io/checkpoint.h"

#define NUMERICS      7
#define PATH_MAX_TEST 512

enum { N_TENSORS = 4, N_VALUES = 36 + 4 + 60 + 10, N_STEPS = 5, N_EPOCHS = 2, N_NORMS = 2 };

/** What the checkpoint borrows, beside it. */
typedef struct sample {
    lks_checkpoint c;
    lks_tensor tensors[N_TENSORS];
    float values[3][N_VALUES]; /**< model, optimizer/m, optimizer/v */
    lks_step_record steps[N_STEPS];
    lks_epoch_record epochs[N_EPOCHS];
    char norm_names[N_NORMS][LKS_TENSOR_NAME_MAX];
    float norms[N_STEPS * N_NORMS][2];
    char config[64];
} sample;

/** Fills @p s afresh; it must not be moved afterwards. */
void fill_sample(sample *s);
/** The same in memory to be freed with free(). */
sample *new_sample(void);

float float_of(uint32_t bits);
double double_of(uint64_t bits);

/** Bit by bit, but without the padding between members. */
bool equal_histories(const lks_history *a, const lks_history *b);
bool equal_flats(const lks_checkpoint *a, const lks_checkpoint *b);
bool equal_checkpoints(const lks_checkpoint *a, const lks_checkpoint *b);

/** DIR/NAME, and NAME in the test's scratch folder. */
void path_in(char path[PATH_MAX_TEST], const char *dir, const char *name);
void test_path(char path[PATH_MAX_TEST], const char *name);
/** A new folder in the scratch folder. */
void make_dir(char path[PATH_MAX_TEST], const char *name);

/** A whole file in malloc'd memory, with a zero behind it. */
unsigned char *load(const char *path, size_t *size);
void store(const char *path, const void *bytes, size_t size);
bool same_files(const char *a, const char *b);

bool exists(const char *path);
/** Entries of @p dir whose names begin with @p prefix. */
int count_entries(const char *dir, const char *prefix);

/** Writes the sample, which must succeed. */
void write_sample(const char *path, const sample *s);

#endif

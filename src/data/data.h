/** @file data.h  Images as bytes: IDX files, splits, normalisation, epoch order and who owns which
 * sample.
 *
 *  Nothing here knows MPI. Every function is a pure function of its arguments, so every rank can tell what every other
 * rank holds and needs; but a split is planned, and an epoch listed, by processes that have a part of the samples each:
 * how they add up they are told (lks_together). Sample id = index in the training file. */
#ifndef LKS_DATA_DATA_H
#define LKS_DATA_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/config.h"
#include "lockstep/status.h"

/* --- IDX files (format: Y. LeCun, "The MNIST database", yann.lecun.com/exdb/mnist) ------------ */

/** What an IDX header says. Images: [count][rows][columns] (3-d) or
 * [count][channels][rows][columns] (4-d); labels: [count] (then rows = columns = channels = 1).
 * Unsigned bytes only. */
typedef struct lks_idx_info {
    int64_t count;
    int channels, rows, columns;
    int header_bytes;        /**< where the items begin in the (inflated) content */
    bool compressed;         /**< .gz: reading a range costs inflating all that stands before it */
    char path[LKS_PATH_MAX]; /**< the file really opened */
} lks_idx_info;

/** Finds @p name in @p dir (an absolute name ignores dir; NAME.gz where NAME is missing), reads and
 * checks the header against the file's size (plain: exactly header + data; .gz: checked when the
 * data are read).
 *  @p dimensions is 1 for labels, 3 for images (3 or 4 accepted). LKS_ERR_DATA names the path and
 * what is wrong: missing, a folder, not readable, wrong magic (with the value), wrong type, channels last, zero or
 * absurd counts (rows, columns <= 65,536; channels <= LKS_CHANNELS_MAX; count < 2^32; image <= 2^28
 * bytes), truncated, trailing bytes. */
lks_status lks_idx_open(lks_idx_info *info, const char *dir, const char *name, int dimensions,
                        lks_error *err);

/** Reads items [first, first + count) into @p out (count * channels * rows * columns bytes, in file
 * order; a 4-d file's planes are interleaved to [row][column][channel]). Plain: one pread loop over
 * just that range; .gz: the stream is inflated from its start and, when the range ends at the last
 * item, checked to end there. */
lks_status lks_idx_read(const lks_idx_info *info, int64_t first, int64_t count, uint8_t *out,
                        lks_error *err);

/** The same in portions, one after the other: of a .gz, which is inflated once, none may begin before the end of the
 * one before. @p info must outlive the reader. */
typedef struct lks_idx_reader lks_idx_reader;
lks_status lks_idx_reader_open(lks_idx_reader **reader, const lks_idx_info *info, lks_error *err);
lks_status lks_idx_reader_next(lks_idx_reader *reader, int64_t first, int64_t count, uint8_t *out,
                               lks_error *err);
void lks_idx_reader_close(lks_idx_reader *reader); /**< NULL is allowed */

/** An IDX file in memory. */
typedef struct lks_idx_bytes {
    uint8_t *bytes; /**< owned (lks_idx_bytes_free()) */
    size_t size;
} lks_idx_bytes;

/** Makes the file of the @p n < 2^32 images with the numbers @p ids, in that order, out of @p images
 * [..][rows][columns][channels]: 3-d for one channel, else 4-d, [n][channels][rows][columns]. What
 * lks_idx_read() gives back is what went in. LKS_ERR_MEMORY. */
lks_status lks_idx_make_images(lks_idx_bytes *file, const uint8_t *images, int rows, int columns,
                               int channels, const uint32_t *ids, int64_t n, lks_error *err);

/** The same for labels, 1-d. */
lks_status lks_idx_make_labels(lks_idx_bytes *file, const uint8_t *labels, const uint32_t *ids,
                               int64_t n, lks_error *err);
void lks_idx_bytes_free(lks_idx_bytes *file);

/** @p name in @p dir; an absolute name ignores dir. A leading "~/" of either is the folder HOME. LKS_ERR_DATA if it
 * is too long. */
lks_status lks_data_path(char path[LKS_PATH_MAX], const char *dir, const char *name,
                         lks_error *err);

/* --- who holds and who trains on what --------------------------------------------------------- */

/** A half-open range of consecutive items. */
typedef struct lks_range {
    int64_t first, count;
} lks_range;

/** Part @p part of @p n items cut into @p parts contiguous parts that differ by at most one (the
 * first n % parts ones are larger). */
lks_range lks_share(int64_t n, int parts, int part);

/** The part that item @p i falls in: the inverse of lks_share(). */
int lks_share_owner(int64_t n, int parts, int64_t i);

/** Chunk arithmetic of one batch of @p batch samples: ceil(batch / chunk) chunks, the last one may
 * be short. */
int lks_chunks(int64_t batch, int chunk);

/** The consecutive chunks of batch number @p batch_index (counted within the epoch) that @p rank
 * computes: n_chunks / ranks each, the n_chunks % ranks left-over ones rotate with batch_index so
 * that over any run of equal batches the ranks' totals differ by at most one chunk. count may be 0.
 */
lks_range lks_chunk_share(int n_chunks, int ranks, int rank, int64_t batch_index);

/** How an epoch is dealt: batches of consecutive positions, each cut into chunks that the ranks compute. */
typedef struct lks_deal {
    int64_t count; /**< positions */
    int global_batch, chunk, ranks;
} lks_deal;

/** Batches in an epoch; the last one may be short. */
int64_t lks_deal_batches(const lks_deal *deal);

/** The positions of @p batch that @p rank computes: consecutive ones, perhaps none. */
lks_range lks_deal_positions(const lks_deal *deal, int64_t batch, int rank);

/** The rank that computes @p position. */
int lks_deal_rank(const lks_deal *deal, int64_t position);

/* --- splits ----------------------------------------------------------------------------------- */

/** What processes do together that have each a part of the samples. */
typedef struct lks_together {
    void *of;
    void (*sum)(void *of, int64_t *values, size_t n);    /**< each value over all of them */
    void (*before)(void *of, int64_t *values, size_t n); /**< over those before this one; n <= 4 */
    lks_status (*agree)(void *of, lks_status status, lks_error *err); /**< LKS_OK if all have it */
} lks_together;

/** Labelled samples. The processes' parts ascend: together they are 0 ... n - 1, the samples' ids. */
typedef struct lks_labelled {
    int64_t n;
    int64_t counts[LKS_CLASSES_MAX]; /**< of each label, of all samples */
    lks_range own;
    const uint8_t *labels; /**< [own.count] */
    lks_together with;
} lks_labelled;

/** Of all @p n samples, by one process. @p labels is borrowed. */
lks_labelled lks_labelled_alone(const uint8_t *labels, int64_t n);

/** Of a class those samples are chosen whose ticket, (Philox 64-bit draw of the id, id), is at most this. */
typedef struct lks_cutoff {
    bool any; /**< false: none is chosen */
    uint32_t id;
    uint64_t draw;
} lks_cutoff;

typedef enum lks_use { LKS_USE_NONE, LKS_USE_TRAIN, LKS_USE_VALIDATION } lks_use;

/** Which samples train, which validate, and how often an epoch shows each: a rule, by which every process can tell of
 * every sample. */
typedef struct lks_split_rule {
    uint64_t seed;
    bool balanced;
    int64_t n; /**< samples */
    int64_t n_train, n_validation;
    int64_t n_items; /**< that an epoch shows; n_train unless classes are balanced */
    int64_t train[LKS_CLASSES_MAX], validation[LKS_CLASSES_MAX]; /**< of each class */
    int64_t items[LKS_CLASSES_MAX];
    int64_t each
        [LKS_CLASSES_MAX]; /**< times that an epoch shows an image; once more what is repeated */
    lks_cutoff kept[LKS_CLASSES_MAX], held_out[LKS_CLASSES_MAX], repeated[LKS_CLASSES_MAX];
} lks_split_rule;

/** What a split is made by. */
typedef struct lks_split_wish {
    int classes;
    int64_t limit;
    double validation;
    bool balanced;
    uint64_t seed;
} lks_split_wish;

/** The one that a configuration asks for. */
lks_split_wish lks_split_wish_of(const lks_data_config *config, uint64_t seed, int classes);

/** Stratified split by seed. First @p wish->limit of the n samples are kept (0: all), dealt to the classes
 * in proportion to their counts by largest remainders; then of each class c with n_c kept samples
 * round(n_c * validation) (ties up) are held out. Chosen are those with the smallest tickets, with draws of their own
 * for either choice. validation = 0: none. Every class that has kept samples trains on at least one.
 * balanced: every class that has images comes up as often as the largest one; its images are
 * repeated equally often, but for a rest that is drawn by seed and shown once more (the same ones in
 * every epoch).
 * The same rule comes out however the samples are dealt to processes. LKS_ERR_DATA if a label is >= classes, LKS_ERR_CONFIG if
 * limit > n, or if the items of an epoch cannot be numbered by 32 bits, LKS_ERR_MEMORY. Collective over the samples' processes; errors
 * are agreed. */
lks_status lks_split_plan(lks_split_rule *rule, const lks_labelled *samples,
                          const lks_split_wish *wish, lks_error *err);

/** The part of sample @p id, whose label is @p label. */
lks_use lks_split_use(const lks_split_rule *rule, uint32_t id, uint8_t label);

/** Samples of a range that train and that validate, ascending ids; owns both arrays. */
typedef struct lks_split {
    uint32_t *train, *validation;
    int64_t n_train, n_validation;
} lks_split;

/** Those of @p own, whose labels are @p labels [own.count]. Not collective. LKS_ERR_MEMORY. */
lks_status lks_split_list(lks_split *split, const lks_split_rule *rule, lks_range own,
                          const uint8_t *labels, lks_error *err);

/** lks_split_plan() and lks_split_list() of @p n samples that one process has. */
lks_status lks_split_make(lks_split *split, const uint8_t *labels, int64_t n,
                          const lks_split_wish *wish, lks_error *err);
void lks_split_free(lks_split *split);

/** What an epoch shows, by a number below n_items: its permutation shuffles these. `id` is unique within the epoch and
 * below 2^32: it keys the item's dropout and augmentation, and the check that every item was seen once. An image's first
 * item has the image's own number as id, and comes before all repeats; repeats have the ids n, n + 1, ... */
typedef struct lks_item {
    uint32_t number, image, id;
    uint32_t check; /**< of the three: lks_item_check() */
} lks_item;

uint32_t lks_item_check(uint32_t number, uint32_t image, uint32_t id);

/** Items of the images of a range: first those of the images' own numbers, then repeats, both ascending. */
typedef struct lks_items {
    lks_item *of;
    int64_t n;
} lks_items;

/** Those of @p split, the list of @p samples->own. Owned by the caller, freed by lks_free(items->of). Collective over the samples'
 * processes; errors are agreed. */
lks_status lks_items_make(lks_items *items, const lks_split_rule *rule, const lks_split *split,
                          const lks_labelled *samples, lks_error *err);

/** The part of the samples @p own, whose labels are @p labels [own.count], of the sum of lks_hash64(id) modulo 2^64 over all
 * items: by the rule, not from a list. */
uint64_t lks_items_hash(const lks_split_rule *rule, lks_range own, const uint8_t *labels);

/* --- normalisation ---------------------------------------------------------------------------- */

/** Per-channel exact integer sums of bytes and squared bytes; added over ranks as four int64 words
 * a channel. Sums are < 2^64 and < 2^80 at worst, so each is kept as hi * 2^32 + lo with lo not
 * carried. */
typedef struct lks_pixel_sums {
    int64_t words[LKS_CHANNELS_MAX][4]; /**< sum hi, sum lo, squares hi, squares lo */
    int64_t pixels;                     /**< per channel */
} lks_pixel_sums;

/** Adds one image, [pixels][channels] bytes. */
void lks_pixel_sums_add(lks_pixel_sums *sums, const uint8_t *image, int64_t pixels, int channels);

/** Mean and standard deviation (population) of pixels / 255 per channel: exact 128-bit integers up
 * to the last steps in double, (double)S / (255 n) and sqrt((double)(n Q - S^2)) / (255 n) (up to
 * 2^55 pixels); a constant channel gives std 1, no pixels give mean 0 and std 1. */
void lks_pixel_sums_result(const lks_pixel_sums *sums, int channels, double *mean, double *std);

/** float value of byte b in channel c is lut[c][b] = (float)((b / 255.0 - mean[c]) / std[c]). */
void lks_normalization_table(float (*lut)[256], int channels, const double *mean,
                             const double *std);

/* --- epoch order ------------------------------------------------------------------------------ */

/** A keyed permutation of 0..n-1, computed per index: a balanced Feistel network over the next even
 * number of bits with cycle-walking (Black & Rogaway, "Ciphers with arbitrary finite domains",
 * CT-RSA 2002). */
typedef struct lks_permutation {
    uint64_t n;
    int half_bits;
    uint32_t keys[8];
} lks_permutation;

/** The order of epoch @p epoch (0-based) for @p seed; keys from Philox. n >= 1. */
lks_permutation lks_permutation_make(uint64_t seed, uint32_t epoch, uint64_t n);
uint64_t lks_permutation_apply(const lks_permutation *p, uint64_t position);
uint64_t lks_permutation_invert(const lks_permutation *p, uint64_t index);

#endif

/** @file checkpoint.h  HDF5 checkpoints: complete or absent, digest inside. All functions are for
 *  one process (rank 0), none is collective.
 *
 *  The first 512 bytes (HDF5's user block) hold three lines of text: the format, the length of the
 *  file, and the SHA-256 of everything behind the block. A damaged or cut file is refused before
 *  HDF5 parses it. Then follow, with V110 bounds, chunked, with Fletcher32 and without time
 *  stamps, so that equal content gives equal bytes:
 *
 *    /model/conv1/weight ...              float32, little endian; attribute "axes" names the
 *                                         dimensions of 1-, 2- and 4-dimensional tensors
 *    /optimizer/STATE/conv1/weight ...
 *    /average/conv1/weight ...            where train.ema.decay is not 0
 *    /history/steps/..., /history/epochs/..., /history/chain/...   as in history.h5, up to the cursor
 *    /config                              the resolved configuration, YAML, as a string data set
 *
 *  Attributes:
 *
 *    /             format, numerics, seed, weights_sha256, state_sha256, best_*, groups
 *    /cursor       step, epoch, batch, samples_seen, loss_hi, loss_lo, correct, epoch_samples,
 *                  epoch_hash; where not 0 plateau_* and early_stop_*: evaluations, best_epoch,
 *                  best, bad, cooldown, reductions
 *    /data         digest, classes, channels, rows, columns, n_train, mean[], std[]
 *    /traits       where known: images, ink_low, ink_high, extent_low, extent_high, stroke_low, stroke_high
 *    /centring     images, unchanged: the last two of lks_traits
 *    /temperature  where these weights have one: value, images, wrong, nll_before, nll_after, second_run
 *    /provenance   version, revision, compiler, mpi, isa, hosts, ranks, threads, time;
 *                  init_from, init_from_sha256, init_from_flat where there are any
 *    /model, /optimizer/STATE, /average   tensors: their names in the order of the flat array */
#ifndef LKS_IO_CHECKPOINT_H
#define LKS_IO_CHECKPOINT_H

#include <stdbool.h>
#include "lockstep/config.h"
#include "base/digest.h"
#include "lockstep/exact.h"
#include "lockstep/format.h"
#include "io/history.h"
#include "files/publish.h"
#include "lockstep/tensor.h"
#include "data/traits.h"
#include "base/watch.h"

#define LKS_CHECKPOINT_FORMAT   1
#define LKS_CHECKPOINT_FLATS    8
#define LKS_AVERAGE             "average" /**< group of the averaged weights */
#define LKS_PROVENANCE_TEXT_MAX 512

/** Where a run stands: everything that decides what comes next, besides weights and optimizer
 * state. */
typedef struct lks_cursor {
    int64_t step;         /**< optimizer steps done */
    int64_t epoch;        /**< epochs completed = 0-based number of the current one */
    int64_t batch;        /**< micro-batches done in the current epoch */
    int64_t samples_seen; /**< since the start of training */
    lks_limbs loss;       /**< exact sums over the samples of the current epoch so far */
    int64_t correct, epoch_samples;
    uint64_t epoch_hash;                 /**< sum of lks_hash64(id) modulo 2^64 */
    lks_watch_state plateau, early_stop; /**< all 0 where not in use */
} lks_cursor;

/** The data a network belongs to. */
typedef struct lks_data_identity {
    char digest[LKS_SHA256_HEX]; /**< of training images and labels, see src/feed/dataset.c */
    int classes, channels, rows, columns;
    int64_t n_train; /**< 0: not known, of an imported network; its digest is of zeros then */
    double mean[LKS_CHANNELS_MAX], std[LKS_CHANNELS_MAX];
    lks_traits traits; /**< of the training part's images, where they have one channel */
} lks_data_identity;

/** What becomes of a pixel before the network sees it, for people: "scaled to 0..1", or "scaled to 0..1, less 0.1307, divided
 * by 0.3081", with a number for each channel, of many for the first ones. Into @p text, which is returned. */
#define LKS_PIXELS_TEXT 192
const char *lks_pixels_text(const lks_data_identity *d, char text[LKS_PIXELS_TEXT]);

/** Whether a pixel is only scaled to 0..1. */
bool lks_pixels_plain(const lks_data_identity *d);

/** Best validation result so far: more correct, then lower exact loss, then earlier. */
typedef struct lks_best {
    int64_t step; /**< 0: none yet */
    int64_t correct, total;
    lks_limbs loss;
} lks_best;

#define LKS_TEMPERATURE_LEAST 0.125
#define LKS_TEMPERATURE_MOST  8.0

/** How sure the network may be: its logits are divided by a temperature before the softmax, so that on images
 * it was not trained on it is as often right as it is sure (Guo et al., "On Calibration of Modern Neural
 * Networks", ICML 2017, section 4.2). Its answers stay as they are. What it was fitted on comes with it. */
typedef struct lks_temperature {
    double value;          /**< from LKS_TEMPERATURE_LEAST to LKS_TEMPERATURE_MOST */
    int64_t images, wrong; /**< held-out images, and wrong answers to them; 0 images: none fitted */
    double nll_before,
        nll_after;      /**< mean negative log-likelihood of the labels, natural logarithm */
    int32_t second_run; /**< 1: held out of another run of the same configuration */
} lks_temperature;

/** The checkpoint that a fine-tuned run started from; all "" for any other run. */
typedef struct lks_init_source {
    char path[LKS_PROVENANCE_TEXT_MAX]; /**< as given; of a long one the end behind "..." */
    char weights_sha256[LKS_SHA256_HEX];
    char flat[32]; /**< which of its arrays was taken: "model" or LKS_AVERAGE */
} lks_init_source;

typedef struct lks_provenance {
    char version[64], revision[64], compiler[128], isa[32], time[32];
    char mpi[LKS_PROVENANCE_TEXT_MAX];
    char hosts
        [LKS_PROVENANCE_TEXT_MAX]; /**< "node1*4 node2*4"; a long list ends in "... (N hosts)" */
    int ranks, threads;
    lks_init_source init_from;
} lks_provenance;

/** A checkpoint in memory. lks_checkpoint_read() allocates what the pointers name
 * (lks_checkpoint_free()); for lks_checkpoint_write() they are borrowed from the caller. flats[0]
 * is "model". */
typedef struct lks_checkpoint {
    int numerics;
    uint64_t seed;
    lks_cursor cursor;
    lks_best best;
    lks_temperature
        temperature; /**< of the weights that evaluations use; images 0: not calibrated */
    lks_data_identity data;
    lks_provenance provenance;
    char weights_sha256[LKS_SHA256_HEX], state_sha256[LKS_SHA256_HEX];
    char *config_yaml;
    lks_flat flats[LKS_CHECKPOINT_FLATS];
    int n_flats;
    lks_history history;
} lks_checkpoint;

/** Whether its weights came from another program's file: nobody has trained with it yet. */
bool lks_checkpoint_imported(const lks_checkpoint *c);

/** The array that evaluations use: the averaged weights where there are some, else the model's. A
 * member of @p c. */
const lks_flat *lks_checkpoint_evaluated(const lks_checkpoint *c);

/** LKS_ERR_MISMATCH, naming the tensor, unless both arrays hold the same tensors: @p saved is called "its",
 * @p now "this network's". */
lks_status lks_flat_same(const lks_flat *saved, const lks_flat *now, lks_error *err);

/** SHA-256 of that array's values, as weights_sha256 is of the model's: equal to it where nothing is
 * averaged. This is summary.json's test_weights_sha256 of the checkpoint that was tested. */
lks_status lks_checkpoint_evaluated_digest(const lks_checkpoint *c, char digest[LKS_SHA256_HEX],
                                           lks_error *err);

/** weights_sha256 of @p flats[0], and state_sha256 of all flats (count and bytes, in order), then
 * the cursor as little-endian 64-bit integers; where the plateau schedule (1) or early stopping (2)
 * has seen an evaluation, that number and the members of its state follow. Fills both members of
 * @p c. The best result is not state: it depends on when evaluations were due, and decides nothing
 * that comes after. Any rank may call it: replica checks use it. */
lks_status lks_checkpoint_digest(lks_checkpoint *c, lks_error *err);

/** Makes @p path under a temporary name, digests computed afresh. HDF5 makes the file in memory, so it
 * takes no file locks and cannot hide a full disk; the result is decoded, its values are compared, and it is
 * written as by lks_publish_prepare(): *prepared is to be committed or dropped, NULL after a failure, which
 * leaves nothing. LKS_ERR_IO names the path and the cause (no space, permission); LKS_ERR_FORMAT if the
 * tensors do not fill their flat array. From any thread. */
lks_status lks_checkpoint_prepare(lks_unpublished **prepared, const char *path,
                                  const lks_checkpoint *c, lks_error *err);

/** The same, and committed: @p path is then published. */
lks_status lks_checkpoint_write(const char *path, const lks_checkpoint *c, lks_error *err);

/** Reads and verifies @p path: SHA-256 of the file, every data set's Fletcher32, both digests
 * recomputed, and that all sizes and places in it are possible. All that shows damage, not who made the file: it may be
 * a stranger's, so HDF5 reads it in a process of its own, which can open no other file and has limits of memory and
 * time. LKS_ERR_FORMAT if the file is damaged, incomplete or of another format, LKS_ERR_IO if it cannot be
 * opened, LKS_ERR_MISMATCH if its numerics version is another (@p numerics: the one this
 * program keeps). On failure @p c needs no freeing. */
lks_status lks_checkpoint_read(const char *path, int numerics, lks_checkpoint *c, lks_error *err);

/** LKS_ERR_FORMAT with a name for what cannot be: sizes and places that nothing has, arrays that do not fit each
 * other. After it whoever uses @p c may count, index and loop by what it says. */
lks_status lks_checkpoint_check(const char *path, const lks_checkpoint *c, lks_error *err);

/** LKS_ERR_NUMERIC with the name of the first weight, average or optimizer's value that is NaN or infinite. */
lks_status lks_checkpoint_check_values(const char *path, const lks_checkpoint *c, lks_error *err);
void lks_checkpoint_free(lks_checkpoint *c);

/** Paths "DIR/step-NNNNNNNN.h5" in @p dir, newest (highest step) first; owned array of owned
 * strings in one block, freed with free(). No folder or none found: *n = 0. Left-over ".tmp-*"
 * files are removed when @p clean. */
lks_status lks_checkpoint_list(const char *dir, bool clean, char ***paths, int *n, lks_error *err);

/** DIR/step-NNNNNNNN.h5 for @p step into @p path. */
void lks_checkpoint_path(const char *dir, int64_t step, char path[LKS_PATH_MAX + 64]);

/** Atomically points the relative link DIR/@p link ("last.h5", "best.h5") at the file of @p step, as
 * lks_publish_link() does where there are no such links; where it leads there already, nothing is done. */
lks_status lks_checkpoint_link(const char *dir, const char *link, int64_t step, lks_error *err);

/** Whether DIR/@p link is the file of @p step: by a link, or a copy with the same first lines, which have the
 * digest of the rest. */
bool lks_checkpoint_leads(const char *dir, const char *link, int64_t step);

/** Removes step-*.h5 beyond the @p keep newest, never the targets of last.h5 and best.h5 nor the file of step
 * @p best (0: none). keep 0: nothing. */
lks_status lks_checkpoint_prune(const char *dir, int keep, int64_t best, lks_error *err);

/** Compares two checkpoints tensor by tensor and writes the findings to stdout: the first tensor
 * and index where they part, values, distance in units in the last place, then per tensor the count
 * of differing elements and the largest distance; then what differs in cursor, best result, seed,
 * data, provenance and configuration. As JSON one object has all of it, as CSV a row tells of each tensor. *same:
 * everything that state_sha256 covers is equal. With @p weights only those that evaluations use are compared, averaged
 * ones where there are some: an imported network has nothing else. LKS_ERR_MISMATCH if the tensors' names or shapes
 * differ (text and JSON say that, too). */
lks_status lks_checkpoint_diff(const char *const paths[2], int numerics, bool weights,
                               lks_format format, bool *same, lks_error *err);

#endif

/** @file predict.h  What networks say about picture files.
 *
 *  Pictures are read one by one, put into batches of at most the first checkpoint's eval.batch, and
 * answered in the order in which they came, by all threads; memory does not grow with their number. Neither
 * batches nor threads can change an answer. Nothing is collective, and MPI is not needed. */
#ifndef LOCKSTEP_PREDICT_H
#define LOCKSTEP_PREDICT_H

#include <stdbool.h>
#include <stdint.h>
#include "lockstep/config.h"
#include "lockstep/model_data.h"
#include "lockstep/picture.h"
#include "lockstep/public.h"
#include "lockstep/status.h"

LKS_PUBLIC_BEGIN

/** What was done to a picture. */
typedef enum lks_prepared {
    LKS_PREPARED_NONE, /**< its values are what the network saw */
    LKS_PREPARED_FIT,
    LKS_PREPARED_MNIST
} lks_prepared;

/** Why an answer should not be trusted: bits of lks_answer.doubt, in the order in which they are told. */
typedef enum lks_doubt {
    LKS_DOUBT_BLANK,      /**< nothing is to be seen on the picture */
    LKS_DOUBT_CONFIDENCE, /**< lks_answer.confidence is below the threshold */
    LKS_DOUBT_PARTS,      /**< more than one part of the picture is large enough to be a digit */
    LKS_DOUBT_LESS_INK, /**< this and what follows: traits.h measures the image that the network saw, and
                               it is beyond the training images */
    LKS_DOUBT_MORE_INK,
    LKS_DOUBT_SMALL,
    LKS_DOUBT_LARGE,
    LKS_DOUBT_THIN,
    LKS_DOUBT_THICK,
    LKS_DOUBT_PLACE,    /**< of several digits: where it begins and ends may be otherwise */
    LKS_DOUBT_UNSTEADY, /**< moved by a pixel the picture would be answered less surely: LKS_STEADY */
    LKS_DOUBTS
} lks_doubt;

/** An answer that is less sure than this should not be trusted, where nothing else is said. */
#define LKS_UNSURE_BELOW 0.8

/** The digit of a picture that is larger than the network's images, and was centred as MNIST's, is wrong more often, and
 * then often sure. Moved by one pixel, it is not: five looks (as it is, and moved up, down, left and right) give the
 * answer a mean probability of less than this, at LKS_STEADY_TEMPERATURE times the network's temperature. Softened so,
 * the looks tell more than their maxima (Liang, Li, Srikant: Enhancing the reliability of out-of-distribution image
 * detection in neural networks, ICLR 2018). On pictures made of training images that were held out, it finds 88 in 100
 * wrong answers where 1.8 in 100 right ones are marked, and confidence alone 76; on those of test images 80, and 2.9.
 * Answers that are surer than LKS_STEADY_SURE are not looked at again: 1 in 100 of the wrong ones is. */
#define LKS_STEADY             0.48
#define LKS_STEADY_TEMPERATURE 3
#define LKS_STEADY_SURE        0.99

/** "blank", "low confidence", ...: for people and for scripts. */
const char *lks_doubt_name(lks_doubt doubt);

/** What the command line says. Strings are borrowed. */
typedef struct lks_predict_options {
    const char *const *checkpoints; /**< [n_checkpoints], as in lks_eval_options; of several the
                                       probabilities are averaged */
    int n_checkpoints;
    const char *const *sets; /**< overrides of their configurations: data.class_names, ... */
    int n_sets;
    int threads;                  /**< 0: the cores that the process may use */
    int shifts;                   /**< as in lks_eval_options */
    double unsure_below;          /**< a less sure answer is doubtful; 0: none is for that */
    lks_pictures_config pictures; /**< AUTO: as the first checkpoint's configuration has it */
    bool segment;                 /**< pictures have several digits: lks_answer.place */
} lks_predict_options;

/** A rectangle of a picture's pixels. */
typedef struct lks_box {
    int row, column, rows, columns;
} lks_box;

/** Where a digit stands among those of its picture, which are answered one after another in reading order. */
typedef struct lks_place {
    lks_box box;       /**< in the picture as lks_picture_read() gives it */
    int line, place;   /**< from 0: from top to bottom, from left to right */
    int digits, lines; /**< how many digits the line has, and the picture lines */
    const int *number; /**< [digits] the classes of the whole line */
    double certainty; /**< probability, by the rule that chose among cuts, that this is one digit */
    const lks_picture *picture; /**< all of it */
} lks_place;

/** One image, answered. All arrays are borrowed and last during the call. */
typedef struct lks_answer {
    const char *file;
    int64_t index; /**< in an IDX file; -1: the file is the picture */
    lks_prepared prepared;
    const uint8_t *pixels; /**< [rows][columns][channels] what the network saw */
    int predicted;
    const double *probabilities; /**< [classes] */
    unsigned doubt;              /**< bit 1 << k for lks_doubt k; 0: the answer can be trusted */
    double
        confidence; /**< how sure the answer is: its probability at the checkpoint's temperature, or, where
                            lks_predictor_uncalibrated() tells why not, at what networks trained with as much
                            label smoothing ask for: 1 without it */
    const lks_place *place; /**< NULL: the picture is one digit */
} lks_answer;

/** Called for every answer, in order. */
typedef void (*lks_on_answer)(void *context, const lks_answer *answer);

typedef struct lks_predictor lks_predictor;

/** Reads the checkpoints. Owned by the caller (lks_predictor_free()). LKS_ERR_USAGE if the way of
 * preparing does not suit the network, LKS_ERR_IO, LKS_ERR_FORMAT or
 * LKS_ERR_MISMATCH naming a checkpoint, else as lks_model_create(). */
lks_status lks_predictor_open(lks_predictor **predictor, const lks_predict_options *options,
                              lks_on_answer on_answer, void *context, lks_error *err);
void lks_predictor_free(lks_predictor *predictor);

/** An image as the network sees it, the number of classes, and their names, if they have any. */
lks_shape lks_predictor_shape(const lks_predictor *predictor);
int lks_predictor_classes(const lks_predictor *predictor);
const lks_data_config *lks_predictor_data(const lks_predictor *predictor);

/** Why confidence is not calibrated, in words; NULL where it is: one network looks once, and its checkpoint has
 * a temperature. */
const char *lks_predictor_uncalibrated(const lks_predictor *predictor);

/** With lks_predict_options.segment: whether a picture was read on which no digit was found, so that it has no
 * answer that could be doubtful. */
bool lks_predictor_found_none(const lks_predictor *predictor);

/** Reads @p path, which must last until it is answered: a picture as lks_picture_read(), or all images
 * of an IDX file, plain or .gz, with data.transpose applied as in training. Answers come when a batch is
 * full, and always before a failure is reported. A picture on which nothing is to be seen is warned of,
 * and answered. With lks_predict_options.segment the digits of a picture are found and answered, none at all where
 * there are none, which is warned of. LKS_ERR_DATA names a file that cannot be read, and why; others may follow. */
lks_status lks_predictor_read(lks_predictor *predictor, const char *path, lks_error *err);

/** The same of a picture in memory, which stays the caller's: @p name, which must last until it is answered, is
 * lks_answer.file. Rows, columns and pixels are as lks_picture_read() gives them: bytes [rows][columns][channels].
 * LKS_ERR_USAGE where that is no picture, LKS_ERR_DATA where the network takes none, LKS_ERR_MEMORY, and as
 * lks_predictor_flush(). */
lks_status lks_predictor_show(lks_predictor *predictor, const lks_picture *picture,
                              const char *name, lks_error *err);

/** Called for every file that cannot be read, in order with the answers; false: no more is read. */
typedef bool (*lks_on_failure)(void *context, lks_status status, const lks_error *err);

/** lks_predictor_read() of each of @p n files, which all threads decode; with lks_predict_options.segment one after the
 * other. False if @p failed said so. */
bool lks_predictor_read_all(lks_predictor *predictor, const char *const *paths, int n,
                            lks_on_failure failed, void *context);

/** Answers what is still unanswered. LKS_ERR_NUMERIC, which lks_predictor_read() may return too: the networks'
 * probabilities are no numbers, and nothing is answered. */
lks_status lks_predictor_flush(lks_predictor *predictor, lks_error *err);

LKS_PUBLIC_END

#endif

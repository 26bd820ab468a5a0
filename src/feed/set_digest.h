/* What a set of labelled images is, block by block, so that ranks can check their shares of it; and the file that
 * keeps it, beside the images: NAME.digest.
 *
 *     lockstep-digest 1
 *     2000 images of 28 x 28 x 1 in blocks of 1000
 *     labels train-labels-idx1-ubyte
 *     0 <64 hexadecimal digits>
 *     1000 <64 hexadecimal digits>
 *     total <64 hexadecimal digits>
 *     sha256 <of all that stands before this line>
 *
 * Of each image the SHA-256 of its number (64 bits, little-endian), label and pixels ([row][column][channel]) is
 * taken as four 64-bit words, big-endian; a block's digits are the sums of these words modulo 2^64, and the total is the
 * sum over all. The labels' name tells which labels the digests are of: a set may have others, too. The order of adding does not matter, so ranks whose shares cut a block add up theirs. Labels and
 * pixels are those of the file, whatever data.transpose and data.label_offset make of them: without these, the total
 * is the digest that `train` prints. */
#ifndef LKS_FEED_SET_DIGEST_H
#define LKS_FEED_SET_DIGEST_H

#include "feed/image_file.h"

#define LKS_DIGEST_BLOCK 1000 /* images */

typedef struct lks_digest_words {
    uint64_t of[4];
} lks_digest_words;

/* 64 digits and the terminating zero. */
typedef char lks_digest_text[65];

/* Adds an image's words to *sum. LKS_ERR_MEMORY. */
lks_status lks_digest_words_add(lks_digest_words *sum, int64_t id, uint8_t label,
                                const uint8_t *pixels, size_t bytes, lks_error *err);
void lks_digest_words_print(const lks_digest_words *words, lks_digest_text text);

typedef struct lks_set_digest {
    int64_t count;
    int rows, columns, channels; /* of an image as it is stored */
    char labels[LKS_PATH_MAX];   /* name of their file, without folder and .gz */
    int64_t n_blocks;
    lks_digest_words *blocks; /* [n_blocks] sums of what was added so far */
} lks_set_digest;

/* Room for `count` images of `shape`, with labels of the file `labels`; nothing added. LKS_ERR_MEMORY. Freed by
 * lks_set_digest_free(). */
lks_status lks_set_digest_start(lks_set_digest *d, int64_t count, const int shape[3],
                                const char *labels, lks_error *err);

/* The same for the set in @p f, as it is stored. */
lks_status lks_set_digest_start_for(lks_set_digest *d, const lks_image_file *f, lks_error *err);
lks_status lks_set_digest_add(lks_set_digest *d, int64_t id, uint8_t label, const uint8_t *pixels,
                              lks_error *err);

/* Adds images [first, first + n) of @p f: these `images` and their `labels` as they were handed out. */
lks_status lks_set_digest_add_images(lks_set_digest *d, const lks_image_file *f, int64_t first,
                                     int64_t n, const uint8_t *images, const uint8_t *labels,
                                     lks_error *err);
lks_digest_words lks_set_digest_total(const lks_set_digest *d);
void lks_set_digest_free(lks_set_digest *d);

/* Path of the file: that of the images without .gz, and ".digest". LKS_ERR_DATA where it is too long. */
lks_status lks_set_digest_path(const char *images, char path[LKS_PATH_MAX], lks_error *err);

/* The file's text, freed by lks_free(); NULL with @p err filled. */
char *lks_set_digest_write(const lks_set_digest *d, lks_error *err);

/* Reads the file, whose seal must hold. *found is false, with LKS_OK, where there is none. LKS_ERR_DATA names what is
 * wrong with it. Freed by lks_set_digest_free(). */
lks_status lks_set_digest_read(lks_set_digest *d, const char *path, bool *found, lks_error *err);

#endif

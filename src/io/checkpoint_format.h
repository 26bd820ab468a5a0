/** @file checkpoint_format.h  What the files of src/io share about the inside of a checkpoint. */
#ifndef LKS_IO_CHECKPOINT_FORMAT_H
#define LKS_IO_CHECKPOINT_FORMAT_H

#include "io/h5/h5.h"
#include "io/checkpoint.h"

/** A scalar member of lks_checkpoint and the attribute it becomes. */
typedef struct lks_field {
    const char *object, *name;
    lks_h5_type type;
    size_t offset; /**< in lks_checkpoint */
    size_t size;   /**< of the member: the room of a text */
    bool optional; /**< absent where the number is 0: in files of earlier versions too */
} lks_field;

extern const lks_field lks_checkpoint_fields[];
extern const int lks_n_checkpoint_fields;

/** Values of mean[] and std[] that a data set with that many channels uses. */
int lks_stored_channels(int channels);

/** "/model/conv1/weight" */
void lks_tensor_path(char path[160], const lks_flat *flat, const lks_tensor *tensor);

/* --- the seal --------------------------------------------------------------------------------- */

/** The first 512 bytes are HDF5's user block, which HDF5 itself never looks at. It holds three
 * lines of text: the format, the length of the file and the SHA-256 of everything behind the block;
 * zeros follow. So a damaged or cut file is known before HDF5 parses it, whatever byte was hit, and
 *  `head -3 FILE` shows what the file is. */
#define LKS_SEAL_SIZE 512

/** Writes the seal into the first bytes of @p file (its @p size at least LKS_SEAL_SIZE). */
lks_status lks_seal_write(unsigned char *file, size_t size, lks_error *err);

/** Checks, before the rest is read, that @p seal speaks of a file of this format and of @p size
 * bytes. */
lks_status lks_seal_check_header(const char *path, const unsigned char seal[LKS_SEAL_SIZE],
                                 size_t size, lks_error *err);

/** Checks the whole file against its seal. */
lks_status lks_seal_check(const char *path, const unsigned char *file, size_t size, lks_error *err);

/** What lks_checkpoint_read() gets from a whole file in memory, with HDF5's own checksums but without the seal
 * and the digests. @p own: this process made the bytes. On failure @p c needs no freeing. */
lks_status lks_checkpoint_parse(const char *path, const unsigned char *bytes, size_t size, bool own,
                                int numerics, lks_checkpoint *c, lks_error *err);

#endif
